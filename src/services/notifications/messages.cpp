#include "services/notifications/messages.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/bytes.hpp"
#include "events/json_tokens.hpp"
#include "policy/principal.hpp"

namespace likeness::notifications {

namespace {

namespace shapes = aws::s3;
using events::json_string;

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
         c == '.' || c == '*' || c == '/';
}

/// "2026-11-21T20:00:00.123Z"
std::string with_milliseconds(TimePoint time) {
  const auto milliseconds =
      std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count() % 1000;
  std::string text = iso8601(time);
  text.pop_back();
  return fmt::format("{}.{:03}Z", text, milliseconds);
}

/// "s3:ObjectCreated:*" covers "ObjectCreated:Put".
bool covers(std::string_view wanted, std::string_view kind) {
  if (!wanted.starts_with("s3:")) return false;
  wanted.remove_prefix(3);
  if (wanted.ends_with(":*")) return kind.starts_with(wanted.substr(0, wanted.size() - 1));
  return wanted == kind;
}

template <class Configuration>
bool wants(const Told& told, const Configuration& configuration) {
  const bool kind = configuration.events &&
                    std::any_of(configuration.events->begin(), configuration.events->end(),
                                [&told](shapes::Event event) { return covers(shapes::to_text(event), told.kind); });
  if (!kind) return false;
  const auto& filter = configuration.filter;
  if (!filter || !filter->key || !filter->key->filter_rules) return true;
  return std::all_of(filter->key->filter_rules->begin(), filter->key->filter_rules->end(),
                     [&told](const shapes::FilterRule& rule) {
                       const std::string value = rule.value.value_or("");
                       return rule.name == shapes::FilterRuleName::Prefix ? told.change.key.starts_with(value)
                                                                          : told.change.key.ends_with(value);
                     });
}

/// The account of an ARN.
std::string account_of(std::string_view arn) {
  for (int i = 0; i < 4; ++i) {
    const std::size_t colon = arn.find(':');
    if (colon == std::string_view::npos) return {};
    arn.remove_prefix(colon + 1);
  }
  return std::string(arn.substr(0, arn.find(':')));
}

/// AWS tells the unique id of whoever asked; what we know of him is his ARN.
std::string principal_id(const std::string& arn) {
  if (arn.empty()) return "Anonymous";
  if (!arn.starts_with("arn:")) return arn;  // a service
  const std::size_t slash = arn.find('/');
  return "AWS:" + (slash == std::string::npos ? account_of(arn) : arn.substr(slash + 1));
}

bool is_of(const Told& told, std::string_view group) { return told.kind.starts_with(group); }

bool changes_contents(const Told& told) {
  return is_of(told, "ObjectCreated:") || is_of(told, "ObjectRemoved:") || is_of(told, "LifecycleExpiration:");
}

}  // namespace

