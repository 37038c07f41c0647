#include "services/sns/deliveries.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "aws/gen/lambda.hpp"
#include "aws/gen/sqs.hpp"
#include "base/bytes.hpp"
#include "base/log.hpp"
#include "domain/record.hpp"
#include "policy/text.hpp"
#include "services/sns/mails.hpp"

namespace likeness::sns {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr const char* kPrincipal = "sns.amazonaws.com";
/// Of what is inside this server, and of mail servers, as long as they are not there: AWS tries for 23 days.
constexpr auto kLongest = std::chrono::hours(24 * 23);
constexpr auto kMailLongest = std::chrono::hours(24);

// Fields of the record.
constexpr std::uint8_t kKind = 1;
constexpr std::uint8_t kTo = 2;
constexpr std::uint8_t kNotification = 3;

}  // namespace

std::string encode(const Parcel& parcel) {
  domain::RecordWriter out;
  out.number(kKind, static_cast<std::uint64_t>(parcel.kind));
  out.text(kTo, parcel.to);
  out.text(kNotification, topics::encode(parcel.notification));
  return out.take();
}

Result<Parcel> decode_parcel(std::string_view bytes) {
  Parcel parcel;
  domain::RecordReader in(bytes);
  while (in.next()) switch (in.field()) {
      case kKind: parcel.kind = static_cast<Parcel::Kind>(std::min<std::uint64_t>(in.number(), 2)); break;
      case kTo: parcel.to = in.text(); break;
      case kNotification: {
        auto notification = topics::decode_notification(in.text());
        if (!notification) return fail(notification);
        parcel.notification = std::move(*notification);
        break;
      }
      default: break;
    }
  if (!in.ok()) return server_error("InternalErrorException", "A stored notification is damaged.");
  return parcel;
}

void Deliveries::count(const topics::Topic& topic, std::string_view metric) const {
  if (options_.metrics != nullptr)
    options_.metrics->record("AWS/SNS", metric, {{"TopicName", topic.name}}, 1, metrics::Unit::Count);
}

domain::Verdict Deliveries::attempt(const domain::Delivery& delivery) {
  const auto parcel = decode_parcel(delivery.body);
  if (!parcel) {
    log::error("a notification is dropped: {}", parcel.error().message);
    return domain::Verdict::done();
  }
  if (parcel->kind == Parcel::Kind::Phone) {
    const auto outcome = to_phone(parcel->to, parcel->notification);
    return outcome.delivered ? domain::Verdict::done() : domain::Verdict::retry(clock_.now() + minutes(1));
  }
  const auto subscription = topics_.find_subscription(parcel->to);
  if (!subscription) return domain::Verdict::done();  // nobody waits for it any more
  const auto topic = topics_.find((*subscription)->topic_arn);
  if (!topic || (parcel->kind == Parcel::Kind::Confirmation && (*subscription)->confirmed))
    return domain::Verdict::done();

  const auto outcome = hand_over(*parcel, **topic, **subscription);
  if (outcome.delivered) {
    count(**topic, "NumberOfNotificationsDelivered");
    return domain::Verdict::done();
  }
  const auto& protocol = (*subscription)->protocol;
  const auto now = clock_.now();
  const int attempt = delivery.attempts + 1;
  if (outcome.again) {
    if (protocol.starts_with("http")) {
      const auto policy = RetryPolicy::of(**topic, **subscription);
      if (attempt <= policy.retries) return domain::Verdict::retry(now + policy.delay(attempt));
    } else if (now - delivery.created < (protocol.starts_with("email") ? kMailLongest : kLongest)) {
      return domain::Verdict::retry(now +
                                    std::min<std::chrono::seconds>(seconds(1LL << std::min(attempt, 12)), minutes(20)));
    }
  }
  count(**topic, "NumberOfNotificationsFailed");
  log::warn("a notification of {} did not reach {} ({} {}): {}", (*topic)->arn, parcel->to, protocol, outcome.code,
            outcome.message);
  bury(*parcel, **topic, **subscription, outcome);
  return domain::Verdict::done();
}

Deliveries::Outcome Deliveries::hand_over(const Parcel& parcel, const topics::Topic& topic,
                                          const topics::Subscription& subscription) {
  const auto& protocol = subscription.protocol;
  if (protocol == "sqs") return to_queue(parcel.notification, topic, subscription);
  if (protocol == "lambda") return to_function(parcel.notification, topic, subscription);
  if (protocol.starts_with("http")) return to_web(parcel, topic, subscription);
  if (protocol == "sms") return to_phone(subscription.endpoint, parcel.notification);
  return to_mailbox(parcel, topic, subscription);
}

