#include <algorithm>

#include "aws/exceptions.hpp"
#include "base/bytes.hpp"
#include "policy/permission.hpp"
#include "services/stepfunctions/common.hpp"
#include "states/map_runs.hpp"

namespace likeness::stepfunctions {
namespace {

using aws::RequestContext;
using states::Status;

constexpr std::size_t kMaxInput = 262'144;

shapes::ExecutionStatus shown(Status status) { return static_cast<shapes::ExecutionStatus>(status); }
static_assert(static_cast<int>(shapes::ExecutionStatus::PendingRedrive) == static_cast<int>(Status::PendingRedrive));
static_assert(static_cast<int>(shapes::ExecutionStatus::TimedOut) == static_cast<int>(Status::TimedOut));

shapes::CloudWatchEventsExecutionDataDetails included() { return {.included = true}; }

Result<void> check_input(const std::string& input) {
  if (input.size() > kMaxInput)
    return client_error("InvalidExecutionInput", "Invalid State Machine Execution Input: 'Invalid execution input.'");
  auto parsed = states::parse_json(input);
  if (!parsed)
    return client_error("InvalidExecutionInput",
                        fmt::format("Invalid State Machine Execution Input: '{}'", parsed.error().message));
  return {};
}

template <class In>
states::ExecutionInfo make_info(const Parts& parts, const Target& target, const In& in) {
  states::ExecutionInfo info;
  const auto& machine = target.machine;
  info.name = in.name.value_or("");
  if (info.name.empty()) info.name = uuid_v4();
  info.machine_arn = machine.arn;
  info.machine_name = machine.name;
  info.revision = machine.revision;
  info.version_arn = target.version_arn;
  info.alias_arn = target.alias_arn;
  info.role_arn = machine.role_arn;
  info.express = machine.express;
  info.input = in.input.value_or("{}");
  info.trace_header = in.trace_header.value_or("");
  info.started = parts.clock.now();
  const auto parsed = states::parse_states_arn(machine.arn);
  info.arn = machine.express ? fmt::format("{}:express:{}:{}:{}", parsed->scope, machine.name, info.name, uuid_v4())
                             : fmt::format("{}:execution:{}:{}", parsed->scope, machine.name, info.name);
  return info;
}

Result<shapes::StartExecutionOutput> start(const Parts& parts, const RequestContext&,
                                           const shapes::StartExecutionInput& in) {
  auto target = find_target(parts, *in.state_machine_arn);
  if (!target) return fail(target);
  if (in.name)
    if (auto named = check_name(*in.name); !named) return fail(named);
  auto info = make_info(parts, *target, in);
  if (auto input = check_input(info.input); !input) return fail(input);
  auto definition = parts.machines.definition(target->machine.arn, target->machine.revision);
  if (!definition) return api_error(definition);
  const auto arn = info.arn;
  auto started = parts.engine.start_execution(std::move(info), *definition);
  if (!started) {
    if (started.error().code == "AlreadyExists") return client_error("ExecutionAlreadyExists", started.error().message);
    return api_error(started);
  }
  return shapes::StartExecutionOutput{.execution_arn = arn, .start_date = *started};
}

Result<shapes::StartSyncExecutionOutput> start_sync(const Parts& parts, const RequestContext& context,
                                                    const shapes::StartSyncExecutionInput& in) {
  auto target = find_target(parts, *in.state_machine_arn);
  if (!target) return fail(target);
  if (!target->machine.express)
    return client_error("StateMachineTypeNotSupported",
                        "This operation is not supported by this type of state machine");
  if (in.name)
    if (auto named = check_name(*in.name); !named) return fail(named);
  auto info = make_info(parts, *target, in);
  if (auto input = check_input(info.input); !input) return fail(input);
  auto definition = parts.machines.definition(target->machine.arn, target->machine.revision);
  if (!definition) return api_error(definition);
  auto ended = parts.engine.start_sync(std::move(info), *definition, context.gone());
  if (!ended) return api_error(ended);
  const auto& [run, ending] = *ended;
  shapes::StartSyncExecutionOutput out;
  out.execution_arn = run.arn;
  out.state_machine_arn = run.machine_arn;
  out.name = run.name;
  out.start_date = run.started;
  out.stop_date = ending.stopped;
  out.input = run.input;
  out.input_details = included();
  if (!run.trace_header.empty()) out.trace_header = run.trace_header;
  out.status = ending.status == Status::Succeeded  ? shapes::SyncExecutionStatus::Succeeded
               : ending.status == Status::TimedOut ? shapes::SyncExecutionStatus::TimedOut
                                                   : shapes::SyncExecutionStatus::Failed;
  if (ending.status == Status::Succeeded) {
    out.output = ending.output;
    out.output_details = included();
  }
  out.error = ending.error;
  out.cause = ending.cause;
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(ending.stopped - run.started).count();
  out.billing_details = shapes::BillingDetails{.billed_memory_used_in_mb = 64,
                                               .billed_duration_in_milliseconds = (millis / 100 + 1) * 100};
  return out;
}

Result<shapes::DescribeExecutionOutput> describe(const Parts& parts, const RequestContext&,
                                                 const shapes::DescribeExecutionInput& in) {
  auto record = record_of(parts, *in.execution_arn);
  if (!record) return fail(record);
  const auto& info = record->info;
  const auto& ending = record->ending;
  shapes::DescribeExecutionOutput out;
  out.execution_arn = info.arn;
  out.state_machine_arn = info.machine_arn;
  out.name = info.name;
  out.status = shown(ending.status);
  out.start_date = info.started;
  const bool data = !in.included_data || *in.included_data == shapes::IncludedData::AllData;
  if (data) out.input = info.input;
  out.input_details = shapes::CloudWatchEventsExecutionDataDetails{.included = data};
  if (ending.status != Status::Running) out.stop_date = ending.stopped;
  if (ending.status == Status::Succeeded) {
    if (data) out.output = ending.output;
    out.output_details = shapes::CloudWatchEventsExecutionDataDetails{.included = data};
  }
  if (!info.trace_header.empty()) out.trace_header = info.trace_header;
  if (!info.map_run_arn.empty()) out.map_run_arn = info.map_run_arn;
  if (ending.status != Status::Running) {
    out.error = ending.error;
    out.cause = ending.cause;
  }
  if (!info.version_arn.empty()) out.state_machine_version_arn = info.version_arn;
  if (!info.alias_arn.empty()) out.state_machine_alias_arn = info.alias_arn;
  out.redrive_count = static_cast<std::int32_t>(record->redrive_count);
  if (record->redrive_count > 0) out.redrive_date = record->redriven;
  const auto redrive = redrive_status(parts, *record);
  out.redrive_status = redrive.status;
  out.redrive_status_reason = redrive.reason;
  return out;
}

Result<shapes::ListExecutionsOutput> list(const Parts& parts, const RequestContext&,
                                          const shapes::ListExecutionsInput& in) {
  shapes::ListExecutionsOutput out;
  out.executions.emplace();
  std::string of;
  std::string version_or_alias;
  if (in.map_run_arn) {
    auto run = parts.engine.map_runs().find(*in.map_run_arn);
    if (!run) return api_error(run);
    if (!*run) return client_error("ResourceNotFound", fmt::format("Resource not found: '{}'", *in.map_run_arn));
    of = *in.map_run_arn;
  } else {
    if (!in.state_machine_arn)
      return aws::exception(shapes::ValidationException{.message = "Must provide a StateMachine ARN or MapRun ARN"});
    auto target = find_target(parts, *in.state_machine_arn);
    if (!target) return fail(target);
    if (target->machine.express)
      return client_error("StateMachineTypeNotSupported",
                          "This operation is not supported by this type of state machine");
    of = target->machine.arn;
    if (!target->version_arn.empty()) version_or_alias = *in.state_machine_arn;
  }
  std::optional<Status> status;
  if (in.status_filter) status = static_cast<Status>(*in.status_filter);
  // A token goes on with the listing that gave it.
  const auto listing = fmt::format("ListExecutions {} {} {}", of, status ? states::name_of(*status) : "",
                                   in.redrive_filter ? static_cast<int>(*in.redrive_filter) : -1);
  auto from = from_token(parts, listing, in.next_token);
  if (!from) return fail(from);
  auto page = parts.engine.list(of, status, page_size(in.max_results), *from);
  if (!page) return api_error(page);
  for (const auto& execution : page->executions) {
    if (!version_or_alias.empty() && execution.version_arn != version_or_alias &&
        execution.alias_arn != version_or_alias)
      continue;
    if (in.redrive_filter) {
      const bool redriven = execution.redrive_count > 0;
      if (redriven != (*in.redrive_filter == shapes::ExecutionRedriveFilter::Redriven)) continue;
    }
    shapes::ExecutionListItem item;
    item.execution_arn = execution.arn;
    const auto parsed = states::parse_states_arn(execution.arn);
    item.state_machine_arn = parsed->scope + ":stateMachine:" + parsed->rest.substr(0, parsed->rest.rfind(':'));
    item.name = execution.name;
    item.status = shown(execution.status);
    item.start_date = execution.started;
    item.stop_date = execution.stopped;
    if (!execution.map_run_arn.empty()) item.map_run_arn = execution.map_run_arn;
    if (!execution.version_arn.empty()) item.state_machine_version_arn = execution.version_arn;
    if (!execution.alias_arn.empty()) item.state_machine_alias_arn = execution.alias_arn;
    item.redrive_count = static_cast<std::int32_t>(execution.redrive_count);
    if (execution.redrive_count > 0) item.redrive_date = execution.redriven;
    out.executions->push_back(std::move(item));
  }
  if (page->next) out.next_token = token_for(parts, listing, *page->next);
  return out;
}

Result<shapes::GetExecutionHistoryOutput> history(const Parts& parts, const RequestContext&,
                                                  const shapes::GetExecutionHistoryInput& in) {
  auto record = record_of(parts, *in.execution_arn);
  if (!record) return fail(record);
  const bool reverse = in.reverse_order.value_or(false);
  const auto listing = fmt::format("GetExecutionHistory {} {}", *in.execution_arn, reverse);
  auto from = from_token(parts, listing, in.next_token);
  if (!from) return fail(from);
  const auto limit = page_size(in.max_results);
  auto events = parts.engine.history(*in.execution_arn, from->empty() ? 0 : std::stoull(*from), limit + 1, reverse);
  if (!events) return api_error(events);
  if (events->empty() && from->empty()) {
    // The start is stored before its event.
    states::Execution fresh;
    fresh.info = record->info;
    auto definition = parts.machines.definition(record->info.machine_arn, record->info.revision);
    if (!definition) return api_error(definition);
    fresh.definition = *definition;
    parts.engine.interpreter().begin(fresh);
    *events = std::move(fresh.pending);
  }
  shapes::GetExecutionHistoryOutput out;
  out.events.emplace();
  for (const auto& event : *events) {
    if (out.events->size() == limit) {
      out.next_token = token_for(parts, listing, std::to_string(event.id));
      break;
    }
    auto shaped = history_event(event, in.include_execution_data.value_or(true));
    if (!shaped) return fail(shaped);
    out.events->push_back(std::move(*shaped));
  }
  return out;
}

Result<shapes::StopExecutionOutput> stop(const Parts& parts, const RequestContext&,
                                         const shapes::StopExecutionInput& in) {
  auto record = record_of(parts, *in.execution_arn);
  if (!record) return fail(record);
  auto stopped = parts.engine.stop_execution(*in.execution_arn, in.error, in.cause);
  if (!stopped) return api_error(stopped);
  return shapes::StopExecutionOutput{.stop_date = *stopped};
}

Result<shapes::RedriveExecutionOutput> redrive(const Parts& parts, const RequestContext&,
                                               const shapes::RedriveExecutionInput& in) {
  auto record = record_of(parts, *in.execution_arn);
  if (!record) return fail(record);
  // A token that was seen is answered before the state of things is looked at.
  const auto token = in.client_token.value_or("");
  if (token.empty() || record->redrive_token != token)
    if (const auto redrive = redrive_status(parts, *record);
        redrive.reason && redrive.status == shapes::ExecutionRedriveStatus::NotRedrivable)
      return client_error("ExecutionNotRedrivable", *redrive.reason);
  auto redriven = parts.engine.redrive(*in.execution_arn, token);
  if (!redriven) return api_error(redriven);
  return shapes::RedriveExecutionOutput{.redrive_date = *redriven};
}

}  // namespace

void add_executions(aws::Service& service, const Parts& parts) {
  const auto with = [&parts](auto function) {
    return [&parts, function](const auto& context, const auto& in) { return function(parts, context, in); };
  };
  using Permission = policy::Permission;
  const auto on_machine = [](const RequestContext&, const auto& in) {
    return std::vector{Permission{.action = "states:StartExecution", .resource = in.state_machine_arn.value_or("*")}};
  };
  service.on<shapes::StartExecution>(
      with(start),
      "AWS is said to run express executions at least once; here a restart of the server begins them again.");
  service.permissions<shapes::StartExecution>(on_machine);
  service.on<shapes::StartSyncExecution>(
      with(start_sync), "SDKs put \"sync-\" before the host; switch that off (boto3: inject_host_prefix=False).");
  service.permissions<shapes::StartSyncExecution>([](const RequestContext&, const shapes::StartSyncExecutionInput& in) {
    return std::vector{
        Permission{.action = "states:StartSyncExecution", .resource = in.state_machine_arn.value_or("*")}};
  });
  service.waits<shapes::StartSyncExecution>();
  const auto on_execution = [&service]<class Op>(std::type_identity<Op>) {
    service.permissions<Op>([](const RequestContext&, const typename Op::Input& in) {
      return std::vector{
          Permission{.action = "states:" + std::string(Op::kName), .resource = in.execution_arn.value_or("*")}};
    });
  };
  service.on<shapes::DescribeExecution>(with(describe));
  on_execution(std::type_identity<shapes::DescribeExecution>());
  service.on<shapes::ListExecutions>(with(list));
  service.on<shapes::GetExecutionHistory>(with(history));
  on_execution(std::type_identity<shapes::GetExecutionHistory>());
  service.on<shapes::StopExecution>(with(stop));
  on_execution(std::type_identity<shapes::StopExecution>());
  service.on<shapes::RedriveExecution>(with(redrive));
  on_execution(std::type_identity<shapes::RedriveExecution>());
}

}  // namespace likeness::stepfunctions
