#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "aws/gen/logs.hpp"
#include "aws/service.hpp"
#include "domain/logs/errors.hpp"
#include "domain/logs/insights/queries.hpp"
#include "domain/logs/logs.hpp"
#include "services/logs/live_tail.hpp"
#include "services/logs/policies.hpp"
#include "services/logs/subscriptions.hpp"

namespace likeness::logs {

namespace shapes = aws::logs;

/// What the operations work on.
struct Parts {
  Logs& logs;
  ResourcePolicies& policies;
  insights::Queries& queries;
  const Subscriptions& subscriptions;
  LiveTail& live_tail;
};

void add_groups(aws::Service& service, const Parts& parts);
void add_tags(aws::Service& service, const Parts& parts);
void add_events(aws::Service& service, const Parts& parts);
void add_filters(aws::Service& service, const Parts& parts);
void add_queries(aws::Service& service, const Parts& parts);
void add_policies(aws::Service& service, const Parts& parts);
void add_permissions(aws::Service& service, const Parts& parts);

/// "arn:aws:logs:us-east-1:000000000000:log-group:NAME", to which some members of the API append ":*".
std::string group_arn(const aws::RequestContext& context, std::string_view group);
/// The group that a name or an ARN names.
std::string group_of(std::string_view name_or_arn);
/// Of operations that take a name or else an identifier. Error: both or none.
Result<std::string> group_of(const std::optional<std::string>& name, const std::optional<std::string>& identifier);

/// Tokens of listings: where to go on, in a form that says nothing. Error: InvalidParameterException.
std::string page_token(std::string_view position);
Result<std::string> page_position(const std::optional<std::string>& token);

/// A provider function with the parts bound.
template <class Function>
auto with(const Parts& parts, Function function) {
  return [parts, function](const aws::RequestContext& context, const auto& in) { return function(parts, context, in); };
}

}  // namespace likeness::logs