/// What the caller has done wrong stays wrong; all else may pass.
Deliveries::Outcome Deliveries::outcome_of(const Error& error) const {
  static constexpr std::string_view kPassing[] = {"ThrottlingException", "TooManyRequestsException", "RequestThrottled",
                                                  "OverLimit", "ServiceException"};
  const bool passing = std::ranges::find(kPassing, error.code) != std::end(kPassing);
  return {.again = error.fault == Error::Fault::Server || passing, .code = error.code, .message = error.message};
}

Deliveries::Outcome Deliveries::send_to_queue(const std::string& queue_arn, const std::string& topic_arn,
                                              const std::string& body, queues::Attributes attributes,
                                              const std::optional<std::string>& group,
                                              const std::optional<std::string>& deduplication) {
  const auto parts = policy::split(queue_arn, ':', 6);
  if (parts.size() != 6) return {.code = "InvalidArn", .message = "The endpoint is no ARN of a queue."};
  aws::sqs::SendMessageRequest in;
  in.queue_url = fmt::format("http://sqs/{}/{}", parts[4], parts[5]);
  in.message_body = body;
  const bool fifo = queue_arn.ends_with(".fifo");
  if (group) in.message_group_id = group;
  if (fifo && !group) in.message_group_id = "default";
  if (fifo) in.message_deduplication_id = deduplication;
  for (auto& [name, attribute] : attributes) {
    if (!in.message_attributes) in.message_attributes.emplace();
    auto& value = (*in.message_attributes)[name];
    value.data_type = attribute.type;
    if (attribute.binary)
      value.binary_value = Bytes(attribute.value.begin(), attribute.value.end());
    else
      value.string_value = std::move(attribute.value);
  }
  const auto sent =
      calls_.call<aws::sqs::SendMessage>(aws::service_caller(kPrincipal, topic_arn, options_.account), in);
  if (!sent) return outcome_of(sent.error());
  return {.delivered = true, .code = {}, .message = {}};
}

Deliveries::Outcome Deliveries::to_queue(const topics::Notification& notification, const topics::Topic& topic,
                                         const topics::Subscription& subscription) {
  const auto& publication = notification.publication;
  const bool raw = subscription.raw();
  const auto body = raw ? notification.text_for("sqs") : envelopes_.notification(notification, topic, subscription);
  // The id of a FIFO topic's message is that of the queue's, so one delivered twice is one.
  return send_to_queue(subscription.endpoint, topic.arn, body, raw ? publication.attributes : queues::Attributes(),
                       publication.group,
                       publication.deduplication ? publication.deduplication
                                                 : std::optional(to_hex(sha256(as_bytes(publication.message)))));
}

Deliveries::Outcome Deliveries::to_function(const topics::Notification& notification, const topics::Topic& topic,
                                            const topics::Subscription& subscription) {
  aws::lambda::InvocationRequest in;
  in.function_name = subscription.endpoint;
  in.invocation_type = aws::lambda::InvocationType::Event;
  const auto event = envelopes_.function_event(notification, topic, subscription);
  in.payload = Bytes(event.begin(), event.end());
  const auto invoked =
      calls_.call<aws::lambda::Invoke>(aws::service_caller(kPrincipal, topic.arn, options_.account), in);
  if (!invoked) return outcome_of(invoked.error());
  return {.delivered = true, .code = {}, .message = {}};
}

Deliveries::Outcome Deliveries::to_web(const Parcel& parcel, const topics::Topic& topic,
                                       const topics::Subscription& subscription) {
  const auto url = net::parse_url(subscription.endpoint);
  if (!url) return {.code = url.error().code, .message = url.error().message};
  const bool confirmation = parcel.kind == Parcel::Kind::Confirmation;
  const bool raw = !confirmation && subscription.raw();
  const auto policy = RetryPolicy::of(topic, subscription);
  net::Headers headers;
  headers.set("x-amz-sns-message-type", confirmation ? "SubscriptionConfirmation" : "Notification");
  headers.set("x-amz-sns-message-id", parcel.notification.id);
  headers.set("x-amz-sns-topic-arn", topic.arn);
  if (!confirmation) headers.set("x-amz-sns-subscription-arn", subscription.arn);
  if (raw) headers.set("x-amz-sns-rawdelivery", "true");
  headers.set("Content-Type", policy.content_type);
  headers.set("User-Agent", "Amazon Simple Notification Service Agent");
  if (!url->user.empty()) headers.set("Authorization", "Basic " + to_base64(as_bytes(url->user + ":" + url->password)));
  std::string body;
  if (confirmation)
    body = envelopes_.confirmation(topic, subscription, parcel.notification.id, parcel.notification.time);
  else
    body = raw ? parcel.notification.text_for(subscription.protocol)
               : envelopes_.notification(parcel.notification, topic, subscription);
  net::OutgoingOptions options;
  options.private_addresses = options_.private_targets;
  options.io_timeout = options_.http_timeout;
  const auto answer = net::post(*url, headers, body, options);
  if (!answer)
    return {.again = answer.error().code != "AddressRefused" && answer.error().code != "InvalidHeader",
            .code = answer.error().code,
            .message = answer.error().message};
  // 2xx is taken; of the others AWS tries those again that may pass.
  if (answer->status >= 200 && answer->status < 300) return {.delivered = true, .code = {}, .message = {}};
  return {.again = answer->status >= 500 || answer->status == 429,
          .code = std::to_string(answer->status),
          .message = fmt::format("The endpoint answers with status {}.", answer->status)};
}

