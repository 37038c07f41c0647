#include "domain/topics/endpoints.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "domain/topics/errors.hpp"

namespace likeness::topics {
namespace {

constexpr std::size_t kMostBytes = 262'144;

bool is_mail_address(std::string_view text) {
  const auto at = text.find('@');
  return at != std::string_view::npos && at > 0 && at + 1 < text.size() &&
         text.find('@', at + 1) == std::string_view::npos &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f && c != '<' && c != '>' && c != '"'; });
}

bool is_arn_of(std::string_view text, std::string_view service) {
  return text.starts_with(fmt::format("arn:aws:{}:", service)) && std::ranges::count(text, ':') >= 5;
}

Result<void> check_subject(const std::string& subject) {
  const auto printable = [](char c) { return c >= ' ' && c < 0x7f; };
  if (subject.empty() || subject.size() > 100 || subject.front() == ' ' || !std::ranges::all_of(subject, printable))
    return invalid_parameter("Subject");
  return {};
}

Result<void> check_attribute(const std::string& name, const queues::Attribute& attribute) {
  const auto name_character = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.';
  };
  if (name.empty() || name.size() > 256 || !std::ranges::all_of(name, name_character))
    return invalid_attribute_value(
        "The message attribute name can contain the following characters: A-Z, a-z, 0-9, underscore(_), hyphen(-), and "
        "period (.). The name must not start or end with a period, and the name should not have successive periods.");
  if (attribute.type.empty())
    return invalid_attribute_value(
        fmt::format("The message attribute '{}' must contain non-empty message attribute type.", name));
  const auto base = std::string_view(attribute.type).substr(0, attribute.type.find('.'));
  if (base != "String" && base != "Number" && base != "Binary")
    return invalid_attribute_value(
        fmt::format("The message attribute '{}' has an invalid message attribute type, the set of supported type "
                    "prefixes is Binary, Number, and String.",
                    name));
  if (attribute.value.empty())
    return invalid_attribute_value(fmt::format(
        "The message attribute '{}' must contain non-empty message attribute value for message attribute type '{}'.",
        name, attribute.type));
  if (attribute.binary != (base == "Binary"))
    return invalid_attribute_value(fmt::format("The message attribute '{}' with type '{}' must use field '{}'.", name,
                                               base, base == "Binary" ? "Binary" : "String"));
  if (base == "Number") {
    boost::system::error_code failed;
    const auto value = boost::json::parse(attribute.value, failed);
    if (failed || !value.is_number())
      return invalid_attribute_value(fmt::format("Could not cast message attribute '{}' value to number.", name));
  }
  return {};
}

Result<void> check_identifier(const std::optional<std::string>& text, std::string_view name) {
  if (!text) return {};
  const auto graphic = [](char c) { return c > ' ' && c < 0x7f; };
  if (!text->empty() && text->size() <= 128 && std::ranges::all_of(*text, graphic)) return {};
  return invalid_parameter(
      fmt::format("The {} parameter can only contain alphanumeric and punctuation characters, 1 to 128 of them", name));
}

}  // namespace

bool is_phone_number(std::string_view text) {
  if (!text.starts_with('+')) return false;
  text.remove_prefix(1);
  return text.size() >= 5 && text.size() <= 15 && text.front() != '0' &&
         std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

Result<void> check_endpoint(bool fifo_topic, const std::string& protocol, const std::string& endpoint) {
  static constexpr std::string_view kProtocols[] = {"http", "https",  "email",       "email-json", "sms",
                                                    "sqs",  "lambda", "application", "firehose"};
  if (std::ranges::find(kProtocols, protocol) == std::end(kProtocols))
    return invalid_parameter("Amazon SNS does not support this protocol string: " + protocol.substr(0, 64));
  if (protocol == "application" || protocol == "firehose")
    return invalid_parameter(
        fmt::format("Protocol Reason: subscriptions of the protocol {} are not available", protocol));
  if (fifo_topic && protocol != "sqs")
    return invalid_parameter(
        "Invalid parameter: Endpoint Reason: Please use FIFO SQS queue or standard SQS queue as endpoint of a FIFO "
        "topic");
  if (protocol == "http" || protocol == "https") {
    const auto rest = std::string_view(endpoint).substr(std::min(endpoint.size(), protocol.size() + 3));
    if (!endpoint.starts_with(protocol + "://") || rest.empty() || rest.starts_with('/') ||
        std::ranges::any_of(endpoint, [](char c) { return c <= ' ' || c >= 0x7f; }))
      return invalid_parameter("Endpoint must match the specified protocol");
  } else if (protocol.starts_with("email")) {
    if (!is_mail_address(endpoint)) return invalid_parameter("Email address");
  } else if (protocol == "sms") {
    if (!is_phone_number(endpoint)) return invalid_parameter("Invalid SMS endpoint: " + endpoint.substr(0, 64));
  } else if (protocol == "sqs") {
    if (!is_arn_of(endpoint, "sqs")) return invalid_parameter("SQS endpoint ARN");
    if (!fifo_topic && endpoint.ends_with(".fifo"))
      return invalid_parameter(
          "Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics");
  } else if (!is_arn_of(endpoint, "lambda")) {
    return invalid_parameter("Lambda endpoint ARN");
  }
  return {};
}

Result<void> check_publication(const Topic* topic, const Publication& publication) {
  if (publication.message.empty()) return invalid_parameter("Empty message");
  std::size_t size = publication.message.size();
  for (const auto& [protocol, text] : publication.by_protocol) size += text.size();
  for (const auto& [name, attribute] : publication.attributes) {
    if (auto fine = check_attribute(name, attribute); !fine) return fine;
    size += name.size() + attribute.type.size() + attribute.value.size();
  }
  if (size > kMostBytes) return invalid_parameter("Message too long");
  if (publication.subject)
    if (auto fine = check_subject(*publication.subject); !fine) return fine;
  if (topic == nullptr) return {};
  if (auto fine = check_identifier(publication.group, "MessageGroupId"); !fine) return fine;
  if (auto fine = check_identifier(publication.deduplication, "MessageDeduplicationId"); !fine) return fine;
  if (!topic->fifo) {
    if (publication.deduplication)
      return invalid_parameter(
          "The request includes MessageDeduplicationId parameter that is not valid for this topic type");
    return {};
  }
  if (!publication.group) return invalid_parameter("The MessageGroupId parameter is required for FIFO topics");
  if (!publication.deduplication && !topic->content_deduplication())
    return invalid_parameter(
        "The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly");
  return {};
}

Result<void> read_structure(Publication& publication) {
  boost::system::error_code failed;
  const auto value = boost::json::parse(publication.message, failed);
  if (failed || !value.is_object()) return invalid_parameter("Message Structure - JSON message body failed to parse");
  const auto& object = value.as_object();
  const auto* text = object.if_contains("default");
  if (text == nullptr) return invalid_parameter("Message Structure - No default entry in JSON message body");
  for (const auto& [protocol, one] : object) {
    // What is no text is left out, as AWS has it.
    if (one.is_string() && protocol != "default")
      publication.by_protocol[std::string(protocol)] = one.as_string().c_str();
  }
  if (!text->is_string()) return invalid_parameter("Message Structure - No default entry in JSON message body");
  publication.message = text->as_string().c_str();
  return {};
}

}  // namespace likeness::topics
