#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "aws/gen/s3.hpp"
#include "aws/local_calls.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "domain/change_feed.hpp"
#include "domain/delivery_queue.hpp"
#include "domain/objects/object_store.hpp"
#include "services/events/dispatcher.hpp"
#include "services/notifications/messages.hpp"
#include "storage/store.hpp"

namespace likeness::notifications {

/// Tells functions, queues, topics and the default event bus of the changes of buckets. One thread follows the feed of
/// changes: what is to be sent and how far it has read are one commit, so a crash loses nothing, and the feed is
/// trimmed behind it. Messages are then sent by the threads of the queue of deliveries.
class BucketNotifications {
 public:
  struct Parts {
    storage::Store& store;
    objects::ObjectStore& objects;
    domain::ChangeFeed& feed;
    eventbridge::Dispatcher& dispatcher;
    const aws::LocalCalls& calls;
    const Clock& clock;
    std::string account;
    std::string region;
  };

  static Result<std::unique_ptr<BucketNotifications>> open(const Parts& parts);
  ~BucketNotifications() { stop(); }
  BucketNotifications(const BucketNotifications&) = delete;
  BucketNotifications& operator=(const BucketNotifications&) = delete;

  void start();
  void stop();

  /// Whether all targets take messages of the bucket; queues and topics are sent one. Error: InvalidArgument that names
  /// those that do not.
  Result<void> check(const objects::Bucket& bucket, const aws::s3::NotificationConfiguration& wanted) const;

 private:
  explicit BucketNotifications(const Parts& parts) : parts_(parts) {}

  struct Batch;
  void run();
  Result<void> tell(const std::vector<domain::Change>& changes, std::uint64_t next);
  Result<void> flush(Batch& batch, std::uint64_t position);
  Result<void> keep_position();
  domain::Verdict attempt(const domain::Delivery& delivery);
  Result<void> send(const std::string& arn, const std::string& bucket, const std::string& message, bool only_try) const;

  Parts parts_;
  std::unique_ptr<domain::DeliveryQueue> queue_;
  std::uint64_t position_ = 0;  // of the next entry to be read
  std::uint64_t kept_ = 0;      // on disk
  TimePoint last_kept_{};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace likeness::notifications
