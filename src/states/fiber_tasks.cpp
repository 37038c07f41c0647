#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "base/bytes.hpp"
#include "states/fiber_run.hpp"

namespace likeness::states {
namespace {

using Kind = TaskResource::Kind;
using Pattern = TaskResource::Pattern;

/// Names the execution, the fiber and the call, so that it leads back without a table; the random part is what nobody
/// can guess.
std::string make_token(const Execution& execution, const Fiber& fiber) {
  return to_base64(
      as_bytes(fmt::format("{}\n{}\n{}\n{}", execution.info.arn, fiber.id, fiber.attempt, to_hex(random_bytes(16)))));
}

DetailsWriter service_details(const TaskResource& resource) {
  DetailsWriter out;
  out.text("resource", resource.shown_action()).text("resourceType", resource.service);
  return out;
}

}  // namespace

bool error_matches(const std::vector<std::string>& names, const Problem& problem) {
  if (problem.fatal) return false;
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    if (name == problem.error || (problem.also != nullptr && name == problem.also)) return true;
    if (name == "States.ALL") return problem.error != "States.DataLimitExceeded";
    // Any failure of a task, but not its running out of time.
    return name == "States.TaskFailed" && !problem.error.starts_with("States.");
  });
}

double retry_delay(const Retrier& retrier, std::uint32_t retry) {
  const double delay = retrier.interval_seconds * std::pow(retrier.backoff_rate, static_cast<double>(retry));
  return std::min({delay, retrier.max_delay_seconds.value_or(99'999'999.0), 99'999'999.0});
}

void FiberRun::start_task() {
  const State& at = *state();
  const auto resource = parse_resource(at.resource);
  if (!resource)
    return fail(located({"States.Runtime", fmt::format("The resource {} is not recognized.", at.resource), true, true})
                    .value());
  ++fiber_.attempt;
  fiber_.token.clear();
  if (resource->pattern == Pattern::Token || resource->kind == Kind::Activity)
    fiber_.token = make_token(execution_, fiber_);
  context_.reset();
  auto input = effective_input();
  if (!input) return fail(located(std::move(input.error())).value());
  auto before = at.language == QueryLanguage::JsonPath ? path_value(at.input_path, fiber_.input.value)
                                                       : Outcome<Value>(fiber_.input.value);
  if (!before) return fail(located(std::move(before.error())).value());
  auto timeout = whole(at.timeout, *before);
  if (!timeout) return fail(located(std::move(timeout.error())).value());
  auto heartbeat = whole(at.heartbeat, *before);
  if (!heartbeat) return fail(located(std::move(heartbeat.error())).value());
  for (const auto& [value, field] : {std::pair(*timeout, &at.timeout), std::pair(*heartbeat, &at.heartbeat)})
    if (value && (*value <= 0 || *value > 99'999'999))
      return fail(located({"States.Runtime",
                           fmt::format("The {} field must have a value between 1 and 99999999, but was {}", field->name,
                                       *value),
                           true, true})
                      .value());
  fiber_.call_role = execution_.info.role_arn;
  if (at.credentials) {
    auto credentials = at.credentials->evaluate(scope(*before, context()), options_.jsonata, "Credentials");
    if (!credentials) return fail(located(std::move(credentials.error())).value());
    fiber_.call_role = credentials->text_of("RoleArn");
  }
  fiber_.call_input = write_json(*input);
  if (too_large(fiber_.call_input))
    return fail(
        {"States.DataLimitExceeded",
         fmt::format(
             "The state/task '{}' has an input with a size exceeding the maximum number of bytes service limit.",
             fiber_.state),
         false, false});
  if (resource->kind == Kind::Activity && options_.activity_exists && !options_.activity_exists(at.resource))
    return fail(
        located({"States.Runtime", fmt::format("The activity {} does not exist.", at.resource), true, true}).value());
  fiber_.timeout_at = *timeout ? now() + std::chrono::seconds(**timeout) : TimePoint();
  fiber_.heartbeat_seconds = heartbeat->value_or(0);
  fiber_.heartbeat_at = *heartbeat ? now() + std::chrono::seconds(**heartbeat) : TimePoint();

  DetailsWriter details;
  if (*heartbeat) details.number("heartbeatInSeconds", **heartbeat);
  const bool service = resource->kind == Kind::Service;
  if (service) {
    details.text("parameters", fiber_.call_input).text("region", options_.region);
    details.text("resource", resource->shown_action()).text("resourceType", resource->service);
  } else {
    details.payload("input", fiber_.call_input).text("resource", at.resource);
  }
  if (at.credentials) details.raw("taskCredentials", DetailsWriter().text("roleArn", fiber_.call_role).take());
  if (*timeout) details.number("timeoutInSeconds", **timeout);
  Action action{Action::Kind::Call, fiber_.id, fiber_.attempt, *resource, fiber_.call_input, fiber_.call_role};
  if (resource->kind == Kind::Activity) {
    event("ActivityScheduled", details.take());
    fiber_.phase = Phase::Activity;
    action.kind = Action::Kind::Offer;
  } else if (service) {
    event("TaskScheduled", details.take());
    event("TaskStarted", service_details(*resource).take());
    fiber_.phase = Phase::Task;
  } else {
    event("LambdaFunctionScheduled", details.take());
    event("LambdaFunctionStarted");
    fiber_.phase = Phase::Task;
  }
  if (actions_ != nullptr) actions_->push_back(std::move(action));
}

