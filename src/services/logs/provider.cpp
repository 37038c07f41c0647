#include "services/logs/provider.hpp"

#include "base/bytes.hpp"
#include "services/logs/common.hpp"

namespace likeness::logs {

std::string group_arn(const aws::RequestContext& context, std::string_view group) {
  return "arn:aws:logs:" + context.region + ":" + context.account + ":log-group:" + std::string(group);
}

std::string group_of(std::string_view name_or_arn) {
  constexpr std::string_view kGroup = ":log-group:";
  if (!name_or_arn.starts_with("arn:")) return std::string(name_or_arn);
  const auto at = name_or_arn.find(kGroup);
  if (at == std::string_view::npos) return std::string(name_or_arn);
  auto name = name_or_arn.substr(at + kGroup.size());
  return std::string(name.substr(0, name.find(':')));
}

Result<std::string> group_of(const std::optional<std::string>& name, const std::optional<std::string>& identifier) {
  if (name && identifier) return invalid("LogGroup name and LogGroup ARN are mutually exclusive parameters.");
  if (!name && !identifier) return invalid("At least one of logGroupName or logGroupIdentifier is required.");
  return name ? *name : group_of(*identifier);
}

std::string page_token(std::string_view position) { return to_base64(as_bytes("1" + std::string(position))); }

Result<std::string> page_position(const std::optional<std::string>& token) {
  if (!token) return std::string();
  const auto bytes = from_base64(*token);
  if (!bytes || bytes->size() < 2 || bytes->front() != '1') return invalid("The specified nextToken is invalid.");
  return std::string(as_text(*bytes).substr(1));
}

std::unique_ptr<aws::Service> make_logs(Logs& logs, ResourcePolicies& policies, insights::Queries& queries,
                                        const Subscriptions& subscriptions, LiveTail& live_tail) {
  auto service = std::make_unique<aws::Service>(shapes::model());
  const Parts parts{logs, policies, queries, subscriptions, live_tail};
  add_groups(*service, parts);
  add_tags(*service, parts);
  add_events(*service, parts);
  add_filters(*service, parts);
  add_queries(*service, parts);
  add_policies(*service, parts);
  add_permissions(*service, parts);
  return service;
}

}  // namespace likeness::logs