std::string encoded_key(std::string_view key) {
  std::string out;
  for (const char c : key) {
    if (is_plain(c))
      out.push_back(c);
    else if (c == ' ')
      out.push_back('+');
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

std::string sequencer(std::uint64_t position) { return fmt::format("{:018X}", position); }

std::vector<Interested> interested_in(const Told& told, const aws::s3::NotificationConfiguration& configuration) {
  std::vector<Interested> out;
  const auto add = [&](const auto& targets, auto arn_of) {
    if (!targets) return;
    for (const auto& target : *targets)
      if (wants(told, target)) out.push_back({arn_of(target).value_or(""), target.id.value_or("")});
  };
  add(configuration.lambda_function_configurations, [](const auto& target) { return target.lambda_function_arn; });
  add(configuration.queue_configurations, [](const auto& target) { return target.queue_arn; });
  add(configuration.topic_configurations, [](const auto& target) { return target.topic_arn; });
  return out;
}

std::string records_message(const Told& told, const std::string& configuration_id) {
  const auto& change = told.change;
  std::string object = fmt::format(R"("key":{})", json_string(encoded_key(change.key)));
  if (is_of(told, "ObjectCreated:")) object += fmt::format(R"(,"size":{})", change.size);
  if (!change.etag.empty()) object += fmt::format(R"(,"eTag":{})", json_string(change.etag));
  if (!change.version_id.empty()) object += fmt::format(R"(,"versionId":{})", json_string(change.version_id));
  if (changes_contents(told)) object += fmt::format(R"(,"sequencer":"{}")", sequencer(told.position));
  const bool first_events = is_of(told, "ObjectCreated:") || is_of(told, "ObjectRemoved:");
  const std::string& request = change.origin.request_id;
  return fmt::format(
      R"({{"Records":[{{"eventVersion":"{}","eventSource":"aws:s3","awsRegion":"{}","eventTime":"{}","eventName":"{}",)"
      R"("userIdentity":{{"principalId":{}}},"requestParameters":{{"sourceIPAddress":{}}},)"
      R"("responseElements":{{"x-amz-request-id":{},"x-amz-id-2":"{}"}},"s3":{{"s3SchemaVersion":"1.0",)"
      R"("configurationId":{},"bucket":{{"name":"{}","ownerIdentity":{{"principalId":"{}"}},"arn":"arn:aws:s3:::{}"}},)"
      R"("object":{{{}}}}}}}]}})",
      first_events ? "2.1" : "2.3", change.region, with_milliseconds(told.time), told.kind,
      json_string(principal_id(change.origin.principal)), json_string(change.origin.source_ip), json_string(request),
      to_base64(sha256(as_bytes(request))), json_string(configuration_id), told.bucket,
      policy::canonical_user_id(change.account).substr(0, 14), told.bucket, object);
}

std::string test_message(std::string_view bucket, TimePoint now, std::string_view request_id) {
  return fmt::format(
      R"({{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"{}","Bucket":"{}","RequestId":"{}","HostId":"{}"}})",
      with_milliseconds(now), bucket, request_id, to_base64(sha256(as_bytes(request_id))));
}

BusEvent bus_event(const Told& told) {
  const auto& change = told.change;
  BusEvent event;
  std::optional<std::string> reason;
  std::optional<std::string> deletion;
  if (told.kind == "ObjectCreated:Put") {
    reason = "PutObject";
  } else if (told.kind == "ObjectCreated:Post") {
    reason = "POST Object";
  } else if (told.kind == "ObjectCreated:Copy") {
    reason = "CopyObject";
  } else if (told.kind == "ObjectCreated:CompleteMultipartUpload") {
    reason = "CompleteMultipartUpload";
  } else if (is_of(told, "ObjectRemoved:")) {
    reason = "DeleteObject";
  } else if (is_of(told, "LifecycleExpiration:")) {
    reason = "Lifecycle Expiration";
  }
  if (is_of(told, "ObjectCreated:")) {
    event.detail_type = "Object Created";
  } else if (is_of(told, "ObjectRemoved:") || is_of(told, "LifecycleExpiration:")) {
    event.detail_type = "Object Deleted";
    deletion = told.kind.ends_with(":DeleteMarkerCreated") ? "Delete Marker Created" : "Permanently Deleted";
  } else if (told.kind == "ObjectTagging:Put") {
    event.detail_type = "Object Tags Added";
  } else if (told.kind == "ObjectTagging:Delete") {
    event.detail_type = "Object Tags Deleted";
  } else if (told.kind == "ObjectAcl:Put") {
    event.detail_type = "Object ACL Updated";
  } else {
    return event;
  }
  std::string object = fmt::format(R"("key":{})", json_string(change.key));
  if (is_of(told, "ObjectCreated:")) object += fmt::format(R"(,"size":{})", change.size);
  if (!change.etag.empty() && !deletion) object += fmt::format(R"(,"etag":{})", json_string(change.etag));
  if (!change.version_id.empty()) object += fmt::format(R"(,"version-id":{})", json_string(change.version_id));
  if (changes_contents(told)) object += fmt::format(R"(,"sequencer":"{}")", sequencer(told.position));

  const bool by_lifecycle = is_of(told, "LifecycleExpiration:");
  const std::string account = account_of(change.origin.principal);
  event.detail =
      fmt::format(R"({{"version":"0","bucket":{{"name":"{}"}},"object":{{{}}},"request-id":{},"requester":{})",
                  told.bucket, object, json_string(change.origin.request_id),
                  json_string(by_lifecycle      ? "s3.amazonaws.com"
                              : account.empty() ? "anonymous"
                                                : account));
  if (!change.origin.source_ip.empty())
    event.detail += fmt::format(R"(,"source-ip-address":{})", json_string(change.origin.source_ip));
  if (reason) event.detail += fmt::format(R"(,"reason":"{}")", *reason);
  if (deletion) event.detail += fmt::format(R"(,"deletion-type":"{}")", *deletion);
  event.detail += '}';
  return event;
}

}  // namespace likeness::notifications
