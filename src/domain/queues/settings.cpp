#include "domain/queues/settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>

#include "domain/queues/errors.hpp"

namespace likeness::queues {
namespace {

namespace json = boost::json;

struct Number {
  std::string_view name;
  std::int64_t least, most;
  std::int64_t Settings::* member;
};
constexpr Number kNumbers[] = {
    {"VisibilityTimeout", 0, 43'200, &Settings::visibility},
    {"DelaySeconds", 0, 900, &Settings::delay},
    {"MessageRetentionPeriod", 60, 1'209'600, &Settings::retention},
    {"ReceiveMessageWaitTimeSeconds", 0, 20, &Settings::wait},
    {"MaximumMessageSize", 1024, 1'048'576, &Settings::max_size},
    {"KmsDataKeyReusePeriodSeconds", 60, 86'400, &Settings::kms_reuse},
};

constexpr std::string_view kReadOnly[] = {"ApproximateNumberOfMessages",
                                          "ApproximateNumberOfMessagesNotVisible",
                                          "ApproximateNumberOfMessagesDelayed",
                                          "CreatedTimestamp",
                                          "LastModifiedTimestamp",
                                          "QueueArn",
                                          "All"};

std::optional<std::int64_t> number_in(std::string_view text) {
  std::int64_t value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<bool> bool_in(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  if (lower == "true") return true;
  if (lower == "false") return false;
  return std::nullopt;
}

std::optional<json::object> object_in(std::string_view text) {
  boost::system::error_code failed;
  json::value value = json::parse(text, failed);
  if (failed || !value.is_object()) return std::nullopt;
  return std::move(value.as_object());
}

Failure invalid_redrive(std::string_view value, std::string_view reason) {
  return invalid_value(value, "RedrivePolicy", reason);
}

Result<void> set_redrive(Settings& out, const std::string& text) {
  out.redrive.clear();
  out.dead_letter_arn.clear();
  out.max_receives = 0;
  if (text.empty()) return {};
  const auto parsed = object_in(text);
  if (!parsed) return invalid_redrive(text, "Redrive policy is not a valid JSON map.");
  for (const auto& [name, value] : *parsed)
    if (name != "deadLetterTargetArn" && name != "maxReceiveCount")
      return invalid_redrive(text, "Only following attributes are supported: [deadLetterTargetArn, maxReceiveCount].");
  const auto* arn = parsed->if_contains("deadLetterTargetArn");
  if (arn == nullptr || !arn->is_string())
    return invalid_redrive(text, "Redrive policy does not contain mandatory attribute: deadLetterTargetArn.");
  const auto* most = parsed->if_contains("maxReceiveCount");
  if (most == nullptr)
    return invalid_redrive(text, "Redrive policy does not contain mandatory attribute: maxReceiveCount.");
  std::optional<std::int64_t> count;
  if (most->is_int64()) count = most->as_int64();
  if (most->is_string()) count = number_in(std::string_view(most->as_string().data(), most->as_string().size()));
  if (!count || *count < 1 || *count > 1000)
    return invalid_redrive(text, "Invalid value for maxReceiveCount: " + json::serialize(*most) +
                                     ", valid values are from 1 to 1000 both inclusive.");
  out.redrive = text;
  out.dead_letter_arn = std::string(arn->as_string());
  out.max_receives = static_cast<std::uint64_t>(*count);
  return {};
}

Result<void> set_redrive_allow(Settings& out, const std::string& text) {
  out.redrive_allow.clear();
  out.allow = Settings::Allow::All;
  out.allowed_sources.clear();
  if (text.empty()) return {};
  const auto refuse = [&](std::string_view reason) -> Result<void> {
    return invalid_value(text, "RedriveAllowPolicy", reason);
  };
  const auto parsed = object_in(text);
  if (!parsed) return refuse("Amazon SQS can't create the redrive allow policy, as it's not a valid JSON map.");
  const auto* permission = parsed->if_contains("redrivePermission");
  if (permission == nullptr || !permission->is_string())
    return refuse("Redrive allow policy does not contain mandatory attribute: redrivePermission.");
  const std::string_view kind(permission->as_string().data(), permission->as_string().size());
  const auto* sources = parsed->if_contains("sourceQueueArns");
  if (kind == "byQueue") {
    if (sources == nullptr || !sources->is_array() || sources->as_array().empty() || sources->as_array().size() > 10)
      return refuse("The sourceQueueArns of byQueue have to be 1 to 10 ARNs of queues.");
    out.allow = Settings::Allow::ByQueue;
    for (const auto& source : sources->as_array()) {
      if (!source.is_string()) return refuse("The sourceQueueArns have to be ARNs of queues.");
      out.allowed_sources.emplace_back(source.as_string());
    }
  } else if (kind == "denyAll" || kind == "allowAll") {
    if (sources != nullptr) return refuse("sourceQueueArns can be given with the redrivePermission byQueue only.");
    out.allow = kind == "denyAll" ? Settings::Allow::None : Settings::Allow::All;
  } else {
    return refuse("The redrivePermission has to be one of allowAll, denyAll and byQueue.");
  }
  out.redrive_allow = text;
  return {};
}

Result<void> set_policy(Settings& out, const std::string& text) {
  out.policy.clear();
  out.policy_document = nullptr;
  if (text.empty()) return {};
  auto parsed = policy::Document::parse(text, policy::DocumentKind::Resource);
  if (!parsed) return invalid_attribute("Policy");
  out.policy = text;
  out.policy_document = std::move(*parsed);
  return {};
}

Result<void> set_flag(bool& flag, const std::string& name, const std::string& text) {
  const auto value = bool_in(text);
  if (!value) return invalid_attribute(name);
  flag = *value;
  return {};
}

Result<void> set_choice(std::string& member, const std::string& name, const std::string& text,
                        std::initializer_list<std::string_view> choices) {
  if (std::ranges::find(choices, text) == choices.end()) return invalid_attribute(name);
  member = text;
  return {};
}

Result<void> set_one(Settings& out, const std::string& name, const std::string& text, bool creating) {
  for (const auto& number : kNumbers) {
    if (number.name != name) continue;
    const auto value = number_in(text);
    if (!value || *value < number.least || *value > number.most) return invalid_attribute(name);
    out.*number.member = *value;
    return {};
  }
  if (std::ranges::find(kReadOnly, name) != std::end(kReadOnly)) return unknown_attribute(name);
  if (name == "Policy") return set_policy(out, text);
  if (name == "RedrivePolicy") return set_redrive(out, text);
  if (name == "RedriveAllowPolicy") return set_redrive_allow(out, text);
  if (name == "KmsMasterKeyId") {
    out.kms_key = text;
    out.managed_sse = text.empty();
    return {};
  }
  if (name == "SqsManagedSseEnabled") return set_flag(out.managed_sse, name, text);
  if (name == "FifoQueue") {
    const auto value = bool_in(text);
    if (!value) return invalid_attribute(name);
    if (*value != out.fifo) return creating && !*value ? unknown_attribute(name) : invalid_attribute(name);
    return {};
  }
  if (!out.fifo) return unknown_attribute(name);  // what follows is of FIFO queues
  if (name == "ContentBasedDeduplication") return set_flag(out.content_deduplication, name, text);
  if (name == "DeduplicationScope") return set_choice(out.deduplication_scope, name, text, {"queue", "messageGroup"});
  if (name == "FifoThroughputLimit")
    return set_choice(out.throughput_limit, name, text, {"perQueue", "perMessageGroupId"});
  return unknown_attribute(name);
}

}  // namespace

bool Settings::allows_source(std::string_view arn) const {
  if (allow == Allow::ByQueue) return std::ranges::find(allowed_sources, arn) != allowed_sources.end();
  return allow == Allow::All;
}

Result<Settings> changed(const Settings& from, const AttributeTexts& changes, bool creating) {
  Settings out = from;
  for (const auto& [name, text] : changes)
    if (auto set = set_one(out, name, text, creating); !set) return fail(set);
  if (out.throughput_limit == "perMessageGroupId" && out.deduplication_scope != "messageGroup")
    return invalid_parameter(
        "The perMessageGroupId value for FifoThroughputLimit is allowed only when the value for DeduplicationScope is "
        "messageGroup.");
  return out;
}

AttributeTexts texts_of(const Settings& settings) {
  AttributeTexts out;
  for (const auto& number : kNumbers)
    if (number.name != "KmsDataKeyReusePeriodSeconds" || !settings.kms_key.empty())
      out[std::string(number.name)] = std::to_string(settings.*number.member);
  out["SqsManagedSseEnabled"] = settings.managed_sse ? "true" : "false";
  if (!settings.kms_key.empty()) out["KmsMasterKeyId"] = settings.kms_key;
  if (!settings.policy.empty()) out["Policy"] = settings.policy;
  if (!settings.redrive.empty()) out["RedrivePolicy"] = settings.redrive;
  if (!settings.redrive_allow.empty()) out["RedriveAllowPolicy"] = settings.redrive_allow;
  if (settings.fifo) {
    out["FifoQueue"] = "true";
    out["ContentBasedDeduplication"] = settings.content_deduplication ? "true" : "false";
    out["DeduplicationScope"] = settings.deduplication_scope;
    out["FifoThroughputLimit"] = settings.throughput_limit;
  }
  return out;
}

std::string difference(const Settings& existing, const AttributeTexts& wanted) {
  const auto has = texts_of(existing);
  for (const auto& [name, text] : wanted) {
    const auto at = has.find(name);
    if (at == has.end() ? !text.empty() : at->second != text) return name;
  }
  return {};
}

Result<std::string> policy_with(const std::string& policy, const std::string& queue_arn, const std::string& label,
                                const std::vector<std::string>& accounts, const std::vector<std::string>& actions) {
  static constexpr std::string_view kActions[] = {"*",
                                                  "SendMessage",
                                                  "ReceiveMessage",
                                                  "DeleteMessage",
                                                  "ChangeMessageVisibility",
                                                  "GetQueueAttributes",
                                                  "GetQueueUrl",
                                                  "ListDeadLetterSourceQueues",
                                                  "PurgeQueue"};
  if (actions.empty()) return missing_parameter("Actions");
  if (actions.size() > 7) return client_error("OverLimit", "8 Actions were found, maximum allowed is 7.");
  if (accounts.empty()) return invalid_value("[]", "PrincipalId", "Unable to verify.");
  for (const auto& action : actions)
    if (std::ranges::find(kActions, action) == std::end(kActions))
      return invalid_value("SQS:" + action, "ActionName", "Only the queue owner is allowed to invoke this action.");
  json::object document{
      {"Version", "2012-10-17"}, {"Id", queue_arn + "/SQSDefaultPolicy"}, {"Statement", json::array()}};
  if (!policy.empty()) {
    auto parsed = object_in(policy);
    if (!parsed) return server_error("InternalError", "A stored policy is damaged.");
    document = std::move(*parsed);
  }
  auto& statements = document["Statement"];
  if (statements.is_object()) statements = json::array{statements.as_object()};
  for (const auto& statement : statements.as_array())
    if (const auto* sid = statement.as_object().if_contains("Sid"); sid != nullptr && *sid == label.c_str())
      return invalid_value(label, "Label", "Already exists.");
  const auto one_or_many = [](const std::vector<std::string>& texts) -> json::value {
    if (texts.size() == 1) return json::value(texts.front());
    return json::value(json::array(texts.begin(), texts.end()));
  };
  std::vector<std::string> principals, names;
  for (const auto& account : accounts) principals.push_back("arn:aws:iam::" + account + ":root");
  for (const auto& action : actions) names.push_back("SQS:" + action);
  statements.as_array().push_back(json::object{{"Sid", label},
                                               {"Effect", "Allow"},
                                               {"Principal", json::object{{"AWS", one_or_many(principals)}}},
                                               {"Action", one_or_many(names)},
                                               {"Resource", queue_arn}});
  return json::serialize(document);
}

Result<std::string> policy_without(const std::string& policy, const std::string& label) {
  const auto unknown = [&] { return invalid_value(label, "Label", "can't find label on existing policy."); };
  auto document = object_in(policy);
  if (!document) return unknown();
  auto* statements = document->if_contains("Statement");
  if (statements == nullptr) return unknown();
  if (statements->is_object()) *statements = json::array{statements->as_object()};
  auto& list = statements->as_array();
  const auto at = std::ranges::find_if(list, [&](const json::value& statement) {
    const auto* sid = statement.is_object() ? statement.as_object().if_contains("Sid") : nullptr;
    return sid != nullptr && *sid == label.c_str();
  });
  if (at == list.end()) return unknown();
  list.erase(at);
  return list.empty() ? std::string() : json::serialize(*document);
}

}  // namespace likeness::queues