Deliveries::Outcome Deliveries::to_mailbox(const Parcel& parcel, const topics::Topic& topic,
                                           const topics::Subscription& subscription) {
  const auto mail = parcel.kind == Parcel::Kind::Confirmation
                        ? confirmation_mail(topic, subscription, envelopes_)
                        : notification_mail(parcel.notification, topic, subscription, envelopes_);
  if (!options_.smtp) {
    auto kept = outbox_.add({.kind = subscription.protocol,
                             .to = subscription.endpoint,
                             .subject = mail.subject,
                             .body = mail.body,
                             .topic_arn = topic.arn,
                             .links = mail.links});
    if (!kept) return {.again = true, .code = kept.error().code, .message = kept.error().message};
    return {.delivered = true, .code = {}, .message = {}};
  }
  net::OutgoingOptions options;
  options.private_addresses = true;  // the operator named the server
  const auto name =
      topic.attribute("DisplayName").empty() ? std::string("AWS Notifications") : topic.attribute("DisplayName");
  const auto sent = net::send_mail(
      *options_.smtp,
      {.from = options_.mail_from,
       .to = subscription.endpoint,
       .data = as_message(mail, name, options_.mail_from, subscription.endpoint, parcel.notification.id, clock_.now())},
      options);
  if (sent) return {.delivered = true, .code = {}, .message = {}};
  return {.again = sent.error().code != "MailRefused", .code = sent.error().code, .message = sent.error().message};
}

Deliveries::Outcome Deliveries::to_phone(const std::string& number, const topics::Notification& notification) {
  auto kept = outbox_.add({.kind = "sms",
                           .to = number,
                           .subject = {},
                           .body = notification.text_for("sms"),
                           .topic_arn = notification.topic_arn,
                           .links = {}});
  if (!kept) return {.again = true, .code = kept.error().code, .message = kept.error().message};
  return {.delivered = true, .code = {}, .message = {}};
}

/// Into the subscription's dead letter queue, if it has one.
void Deliveries::bury(const Parcel& parcel, const topics::Topic& topic, const topics::Subscription& subscription,
                      const Outcome& outcome) {
  if (subscription.dead_letter_arn.empty() || parcel.kind != Parcel::Kind::Notification) return;
  const auto& notification = parcel.notification;
  queues::Attributes attributes;
  if (subscription.raw()) attributes = notification.publication.attributes;
  attributes["ErrorCode"] = {"String", outcome.code.empty() ? "Unknown" : outcome.code, false};
  attributes["ErrorMessage"] = {"String", outcome.message.empty() ? "Unknown" : outcome.message.substr(0, 1024), false};
  attributes["RequestID"] = {"String", notification.id, false};
  while (attributes.size() > 10) attributes.erase(attributes.begin());  // what a queue takes
  const auto body = subscription.raw() ? notification.text_for(subscription.protocol)
                                       : envelopes_.notification(notification, topic, subscription);
  const auto buried = send_to_queue(subscription.dead_letter_arn, topic.arn, body, std::move(attributes),
                                    notification.publication.group, std::optional(notification.id));
  count(topic, buried.delivered ? "NumberOfNotificationsRedrivenToDlq" : "NumberOfNotificationsFailedToRedriveToDlq");
  if (!buried.delivered)
    log::error("a notification of {} is lost: its dead letter queue {} answers {}: {}", topic.arn,
               subscription.dead_letter_arn, buried.code, buried.message);
}

}  // namespace likeness::sns
