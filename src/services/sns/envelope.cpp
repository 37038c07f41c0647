#include "services/sns/envelope.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "domain/record.hpp"
#include "domain/secret.hpp"
#include "events/json_tokens.hpp"
#include "net/http.hpp"

namespace likeness::sns {
namespace {

using events::json_string;

constexpr auto kLifetime = std::chrono::hours(24 * 365 * 10);
// Fields of the record.
constexpr std::uint8_t kKey = 1;
constexpr std::uint8_t kCertificate = 2;

/// A JSON object as AWS writes its envelopes: a member a line.
class Members {
 public:
  void text(std::string_view name, std::string_view value) { raw(name, json_string(value)); }
  void raw(std::string_view name, std::string_view json) {
    out_ += out_.empty() ? "{\n" : ",\n";
    out_ += fmt::format("  \"{}\" : {}", name, json);
  }
  std::string take() { return std::move(out_) + "\n}"; }

 private:
  std::string out_;
};

std::string attributes_json(const queues::Attributes& attributes) {
  std::string out = "{";
  for (const auto& [name, attribute] : attributes) {
    if (out.size() > 1) out += ',';
    const auto value = attribute.binary ? to_base64(as_bytes(attribute.value)) : attribute.value;
    out += fmt::format("{}:{{\"Type\":{},\"Value\":{}}}", json_string(name), json_string(attribute.type),
                       json_string(value));
  }
  return out + "}";
}

/// The lines that are signed: names and values in the order of the names.
std::string lines_of(const std::vector<std::pair<std::string_view, std::string>>& parts) {
  std::string out;
  for (const auto& [name, value] : parts) {
    out += name;
    out += '\n';
    out += value;
    out += '\n';
  }
  return out;
}

std::string notification_lines(const topics::Notification& notification, const std::string& text) {
  std::vector<std::pair<std::string_view, std::string>> parts{{"Message", text}, {"MessageId", notification.id}};
  if (notification.publication.subject) parts.emplace_back("Subject", *notification.publication.subject);
  parts.emplace_back("Timestamp", timestamp(notification.time));
  parts.emplace_back("TopicArn", notification.topic_arn);
  parts.emplace_back("Type", "Notification");
  return lines_of(parts);
}

/// A key and its certificate, as they are kept.
Result<std::string> make_key() {
  auto made = SigningKey::make();
  if (!made) return fail(made);
  auto certificate = made->certificate("sns.amazonaws.com", std::chrono::system_clock::now(), kLifetime);
  if (!certificate) return fail(certificate);
  domain::RecordWriter out;
  out.text(kKey, made->pem());
  out.text(kCertificate, *certificate);
  return out.take();
}

}  // namespace

std::string timestamp(TimePoint time) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(time);
  const auto rest = std::chrono::duration_cast<std::chrono::milliseconds>(time - whole).count();
  auto text = iso8601(time);
  text.pop_back();
  return fmt::format("{}.{:03}Z", text, rest);
}

std::string confirmation_text(const topics::Topic& topic) {
  return fmt::format(
      "You have chosen to subscribe to the topic {}.\nTo confirm the subscription, visit the SubscribeURL included in "
      "this message.",
      topic.arn);
}

Result<std::unique_ptr<Signer>> Signer::open(storage::Store& store) {
  auto kept = domain::kept_value(store, "sns-signing", make_key);
  if (!kept) return fail(kept);
  std::string pem, certificate;
  domain::RecordReader in(*kept);
  while (in.next()) (in.field() == kKey ? pem : certificate) = in.text();
  auto key = SigningKey::read(pem);
  if (!key) return fail(key);
  const auto hash = to_hex(md5(as_bytes(certificate)));
  return std::unique_ptr<Signer>(
      new Signer(std::move(*key), certificate, "/_likeness/sns/SimpleNotificationService-" + hash + ".pem"));
}

std::string Signer::sign(int version, const std::string& text) const {
  return to_base64(key_.sign(version == 2 ? Digest::Kind::Sha256 : Digest::Kind::Sha1, text));
}