/// The call of a task that goes on elsewhere has returned.
void FiberRun::task_submitted(const std::string& output) {
  const auto resource = parse_resource(state()->resource);
  event("TaskSubmitted", DetailsWriter()
                             .payload("output", output)
                             .text("resource", resource->shown_action())
                             .text("resourceType", resource->service)
                             .take());
  if (resource->pattern == Pattern::Token) {
    fiber_.phase = Phase::Token;
    return;
  }
  fiber_.phase = Phase::Child;
  const auto parsed = parse_json(output);
  fiber_.child_arn = parsed ? parsed->text_of("ExecutionArn") : "";
}

void FiberRun::task_succeeded(std::string_view output) {
  const auto resource = parse_resource(state()->resource);
  auto value = parse_json(output);
  if (!value) {
    return task_failed(
        {"States.Runtime", fmt::format("The task's result is no JSON: {}", value.error().message), false, true});
  }
  // What the services of this server answer is compact; what a client sent for a token may not be.
  std::string text(output);
  if (too_large(text)) {
    const auto& name = resource->kind == Kind::Service ? resource->service : resource->arn;
    return task_failed({"States.DataLimitExceeded",
                        fmt::format("The state/task '{}' returned a result with a size exceeding the maximum number of "
                                    "bytes service limit.",
                                    name),
                        false, false});
  }
  DetailsWriter details;
  details.payload("output", text);
  if (resource->kind == Kind::Service) {
    details.text("resource", resource->shown_action()).text("resourceType", resource->service);
    event("TaskSucceeded", details.take());
  } else {
    event(resource->kind == Kind::Function ? "LambdaFunctionSucceeded" : "ActivitySucceeded", details.take());
  }
  fiber_.timeout_at = fiber_.heartbeat_at = {};
  fiber_.phase = Phase::Work;
  finish(*value);
}

void FiberRun::task_failed(Problem problem) {
  const auto resource = parse_resource(state()->resource);
  DetailsWriter details;
  if (!problem.cause.empty()) details.text("cause", problem.cause);
  details.text("error", problem.error);
  if (resource->kind == Kind::Service) {
    details.text("resource", resource->shown_action()).text("resourceType", resource->service);
    event("TaskFailed", details.take());
  } else {
    event(resource->kind == Kind::Function ? "LambdaFunctionFailed" : "ActivityFailed", details.take());
  }
  fail(std::move(problem));
}

void FiberRun::time_out(bool heartbeat) {
  const auto resource = parse_resource(state()->resource);
  ++fiber_.attempt;  // what still comes back is too late
  // The history of AWS says Timeout for both; handlers may tell them apart.
  Problem problem{"States.Timeout", "", false, false};
  if (heartbeat) problem.also = "States.HeartbeatTimeout";
  DetailsWriter details;
  details.text("error", problem.error);
  if (resource->kind == Kind::Service) {
    details.text("resource", resource->shown_action()).text("resourceType", resource->service);
    event("TaskTimedOut", details.take());
  } else {
    event(resource->kind == Kind::Function ? "LambdaFunctionTimedOut" : "ActivityTimedOut", details.take());
  }
  fail(std::move(problem));
}

