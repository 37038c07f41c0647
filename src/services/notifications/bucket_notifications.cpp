#include "services/notifications/bucket_notifications.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "aws/exceptions.hpp"
#include "aws/gen/lambda.hpp"
#include "aws/gen/sns.hpp"
#include "aws/gen/sqs.hpp"
#include "base/bytes.hpp"
#include "base/log.hpp"
#include "domain/record.hpp"
#include "policy/principal.hpp"
#include "services/s3/notifications.hpp"

namespace likeness::notifications {

namespace {

using std::chrono::seconds;

constexpr std::string_view kService = "s3.amazonaws.com";
constexpr std::size_t kWritesAtOnce = 60;  // besides those of EventBridge
constexpr std::size_t kEventsAtOnce = 30;
constexpr seconds kLongestPause{300};
constexpr std::chrono::hours kOldest{24};
constexpr std::uint8_t kArn = 1, kBucket = 2, kMessage = 3;

std::string bucket_arn(std::string_view bucket) { return fmt::format("arn:aws:s3:::{}", bucket); }

std::string encode(const std::string& arn, const std::string& bucket, const std::string& message) {
  domain::RecordWriter writer;
  writer.text(kArn, arn);
  writer.text(kBucket, bucket);
  writer.text(kMessage, message);
  return writer.take();
}

/// AWS's word for what is wrong with a target that takes no message. Whether it is there is asked on behalf of the
/// account: S3 may be denied what is missing as well as what is closed to it.
std::string reason_of(const aws::LocalCalls& calls, const std::string& account, const std::string& arn) {
  const std::string_view service = eventbridge::arn_part(arn, 2);
  if (service == "lambda") return fmt::format("Not authorized to invoke function [{}]", arn);
  const aws::LocalCaller owner{.principal = policy::Principal::root(account)};
  const std::string_view what = service == "sqs" ? "queue" : "topic";
  bool there = false;
  if (service == "sqs") {
    there = calls.call<aws::sqs::GetQueueUrl>(owner, {.queue_name = std::string(eventbridge::arn_part(arn, 5))})
                .has_value();
  } else {
    there = calls.call<aws::sns::GetTopicAttributes>(owner, {.topic_arn = arn}).has_value();
  }
  if (!there) return fmt::format("The destination {} does not exist", what);
  return fmt::format("Permissions on the destination {} do not allow S3 to publish notifications from this bucket",
                     what);
}

}  // namespace

/// What follows from some changes, not committed yet.
struct BucketNotifications::Batch {
  std::vector<domain::DeliveryQueue::Ticket> tickets;
  std::vector<eventbridge::Event> events;

