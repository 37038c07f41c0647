#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <initializer_list>

#include "domain/topics/errors.hpp"
#include "domain/topics/topics.hpp"

namespace likeness::topics {
namespace {

namespace json = boost::json;

bool is_flag(const std::string& value) { return value == "true" || value == "false"; }

std::optional<json::object> object_in(const std::string& text) {
  boost::system::error_code failed;
  json::value value = json::parse(text, failed);
  if (failed || !value.is_object()) return std::nullopt;
  return std::move(value.as_object());
}

/// `request` is where a delivery policy has its content type, which becomes a header of the requests to subscribers.
Result<void> check_delivery_policy(const std::string& text, std::initializer_list<const char*> request) {
  if (text.empty()) return {};
  auto parsed = object_in(text);
  if (!parsed) return invalid_parameter("DeliveryPolicy: failed to parse JSON.");
  const json::object* at = &*parsed;
  for (const char* name : request) {
    const auto* inner = at->if_contains(name);
    if (inner == nullptr || !inner->is_object()) return {};
    at = &inner->get_object();
  }
  const auto* type = at->if_contains("headerContentType");
  if (type == nullptr) return {};
  const bool fine = type->is_string() && !type->get_string().empty() && type->get_string().size() < 128 &&
                    std::ranges::all_of(type->get_string(), [](char c) { return c >= ' ' && c < 0x7f; });
  if (!fine) return invalid_parameter("DeliveryPolicy: headerContentType is not a content type");
  return {};
}

constexpr std::string_view kPlain[] = {"DisplayName", "KmsMasterKeyId", "TracingConfig", "FifoThroughputScope"};
/// Where AWS writes down how deliveries went; kept and told, there are no such logs here.
bool is_feedback(std::string_view name) {
  for (const std::string_view protocol : {"Application", "HTTP", "Lambda", "SQS", "Firehose"})
    if (name.starts_with(protocol) &&
        (name.ends_with("SuccessFeedbackRoleArn") || name.ends_with("FailureFeedbackRoleArn") ||
         name.ends_with("SuccessFeedbackSampleRate")))
      return true;
  return false;
}

Result<void> set_redrive(Subscription& subscription, const std::string& value) {
  subscription.dead_letter_arn.clear();
  if (value.empty()) {
    subscription.attributes.erase("RedrivePolicy");
    return {};
  }
  const auto parsed = object_in(value);
  if (!parsed) return invalid_parameter("RedrivePolicy: failed to parse JSON.");
  const auto* arn = parsed->if_contains("deadLetterTargetArn");
  if (arn == nullptr || !arn->is_string() || !std::string_view(arn->as_string().c_str()).starts_with("arn:aws:sqs:"))
    return invalid_parameter("RedrivePolicy: deadLetterTargetArn is an invalid arn");
  subscription.dead_letter_arn = arn->as_string().c_str();
  subscription.attributes["RedrivePolicy"] = value;
  return {};
}

Result<void> read_filter(Subscription& subscription) {
  const auto text = subscription.attributes.find("FilterPolicy");
  subscription.filter = nullptr;
  if (text == subscription.attributes.end()) return {};
  const auto scope = subscription.attributes.find("FilterPolicyScope");
  auto parsed =
      FilterPolicy::parse(text->second, scope != subscription.attributes.end() && scope->second == "MessageBody"
                                            ? FilterPolicy::Scope::Body
                                            : FilterPolicy::Scope::Attributes);
  if (!parsed) return fail(parsed);
  subscription.filter = std::move(*parsed);
  return {};
}

}  // namespace

Result<Subscription> with_attribute(Subscription subscription, const std::string& name, const std::string& value) {
  if (name == "RawMessageDelivery") {
    if (!is_flag(value))
      return invalid_parameter(
          fmt::format("Attributes Reason: RawMessageDelivery: Invalid value [{}]. Must be true or false.", value));
    static constexpr std::string_view kRaw[] = {"sqs", "http", "https", "firehose"};
    if (value == "true" && std::ranges::find(kRaw, subscription.protocol) == std::end(kRaw))
      return invalid_parameter("Attributes Reason: Delivery protocol [" + subscription.protocol +
                               "] does not support raw message delivery.");
    subscription.attributes[name] = value;
    return subscription;
  }
  if (name == "FilterPolicy") {
    if (value.empty())
      subscription.attributes.erase(name);
    else
      subscription.attributes[name] = value;
  } else if (name == "FilterPolicyScope") {
    if (value != "MessageAttributes" && value != "MessageBody")
      return invalid_parameter(fmt::format(
          "FilterPolicyScope: Invalid value [{}]. Please use either MessageBody or MessageAttributes", value));
    subscription.attributes[name] = value;
  } else if (name == "RedrivePolicy") {
    if (auto set = set_redrive(subscription, value); !set) return fail(set);
  } else if (name == "DeliveryPolicy") {
    if (auto fine = check_delivery_policy(value, {"requestPolicy"}); !fine) return fail(fine);
    if (value.empty())
      subscription.attributes.erase(name);
    else
      subscription.attributes[name] = value;
  } else if (name == "SubscriptionRoleArn") {
    subscription.attributes[name] = value;
  } else if (name == "ReplayPolicy") {
    return invalid_parameter("ReplayPolicy: archives of topics are not available");
  } else {
    return invalid_parameter("AttributeName");
  }
  if (auto read = read_filter(subscription); !read) return fail(read);
  return subscription;
}

Result<Topic> with_attribute(Topic topic, const std::string& name, const std::string& value, bool creating) {
  if (name == "FifoTopic") {
    if (!creating) return invalid_parameter("AttributeName");
    if (!is_flag(value)) return invalid_parameter("Attributes Reason: FifoTopic: must be true or false");
    topic.fifo = value == "true";
    if (topic.fifo) topic.attributes[name] = value;
    return topic;
  }
  if (name == "ContentBasedDeduplication") {
    if (!topic.fifo) return invalid_parameter("Content-based deduplication can only be set for FIFO topics");
    if (!is_flag(value))
      return invalid_parameter("Attributes Reason: ContentBasedDeduplication: must be true or false");
    topic.attributes[name] = value;
    return topic;
  }
  if (name == "Policy") {
    if (value.empty()) {
      topic.attributes.erase(name);
      topic.policy = nullptr;
      return topic;
    }
    auto parsed = policy::Document::parse(value, policy::DocumentKind::Resource);
    if (!parsed) return invalid_parameter("Policy Error: " + parsed.error().message);
    topic.policy = std::move(*parsed);
    topic.attributes[name] = value;
    return topic;
  }
  if (name == "DeliveryPolicy") {
    if (auto fine = check_delivery_policy(value, {"http", "defaultRequestPolicy"}); !fine) return fail(fine);
  } else if (name == "SignatureVersion") {
    if (value != "1" && value != "2") return invalid_parameter("SignatureVersion: Invalid value [" + value + "]");
  } else if (name == "DisplayName" && value.size() > 100) {
    return invalid_parameter("Display name should be up to 100 characters");
  } else if (name == "ArchivePolicy") {
    return invalid_parameter("ArchivePolicy: archives of topics are not available");
  } else if (std::ranges::find(kPlain, name) == std::end(kPlain) && !is_feedback(name)) {
    return invalid_parameter("AttributeName");
  }
  if (value.empty() && name != "DisplayName")
    topic.attributes.erase(name);
  else
    topic.attributes[name] = value;
  return topic;
}

std::string default_policy(const std::string& topic_arn, const std::string& account) {
  json::array actions{"SNS:GetTopicAttributes",
                      "SNS:SetTopicAttributes",
                      "SNS:AddPermission",
                      "SNS:RemovePermission",
                      "SNS:DeleteTopic",
                      "SNS:Subscribe",
                      "SNS:ListSubscriptionsByTopic",
                      "SNS:Publish"};
  const json::object statement{
      {"Sid", "__default_statement_ID"},
      {"Effect", "Allow"},
      {"Principal", json::object{{"AWS", "*"}}},
      {"Action", std::move(actions)},
      {"Resource", topic_arn},
      {"Condition", json::object{{"StringEquals", json::object{{"AWS:SourceOwner", account}}}}}};
  return json::serialize(
      json::object{{"Version", "2008-10-17"}, {"Id", "__default_policy_ID"}, {"Statement", json::array{statement}}});
}

Result<std::string> policy_with(const std::string& policy, const std::string& topic_arn, const std::string& label,
                                const std::vector<std::string>& accounts, const std::vector<std::string>& actions) {
  static constexpr std::string_view kActions[] = {
      "GetTopicAttributes", "SetTopicAttributes",       "AddPermission", "RemovePermission", "DeleteTopic",
      "Subscribe",          "ListSubscriptionsByTopic", "Publish",       "Receive"};
  json::array names, principals;
  for (const auto& action : actions) {
    if (std::ranges::find(kActions, action) == std::end(kActions))
      return invalid_parameter("Policy statement action out of service scope!");
    names.emplace_back("SNS:" + action);
  }
  for (const auto& account : accounts) {
    const bool digits =
        account.size() == 12 && std::ranges::all_of(account, [](char c) { return c >= '0' && c <= '9'; });
    if (!digits) return invalid_parameter("Policy Error: PrincipalNotFound");
    principals.emplace_back("arn:aws:iam::" + account + ":root");
  }
  auto document = object_in(policy);
  if (!document) return server_error("InternalErrorException", "A stored policy is damaged.");
  auto& statements = (*document)["Statement"];
  if (!statements.is_array()) statements = json::array{statements};
  for (const auto& statement : statements.as_array())
    if (const auto* sid = statement.is_object() ? statement.as_object().if_contains("Sid") : nullptr;
        sid != nullptr && *sid == label.c_str())
      return invalid_parameter("Statement already exists");
  const auto one_or_many = [](json::array many) -> json::value {
    if (many.size() == 1) return many.front();
    return many;
  };
  statements.as_array().push_back(json::object{{"Sid", label},
                                               {"Effect", "Allow"},
                                               {"Principal", json::object{{"AWS", one_or_many(std::move(principals))}}},
                                               {"Action", one_or_many(std::move(names))},
                                               {"Resource", topic_arn}});
  return json::serialize(*document);
}

Result<std::string> policy_without(const std::string& policy, const std::string& label) {
  auto document = object_in(policy);
  if (!document) return server_error("InternalErrorException", "A stored policy is damaged.");
  auto& statements = (*document)["Statement"];
  if (!statements.is_array()) statements = json::array{statements};
  auto& list = statements.as_array();
  for (auto at = list.begin(); at != list.end();) {
    const auto* sid = at->is_object() ? at->as_object().if_contains("Sid") : nullptr;
    at = sid != nullptr && *sid == label.c_str() ? list.erase(at) : at + 1;
  }
  return json::serialize(*document);
}

}  // namespace likeness::topics
