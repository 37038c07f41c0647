#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aws/gen/s3.hpp"
#include "aws/local_calls.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "domain/change_feed.hpp"
#include "domain/change_follower.hpp"
#include "domain/delivery_queue.hpp"
#include "domain/objects/object_store.hpp"
#include "services/events/dispatcher.hpp"
#include "services/notifications/messages.hpp"
#include "storage/store.hpp"

namespace likeness::notifications {

/// Tells functions, queues, topics and the default event bus of the changes of buckets. What is to be sent and how
/// far the feed of changes was followed are one commit, so a crash loses nothing. Messages are then sent by the threads
/// of the queue of deliveries.
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
  Result<void> tell(const std::vector<domain::Change>& changes, std::uint64_t next);
  Result<void> flush(Batch& batch, std::uint64_t position);
  domain::Verdict attempt(const domain::Delivery& delivery);
  Result<void> send(const std::string& arn, const std::string& bucket, const std::string& message, bool only_try) const;

  Parts parts_;
  std::unique_ptr<domain::DeliveryQueue> queue_;
  std::unique_ptr<domain::ChangeFollower> follower_;
};

}  // namespace likeness::notifications