/// A state did not work out: once more, somewhere else, or one level up. This fiber may be gone afterwards.
void FiberRun::fail(Problem problem) {
  fiber_.timeout_at = fiber_.heartbeat_at = fiber_.due = {};
  fiber_.token.clear();
  mark();
  if (!problem.location.empty()) {
    // AWS ties it to what was before the state, if the state has done nothing yet.
    if (fiber_.previous_event == fiber_.entered_event) fiber_.previous_event = fiber_.before_entered;
    event("EvaluationFailed", DetailsWriter()
                                  .text("cause", problem.cause)
                                  .text("error", problem.error)
                                  .text("location", problem.location)
                                  .text("state", fiber_.state)
                                  .take());
    problem.location.clear();
  }
  const State* const at = state();
  if (at != nullptr && (retry(*at, problem) || caught(*at, problem))) return;
  fiber_.phase = Phase::Failed;
  if (fiber_.parent == 0) return stop_here(std::move(problem));
  const auto parent = execution_.fibers.find(fiber_.parent);
  if (parent != execution_.fibers.end())
    FiberRun(interpreter_, execution_, parent->second, actions_).child_failed(fiber_, problem);
}

bool FiberRun::retry(const State& at, const Problem& problem) {
  for (std::size_t i = 0; i < at.retriers.size(); ++i) {
    const Retrier& retrier = at.retriers[i];
    if (!error_matches(retrier.errors, problem)) continue;
    if (fiber_.retries.size() <= i) fiber_.retries.resize(at.retriers.size());
    if (static_cast<std::int64_t>(fiber_.retries[i]) >= retrier.max_attempts) return false;
    double delay = retry_delay(retrier, fiber_.retries[i]);
    if (retrier.full_jitter) {
      thread_local std::mt19937_64 generator{std::random_device{}()};
      delay = std::uniform_real_distribution<double>(0, delay)(generator);
    }
    ++fiber_.retries[i];
    ++fiber_.retry_count;
    drop_children();
    fiber_.child_arn.clear();
    fiber_.due = now() + std::chrono::milliseconds(static_cast<std::int64_t>(delay * 1000));
    fiber_.phase = Phase::Retry;
    mark();
    return true;
  }
  return false;
}

void FiberRun::retry_now() {
  fiber_.due = {};
  fiber_.phase = Phase::Work;
  mark();
  execution_.runnable.push_back(fiber_.id);
}

bool FiberRun::caught(const State& at, const Problem& problem) {
  for (const auto& catcher : at.catchers) {
    if (!error_matches(catcher.errors, problem)) continue;
    const Value error(Object{{"Error", Value(problem.error)}, {"Cause", Value(problem.cause)}});
    Data output;
    Outcome<Variables> assigned;
    context_.reset();
    if (at.language == QueryLanguage::Jsonata) {
      auto names = scope(fiber_.input.value, context());
      names.error_output = &error;
      assigned = assignments(catcher.assign, names);
      output = Data(error);
      if (assigned && catcher.output) {
        auto value = catcher.output->evaluate(names, options_.jsonata, "Catch/Output");
        if (value) {
          output = Data(std::move(*value));
        } else {
          assigned = states::fail(value);
        }
      }
    } else {
      assigned = assignments(catcher.assign, scope(error, context()));
      Value combined = error;
      if (catcher.result_path.discard) {
        combined = fiber_.input.value;
      } else if (catcher.result_path.path) {
        if (auto value = catcher.result_path.path->write(fiber_.input.value, error)) combined = std::move(*value);
      }
      output = Data(std::move(combined));
    }
    if (!assigned) {
      // The catcher itself is wrong: nobody else takes that.
      auto inner = located(std::move(assigned.error())).value();
      inner.fatal = true;
      fail(std::move(inner));
      return true;
    }
    drop_children();
    leave(std::move(output), *assigned, catcher.next, false);
    return true;
  }
  return false;
}

}  // namespace likeness::states
