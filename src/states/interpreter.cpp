#include "states/interpreter.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "states/fiber_run.hpp"

namespace likeness::states {
namespace {

constexpr TimePoint kNever{};

void sooner(TimePoint& due, TimePoint candidate) {
  if (candidate != kNever && (due == kNever || candidate < due)) due = candidate;
}

bool waits_for_task(Phase phase) {
  return phase == Phase::Task || phase == Phase::Token || phase == Phase::Activity || phase == Phase::Child;
}

}  // namespace

std::string iso_milliseconds(TimePoint time) {
  const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
  auto text = iso8601(time);
  text.pop_back();
  return fmt::format("{}.{:03}Z", text, since % 1000);
}

Value Interpreter::context_of(const Execution& execution, const Fiber& fiber) const {
  const auto& info = execution.info;
  Object run;
  run.add("Id", Value(info.arn));
  run.add("Input", execution.input);
  run.add("StartTime", Value(iso_milliseconds(info.started)));
  run.add("Name", Value(info.name));
  run.add("RoleArn", Value(info.role_arn));
  run.add("RedriveCount", Value(static_cast<std::int64_t>(execution.redrive_count)));
  if (execution.redrive_count > 0) run.add("RedriveTime", Value(iso_milliseconds(execution.redriven)));
  Object out;
  out.add("Execution", Value(std::move(run)));
  out.add("StateMachine", Value(Object{{"Id", Value(info.machine_arn)}, {"Name", Value(info.machine_name)}}));
  Object state;
  state.add("Name", Value(fiber.state));
  state.add("EnteredTime", Value(iso_milliseconds(fiber.entered)));
  const Definition* const part = part_of(*execution.definition, fiber.path);
  const State* const at = part == nullptr ? nullptr : part->find(fiber.state);
  if (at != nullptr && (at->type == StateType::Task || at->type == StateType::Parallel || at->type == StateType::Map))
    state.add("RetryCount", Value(static_cast<std::int64_t>(fiber.retry_count)));
  out.add("State", Value(std::move(state)));
  if (fiber.map_value) {
    Object item;
    item.add("Index", Value(static_cast<std::int64_t>(fiber.map_index)));
    item.add("Value", *fiber.map_value);
    out.add("Map", Value(Object{{"Item", Value(std::move(item))}}));
  }
  if (inspection != nullptr && inspection->context != nullptr && inspection->context->is_object())
    for (const auto& [name, value] : inspection->context->as_object()) out.set(name, value);
  if (!fiber.token.empty() && out.find("Task") == nullptr)
    out.add("Task", Value(Object{{"Token", Value(fiber.token)}}));
  return Value(std::move(out));
}

void Interpreter::begin(Execution& execution) const {
  Fiber root;
  root.id = execution.next_fiber++;
  root.state = execution.definition->start_at;
  root.input = Data(execution.input, execution.info.input);
  DetailsWriter details;
  details.payload("input", execution.info.input).text("roleArn", execution.info.role_arn);
  if (!execution.info.version_arn.empty()) details.text("stateMachineVersionArn", execution.info.version_arn);
  if (!execution.info.alias_arn.empty()) details.text("stateMachineAliasArn", execution.info.alias_arn);
  execution.pending.push_back({execution.next_event++, 0, execution.info.started, "ExecutionStarted", details.take()});
  // The first state follows event 0, as AWS shows it.
  root.previous_event = 0;
  execution.dirty.insert(root.id);
  execution.runnable.push_back(root.id);
  execution.fibers.emplace(root.id, std::move(root));
  execution.deadline = deadline_of(execution);
}

bool Interpreter::advance(Execution& execution, std::vector<Action>& actions) const {
  std::size_t steps = 0;
  while (!execution.ending && !execution.runnable.empty()) {
    if (++steps > options_.max_steps) return true;
    const auto id = execution.runnable.front();
    execution.runnable.pop_front();
    const auto at = execution.fibers.find(id);
    if (at == execution.fibers.end() || (at->second.phase != Phase::Enter && at->second.phase != Phase::Work)) continue;
    FiberRun(*this, execution, at->second, &actions).step();
  }
  return false;
}

TimePoint Interpreter::next_due(const Execution& execution) {
  TimePoint due = kNever;
  if (execution.ending) return due;
  sooner(due, execution.deadline);
  for (const auto& [id, fiber] : execution.fibers) {
    sooner(due, fiber.due);
    if (!waits_for_task(fiber.phase)) continue;
    sooner(due, fiber.timeout_at);
    sooner(due, fiber.heartbeat_at);
  }
  return due;
}

void Interpreter::wake(Execution& execution, TimePoint now) const {
  if (execution.ending) return;
  if (execution.deadline != kNever && execution.deadline <= now) {
    Fiber& root = execution.fibers.begin()->second;
    FiberRun(*this, execution, root, nullptr).event("ExecutionTimedOut", "{\"error\":\"States.Timeout\"}");
    execution.ending = Ending{Status::TimedOut, now, "", "States.Timeout", std::nullopt};
    return;
  }
  std::vector<std::uint64_t> ids;
  ids.reserve(execution.fibers.size());
  for (const auto& [id, fiber] : execution.fibers) ids.push_back(id);
  for (const auto id : ids) {
    const auto at = execution.fibers.find(id);
    if (at == execution.fibers.end() || execution.ending) continue;
    Fiber& fiber = at->second;
    FiberRun run(*this, execution, fiber, nullptr);
    if (fiber.due != kNever && fiber.due <= now) {
      if (fiber.phase == Phase::Retry) {
        run.retry_now();
      } else if (fiber.phase == Phase::Wait) {
        run.wait_over();
      }
    } else if (waits_for_task(fiber.phase)) {
      if (fiber.timeout_at != kNever && fiber.timeout_at <= now) {
        run.time_out(false);
      } else if (fiber.heartbeat_at != kNever && fiber.heartbeat_at <= now) {
        run.time_out(true);
      }
    }
  }
}

std::vector<Action> Interpreter::resume(const Execution& execution) const {
  std::vector<Action> out;
  for (const auto& [id, fiber] : execution.fibers) {
    if (fiber.phase == Phase::MapRun) {
      out.push_back({Action::Kind::MapRun, id, fiber.attempt, {}, "", execution.info.role_arn});
      continue;
    }
    if (fiber.phase != Phase::Task && fiber.phase != Phase::Activity) continue;
    const Definition* const part = part_of(*execution.definition, fiber.path);
    const State* const state = part == nullptr ? nullptr : part->find(fiber.state);
    const auto resource = state == nullptr ? std::nullopt : parse_resource(state->resource);
    if (!resource) continue;
    out.push_back({fiber.phase == Phase::Task ? Action::Kind::Call : Action::Kind::Offer, id, fiber.attempt, *resource,
                   fiber.call_input, fiber.call_role});
  }
  return out;
}

void Interpreter::answer(Execution& execution, std::uint64_t id, std::uint32_t attempt,
                         Outcome<std::string> result) const {
  const auto at = execution.fibers.find(id);
  if (execution.ending || at == execution.fibers.end()) return;
  Fiber& fiber = at->second;
  if (fiber.attempt != attempt || fiber.phase != Phase::Task) return;
  FiberRun run(*this, execution, fiber, nullptr);
  if (!result) {
    run.task_failed(std::move(result.error()));
    return;
  }
  const auto resource = parse_resource(run.state()->resource);
  if (resource->kind == TaskResource::Kind::Service && resource->pattern != TaskResource::Pattern::Request) {
    run.task_submitted(*result);
  } else {
    run.task_succeeded(*result);
  }
}

void Interpreter::settle(Execution& execution, std::uint64_t id, Outcome<std::string> result) const {
  const auto at = execution.fibers.find(id);
  if (execution.ending || at == execution.fibers.end()) return;
  FiberRun run(*this, execution, at->second, nullptr);
  const bool task = run.state()->type == StateType::Task;
  if (task && result) return run.task_succeeded(*result);
  if (task) return run.task_failed(std::move(result.error()));
  if (!result) return run.settle(states::fail(result));
  auto value = parse_json(*result);
  run.settle(value ? Outcome<Value>(std::move(*value)) : runtime_problem(value.error().message));
}

bool Interpreter::token_answer(Execution& execution, std::uint64_t id, std::string_view token,
                               Outcome<std::string> result) const {
  const auto at = execution.fibers.find(id);
  if (execution.ending || at == execution.fibers.end()) return false;
  Fiber& fiber = at->second;
  // The answer may be faster than the call that handed the token out.
  const bool waits = fiber.phase == Phase::Token || fiber.phase == Phase::Activity || fiber.phase == Phase::Task;
  if (!waits || fiber.token != token) return false;
  FiberRun run(*this, execution, fiber, nullptr);
  ++fiber.attempt;
  if (result) {
    run.task_succeeded(*result);
  } else {
    run.task_failed(std::move(result.error()));
  }
  return true;
}

bool Interpreter::heartbeat(Execution& execution, std::uint64_t id, std::string_view token) const {
  const auto at = execution.fibers.find(id);
  if (execution.ending || at == execution.fibers.end()) return false;
  Fiber& fiber = at->second;
  if (!waits_for_task(fiber.phase) || fiber.token != token) return false;
  if (fiber.heartbeat_seconds > 0) {
    fiber.heartbeat_at = clock_.now() + std::chrono::seconds(fiber.heartbeat_seconds);
    execution.dirty.insert(id);
  }
  return true;
}

bool Interpreter::activity_started(Execution& execution, std::uint64_t id, std::uint32_t attempt,
                                   std::string_view worker) const {
  const auto at = execution.fibers.find(id);
  if (execution.ending || at == execution.fibers.end()) return false;
  Fiber& fiber = at->second;
  if (fiber.phase != Phase::Activity || fiber.attempt != attempt) return false;
  DetailsWriter details;
  if (!worker.empty()) details.text("workerName", worker);
  FiberRun(*this, execution, fiber, nullptr).event("ActivityStarted", details.take());
  if (fiber.heartbeat_seconds > 0) fiber.heartbeat_at = clock_.now() + std::chrono::seconds(fiber.heartbeat_seconds);
  fiber.phase = Phase::Token;
  return true;
}

void Interpreter::child_ended(Execution& execution, std::uint64_t id, std::string_view child_arn, Status status,
                              const Value& description) const {
  const auto at = execution.fibers.find(id);
  if (execution.ending || at == execution.fibers.end()) return;
  Fiber& fiber = at->second;
  if (fiber.phase != Phase::Child || fiber.child_arn != child_arn) return;
  FiberRun run(*this, execution, fiber, nullptr);
  ++fiber.attempt;
  const auto text = write_json(description);
  if (status == Status::Succeeded) {
    run.task_succeeded(text);
  } else {
    run.task_failed({"States.TaskFailed", text, false, false});
  }
}

void Interpreter::map_run_started(Execution& execution, std::uint64_t id, std::uint32_t attempt, const std::string& arn,
                                  std::size_t items) const {
  const auto at = execution.fibers.find(id);
  if (execution.ending || at == execution.fibers.end()) return;
  Fiber& fiber = at->second;
  if (fiber.phase != Phase::MapRun || fiber.attempt != attempt || !fiber.child_arn.empty()) return;
  FiberRun run(*this, execution, fiber, nullptr);
  if (fiber.items == nullptr)
    run.event("MapStateStarted", DetailsWriter().number("length", static_cast<std::int64_t>(items)).take());
  run.event("MapRunStarted", DetailsWriter().text("mapRunArn", arn).take());
  fiber.child_arn = arn;
}

void Interpreter::map_run_ended(Execution& execution, std::uint64_t id, std::uint32_t attempt,
                                Outcome<Value> result) const {
  const auto at = execution.fibers.find(id);
  if (execution.ending || at == execution.fibers.end()) return;
  Fiber& fiber = at->second;
  if (fiber.phase != Phase::MapRun || fiber.attempt != attempt) return;
  FiberRun run(*this, execution, fiber, nullptr);
  ++fiber.attempt;
  if (!result) {
    // Before the run began there is nothing of it in the history.
    if (fiber.child_arn.empty()) {
      run.event("MapStateFailed");
      run.fail(std::move(result.error()));
    } else {
      // Results that are too large are so after a redrive too: the map begins anew then, as it does on AWS.
      if (result.error().error == "States.DataLimitExceeded") fiber.child_arn.clear();
      run.map_run_failed(std::move(result.error()));
    }
    return;
  }
  const auto id_of_run = run.event("MapRunSucceeded");
  run.event("MapStateSucceeded");
  fiber.previous_event = id_of_run;
  fiber.phase = Phase::Work;
  run.finish(*result);
}

void Interpreter::abort(Execution& execution, std::optional<std::string> error,
                        std::optional<std::string> cause) const {
  if (execution.ending) return;
  DetailsWriter details;
  if (cause) details.text("cause", *cause);
  if (error) details.text("error", *error);
  FiberRun(*this, execution, execution.fibers.begin()->second, nullptr).event("ExecutionAborted", details.take());
  execution.ending = Ending{Status::Aborted, clock_.now(), "", std::move(error), std::move(cause)};
}

void Interpreter::redrive(Execution& execution, TimePoint at) const {
  execution.ending.reset();
  execution.runnable.clear();
  ++execution.redrive_count;
  execution.redriven = at;
  Fiber& root = execution.fibers.begin()->second;
  const auto redriven =
      FiberRun(*this, execution, root, nullptr)
          .event("ExecutionRedriven", DetailsWriter().number("redriveCount", execution.redrive_count).take());
  std::set<std::uint64_t> parents;
  for (const auto& [id, fiber] : execution.fibers) parents.insert(fiber.parent);
  for (auto& [id, fiber] : execution.fibers) {
    if (fiber.phase == Phase::Done) continue;  // a branch or iteration that succeeded is not repeated
    fiber.previous_event = redriven;
    fiber.due = fiber.timeout_at = fiber.heartbeat_at = {};
    fiber.token.clear();
    fiber.retry_count = 0;
    fiber.retries.clear();
    ++fiber.attempt;
    execution.dirty.insert(id);
    if (parents.contains(id)) {
      fiber.phase = Phase::Join;
      continue;
    }
    const Definition* const part = part_of(*execution.definition, fiber.path);
    const State* const state = part == nullptr ? nullptr : part->find(fiber.state);
    if (state != nullptr && state->distributed && !fiber.child_arn.empty() && fiber.phase != Phase::Enter) {
      // The engine takes the run up: it is counted here, so that a crash cannot count it twice.
      ++fiber.map_redrives;
      FiberRun(*this, execution, fiber, nullptr)
          .event("MapRunRedriven",
                 DetailsWriter().text("mapRunArn", fiber.child_arn).number("redriveCount", fiber.map_redrives).take());
      fiber.phase = Phase::MapRun;
      continue;
    }
    fiber.child_arn.clear();
    if (fiber.phase != Phase::Enter) fiber.phase = Phase::Work;
    execution.runnable.push_back(id);
  }
  execution.deadline = deadline_of(execution);
}

TimePoint Interpreter::deadline_of(const Execution& execution) {
  const auto& limit = execution.definition->timeout_seconds;
  const auto longest = execution.info.started + kLongestExecution;
  if (!limit) return longest;
  return std::min(longest, (execution.redrive_count > 0 ? execution.redriven : execution.info.started) +
                               std::chrono::seconds(*limit));
}

}  // namespace likeness::states
