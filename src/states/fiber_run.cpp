#include "states/fiber_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "states/choice.hpp"

namespace likeness::states {
namespace {

constexpr std::int64_t kLongestWait = 2'147'483'647;  // seconds

std::string_view kind_of(const Value& value) {
  switch (value.type()) {
    case Value::Type::Null: return "null";
    case Value::Type::Bool: return "boolean";
    case Value::Type::Integer:
    case Value::Type::Double: return "number";
    case Value::Type::String: return "string";
    case Value::Type::Array: return "array";
    case Value::Type::Object: return "object";
  }
  return "";
}

tl::unexpected<Problem> wrong_type(const std::string& expression, std::string_view field, std::string_view wanted,
                                   const Value& value) {
  Problem out{
      "States.QueryEvaluationError",
      fmt::format("The JSONata expression '{}' specified for the field '{}' returned an unexpected result type. "
                  "Expected '{}', but was '{}' for value: {}",
                  expression, field, wanted, kind_of(value), write_json(value)),
      true, false};
  out.location = field;
  return tl::unexpected(std::move(out));
}

/// As messages show a value: texts without quotes.
std::string shown(const Value& value) { return value.is_string() ? value.as_string() : write_json(value); }

}  // namespace

const State* FiberRun::state() const {
  const Definition* const part = part_of(*execution_.definition, fiber_.path);
  return part == nullptr ? nullptr : part->find(fiber_.state);
}

std::uint64_t FiberRun::event(std::string_view type, std::string details) {
  const auto id = execution_.next_event++;
  execution_.pending.push_back({id, fiber_.previous_event, now(), std::string(type), std::move(details)});
  fiber_.previous_event = id;
  mark();
  return id;
}

tl::unexpected<Problem> FiberRun::located(Problem problem) const {
  if (problem.names_state) {
    problem.cause = fmt::format("An error occurred while executing the state '{}' (entered at the event id #{}). {}",
                                fiber_.state, fiber_.entered_event, problem.cause);
    problem.names_state = false;
  }
  return tl::unexpected(std::move(problem));
}

const Value& FiberRun::context() {
  if (!context_) context_ = interpreter_.context_of(execution_, fiber_);
  return *context_;
}

bool FiberRun::step() {
  if (execution_.next_event + 2 > options_.max_events && !execution_.info.express) {
    stop_here({"States.Runtime",
               fmt::format("The execution reached the maximum number of history events ({}).", options_.max_events),
               false, true});
    return false;
  }
  if (fiber_.phase == Phase::Enter) {
    enter();
    return true;
  }
  return work();
}

void FiberRun::enter() {
  const State* const now_at = state();
  if (now_at == nullptr) {
    fail({"States.Runtime", fmt::format("The state '{}' is not in the definition.", fiber_.state), false, true});
    return;
  }
  fiber_.entered = now();
  fiber_.retries.assign(now_at->retriers.size(), 0);
  fiber_.retry_count = 0;
  fiber_.before_entered = fiber_.previous_event;
  DetailsWriter details;
  details.payload("input", *fiber_.input.text).text("name", fiber_.state);
  const auto id = event(fmt::format("{}StateEntered", name_of(now_at->type)), "");
  execution_.pending.back().details = details.take();
  fiber_.entered_event = id;
  fiber_.phase = Phase::Work;
  execution_.runnable.push_back(fiber_.id);
}

bool FiberRun::work() {
  const State* const now_at = state();
  if (now_at == nullptr) return false;
  switch (now_at->type) {
    case StateType::Choice: choose(); return true;
    case StateType::Wait: wait(); return true;
    case StateType::Fail: fail_state(); return true;
    case StateType::Task: start_task(); return true;
    case StateType::Parallel: start_children(); return true;
    case StateType::Map: start_map(); return true;
    case StateType::Succeed:
    case StateType::Pass: break;
  }
  auto effective = effective_input();
  if (!effective) {
    fail(located(std::move(effective.error())).value());
    return true;
  }
  if (now_at->result) *effective = *now_at->result;
  if (interpreter_.inspection != nullptr && now_at->result) interpreter_.inspection->result = *effective;
  finish(*effective);
  return true;
}

Outcome<Value> FiberRun::path_value(const PathField& field, const Value& input) {
  if (field.null) return Value(Object());
  if (!field.expression) return input;
  if (!field.expression->is_path()) return field.expression->evaluate(scope(input, context()), "InputPath");
  auto value = read_path(field.expression->path(), scope(input, context()));
  if (value) return std::move(*value);
  return runtime_problem(fmt::format("Invalid path '{}' : {}", field.expression->text(), value.error().message));
}

Outcome<Value> FiberRun::effective_input(bool parameters) {
  const State& at = *state();
  auto* const seen = interpreter_.inspection;
  if (at.language == QueryLanguage::Jsonata) {
    if (!parameters || !at.parameters || at.type == StateType::Map) return fiber_.input.value;
    auto value = at.parameters->evaluate(scope(fiber_.input.value, context()), options_.jsonata, "Arguments");
    if (value && seen != nullptr) seen->after_arguments = *value;
    return value;
  }
  auto input = path_value(at.input_path, fiber_.input.value);
  if (!input) return input;
  if (seen != nullptr) seen->after_input_path = *input;
  if (!parameters || !at.parameters) {
    if (seen != nullptr && parameters && !at.result) seen->after_parameters = *input;
    return input;
  }
  auto value = at.parameters->evaluate(scope(*input, context()), options_.jsonata, "Parameters");
  if (value && seen != nullptr) seen->after_parameters = *value;
  return value;
}

Outcome<std::optional<Value>> FiberRun::dynamic(const DynamicField& field, const Value& input) {
  if (field.literal) return field.literal;
  if (field.jsonata) {
    auto value = evaluate_jsonata(options_.jsonata, *field.jsonata, scope(fiber_.input.value, context()), field.name);
    if (!value) return states::fail(value);
    return Outcome<std::optional<Value>>(std::move(*value));
  }
  if (!field.path) return std::optional<Value>();
  if (!field.path->is_path()) {
    auto value = field.path->evaluate(scope(input, context()), field.name);
    if (!value) return states::fail(value);
    return Outcome<std::optional<Value>>(std::move(*value));
  }
  auto value = read_path(field.path->path(), scope(input, context()));
  if (!value) return runtime_problem(fmt::format("Invalid path '{}' : {}", field.path->text(), value.error().message));
  return Outcome<std::optional<Value>>(std::move(*value));
}

/// A count or a number of seconds.
Outcome<std::optional<std::int64_t>> FiberRun::whole(const DynamicField& field, const Value& input) {
  auto value = dynamic(field, input);
  if (!value) return states::fail(value);
  if (!*value) return std::optional<std::int64_t>();
  const Value& found = **value;
  if (field.jsonata) {
    const bool fits = found.is_integer() || (found.is_number() && std::floor(found.as_double()) == found.as_double());
    if (!fits) return wrong_type(*field.jsonata, field.name, "integer", found);
    return std::optional(found.is_integer() ? found.as_integer() : static_cast<std::int64_t>(found.as_double()));
  }
  if (!found.is_integer())
    return runtime_problem(fmt::format("The {} field refers to value \"{}\" which is not a valid integer: {}",
                                       field.name, shown(found), field.path ? field.path->text() : ""));
  return std::optional(found.as_integer());
}

void FiberRun::wait() {
  const State& at = *state();
  auto input = effective_input(false);
  if (!input) return fail(located(std::move(input.error())).value());
  const auto refuse = [&](std::string cause) {
    fail(located({"States.Runtime", std::move(cause), true, true}).value());
  };
  const auto& seconds = at.seconds;
  const auto& timestamp = at.timestamp;
  TimePoint due = now();
  if (seconds.present()) {
    auto value = dynamic(seconds, *input);
    if (!value) {
      if (seconds.path && seconds.path->is_path())
        return refuse(
            fmt::format("The SecondsPath parameter does not reference an input value: {}", seconds.path->text()));
      return fail(located(std::move(value.error())).value());
    }
    const Value& found = **value;
    const auto path = seconds.path ? seconds.path->text() : std::string();
    if (seconds.jsonata && !(found.is_number() && std::floor(found.as_double()) == found.as_double()))
      return fail(located(wrong_type(*seconds.jsonata, "Seconds", "integer", found).value()).value());
    if (!seconds.jsonata && !found.is_integer())
      return refuse(
          fmt::format("The SecondsPath parameter cannot be parsed as a long value: {} == {}", path, shown(found)));
    if (found.as_double() < 0)
      return refuse(seconds.jsonata ? fmt::format("The value of the field 'Seconds' is negative: {}", shown(found))
                                    : fmt::format("The SecondsPath parameter references a negative value: {} == {}",
                                                  path, shown(found)));
    if (found.as_double() > static_cast<double>(kLongestWait)) return refuse("Wait state delay is too long.");
    due += std::chrono::seconds(found.is_integer() ? found.as_integer() : static_cast<std::int64_t>(found.as_double()));
  } else {
    auto value = dynamic(timestamp, *input);
    if (!value) {
      if (timestamp.path && timestamp.path->is_path())
        return refuse(
            fmt::format("The TimestampPath parameter does not reference an input value: {}", timestamp.path->text()));
      return fail(located(std::move(value.error())).value());
    }
    const Value& found = **value;
    const auto time = found.is_string() ? parse_timestamp(found.as_string()) : std::nullopt;
    if (!time && timestamp.path)
      return refuse(
          fmt::format("The TimestampPath parameter does not reference a valid ISO-8601 extended offset "
                      "date-time format string: {} == {}",
                      timestamp.path->text(), shown(found)));
    if (!time)
      return refuse(
          fmt::format("The Timestamp field cannot be parsed as an ISO-8601 extended offset date-time format string: {}",
                      shown(found)));
    if (*time - now() > std::chrono::seconds(kLongestWait)) return refuse("Wait state delay is too long.");
    due = *time;
  }
  if (due <= now()) return wait_over();
  fiber_.due = due;
  fiber_.phase = Phase::Wait;
  mark();
}

void FiberRun::wait_over() {
  fiber_.due = {};
  auto input = effective_input(false);
  if (!input) return fail(located(std::move(input.error())).value());
  finish(*input);
}

void FiberRun::fail_state() {
  const State& at = *state();
  const auto text = [&](const DynamicField& field) -> Outcome<std::string> {
    if (field.path) {
      auto value = field.path->evaluate(scope(fiber_.input.value, context()), field.name);
      if (!value) return states::fail(value);
      if (!value->is_string())
        return runtime_problem(fmt::format("The {} field refers to value \"{}\" which is not a string: {}", field.name,
                                           write_json(*value), field.path->text()));
      return value->as_string();
    }
    auto value = dynamic(field, fiber_.input.value);
    if (!value) return states::fail(value);
    if (!*value) return std::string();
    if (field.jsonata && !(*value)->is_string()) return wrong_type(*field.jsonata, field.name, "string", **value);
    return (*value)->as_string();
  };
  if (interpreter_.inspection != nullptr && at.language == QueryLanguage::JsonPath)
    interpreter_.inspection->after_input_path = fiber_.input.value;
  auto error = text(at.error);
  if (!error) return fail(located(std::move(error.error())).value());
  auto cause = text(at.cause);
  if (!cause) return fail(located(std::move(cause.error())).value());
  fail({std::move(*error), std::move(*cause), false, false});
}

void FiberRun::choose() {
  const State& at = *state();
  auto input = effective_input(false);
  if (!input) return fail(located(std::move(input.error())).value());
  const ChoiceRule* taken = nullptr;
  for (const auto& rule : at.rules) {
    Outcome<bool> result = false;
    if (rule.test) {
      result = holds(*rule.test, scope(*input, context()));
    } else if (rule.constant) {
      result = *rule.constant;
    } else if (rule.condition) {
      const auto field = fmt::format("Choices[{}]/Condition", &rule - at.rules.data());
      auto value = evaluate_jsonata(options_.jsonata, *rule.condition, scope(fiber_.input.value, context()), field);
      if (!value) {
        result = states::fail(value);
      } else if (!value->is_bool()) {
        result = wrong_type(*rule.condition, field, "boolean", *value);
      } else {
        result = value->as_bool();
      }
    }
    if (!result) return fail(located(std::move(result.error())).value());
    if (*result) {
      taken = &rule;
      break;
    }
  }
  const auto& next = taken != nullptr ? taken->next : at.default_next;
  if (next.empty())
    return fail(located({"States.NoChoiceMatched",
                         "Failed to transition out of the state. The state does not point to a "
                         "next state, and no Choice Rule was matched.",
                         true, false})
                    .value());
  const auto seen = scope(at.language == QueryLanguage::Jsonata ? fiber_.input.value : *input, context());
  auto assigned = assignments(taken != nullptr ? taken->assign : at.assign, seen);
  if (!assigned) return fail(located(std::move(assigned.error())).value());
  Data output = fiber_.input;
  if (at.language == QueryLanguage::Jsonata) {
    const auto& made = taken != nullptr ? taken->output : at.output;
    if (made) {
      auto value = made->evaluate(seen, options_.jsonata, "Output");
      if (!value) return fail(located(std::move(value.error())).value());
      output = Data(std::move(*value));
    }
  } else {
    auto value = path_value(at.output_path, *input);
    if (!value) return fail(located(std::move(value.error())).value());
    if (!value->same_as(output.value)) output = Data(std::move(*value));
  }
  leave(std::move(output), *assigned, next, false);
}

Outcome<Variables> FiberRun::assignments(const std::optional<Template>& assign, const Scope& seen) {
  Variables out;
  if (!assign) return out;
  auto values = assign->evaluate(seen, options_.jsonata, "Assign");
  if (!values) return states::fail(values);
  for (const auto& [name, value] : values->as_object()) {
    if (value.is_string() ? value.as_string().size() > options_.max_data_bytes : too_large(write_json(value)))
      return tl::unexpected(Problem{
          "States.DataLimitExceeded",
          fmt::format("The variable '{}' exceeds the maximum number of bytes service limit.", name), true, false});
    out[name] = value;
  }
  return out;
}

void FiberRun::finish(const Value& result) {
  const State& at = *state();
  auto* const seen = interpreter_.inspection;
  const bool works = at.type == StateType::Task || at.type == StateType::Parallel || at.type == StateType::Map;
  Data output = fiber_.input;
  Outcome<Variables> assigned;
  if (at.language == QueryLanguage::Jsonata) {
    auto names = scope(fiber_.input.value, context());
    if (works) names.result = &result;
    assigned = assignments(at.assign, names);
    if (!assigned) return fail(located(std::move(assigned.error())).value());
    if (at.output) {
      auto value = at.output->evaluate(names, options_.jsonata, "Output");
      if (!value) return fail(located(std::move(value.error())).value());
      if (!value->same_as(output.value)) output = Data(std::move(*value));
    } else if (works) {
      output = Data(result);
    }
  } else {
    assigned = assignments(at.assign, scope(result, context()));
    if (!assigned) return fail(located(std::move(assigned.error())).value());
    Value selected = result;
    if (seen != nullptr && works) seen->result = result;
    if (at.result_selector) {
      auto value = at.result_selector->evaluate(scope(result, context()), options_.jsonata, "ResultSelector");
      if (!value) return fail(located(std::move(value.error())).value());
      selected = std::move(*value);
    }
    const bool has_path = works || at.type == StateType::Pass;
    if (seen != nullptr && has_path) seen->after_result_selector = selected;
    Value combined = selected;
    if (at.result_path.discard) {
      combined = fiber_.input.value;
    } else if (at.result_path.path) {
      auto value = at.result_path.path->write(fiber_.input.value, selected);
      if (!value)
        return fail(located({"States.ResultPathMatchFailure",
                             fmt::format("Unable to apply step \"{}\" to input {}", at.result_path.path->text(),
                                         *fiber_.input.text),
                             true, false})
                        .value());
      combined = std::move(*value);
    }
    if (seen != nullptr && has_path) seen->after_result_path = combined;
    auto value = path_value(at.output_path, combined);
    if (!value) return fail(located(std::move(value.error())).value());
    if (!value->same_as(output.value)) output = Data(std::move(*value));
  }
  if (too_large(*output.text))
    return fail({"States.DataLimitExceeded",
                 fmt::format("The state/task '{}' returned a result with a size exceeding the maximum number of bytes "
                             "service limit.",
                             fiber_.state),
                 false, false});
  leave(std::move(output), *assigned, at.next, at.end);
}

void FiberRun::leave(Data output, const Variables& assigned, const std::string& next, bool end) {
  const State& at = *state();
  DetailsWriter details;
  if (!assigned.empty()) {
    DetailsWriter texts;
    for (const auto& [name, value] : assigned) texts.text(name, write_json(value));
    details.raw("assignedVariables", texts.take()).raw("assignedVariablesDetails", "{\"truncated\":false}");
  }
  details.text("name", fiber_.state).payload("output", *output.text);
  event(fmt::format("{}StateExited", name_of(at.type)), details.take());
  for (const auto& [name, value] : assigned) fiber_.variables[name] = value;
  fiber_.input = std::move(output);
  fiber_.timeout_at = fiber_.heartbeat_at = fiber_.due = {};
  fiber_.token.clear();
  fiber_.call_input.clear();
  fiber_.child_arn.clear();
  fiber_.items.reset();
  mark();
  context_.reset();
  if (end || next.empty()) {
    end_fiber();
    return;
  }
  fiber_.state = next;
  fiber_.phase = Phase::Enter;
  execution_.runnable.push_back(fiber_.id);
}

/// The last state is over. This fiber may be gone afterwards.
void FiberRun::end_fiber() {
  fiber_.phase = Phase::Done;
  mark();
  if (fiber_.parent == 0) {
    event("ExecutionSucceeded", DetailsWriter().payload("output", *fiber_.input.text).take());
    execution_.ending = Ending{Status::Succeeded, now(), *fiber_.input.text, std::nullopt, std::nullopt};
    return;
  }
  const auto parent = execution_.fibers.find(fiber_.parent);
  if (parent != execution_.fibers.end())
    FiberRun(interpreter_, execution_, parent->second, actions_).child_done(fiber_);
}

/// The execution fails, here and now.
void FiberRun::stop_here(Problem problem) {
  DetailsWriter details;
  if (!problem.cause.empty()) details.text("cause", problem.cause);
  if (!problem.error.empty()) details.text("error", problem.error);
  event("ExecutionFailed", details.take());
  Ending ending{Status::Failed, now(), "", std::nullopt, std::nullopt};
  if (!problem.error.empty()) ending.error = std::move(problem.error);
  if (!problem.cause.empty()) ending.cause = std::move(problem.cause);
  execution_.ending = std::move(ending);
}

}  // namespace likeness::states