  bool empty() const { return tickets.empty() && events.empty(); }
};

Result<std::unique_ptr<BucketNotifications>> BucketNotifications::open(const Parts& parts) {
  auto made = std::unique_ptr<BucketNotifications>(new BucketNotifications(parts));
  auto queue = domain::DeliveryQueue::open(
      parts.store, "s3-notifications", parts.clock, {},
      [self = made.get()](const domain::Delivery& delivery) { return self->attempt(delivery); });
  if (!queue) return fail(queue);
  made->queue_ = std::move(*queue);
  auto follower = domain::ChangeFollower::open(
      {parts.store, parts.feed, "notifications", "s3", "notifications: the changes of buckets wait"});
  if (!follower) return fail(follower);
  made->follower_ = std::move(*follower);
  return made;
}

void BucketNotifications::start() {
  queue_->start();
  follower_->start([this](const auto& changes, auto next) { return tell(changes, next); });
}

void BucketNotifications::stop() {
  if (follower_) follower_->stop();
  if (queue_) queue_->stop();
}

Result<void> BucketNotifications::tell(const std::vector<domain::Change>& changes, std::uint64_t next) {
  std::map<std::string, std::optional<aws::s3::NotificationConfiguration>> known;
  Batch batch;
  for (const auto& change : changes) {
    auto at = known.find(change.resource);
    if (at == known.end()) {
      const auto bucket = parts_.objects.buckets.get(change.resource);
      // A bucket that is gone tells nobody.
      at = known.emplace(change.resource, bucket ? s3::notifications_of(*bucket) : std::nullopt).first;
    }
    if (!at->second) continue;
    auto object = objects::decode_object_change(change.body);
    if (!object) {
      log::error("notifications: {}", object.error().message);
      continue;
    }
    const Told told{.position = change.position,
                    .time = change.time,
                    .kind = change.kind,
                    .bucket = change.resource,
                    .change = std::move(*object)};
    for (const auto& target : interested_in(told, *at->second))
      batch.tickets.push_back(queue_->begin(
          {.lane = target.arn, .body = encode(target.arn, told.bucket, records_message(told, target.id))}));
    if (at->second->event_bridge_configuration) {
      const BusEvent made = bus_event(told);
      if (!made.detail.empty()) {
        eventbridge::Event event{.bus = "default", .id = uuid_v4(), .json = {}, .time = told.time};
        event.json = eventbridge::event_json({.id = event.id,
                                              .detail_type = made.detail_type,
                                              .source = "aws.s3",
                                              .time = told.time,
                                              .resources = {bucket_arn(told.bucket)}},
                                             parts_.account, parts_.region, made.detail);
        batch.events.push_back(std::move(event));
      }
    }
    if (batch.tickets.size() >= kWritesAtOnce || batch.events.size() >= kEventsAtOnce)
      if (auto done = flush(batch, change.position + 1); !done) return done;
  }
  return batch.empty() ? Result<void>() : flush(batch, next);
}

Result<void> BucketNotifications::flush(Batch& batch, std::uint64_t position) {
  std::vector<storage::Write> writes;
  writes.reserve(batch.tickets.size() + 1);
  for (const auto& ticket : batch.tickets) writes.push_back(ticket.write());
  writes.push_back(follower_->write_of(position));
  if (auto done = parts_.dispatcher.publish(batch.events, std::move(writes)); !done) return done;
  for (auto& ticket : batch.tickets) ticket.committed();
  batch = Batch();
  follower_->committed(position);
  return {};
}

Result<void> BucketNotifications::send(const std::string& arn, const std::string& bucket, const std::string& message,
                                       bool only_try) const {
  const auto caller = aws::service_caller(std::string(kService), bucket_arn(bucket), parts_.account);
  const std::string_view service = eventbridge::arn_part(arn, 2);
  if (service == "lambda") {
    const auto bytes = as_bytes(message);
    aws::lambda::InvocationRequest in{.function_name = arn, .invocation_type = aws::lambda::InvocationType::Event};
    if (only_try)
      in.invocation_type = aws::lambda::InvocationType::DryRun;
    else
      in.payload = Bytes(bytes.begin(), bytes.end());
    auto done = parts_.calls.call<aws::lambda::Invoke>(caller, in);
    if (!done) return fail(done);
    return {};
  }
  if (service == "sns") {
    auto done = parts_.calls.call<aws::sns::Publish>(
        caller, {.topic_arn = arn, .message = message, .subject = "Amazon S3 Notification"});
    if (!done) return fail(done);
    return {};
  }
  auto done = parts_.calls.call<aws::sqs::SendMessage>(
      caller, {.queue_url = eventbridge::queue_url(arn), .message_body = message});
  if (!done) return fail(done);
  return {};
}

domain::Verdict BucketNotifications::attempt(const domain::Delivery& delivery) {
  std::string arn, bucket, message;
  domain::RecordReader reader(delivery.body);
  while (reader.next()) {
    switch (reader.field()) {
      case kArn: arn = reader.text(); break;
      case kBucket: bucket = reader.text(); break;
      case kMessage: message = reader.text(); break;
      default: break;
    }
  }
  const auto sent = send(arn, bucket, message, false);
  if (sent) return domain::Verdict::done();
  const TimePoint now = parts_.clock.now();
  if (eventbridge::is_permanent(sent.error()) || now - delivery.created > kOldest) {
    log::warn("notifications: bucket {} could not tell {}: {}: {}", bucket, arn, sent.error().code,
              sent.error().message);
    return domain::Verdict::done();
  }
  return domain::Verdict::retry(now + std::min(kLongestPause, seconds(1 << std::min(delivery.attempts, 9))));
}

Result<void> BucketNotifications::check(const objects::Bucket& bucket,
                                        const aws::s3::NotificationConfiguration& wanted) const {
  const std::string message = test_message(bucket.name, parts_.clock.now(), uuid_v4());
  std::vector<std::pair<std::string, std::string>> problems;
  const auto attempt_all = [&](const auto& targets, auto arn_of) {
    if (!targets) return;
    for (const auto& target : *targets) {
      const std::string arn = arn_of(target).value_or("");
      if (arn.ends_with(".fifo")) {
        problems.emplace_back(arn, "S3 does not send notifications to FIFO queues and topics");
        continue;
      }
      const auto sent = send(arn, bucket.name, message, true);
      if (!sent) problems.emplace_back(arn, reason_of(parts_.calls, parts_.account, arn));
    }
  };
  attempt_all(wanted.lambda_function_configurations, [](const auto& target) { return target.lambda_function_arn; });
  attempt_all(wanted.queue_configurations, [](const auto& target) { return target.queue_arn; });
  attempt_all(wanted.topic_configurations, [](const auto& target) { return target.topic_arn; });
  if (problems.empty()) return {};
  std::vector<std::pair<std::string, std::string>> elements;
  for (std::size_t i = 0; i < problems.size(); ++i) {
    elements.emplace_back(fmt::format("ArgumentName{}", i + 1), problems[i].first);
    elements.emplace_back(fmt::format("ArgumentValue{}", i + 1), problems[i].second);
  }
  return aws::http_error(400, "InvalidArgument", "Unable to validate the following destination configurations",
                         std::move(elements));
}

}  // namespace likeness::notifications
