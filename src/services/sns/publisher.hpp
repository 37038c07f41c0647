#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "domain/delivery_queue.hpp"
#include "domain/key_latches.hpp"
#include "domain/metrics/recorder.hpp"
#include "domain/queues/deduplication.hpp"
#include "domain/queues/sequences.hpp"
#include "domain/topics/topics.hpp"
#include "services/sns/deliveries.hpp"
#include "storage/store.hpp"

namespace likeness::sns {

struct Published {
  std::string id;
  std::string sequence;  // FIFO only
};

/// Takes what is published and puts it, for every subscription that it is for, on the way: in one commit (for each
/// eighty of them), so that what was acknowledged arrives whatever crashes. Thread-safe; blocks for the store.
class Publisher {
 public:
  static Result<std::unique_ptr<Publisher>> open(storage::Store& store, const Clock& clock, topics::Topics& topics,
                                                 Deliveries& deliveries, metrics::Recorder* metrics);

  void start();
  void stop();

  Result<Published> publish(const topics::Topic& topic, topics::Publication publication);
  Result<Published> publish_to_phone(const std::string& number, topics::Publication publication);
  /// Asks whoever is at the endpoint to confirm.
  Result<void> ask_confirmation(const topics::Subscription& subscription);

 private:
  Publisher(storage::Store& store, const Clock& clock, topics::Topics& topics, metrics::Recorder* metrics)
      : store_(store), clock_(clock), topics_(topics), metrics_(metrics), deduplication_(store), sequences_(0) {}
  Result<void> send(const topics::Topic& topic, const topics::Notification& notification,
                    std::vector<storage::Write> writes);
  void count(const topics::Topic& topic, std::string_view metric, double value,
             metrics::Unit unit = metrics::Unit::Count) const;

  storage::Store& store_;
  const Clock& clock_;
  topics::Topics& topics_;
  metrics::Recorder* const metrics_;
  queues::Deduplication deduplication_;
  queues::Sequences sequences_;
  domain::KeyLatches publishing_;  // deduplication ids
  std::unique_ptr<domain::DeliveryQueue> unordered_;
  std::unique_ptr<domain::DeliveryQueue> ordered_;  // of FIFO topics: one at a time to each subscription
};

}  // namespace likeness::sns
