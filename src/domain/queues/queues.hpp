#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "domain/key_latches.hpp"
#include "domain/metrics/recorder.hpp"
#include "domain/queues/move_tasks.hpp"
#include "domain/queues/queue.hpp"
#include "domain/queues/receipts.hpp"
#include "domain/queues/settings.hpp"
#include "storage/store.hpp"

namespace likeness::queues {

struct QueuesOptions {
  std::string account = "000000000000";
  std::string region = "us-east-1";
  /// How long the name of a deleted queue cannot be used, and how long after a purge there is no other.
  std::chrono::seconds rest{60};
  metrics::Recorder* metrics = nullptr;  // may be null
};

/// All queues of an account. Opened queues stay in memory with little of what they hold. Thread-safe; calls block for
/// the store. Errors are SQS's.
class Queues {
 public:
  static Result<std::unique_ptr<Queues>> open(storage::Store& store, const Clock& clock, QueuesOptions options);
  ~Queues();

  Result<std::shared_ptr<Queue>> create(const std::string& name, const AttributeTexts& attributes,
                                        const std::map<std::string, std::string>& tags);
  Result<void> remove(const std::string& name);
  Result<std::shared_ptr<Queue>> find(std::string_view name) const;
  std::shared_ptr<Queue> find_arn(std::string_view arn) const;
  /// In the order of their names.
  std::vector<std::shared_ptr<Queue>> list(std::string_view prefix) const;
  /// Names of the queues whose dead letters go to that one, in order.
  std::vector<std::string> sources_of(std::string_view arn) const;

  Result<void> set_attributes(const std::string& name, const AttributeTexts& attributes);
  Result<void> tag(const std::string& name, const std::map<std::string, std::string>& tags);
  Result<void> untag(const std::string& name, const std::vector<std::string>& keys);
  Result<void> purge(const std::string& name);

  MoveTasks& move_tasks() { return *tasks_; }

  /// What has to be done now and then: old messages, remains of deleted queues, tasks that move messages. The
  /// chores of `upkeep.hpp` call it.
  Result<void> tend();
  /// Records how many messages the queues hold; once a minute.
  void measure();
  /// Ends every wait for messages.
  void stop();

  std::string arn_of(std::string_view name) const;

 private:
  Queues(storage::Store& store, const Clock& clock, QueuesOptions options, Receipts receipts);
  Result<void> load();
  Result<Settings> checked(const std::string& name, const Settings& from, const AttributeTexts& changes,
                           bool creating) const;
  Result<void> update(const std::string& name, const Queue::Change& change);
  Result<void> erase_remains();

  storage::Store& store_;
  const QueuesOptions options_;
  const Receipts receipts_;
  mutable Surroundings around_;
  std::unique_ptr<MoveTasks> tasks_;

  domain::KeyLatches changing_;  // names
  mutable std::shared_mutex mutex_;
  std::map<std::string, std::shared_ptr<Queue>, std::less<>> queues_;
  std::map<std::string, Millis> deleted_;  // name -> when
  std::map<std::string, Millis> purged_;
};

}  // namespace likeness::queues
