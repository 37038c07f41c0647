#include <fmt/format.h>

#include <utility>

#include "services/events/common.hpp"

namespace likeness::eventbridge {
namespace {

std::optional<std::string> non_empty(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

Result<shapes::PutRuleResponse> put_rule(const Parts& parts, const aws::RequestContext& context,
                                         const shapes::PutRuleRequest& in) {
  const std::string bus = parts.registry.bus_name(in.event_bus_name);
  const bool pattern = in.event_pattern && !in.event_pattern->empty();
  const bool schedule = in.schedule_expression && !in.schedule_expression->empty();
  if (!pattern && !schedule) return invalid("Parameter(s) EventPattern or ScheduleExpression must be specified.");
  if (auto there = parts.registry.bus(bus); !there) return fail(there);
  if (schedule && bus != Registry::kDefaultBus)
    return invalid("ScheduleExpression is supported only on the default event bus.");
  if (schedule) {
    const auto parsed = events::parse_schedule(*in.schedule_expression);
    if (!parsed || std::holds_alternative<events::Once>(*parsed))
      return invalid("Parameter ScheduleExpression is not valid.");
  }
  if (in.role_arn)
    if (auto allowed = context.allowed(policy::pass_role(*in.role_arn, "events.amazonaws.com")); !allowed)
      return fail(allowed);
  std::optional<Tags> tags;
  if (in.tags) {
    auto read = tags_of(*in.tags);
    if (!read) return fail(read);
    tags = std::move(*read);
  }
  auto changed = parts.registry.change_rule(bus, *in.name, true, [&](Rule& rule) -> Result<void> {
    // What is not said is gone; targets and tags stay as they are.
    rule.pattern = in.event_pattern.value_or("");
    rule.schedule = in.schedule_expression.value_or("");
    rule.state = in.state.value_or(shapes::RuleState::Enabled);
    rule.description = in.description;
    rule.role_arn = in.role_arn;
    if (tags && rule.tags.empty()) rule.tags = std::move(*tags);
    return {};
  });
  if (!changed) return fail(changed);
  return shapes::PutRuleResponse{.rule_arn = (*changed)->arn};
}

Result<shapes::DescribeRuleResponse> describe_rule(const Parts& parts, const shapes::DescribeRuleRequest& in) {
  auto rule = parts.registry.rule(parts.registry.bus_name(in.event_bus_name), *in.name);
  if (!rule) return fail(rule);
  const Rule& found = **rule;
  return shapes::DescribeRuleResponse{.name = found.name,
                                      .arn = found.arn,
                                      .event_pattern = non_empty(found.pattern),
                                      .schedule_expression = non_empty(found.schedule),
                                      .state = found.state,
                                      .description = found.description,
                                      .role_arn = found.role_arn,
                                      .event_bus_name = found.bus,
                                      .created_by = parts.registry.account()};
}

Result<shapes::ListRulesResponse> list_rules(const Parts& parts, const shapes::ListRulesRequest& in) {
  const std::string bus = parts.registry.bus_name(in.event_bus_name);
  if (auto there = parts.registry.bus(bus); !there) return fail(there);
  auto page = page_of(parts.registry.rules(bus, in.name_prefix.value_or("")), in,
                      [](const auto& rule) -> const std::string& { return rule->name; });
  if (!page) return fail(page);
  shapes::ListRulesResponse out{.next_token = page->second};
  auto& listed = out.rules.emplace();
  for (const auto& rule : page->first)
    listed.push_back({.name = rule->name,
                      .arn = rule->arn,
                      .event_pattern = non_empty(rule->pattern),
                      .state = rule->state,
                      .description = rule->description,
                      .schedule_expression = non_empty(rule->schedule),
                      .role_arn = rule->role_arn,
                      .event_bus_name = rule->bus});
  return out;
}

template <class In>
Result<aws::Empty> set_state(const Parts& parts, const In& in, shapes::RuleState state) {
  auto changed = parts.registry.change_rule(parts.registry.bus_name(in.event_bus_name), *in.name, false,
                                            [state](Rule& rule) -> Result<void> {
                                              rule.state = state;
                                              return {};
                                            });
  if (!changed) return fail(changed);
  return aws::Empty{};
}

Result<shapes::ListRuleNamesByTargetResponse> names_by_target(const Parts& parts,
                                                              const shapes::ListRuleNamesByTargetRequest& in) {
  const std::string bus = parts.registry.bus_name(in.event_bus_name);
  if (auto there = parts.registry.bus(bus); !there) return fail(there);
  std::vector<std::string> names;
  for (const auto& rule : parts.registry.rules(bus, ""))
    if (std::any_of(rule->targets.begin(), rule->targets.end(),
                    [&in](const Target& target) { return target.shape.arn == in.target_arn; }))
      names.push_back(rule->name);
  auto page = page_of(std::move(names), in, [](const std::string& name) { return std::string(name); });
  if (!page) return fail(page);
  return shapes::ListRuleNamesByTargetResponse{.rule_names = std::move(page->first), .next_token = page->second};
}

/// Rules and buses have tags. `change` gets them; what it leaves is kept.
Result<Tags> change_tags(const Parts& parts, const std::string& arn, const std::function<Result<void>(Tags&)>& change) {
  Tags after;
  const auto missing = [&arn] {
    return client_error("ResourceNotFoundException", fmt::format("{} does not exist.", arn));
  };
  const std::string buses = parts.registry.bus_arn("");
  if (arn.starts_with(buses)) {
    auto done = parts.registry.change_bus(arn.substr(buses.size()), [&](Bus& bus) -> Result<void> {
      if (auto good = change(bus.tags); !good) return good;
      after = bus.tags;
      return {};
    });
    if (!done) return fail(done);
    return after;
  }
  const std::string rules = parts.registry.rule_arn(Registry::kDefaultBus, "");
  if (!arn.starts_with(rules)) return missing();
  const std::string rest = arn.substr(rules.size());
  const std::size_t slash = rest.rfind('/');
  const std::string bus = slash == std::string::npos ? std::string(Registry::kDefaultBus) : rest.substr(0, slash);
  const std::string name = slash == std::string::npos ? rest : rest.substr(slash + 1);
  auto done = parts.registry.change_rule(bus, name, false, [&](Rule& rule) -> Result<void> {
    if (auto good = change(rule.tags); !good) return good;
    after = rule.tags;
    return {};
  });
  if (!done) return fail(done);
  return after;
}

Result<Tags> tags_at(const Parts& parts, const std::string& arn) {
  const std::string buses = parts.registry.bus_arn("");
  if (arn.starts_with(buses)) {
    auto bus = parts.registry.bus(arn.substr(buses.size()));
    if (!bus) return fail(bus);
    return (*bus)->tags;
  }
  const std::string rules = parts.registry.rule_arn(Registry::kDefaultBus, "");
  if (!arn.starts_with(rules)) return client_error("ResourceNotFoundException", fmt::format("{} does not exist.", arn));
  const std::string rest = arn.substr(rules.size());
  const std::size_t slash = rest.rfind('/');
  auto rule = slash == std::string::npos ? parts.registry.rule(Registry::kDefaultBus, rest)
                                         : parts.registry.rule(rest.substr(0, slash), rest.substr(slash + 1));
  if (!rule) return fail(rule);
  return (*rule)->tags;
}

void register_tags(aws::Service& service, const Parts& parts) {
  const auto on_resource = [](const aws::RequestContext&, const auto& in) { return in.resource_arn.value_or("*"); };
  service.on<shapes::ListTagsForResource>(
      [parts](const aws::RequestContext&,
              const shapes::ListTagsForResourceRequest& in) -> Result<shapes::ListTagsForResourceResponse> {
        auto tags = tags_at(parts, *in.resource_arn);
        if (!tags) return fail(tags);
        shapes::ListTagsForResourceResponse out;
        auto& listed = out.tags.emplace();
        for (const auto& [key, value] : *tags) listed.push_back({.key = key, .value = value});
        return out;
      });
  needs<shapes::ListTagsForResource>(service, on_resource);
  service.on<shapes::TagResource>(
      [parts](const aws::RequestContext&, const shapes::TagResourceRequest& in) -> Result<shapes::TagResourceResponse> {
        auto added = tags_of(*in.tags);
        if (!added) return fail(added);
        auto done = change_tags(parts, *in.resource_arn, [&](Tags& tags) -> Result<void> {
          for (const auto& [key, value] : *added) tags.insert_or_assign(key, value);
          if (tags.size() > 50) return client_error("LimitExceededException", "A resource can have up to 50 tags.");
          return {};
        });
        if (!done) return fail(done);
        return shapes::TagResourceResponse{};
      });
  needs<shapes::TagResource>(service, on_resource);
  service.on<shapes::UntagResource>(
      [parts](const aws::RequestContext&,
              const shapes::UntagResourceRequest& in) -> Result<shapes::UntagResourceResponse> {
        auto done = change_tags(parts, *in.resource_arn, [&](Tags& tags) -> Result<void> {
          for (const auto& key : *in.tag_keys) tags.erase(key);
          return {};
        });
        if (!done) return fail(done);
        return shapes::UntagResourceResponse{};
      });
  needs<shapes::UntagResource>(service, on_resource);
}

}  // namespace

void register_rules(aws::Service& service, const Parts& parts) {
  service.on<shapes::PutRule>(
      [parts](const aws::RequestContext& context, const auto& in) { return put_rule(parts, context, in); },
      "A bus takes any number of rules.");
  needs_rule<shapes::PutRule>(service, parts);
  service.on<shapes::DescribeRule>(
      [parts](const aws::RequestContext&, const auto& in) { return describe_rule(parts, in); });
  needs_rule<shapes::DescribeRule>(service, parts);
  service.on<shapes::ListRules>([parts](const aws::RequestContext&, const auto& in) { return list_rules(parts, in); });
  needs<shapes::ListRules>(service, [&registry = parts.registry](const aws::RequestContext&, const auto& in) {
    return registry.rule_arn(registry.bus_name(in.event_bus_name), "*");
  });
  service.on<shapes::DeleteRule>(
      [parts](const aws::RequestContext&, const shapes::DeleteRuleRequest& in) -> Result<aws::Empty> {
        auto removed = parts.registry.remove_rule(parts.registry.bus_name(in.event_bus_name), *in.name);
        if (!removed) return fail(removed);
        return aws::Empty{};
      });
  needs_rule<shapes::DeleteRule>(service, parts);
  service.on<shapes::EnableRule>(
      [parts](const aws::RequestContext&, const auto& in) { return set_state(parts, in, shapes::RuleState::Enabled); });
  needs_rule<shapes::EnableRule>(service, parts);
  service.on<shapes::DisableRule>([parts](const aws::RequestContext&, const auto& in) {
    return set_state(parts, in, shapes::RuleState::Disabled);
  });
  needs_rule<shapes::DisableRule>(service, parts);
  service.on<shapes::ListRuleNamesByTarget>(
      [parts](const aws::RequestContext&, const auto& in) { return names_by_target(parts, in); });
  needs<shapes::ListRuleNamesByTarget>(service,
                                       [&registry = parts.registry](const aws::RequestContext&, const auto& in) {
                                         return registry.rule_arn(registry.bus_name(in.event_bus_name), "*");
                                       });
  register_tags(service, parts);
}

}  // namespace likeness::eventbridge
