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

/// What a mocked task answers; the call itself if nothing is mocked.
states::Outcome<std::string> answer(const Parts& parts, const states::Execution& execution,
                                    const states::Action& action, const std::optional<shapes::MockInput>& mock) {
  if (mock && mock->error_output)
    return states::problem(mock->error_output->error.value_or(""), mock->error_output->cause.value_or(""));
  if (mock && mock->result) return *mock->result;
  states::TaskRequest request{action.resource,    action.input,        action.role_arn,
                              execution.info.arn, execution.info.name, execution.info.machine_arn};
  return parts.tasks.run(request);
}

Result<void> check(const shapes::TestStateInput& in, const states::State& state) {
  using Type = states::StateType;
  const bool works = state.type == Type::Task;
  if (state.type == Type::Map || state.type == Type::Parallel)
    return invalid(
        "TestState API does not support Map or Parallel states. Supported state types include: [Task, Wait, "
        "Pass, Succeed, Fail, Choice]");
  if (in.mock) {
    if (!works)
      return invalid(fmt::format("State type '{}' is not supported when a mock is specified", name_of(state.type)));
    if (in.mock->result && in.mock->error_output)
      return invalid("A test mock should have only one of the following fields: [result, errorOutput].");
    if (in.mock->result && !states::parse_json(*in.mock->result)) return invalid("Mocked result must be valid JSON");
    if (in.reveal_secrets.value_or(false))
      return invalid("TestState does not support RevealSecrets when a mock is specified.");
  } else if (works && !in.role_arn) {
    return invalid("RoleArn must be specified when testing a Task state");
  }
  return {};
}

std::optional<std::string> json(const std::optional<Value>& value) {
  return value ? std::optional(states::write_json(*value)) : std::nullopt;
}

/// How it ended, from what the interpreter left.
void fill(shapes::TestStateOutput& out, states::Execution& execution, const std::string& start) {
  using Result = shapes::TestExecutionStatus;
  auto& root = execution.fibers.begin()->second;
  if (execution.ending && execution.ending->status != Status::Succeeded) {
    out.status = Result::Failed;
    out.error = execution.ending->error;
    out.cause = execution.ending->cause;
    return;
  }
  std::optional<states::Problem> failed;
  for (const auto& event : execution.pending) {
    if (!event.type.ends_with("Failed") && !event.type.ends_with("TimedOut")) continue;
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
  for (const auto& action : actions) {
    if (action.kind != states::Action::Kind::Call) continue;
    auto result = answer(parts, execution, action, in.mock);
    stepper.answer(execution, action.fiber, action.attempt, std::move(result));
  }
  shapes::TestStateOutput out;
  fill(out, execution, parsed.definition->start_at);
  if (in.inspection_level && *in.inspection_level != shapes::InspectionLevel::Info) {
    shapes::InspectionData data;
    data.input = input;
    data.after_arguments = json(seen.after_arguments);
    data.after_input_path = json(seen.after_input_path);
    data.after_parameters = json(seen.after_parameters);
    data.result = json(seen.result);
    data.after_result_selector = json(seen.after_result_selector);
    data.after_result_path = json(seen.after_result_path);
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
                                "Map and Parallel states, validation of mocks against the service's model and the HTTP "
                                "request and response of TRACE are not there.");
  service.waits<shapes::TestState>();
  service.permissions<shapes::TestState>([](const RequestContext&, const shapes::TestStateInput& in) {
    std::vector out{policy::Permission{.action = "states:TestState"}};
    if (in.role_arn) out.push_back(policy::pass_role(*in.role_arn, "states.amazonaws.com"));
    return out;
  });
}

}  // namespace likeness::stepfunctions
