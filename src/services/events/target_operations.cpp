#include <fmt/format.h>

#include <utility>

#include "events/json_tokens.hpp"
#include "services/events/common.hpp"

namespace likeness::eventbridge {
namespace {

constexpr std::size_t kMostTargets = 5;

/// What AWS says of a target before it takes any of a request.
Result<void> check(const shapes::Target& target) {
  const std::string id = target.id.value_or("");
  const std::string arn = target.arn.value_or("");
  const int inputs = (target.input ? 1 : 0) + (target.input_path ? 1 : 0) + (target.input_transformer ? 1 : 0);
  if (inputs > 1)
    return invalid(
        fmt::format("Only one of Input, InputPath, or InputTransformer must be provided for target {}.", id));
  if (!arn.starts_with("arn:") || arn_part(arn, 5).empty())
    return invalid(fmt::format("Parameter {} is not valid. Reason: Provided Arn is not in correct format.", arn));
  if (!can_call(arn))
    return invalid(
        fmt::format("Parameter {} is not valid. Reason: targets of this service are not available on this "
                    "server (lambda, sqs, sns, states, logs and event-bus are).",
                    arn));
  if (target.input && !events::is_json(*target.input))
    return invalid(fmt::format("JSON syntax error in input for target {}.", id));
  const std::string_view service = arn_part(arn, 2);
  if (service == "sqs" && arn.ends_with(".fifo") && !(target.sqs_parameters && target.sqs_parameters->message_group_id))
    return invalid(fmt::format("Parameter(s) SqsParameters must be specified for target: {}.", id));
  if (service == "states" && !target.role_arn) return invalid(fmt::format("RoleArn is required for target {}.", arn));
  if (target.dead_letter_config && target.dead_letter_config->arn &&
      arn_part(*target.dead_letter_config->arn, 2) != "sqs")
    return invalid(fmt::format("The dead-letter queue of target {} must be an Amazon SQS queue.", id));
  return {};
}

Result<shapes::PutTargetsResponse> put_targets(const Parts& parts, const aws::RequestContext& context,
                                               const shapes::PutTargetsRequest& in) {
  for (const auto& target : *in.targets) {
    if (auto good = check(target); !good) return fail(good);
    if (!target.role_arn) continue;
    if (auto allowed = context.allowed(policy::pass_role(*target.role_arn, "events.amazonaws.com")); !allowed)
      return fail(allowed);
  }
  auto changed = parts.registry.change_rule(
      parts.registry.bus_name(in.event_bus_name), *in.rule, false, [&](Rule& rule) -> Result<void> {
        for (const auto& target : *in.targets) {
          const auto same = std::find_if(rule.targets.begin(), rule.targets.end(),
                                         [&target](const Target& other) { return other.shape.id == target.id; });
          if (same != rule.targets.end())
            *same = {.shape = target};
          else
            rule.targets.push_back({.shape = target});
        }
        if (rule.targets.size() > kMostTargets)
          return client_error("LimitExceededException", "The requested resource exceeds the maximum number allowed.");
        return {};
      });
  if (!changed) return fail(changed);
  return shapes::PutTargetsResponse{.failed_entry_count = 0,
                                    .failed_entries = std::vector<shapes::PutTargetsResultEntry>()};
}

Result<shapes::RemoveTargetsResponse> remove_targets(const Parts& parts, const shapes::RemoveTargetsRequest& in) {
  shapes::RemoveTargetsResponse out;
  auto& failed = out.failed_entries.emplace();
  auto changed = parts.registry.change_rule(
      parts.registry.bus_name(in.event_bus_name), *in.rule, false, [&](Rule& rule) -> Result<void> {
        failed.clear();
        for (const auto& id : *in.ids) {
          const auto gone = std::erase_if(rule.targets, [&id](const Target& target) { return target.shape.id == id; });
          if (gone == 0)
            failed.push_back(
                {.target_id = id,
                 .error_code = "ResourceNotFoundException",
                 .error_message = fmt::format("Rule {} does not have a target with the Id {}.", rule.name, id)});
        }
        return {};
      });
  if (!changed) return fail(changed);
  out.failed_entry_count = static_cast<std::int32_t>(failed.size());
  return out;
}

Result<shapes::ListTargetsByRuleResponse> list_targets(const Parts& parts, const shapes::ListTargetsByRuleRequest& in) {
  auto rule = parts.registry.rule(parts.registry.bus_name(in.event_bus_name), *in.rule);
  if (!rule) return fail(rule);
  std::vector<shapes::Target> targets;
  targets.reserve((*rule)->targets.size());
  for (const auto& target : (*rule)->targets) targets.push_back(target.shape);
  std::sort(targets.begin(), targets.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  auto page =
      page_of(std::move(targets), in, [](const shapes::Target& target) -> const std::string& { return *target.id; });
  if (!page) return fail(page);
  return shapes::ListTargetsByRuleResponse{.targets = std::move(page->first), .next_token = page->second};
}

}  // namespace

void register_targets(aws::Service& service, const Parts& parts) {
  service.on<shapes::PutTargets>(
      [parts](const aws::RequestContext& context, const auto& in) { return put_targets(parts, context, in); },
      "Targets are functions, queues, topics, state machines, log groups and event buses of this server; others, API "
      "destinations too, are refused.");
  needs_rule<shapes::PutTargets>(service, parts);
  service.on<shapes::RemoveTargets>(
      [parts](const aws::RequestContext&, const auto& in) { return remove_targets(parts, in); });
  needs_rule<shapes::RemoveTargets>(service, parts);
  service.on<shapes::ListTargetsByRule>(
      [parts](const aws::RequestContext&, const auto& in) { return list_targets(parts, in); });
  needs_rule<shapes::ListTargetsByRule>(service, parts);
}

}  // namespace likeness::eventbridge
