#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "aws/local_calls.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "domain/delivery_queue.hpp"
#include "domain/metrics/recorder.hpp"
#include "domain/topics/outbox.hpp"
#include "domain/topics/topics.hpp"
#include "net/outgoing.hpp"
#include "net/smtp.hpp"
#include "services/sns/envelope.hpp"

namespace likeness::sns {

struct DeliveryOptions {
  std::string account = "000000000000";
  std::optional<net::SmtpServer> smtp;  // without one mails go to the outbox
  std::string mail_from = "no-reply@sns.amazonaws.com";
  bool private_targets = false;  // web servers on private addresses are sent to
  std::chrono::milliseconds http_timeout{15'000};
  metrics::Recorder* metrics = nullptr;
};

/// One thing on its way to one subscriber or phone, as it is kept until it is there.
struct Parcel {
  enum class Kind { Notification, Confirmation, Phone };
  Kind kind = Kind::Notification;
  std::string to;  // ARN of the subscription, or the phone number
  topics::Notification notification;
};
std::string encode(const Parcel& parcel);
Result<Parcel> decode_parcel(std::string_view bytes);

/// Hands over what is published: to queues and functions through LocalCalls as sns.amazonaws.com (the target's policy
/// has to allow the topic), to web servers by POST, to people by mail or into the outbox. Called by the delivery
/// queue's threads; blocks.
class Deliveries {
 public:
  Deliveries(const topics::Topics& topics, const Envelopes& envelopes, const aws::LocalCalls& calls,
             topics::Outbox& outbox, const Clock& clock, DeliveryOptions options)
      : topics_(topics),
        envelopes_(envelopes),
        calls_(calls),
        outbox_(outbox),
        clock_(clock),
        options_(std::move(options)) {}

  domain::Verdict attempt(const domain::Delivery& delivery);

 private:
  /// Of an attempt that failed: whether there is sense in another.
  struct Outcome {
    bool delivered = false;
    bool again = false;
    std::string code, message;
  };

  Outcome hand_over(const Parcel& parcel, const topics::Topic& topic, const topics::Subscription& subscription);
  Outcome to_queue(const topics::Notification& notification, const topics::Topic& topic,
                   const topics::Subscription& subscription);
  Outcome to_function(const topics::Notification& notification, const topics::Topic& topic,
                      const topics::Subscription& subscription);
  Outcome to_web(const Parcel& parcel, const topics::Topic& topic, const topics::Subscription& subscription);
  Outcome to_mailbox(const Parcel& parcel, const topics::Topic& topic, const topics::Subscription& subscription);
  Outcome to_phone(const std::string& number, const topics::Notification& notification);
  Outcome send_to_queue(const std::string& queue_arn, const std::string& topic_arn, const std::string& body,
                        queues::Attributes attributes, const std::optional<std::string>& group,
                        const std::optional<std::string>& deduplication);
  Outcome outcome_of(const Error& error) const;
  void bury(const Parcel& parcel, const topics::Topic& topic, const topics::Subscription& subscription,
            const Outcome& outcome);
  void count(const topics::Topic& topic, std::string_view metric) const;

  const topics::Topics& topics_;
  const Envelopes& envelopes_;
  const aws::LocalCalls& calls_;
  topics::Outbox& outbox_;
  const Clock& clock_;
  const DeliveryOptions options_;
};

/// How often and when a web server is tried again: of a DeliveryPolicy, or AWS's default.
struct RetryPolicy {
  int retries = 3;
  std::chrono::seconds least{20}, most{20};
  int without_delay = 0, at_least = 0, at_most = 0;  // retries of the phases around the back-off
  std::string backoff = "linear";
  std::string content_type = "text/plain; charset=UTF-8";

  /// Of the subscription, else of the topic.
  static RetryPolicy of(const topics::Topic& topic, const topics::Subscription& subscription);
  std::chrono::milliseconds delay(int attempt) const;  // before retry number `attempt`, from 1
};

}  // namespace likeness::sns