std::string Envelopes::confirm_link(const topics::Subscription& subscription) const {
  return fmt::format("{}/?Action=ConfirmSubscription&Version=2010-03-31&TopicArn={}&Token={}", base_(),
                     subscription.topic_arn, subscription.token);
}
std::string Envelopes::unsubscribe_link(const topics::Subscription& subscription) const {
  return fmt::format("{}/?Action=Unsubscribe&Version=2010-03-31&SubscriptionArn={}", base_(), subscription.arn);
}
std::string Envelopes::confirm_page(const topics::Subscription& subscription) const {
  return fmt::format("{}/_likeness/sns/confirm?TopicArn={}&Token={}", base_(), subscription.topic_arn,
                     subscription.token);
}
std::string Envelopes::unsubscribe_page(const topics::Subscription& subscription) const {
  return fmt::format("{}/_likeness/sns/unsubscribe?SubscriptionArn={}", base_(), subscription.arn);
}

std::string Envelopes::notification(const topics::Notification& notification, const topics::Topic& topic,
                                    const topics::Subscription& subscription) const {
  const auto& text = notification.text_for(subscription.protocol);
  const int version = topic.signature_version();
  Members members;
  members.text("Type", "Notification");
  members.text("MessageId", notification.id);
  if (!notification.sequence.empty()) members.text("SequenceNumber", notification.sequence);
  members.text("TopicArn", notification.topic_arn);
  if (notification.publication.subject) members.text("Subject", *notification.publication.subject);
  members.text("Message", text);
  members.text("Timestamp", timestamp(notification.time));
  if (!topic.fifo) {
    members.text("SignatureVersion", std::to_string(version));
    members.text("Signature", signer_.sign(version, notification_lines(notification, text)));
    members.text("SigningCertURL", base_() + signer_.certificate_path());
  }
  members.text("UnsubscribeURL", unsubscribe_link(subscription));
  if (!notification.publication.attributes.empty())
    members.raw("MessageAttributes", attributes_json(notification.publication.attributes));
  return members.take();
}

std::string Envelopes::function_event(const topics::Notification& notification, const topics::Topic& topic,
                                      const topics::Subscription& subscription) const {
  const auto& text = notification.text_for(subscription.protocol);
  const auto& subject = notification.publication.subject;
  const int version = topic.signature_version();
  return fmt::format(
      R"({{"Records":[{{"EventSource":"aws:sns","EventVersion":"1.0","EventSubscriptionArn":{},"Sns":{{"Type":"Notification",)"
      R"("MessageId":{},"TopicArn":{},"Subject":{},"Message":{},"Timestamp":{},"SignatureVersion":"{}","Signature":{},)"
      R"("SigningCertUrl":{},"UnsubscribeUrl":{},"MessageAttributes":{}}}}}]}})",
      json_string(subscription.arn), json_string(notification.id), json_string(notification.topic_arn),
      subject ? json_string(*subject) : "null", json_string(text), json_string(timestamp(notification.time)), version,
      json_string(signer_.sign(version, notification_lines(notification, text))),
      json_string(base_() + signer_.certificate_path()), json_string(unsubscribe_link(subscription)),
      attributes_json(notification.publication.attributes));
}

std::string Envelopes::confirmation(const topics::Topic& topic, const topics::Subscription& subscription,
                                    const std::string& message_id, TimePoint time) const {
  const int version = topic.signature_version();
  const auto text = confirmation_text(topic);
  const auto link = confirm_link(subscription);
  const auto signed_lines = lines_of({{"Message", text},
                                      {"MessageId", message_id},
                                      {"SubscribeURL", link},
                                      {"Timestamp", timestamp(time)},
                                      {"Token", subscription.token},
                                      {"TopicArn", topic.arn},
                                      {"Type", "SubscriptionConfirmation"}});
  Members members;
  members.text("Type", "SubscriptionConfirmation");
  members.text("MessageId", message_id);
  members.text("Token", subscription.token);
  members.text("TopicArn", topic.arn);
  members.text("Message", text);
  members.text("SubscribeURL", link);
  members.text("Timestamp", timestamp(time));
  members.text("SignatureVersion", std::to_string(version));
  members.text("Signature", signer_.sign(version, signed_lines));
  members.text("SigningCertURL", base_() + signer_.certificate_path());
  return members.take();
}

}  // namespace likeness::sns
