#include <algorithm>

#include "aws/exceptions.hpp"
#include "services/stepfunctions/common.hpp"

namespace likeness::stepfunctions {
namespace {

using aws::RequestContext;

constexpr std::chrono::seconds kPatience{60};  // AWS's

Result<states::Activity> activity_of(const Parts& parts, const std::string& arn) {
  auto parsed = read_arn(arn, "activity");
  if (!parsed) return fail(parsed);
  auto activity = parts.machines.find_activity(arn);
  if (!activity) return activity.error().code == "NotFound" ? activity_missing(arn) : api_error(activity);
  return activity;
}

Result<shapes::CreateActivityOutput> create(const Parts& parts, const RequestContext& context,
                                            const shapes::CreateActivityInput& in) {
  if (auto named = check_name(*in.name); !named) return fail(named);
  if (auto encryption = check_encryption(in.encryption_configuration); !encryption) return fail(encryption);
  states::Tags tags;
  if (in.tags)
    for (const auto& tag : *in.tags) tags[tag.key.value_or("")] = tag.value.value_or("");
  auto made = parts.machines.create_activity(scope_of(context) + ":activity:" + *in.name, *in.name, tags);
  if (!made) return api_error(made);
  return shapes::CreateActivityOutput{.activity_arn = made->arn, .creation_date = made->created};
}

Result<shapes::DescribeActivityOutput> describe(const Parts& parts, const RequestContext&,
                                                const shapes::DescribeActivityInput& in) {
  auto activity = activity_of(parts, *in.activity_arn);
  if (!activity) return fail(activity);
  return shapes::DescribeActivityOutput{
      .activity_arn = activity->arn, .name = activity->name, .creation_date = activity->created};
}

Result<shapes::DeleteActivityOutput> remove(const Parts& parts, const RequestContext&,
                                            const shapes::DeleteActivityInput& in) {
  auto parsed = read_arn(*in.activity_arn, "activity");
  if (!parsed) return fail(parsed);
  if (auto removed = parts.machines.remove_activity(*in.activity_arn); !removed) return api_error(removed);
  return shapes::DeleteActivityOutput{};
}

Result<shapes::ListActivitiesOutput> list(const Parts& parts, const RequestContext& context,
                                          const shapes::ListActivitiesInput& in) {
  auto from = from_token(parts, "ListActivities", in.next_token);
  if (!from) return fail(from);
  const auto limit = page_size(in.max_results);
  auto activities = parts.machines.activities(scope_of(context), *from, limit + 1);
  if (!activities) return api_error(activities);
  shapes::ListActivitiesOutput out;
  out.activities.emplace();
  for (const auto& activity : *activities) {
    if (out.activities->size() == limit) {
      out.next_token = token_for(parts, "ListActivities", activity.name);
      break;
    }
    out.activities->push_back(shapes::ActivityListItem{
        .activity_arn = activity.arn, .name = activity.name, .creation_date = activity.created});
  }
  return out;
}

Result<shapes::GetActivityTaskOutput> next_task(const Parts& parts, const RequestContext& context,
                                                const shapes::GetActivityTaskInput& in) {
  auto activity = activity_of(parts, *in.activity_arn);
  if (!activity) return fail(activity);
  auto task = parts.engine.next_activity_task(activity->arn, in.worker_name.value_or(""), kPatience, context.gone());
  if (!task) return api_error(task);
  shapes::GetActivityTaskOutput out;
  if (*task) {
    out.task_token = (*task)->token;
    out.input = (*task)->input;
  }
  return out;
}

Result<shapes::SendTaskSuccessOutput> success(const Parts& parts, const RequestContext&,
                                              const shapes::SendTaskSuccessInput& in) {
  if (auto parsed = states::parse_json(*in.output); !parsed)
    return client_error("InvalidOutput", fmt::format("Invalid Output: '{}'", parsed.error().message));
  if (in.output->size() > 262'144)
    return client_error("InvalidOutput", "Invalid Output: 'Output exceeds the maximum size'");
  auto taken = parts.engine.task_answer(*in.task_token, *in.output);
  if (!taken) return api_error(taken);
  return shapes::SendTaskSuccessOutput{};
}

Result<shapes::SendTaskFailureOutput> failure(const Parts& parts, const RequestContext&,
                                              const shapes::SendTaskFailureInput& in) {
  auto taken = parts.engine.task_answer(*in.task_token, states::problem(in.error.value_or(""), in.cause.value_or("")));
  if (!taken) return api_error(taken);
  return shapes::SendTaskFailureOutput{};
}

Result<shapes::SendTaskHeartbeatOutput> heartbeat(const Parts& parts, const RequestContext&,
                                                  const shapes::SendTaskHeartbeatInput& in) {
  auto taken = parts.engine.task_heartbeat(*in.task_token);
  if (!taken) return api_error(taken);
  return shapes::SendTaskHeartbeatOutput{};
}

}  // namespace

void add_tasks(aws::Service& service, const Parts& parts) {
  const auto with = [&parts](auto function) {
    return [&parts, function](const auto& context, const auto& in) { return function(parts, context, in); };
  };
  service.on<shapes::CreateActivity>(with(create));
  service.on<shapes::DescribeActivity>(with(describe));
  service.on<shapes::DeleteActivity>(with(remove));
  service.on<shapes::ListActivities>(with(list));
  service.on<shapes::GetActivityTask>(with(next_task));
  service.waits<shapes::GetActivityTask>();
  service.on<shapes::SendTaskSuccess>(with(success));
  service.on<shapes::SendTaskFailure>(with(failure));
  service.on<shapes::SendTaskHeartbeat>(with(heartbeat));
}

}  // namespace likeness::stepfunctions
