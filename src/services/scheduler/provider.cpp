#include "services/scheduler/provider.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/bytes.hpp"

namespace likeness::scheduler {
namespace {

Failure invalid(std::string message) { return client_error("ValidationException", std::move(message)); }

template <class T, class In, class KeyOf>
Result<std::pair<std::vector<T>, std::optional<std::string>>> page_of(std::vector<T> all, const In& in, KeyOf key_of) {
  auto at = all.begin();
  if (in.next_token) {
    const auto after = from_base64(*in.next_token);
    if (!after || after->empty()) return invalid("Invalid NextToken.");
    const std::string last(as_text(*after));
    at = std::find_if(all.begin(), all.end(), [&](const T& item) { return key_of(item) > last; });
  }
  const auto limit = static_cast<std::ptrdiff_t>(in.max_results.value_or(100));
  const auto end = all.end() - at > limit ? at + limit : all.end();
  std::optional<std::string> token;
  if (end != all.end()) token = to_base64(as_bytes(key_of(*std::prev(end))));
  return std::pair{std::vector<T>(at, end), token};
}

std::string group_in(const std::optional<std::string>& group) {
  return group.value_or(std::string(Schedules::kDefaultGroup));
}

/// May the caller hand that role to the scheduler?
Result<void> may_pass(const aws::RequestContext& context, const shapes::Target& target) {
  return context.allowed(policy::pass_role(target.role_arn.value_or(""), "scheduler.amazonaws.com"));
}

shapes::CreateScheduleInput as_creation(const shapes::UpdateScheduleInput& in) {
  return {.name = in.name,
          .group_name = in.group_name,
          .schedule_expression = in.schedule_expression,
          .start_date = in.start_date,
          .end_date = in.end_date,
          .description = in.description,
          .schedule_expression_timezone = in.schedule_expression_timezone,
          .state = in.state,
          .kms_key_arn = in.kms_key_arn,
          .target = in.target,
          .flexible_time_window = in.flexible_time_window,
          .action_after_completion = in.action_after_completion};
}

Result<shapes::GetScheduleOutput> get_schedule(const Schedules& schedules, const shapes::GetScheduleInput& in) {
  auto found = schedules.find(group_in(in.group_name), *in.name);
  if (!found) return fail(found);
  const Schedule& schedule = **found;
  const auto& wanted = schedule.wanted;
  return shapes::GetScheduleOutput{
      .arn = schedule.arn,
      .group_name = schedule.group,
      .name = schedule.name,
      .schedule_expression = wanted.schedule_expression,
      .start_date = wanted.start_date,
      .end_date = wanted.end_date,
      .description = wanted.description,
      .schedule_expression_timezone = wanted.schedule_expression_timezone.value_or("UTC"),
      .state = wanted.state.value_or(shapes::ScheduleState::Enabled),
      .creation_date = schedule.created,
      .last_modification_date = schedule.modified,
      .kms_key_arn = wanted.kms_key_arn,
      .target = wanted.target,
      .flexible_time_window = wanted.flexible_time_window,
      .action_after_completion = wanted.action_after_completion.value_or(shapes::ActionAfterCompletion::None)};
}

Result<shapes::ListSchedulesOutput> list_schedules(const Schedules& schedules, const shapes::ListSchedulesInput& in) {
  if (in.group_name)
    if (auto group = schedules.find_group(*in.group_name); !group) return fail(group);
  auto all = schedules.list(in.group_name);
  std::erase_if(all, [&in](const auto& schedule) {
    return (in.name_prefix && !schedule->name.starts_with(*in.name_prefix)) ||
           (in.state && *in.state != schedule->wanted.state.value_or(shapes::ScheduleState::Enabled));
  });
  auto page = page_of(std::move(all), in, [](const auto& schedule) { return schedule->group + "/" + schedule->name; });
  if (!page) return fail(page);
  shapes::ListSchedulesOutput out{.next_token = page->second};
  auto& listed = out.schedules.emplace();
  for (const auto& schedule : page->first)
    listed.push_back({.arn = schedule->arn,
                      .name = schedule->name,
                      .group_name = schedule->group,
                      .state = schedule->wanted.state.value_or(shapes::ScheduleState::Enabled),
                      .creation_date = schedule->created,
                      .last_modification_date = schedule->modified,
                      .target = shapes::TargetSummary{.arn = schedule->wanted.target->arn}});
  return out;
}

Result<Tags> tags_of(const std::optional<std::vector<shapes::Tag>>& tags) {
  Tags out;
  if (!tags) return out;
  for (const auto& tag : *tags) {
    if (tag.key.value_or("").starts_with("aws:")) return invalid("Tag keys must not begin with aws:.");
    out.insert_or_assign(tag.key.value_or(""), tag.value.value_or(""));
  }
  return out;
}

/// Only groups have tags.
Result<std::string> group_of_arn(const Schedules& schedules, const std::string& arn) {
  const std::string base = schedules.group_arn("");
  if (!arn.starts_with(base))
    return client_error("ResourceNotFoundException", fmt::format("Resource {} does not exist.", arn));
  return arn.substr(base.size());
}

template <class Op, class ResourceOf>
void needs(aws::Service& service, ResourceOf resource_of) {
  service.permissions<Op>([resource_of](const aws::RequestContext&, const typename Op::Input& in) {
    policy::Permission permission;
    permission.action = "scheduler:" + std::string(Op::kName);
    permission.resource = resource_of(in);
    return std::vector{std::move(permission)};
  });
}

void register_schedules(aws::Service& service, Schedules& schedules) {
  const auto on_schedule = [&schedules](const auto& in) {
    return schedules.schedule_arn(group_in(in.group_name), in.name.value_or("*"));
  };
  service.on<shapes::CreateSchedule>(
      [&schedules](const aws::RequestContext& context,
                   const shapes::CreateScheduleInput& in) -> Result<shapes::CreateScheduleOutput> {
        if (auto allowed = may_pass(context, *in.target); !allowed) return fail(allowed);
        auto made = schedules.create(in);
        if (!made) return fail(made);
        return shapes::CreateScheduleOutput{.schedule_arn = (*made)->arn};
      },
      "Targets are functions, queues, topics, state machines, log groups and event buses of this server, and aws-sdk "
      "calls of every operation that it has.");
  needs<shapes::CreateSchedule>(service, on_schedule);
  service.on<shapes::UpdateSchedule>(
      [&schedules](const aws::RequestContext& context,
                   const shapes::UpdateScheduleInput& in) -> Result<shapes::UpdateScheduleOutput> {
        if (auto allowed = may_pass(context, *in.target); !allowed) return fail(allowed);
        auto made = schedules.update(as_creation(in));
        if (!made) return fail(made);
        return shapes::UpdateScheduleOutput{.schedule_arn = (*made)->arn};
      });
  needs<shapes::UpdateSchedule>(service, on_schedule);
  service.on<shapes::GetSchedule>(
      [&schedules](const aws::RequestContext&, const auto& in) { return get_schedule(schedules, in); });
  needs<shapes::GetSchedule>(service, on_schedule);
  service.on<shapes::DeleteSchedule>(
      [&schedules](const aws::RequestContext&,
                   const shapes::DeleteScheduleInput& in) -> Result<shapes::DeleteScheduleOutput> {
        auto removed = schedules.remove(group_in(in.group_name), *in.name);
        if (!removed) return fail(removed);
        return shapes::DeleteScheduleOutput{};
      });
  needs<shapes::DeleteSchedule>(service, on_schedule);
  service.on<shapes::ListSchedules>(
      [&schedules](const aws::RequestContext&, const auto& in) { return list_schedules(schedules, in); });
}

void register_groups(aws::Service& service, Schedules& schedules) {
  const auto on_group = [&schedules](const auto& in) { return schedules.group_arn(in.name.value_or("*")); };
  service.on<shapes::CreateScheduleGroup>(
      [&schedules](const aws::RequestContext&,
                   const shapes::CreateScheduleGroupInput& in) -> Result<shapes::CreateScheduleGroupOutput> {
        auto tags = tags_of(in.tags);
        if (!tags) return fail(tags);
        auto made = schedules.create_group({.name = *in.name, .tags = std::move(*tags)});
        if (!made) return fail(made);
        return shapes::CreateScheduleGroupOutput{.schedule_group_arn = schedules.group_arn(*in.name)};
      });
  needs<shapes::CreateScheduleGroup>(service, on_group);
  service.on<shapes::GetScheduleGroup>(
      [&schedules](const aws::RequestContext&,
                   const shapes::GetScheduleGroupInput& in) -> Result<shapes::GetScheduleGroupOutput> {
        auto group = schedules.find_group(*in.name);
        if (!group) return fail(group);
        return shapes::GetScheduleGroupOutput{.arn = schedules.group_arn(group->name),
                                              .name = group->name,
                                              .state = shapes::ScheduleGroupState::Active,
                                              .creation_date = group->created,
                                              .last_modification_date = group->modified};
      });
  needs<shapes::GetScheduleGroup>(service, on_group);
  service.on<shapes::DeleteScheduleGroup>(
      [&schedules](const aws::RequestContext&,
                   const shapes::DeleteScheduleGroupInput& in) -> Result<shapes::DeleteScheduleGroupOutput> {
        auto removed = schedules.remove_group(*in.name);
        if (!removed) return fail(removed);
        return shapes::DeleteScheduleGroupOutput{};
      },
      "A group is gone with its schedules when the call returns.");
  needs<shapes::DeleteScheduleGroup>(service, on_group);
  service.on<shapes::ListScheduleGroups>(
      [&schedules](const aws::RequestContext&,
                   const shapes::ListScheduleGroupsInput& in) -> Result<shapes::ListScheduleGroupsOutput> {
        auto page =
            page_of(schedules.groups(in.name_prefix.value_or("")), in, [](const Group& group) { return group.name; });
        if (!page) return fail(page);
        shapes::ListScheduleGroupsOutput out{.next_token = page->second};
        auto& listed = out.schedule_groups.emplace();
        for (const auto& group : page->first)
          listed.push_back({.arn = schedules.group_arn(group.name),
                            .name = group.name,
                            .state = shapes::ScheduleGroupState::Active,
                            .creation_date = group.created,
                            .last_modification_date = group.modified});
        return out;
      });
}

void register_tags(aws::Service& service, Schedules& schedules) {
  const auto on_resource = [](const auto& in) { return in.resource_arn.value_or("*"); };
  service.on<shapes::ListTagsForResource>(
      [&schedules](const aws::RequestContext&,
                   const shapes::ListTagsForResourceInput& in) -> Result<shapes::ListTagsForResourceOutput> {
        auto name = group_of_arn(schedules, *in.resource_arn);
        if (!name) return fail(name);
        auto group = schedules.find_group(*name);
        if (!group) return fail(group);
        shapes::ListTagsForResourceOutput out;
        auto& listed = out.tags.emplace();
        for (const auto& [key, value] : group->tags) listed.push_back({.key = key, .value = value});
        return out;
      });
  needs<shapes::ListTagsForResource>(service, on_resource);
  service.on<shapes::TagResource>(
      [&schedules](const aws::RequestContext&,
                   const shapes::TagResourceInput& in) -> Result<shapes::TagResourceOutput> {
        auto name = group_of_arn(schedules, *in.resource_arn);
        if (!name) return fail(name);
        auto tags = tags_of(in.tags);
        if (!tags) return fail(tags);
        auto changed = schedules.change_group(*name, [&tags](Group& group) {
          for (const auto& [key, value] : *tags) group.tags.insert_or_assign(key, value);
        });
        if (!changed) return fail(changed);
        return shapes::TagResourceOutput{};
      });
  needs<shapes::TagResource>(service, on_resource);
  service.on<shapes::UntagResource>(
      [&schedules](const aws::RequestContext&,
                   const shapes::UntagResourceInput& in) -> Result<shapes::UntagResourceOutput> {
        auto name = group_of_arn(schedules, *in.resource_arn);
        if (!name) return fail(name);
        auto changed = schedules.change_group(*name, [&in](Group& group) {
          for (const auto& key : *in.tag_keys) group.tags.erase(key);
        });
        if (!changed) return fail(changed);
        return shapes::UntagResourceOutput{};
      });
  needs<shapes::UntagResource>(service, on_resource);
}

}  // namespace

std::unique_ptr<aws::Service> make_scheduler(Schedules& schedules) {
  auto service = std::make_unique<aws::Service>(shapes::model());
  register_schedules(*service, schedules);
  register_groups(*service, schedules);
  register_tags(*service, schedules);
  return service;
}

}  // namespace likeness::scheduler
