#include "aws/exceptions.hpp"
#include "base/bytes.hpp"
#include "policy/permission.hpp"
#include "services/stepfunctions/common.hpp"

namespace likeness::stepfunctions {
namespace {

using aws::RequestContext;
using states::Status;
using states::Value;

Failure invalid(std::string message) {
  return aws::exception(shapes::ValidationException{.message = std::move(message)});
}

states::Outcome<std::string> mocked(const shapes::MockInput& mock) {
  if (mock.error_output)
    return states::problem(mock.error_output->error.value_or(""), mock.error_output->cause.value_or(""));
  return mock.result.value_or("null");
}

states::Outcome<std::string> call(const Parts& parts, const states::Execution& execution,
                                  const states::Action& action) {
  return parts.tasks.run({action.resource, action.input, action.role_arn, execution.info.arn, execution.info.name,
                          execution.info.machine_arn});
}

Result<void> check(const shapes::TestStateInput& in, const states::State& state) {
  using Type = states::StateType;
  const bool works = state.type == Type::Task || state.type == Type::Map || state.type == Type::Parallel;
  if (in.context && !in.mock) return invalid("A context can only be specified when a mock is specified.");
  if (in.context)
    if (auto context = states::parse_json(*in.context); !context || !context->is_object())
      return invalid("Context must be a JSON object");
  if (in.mock) {
    if (!works)
      return invalid(fmt::format("State type '{}' is not supported when a mock is specified", name_of(state.type)));
    if (in.mock->result && in.mock->error_output)
      return invalid("A test mock should have only one of the following fields: [result, errorOutput].");
    if (!in.mock->result && !in.mock->error_output)
      return invalid("A test mock should have one of the following fields: [result, errorOutput].");
    const auto result = in.mock->result ? states::parse_json(*in.mock->result) : states::Value();
    if (!result) return invalid("Mocked result must be valid JSON");
    if (in.mock->result && state.type != Type::Task && !state.writer && !result->is_array())
      return invalid(fmt::format("Mocked result of a {} state must be an array", name_of(state.type)));
    if (in.mock->result && state.type == Type::Parallel && result->as_array().size() != state.branches.size())
      return invalid("Mocked result of a Parallel state must have one element for each branch");
    if (in.reveal_secrets.value_or(false))
      return invalid("TestState does not support RevealSecrets when a mock is specified.");
    return {};
  }
  if (state.type == Type::Map || state.type == Type::Parallel)
    return invalid(fmt::format("State type '{}' is only supported when a mock is specified", name_of(state.type)));
  if (state.type != Type::Task) return {};
  const auto resource = states::parse_resource(state.resource);
  if (resource && (resource->kind == states::TaskResource::Kind::Activity ||
                   resource->pattern != states::TaskResource::Pattern::Request))
    return invalid("Activities, .sync and .waitForTaskToken integrations are only supported when a mock is specified");
  if (!in.role_arn) return invalid("RoleArn must be specified when testing a Task state");
  return {};
}

/// A map whose iterations fail more often than it tolerates fails, whatever was made up for its result.
std::optional<states::Problem> too_many_failures(const shapes::TestStateInput& in, const states::State& state,
                                                 const states::Fiber& fiber) {
  if (!in.state_configuration || state.type != states::StateType::Map) return std::nullopt;
  const auto failed = in.state_configuration->map_iteration_failure_count.value_or(0);
  const auto literal = [](const states::DynamicField& field) {
    return field.literal && field.literal->is_number() ? field.literal->as_double() : 0;
  };
  const double count = literal(state.tolerated_count), percentage = literal(state.tolerated_percentage);
  const auto items = fiber.items != nullptr ? fiber.items->as_array().size() : 0;
  const bool most = (count == 0 && percentage == 0 && failed > 0) || (count > 0 && failed > count) ||
                    (percentage > 0 && failed * 100.0 > percentage * static_cast<double>(items));
  if (!most || !state.distributed) return std::nullopt;
  return states::Problem{"States.ExceedToleratedFailureThreshold",
                         "The specified tolerated failure threshold was exceeded", false, false};
}

/// Which Retry or Catch took the error.
std::optional<shapes::InspectionErrorDetails> error_details(const states::State& state, const states::Fiber& fiber,
                                                            const states::Problem& failed) {
  shapes::InspectionErrorDetails out;
  if (fiber.phase == states::Phase::Retry) {
    for (std::size_t i = 0; i < state.retriers.size(); ++i) {
      if (!states::error_matches(state.retriers[i].errors, failed)) continue;
      out.retry_index = static_cast<std::int32_t>(i);
      out.retry_backoff_interval_seconds =
          static_cast<std::int32_t>(states::retry_delay(state.retriers[i], fiber.retries[i] - 1));
      return out;
    }
  }
  for (std::size_t i = 0; i < state.catchers.size(); ++i) {
    if (!states::error_matches(state.catchers[i].errors, failed)) continue;
    out.catch_index = static_cast<std::int32_t>(i);
    return out;
  }
  return std::nullopt;
}

std::optional<std::string> json(const std::optional<Value>& value) {
  return value ? std::optional(states::write_json(*value)) : std::nullopt;
}

/// How it ended, from what the interpreter left.
std::optional<states::Problem> fill(shapes::TestStateOutput& out, states::Execution& execution,
                                    const std::string& start, const std::optional<states::Problem>& made_up) {
  using Result = shapes::TestExecutionStatus;
  auto& root = execution.fibers.begin()->second;
  if (execution.ending && execution.ending->status != Status::Succeeded) {
    out.status = Result::Failed;
    out.error = execution.ending->error;
    out.cause = execution.ending->cause;
    return std::nullopt;
  }
  std::optional<states::Problem> failed;
  for (const auto& event : execution.pending) {
    if (!event.type.ends_with("Failed") && !event.type.ends_with("TimedOut")) continue;
    if (event.type == "MapStateFailed" || event.type == "ParallelStateFailed") failed = made_up;
    const auto details = states::parse_json(event.details);
    if (details)
      failed = states::Problem{std::string(details->text_of("error")), std::string(details->text_of("cause"))};
  }
  if (root.phase == states::Phase::Retry) {
    out.status = Result::Retriable;
  } else {
    out.status = failed ? Result::CaughtError : Result::Succeeded;
    out.output = *root.input.text;
    if (!execution.ending && root.state != start) out.next_state = root.state;
  }
  if (failed) {
    out.error = failed->error;
    if (!failed->cause.empty()) out.cause = failed->cause;
  }
  return failed;
}

Result<shapes::TestStateOutput> test(const Parts& parts, const RequestContext& context,
                                     const shapes::TestStateInput& in) {
  auto options = parse_options(parts, false);
  std::string text = in.definition.value_or("");
  if (in.state_name) {
    // One state of a whole machine.
    auto whole = states::parse_json(text);
    const Value* const all = whole ? whole->find("States") : nullptr;
    const Value* const one = all != nullptr ? all->find(*in.state_name) : nullptr;
    if (one == nullptr) return invalid(fmt::format("State '{}' is not in the definition", *in.state_name));
    states::Object state = one->is_object() ? one->as_object() : states::Object();
    if (const Value* const language = whole->find("QueryLanguage");
        language != nullptr && state.find("QueryLanguage") == nullptr)
      state.add("QueryLanguage", *language);
    text = states::write_json(Value(std::move(state)));
  }
  auto parsed = states::parse_single_state(text, options);
  if (parsed.definition == nullptr) return states::invalid_definition(parsed.diagnostics);
  const auto& state = parsed.definition->states.begin()->second;
  if (auto fits = check(in, state); !fits) return fail(fits);
  const auto input = in.input.value_or("{}");
  auto value = states::parse_json(input);
  if (!value)
    return client_error("InvalidExecutionInput",
                        fmt::format("Invalid State Machine Execution Input: '{}'", value.error().message));

  states::Execution execution;
  execution.definition = parsed.definition;
  execution.input = *value;
  auto& info = execution.info;
  info.name = uuid_v4();
  info.machine_name = uuid_v4();
  info.machine_arn = fmt::format("{}:stateMachine:{}", scope_of(context), info.machine_name);
  info.arn = fmt::format("{}:express:{}:{}", scope_of(context), info.machine_name, info.name);
  info.role_arn = in.role_arn.value_or("");
  info.input = input;
  info.started = parts.clock.now();
  states::Interpreter::Inspection seen;
  states::Interpreter interpreter(parts.engine.interpreter().options(), parts.clock);
  const auto context_given = in.context ? states::parse_json(*in.context) : Result<Value>(Value());
  if (in.context) seen.context = &*context_given;
  interpreter.inspection = &seen;
  interpreter.begin(execution);
  auto& root = execution.fibers.begin()->second;
  if (in.variables) {
    auto variables = states::parse_json(*in.variables);
    if (!variables || !variables->is_object()) return invalid("Variables must be a JSON object");
    for (const auto& [name, member] : variables->as_object()) root.variables[name] = member;
  }
  // The next state is not entered: two steps, in and out.
  std::vector<states::Action> actions;
  states::InterpreterOptions one_step = parts.engine.interpreter().options();
  one_step.max_steps = 2;
  states::Interpreter stepper(one_step, parts.clock);
  stepper.inspection = &seen;
  stepper.advance(execution, actions);
  if (root.phase == states::Phase::Wait) {
    root.due = parts.clock.now();  // nobody waits for a test
    stepper.wake(execution, parts.clock.now());
  }
  using states::Phase;
  const bool waits = root.phase == Phase::Task || root.phase == Phase::Activity || root.phase == Phase::Join ||
                     root.phase == Phase::MapRun;
  std::optional<states::Problem> made_up;
  if (in.mock && waits) {
    if (in.state_configuration && in.state_configuration->retrier_retry_count) {
      const auto count = static_cast<std::uint32_t>(*in.state_configuration->retrier_retry_count);
      root.retries.assign(state.retriers.size(), count);
      root.retry_count = count;
    }
    auto result = mocked(*in.mock);
    if (auto most = too_many_failures(in, state, root)) result = tl::unexpected(std::move(*most));
    if (!result) made_up = result.error();
    stepper.settle(execution, root.id, std::move(result));
  } else {
    for (const auto& action : actions)
      if (action.kind == states::Action::Kind::Call)
        stepper.answer(execution, action.fiber, action.attempt, call(parts, execution, action));
  }
  shapes::TestStateOutput out;
  const auto failed = fill(out, execution, parsed.definition->start_at, made_up);
  if (in.inspection_level && *in.inspection_level != shapes::InspectionLevel::Info) {
    shapes::InspectionData data;
    data.input = input;
    data.after_arguments = json(seen.after_arguments);
    data.after_input_path = json(seen.after_input_path);
    data.after_parameters = json(seen.after_parameters);
    data.result = json(seen.result);
    data.after_result_selector = json(seen.after_result_selector);
    data.after_result_path = json(seen.after_result_path);
    data.after_items_path = json(seen.after_items_path);
    if (!seen.after_item_selector.empty())
      data.after_item_selector = states::write_json(Value(std::move(seen.after_item_selector)));
    if (seen.max_concurrency) data.max_concurrency = static_cast<std::int32_t>(*seen.max_concurrency);
    if (state.tolerated_count.literal && state.tolerated_count.literal->is_integer())
      data.tolerated_failure_count = static_cast<std::int32_t>(state.tolerated_count.literal->as_integer());
    if (state.tolerated_percentage.literal && state.tolerated_percentage.literal->is_number())
      data.tolerated_failure_percentage = static_cast<float>(state.tolerated_percentage.literal->as_double());
    if (failed) data.error_details = error_details(state, root, *failed);
    if (!root.variables.empty()) {
      states::Object variables;
      for (const auto& [name, member] : root.variables) variables.add(name, member);
      data.variables = states::write_json(Value(std::move(variables)));
    }
    out.inspection_data = std::move(data);
  }
  return out;
}

}  // namespace

void add_test_state(aws::Service& service, const Parts& parts) {
  service.on<shapes::TestState>([&parts](const auto& context, const auto& in) { return test(parts, context, in); },
                                "Mocks are not validated against the service's model (fieldValidationMode); "
                                "mapItemReaderData, errorCausedByState and afterItemBatcher have no effect; the HTTP "
                                "request and response of TRACE are not there.");
  service.waits<shapes::TestState>();
  service.permissions<shapes::TestState>([](const RequestContext&, const shapes::TestStateInput& in) {
    std::vector out{policy::Permission{.action = "states:TestState"}};
    if (in.role_arn) out.push_back(policy::pass_role(*in.role_arn, "states.amazonaws.com"));
    return out;
  });
}

}  // namespace likeness::stepfunctions
