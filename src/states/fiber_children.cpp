#include <fmt/format.h>

#include <algorithm>

#include "states/fiber_run.hpp"

namespace likeness::states {
namespace {

/// AWS runs up to 40 iterations of an inline map at once.
constexpr std::uint32_t kInlineConcurrency = 40;

std::string iteration_details(const Fiber& map, std::uint32_t index) {
  return DetailsWriter().number("index", index).text("name", map.state).take();
}

}  // namespace

Fiber& FiberRun::new_child(std::uint32_t index, const std::string& part, const Data& input) {
  const auto id = execution_.next_fiber++;
  Fiber child;
  child.id = id;
  child.parent = fiber_.id;
  child.index = index;
  child.path = fiber_.path.empty() ? part : fiber_.path + "\n" + part;
  child.input = input;
  child.variables = fiber_.variables;
  child.previous_event = fiber_.previous_event;
  child.map_value = fiber_.map_value;
  child.map_index = fiber_.map_index;
  child.phase = Phase::Enter;
  if (const auto* const inner = part_of(*execution_.definition, child.path)) child.state = inner->start_at;
  execution_.dirty.insert(id);
  execution_.runnable.push_back(id);
  return execution_.fibers.emplace(id, std::move(child)).first->second;
}

void FiberRun::start_children() {
  const State& at = *state();
  auto input = effective_input();
  if (!input) return fail(located(std::move(input.error())).value());
  event("ParallelStateStarted");
  const Data data = input->same_as(fiber_.input.value) ? fiber_.input : Data(std::move(*input));
  fiber_.phase = Phase::Join;
  fiber_.total_children = static_cast<std::uint32_t>(at.branches.size());
  fiber_.started_children = fiber_.total_children;
  fiber_.done_children = 0;
  for (std::uint32_t i = 0; i < fiber_.total_children; ++i) new_child(i, fmt::format("{}/{}", at.name, i), data);
}

void FiberRun::start_map() {
  const State& at = *state();
  auto input = effective_input(false);
  if (!input) return fail(located(std::move(input.error())).value());
  auto concurrency = whole(at.max_concurrency, *input);
  if (!concurrency) return fail(located(std::move(concurrency.error())).value());
  if (*concurrency && **concurrency < 0)
    return fail(located({"States.Runtime", "MaxConcurrency cannot be negative.", true, true}).value());
  fiber_.max_concurrency = static_cast<std::uint32_t>(std::min<std::int64_t>(concurrency->value_or(0), 10'000));
  auto* const seen = interpreter_.inspection;
  if (seen != nullptr) seen->max_concurrency = concurrency->value_or(0);
  fiber_.items.reset();
  fiber_.child_arn.clear();
  fiber_.map_redrives = 0;
  if (!at.reader) {
    Outcome<Value> items = *input;
    if (at.items) {
      items = at.items->evaluate(scope(fiber_.input.value, context()), options_.jsonata, "Items");
    } else if (at.items_path) {
      items = at.items_path->is_path() ? path_value({false, at.items_path}, *input)
                                       : at.items_path->evaluate(scope(*input, context()), "ItemsPath");
    }
    if (!items) return fail(located(std::move(items.error())).value());
    // A distributed map goes over the members of an object too.
    if (items->is_object() && at.distributed) {
      Value::Array members;
      for (const auto& [name, value] : items->as_object())
        members.emplace_back(Object{{"Key", Value(name)}, {"Value", value}});
      items = Value(std::move(members));
    }
    if (!items->is_array()) {
      if (at.items_path)
        return fail({"States.Runtime", fmt::format("Reference path \"{}\" must point to array.", at.items_path->text()),
                     false, true});
      if (at.items) {
        const auto expression =
            at.items->source().is_string() ? jsonata_expression(at.items->source().as_string()) : std::nullopt;
        static constexpr const char* kNames[] = {"null", "boolean", "number", "number", "string", "array", "object"};
        return fail(located({"States.QueryEvaluationError",
                             fmt::format("The JSONata expression '{}' specified for the field 'Items' returned an "
                                         "unexpected result type. Expected 'array', but was '{}' for value: {}",
                                         expression.value_or(""), kNames[static_cast<std::size_t>(items->type())],
                                         write_json(*items)),
                             true, false})
                        .value());
      }
      return fail(located({"States.Runtime",
                           fmt::format("Map state input must be an array but was: {}", write_json(*items)), true, true})
                      .value());
    }
    if (seen != nullptr && at.language == QueryLanguage::JsonPath) seen->after_items_path = *items;
    fiber_.items = std::make_shared<const Value>(std::move(*items));
  }
  if (at.distributed) {
    ++fiber_.attempt;
    fiber_.phase = Phase::MapRun;
    if (fiber_.items != nullptr)
      event("MapStateStarted",
            DetailsWriter().number("length", static_cast<std::int64_t>(fiber_.items->as_array().size())).take());
    mark();
    if (actions_ != nullptr)
      actions_->push_back({Action::Kind::MapRun, fiber_.id, fiber_.attempt, {}, "", execution_.info.role_arn});
    return;
  }
  const auto length = fiber_.items->as_array().size();
  event("MapStateStarted", DetailsWriter().number("length", static_cast<std::int64_t>(length)).take());
  fiber_.phase = Phase::Join;
  fiber_.total_children = static_cast<std::uint32_t>(length);
  fiber_.started_children = 0;
  fiber_.done_children = 0;
  if (length == 0) {
    const auto before = fiber_.previous_event;
    event("MapStateSucceeded");
    fiber_.previous_event = before;
    finish(Value(Value::Array()));
    return;
  }
  const auto window =
      fiber_.max_concurrency == 0 ? kInlineConcurrency : std::min(fiber_.max_concurrency, kInlineConcurrency);
  // Who looks on sees what each iteration would begin with.
  const auto first = seen != nullptr ? fiber_.total_children : std::min<std::uint32_t>(fiber_.total_children, window);
  const auto previous = fiber_.previous_event;
  const auto id = fiber_.id;
  for (std::uint32_t i = 0; i < first; ++i) {
    fiber_.previous_event = previous;
    spawn(i);
    // An item that cannot be selected ends the state.
    const auto still = execution_.fibers.find(id);
    if (execution_.ending || still == execution_.fibers.end() || still->second.phase != Phase::Join) return;
  }
}

/// Begins the iteration over item `index`; its event follows the fiber's last one.
void FiberRun::spawn(std::uint32_t index) {
  const State& at = *state();
  fiber_.started_children = index + 1;
  event("MapIterationStarted", iteration_details(fiber_, index));
  const Value& item = fiber_.items->as_array()[index];
  Fiber& child = new_child(index, at.name + "/0", Data(item));
  child.map_value = item;
  child.map_index = index;
  if (!at.parameters) return;
  auto input = at.language == QueryLanguage::JsonPath ? path_value(at.input_path, fiber_.input.value)
                                                      : Outcome<Value>(fiber_.input.value);
  if (!input) return fail(located(std::move(input.error())).value());
  const Value seen = interpreter_.context_of(execution_, child);
  auto selected = at.parameters->evaluate({*input, seen, fiber_.variables}, options_.jsonata, "ItemSelector");
  if (!selected) {
    drop_children();
    return fail(located(std::move(selected.error())).value());
  }
  child.input = Data(std::move(*selected));
  if (interpreter_.inspection != nullptr) interpreter_.inspection->after_item_selector.push_back(child.input.value);
}

void FiberRun::child_done(Fiber& child) {
  const State& at = *state();
  if (fiber_.phase != Phase::Join) return;
  ++fiber_.done_children;
  mark();
  fiber_.previous_event = child.previous_event;
  const bool map = at.type == StateType::Map;
  if (map) {
    const auto index = child.index;
    const auto id = event("MapIterationSucceeded", iteration_details(fiber_, index));
    if (fiber_.started_children < fiber_.total_children) {
      fiber_.previous_event = child.previous_event;
      spawn(fiber_.started_children);
      return;
    }
    fiber_.previous_event = id;
  }
  if (fiber_.done_children < fiber_.total_children) return;
  Value::Array results(fiber_.total_children);
  for (auto& [id, other] : execution_.fibers)
    if (other.parent == fiber_.id && other.index < results.size()) results[other.index] = other.input.value;
  drop_children();
  const auto before = fiber_.previous_event;
  event(map ? "MapStateSucceeded" : "ParallelStateSucceeded");
  fiber_.previous_event = before;
  fiber_.phase = Phase::Work;
  finish(Value(std::move(results)));
}

void FiberRun::child_failed(Fiber& child, const Problem& problem) {
  const State& at = *state();
  const Problem kept = problem;  // NOLINT(performance-unnecessary-copy-initialization): its owner is ended below
  const auto last = child.previous_event;
  if (at.type == StateType::Map) {
    fiber_.previous_event = last;
    event("MapIterationFailed", iteration_details(fiber_, child.index));
    for (const auto& [id, other] : execution_.fibers) {
      if (other.parent != fiber_.id || other.phase == Phase::Done || id == child.id) continue;
      fiber_.previous_event = other.previous_event;
      event("MapIterationAborted", iteration_details(fiber_, other.index));
    }
  }
  fiber_.previous_event = last;
  event(at.type == StateType::Map ? "MapStateFailed" : "ParallelStateFailed");
  // What is below stays for a redrive, unless this state or one above goes on.
  fail(kept);
}

/// Ends everything below this fiber. Calls under way are not waited for; their answers find nobody.
void FiberRun::drop_children() {
  std::set<std::uint64_t> gone = {fiber_.id};
  // Children have higher numbers than their parents.
  for (auto at = execution_.fibers.upper_bound(fiber_.id); at != execution_.fibers.end();) {
    if (!gone.contains(at->second.parent)) {
      ++at;
      continue;
    }
    gone.insert(at->first);
    execution_.dirty.erase(at->first);
    if (at->second.waits_elsewhere()) execution_.abandoned.push_back(at->second.child_arn);
    if (at->second.stored_parts > 0) execution_.removed.emplace(at->first, at->second.stored_parts);
    at = execution_.fibers.erase(at);
  }
}

/// Branches or iterations are over before they began: nobody runs them.
void FiberRun::settle(Outcome<Value> result) {
  drop_children();
  const bool map = state()->type == StateType::Map;
  if (!result) {
    event(map ? "MapStateFailed" : "ParallelStateFailed");
    return fail(std::move(result.error()));
  }
  event(map ? "MapStateSucceeded" : "ParallelStateSucceeded");
  fiber_.phase = Phase::Work;
  finish(*result);
}

void FiberRun::map_run_failed(Problem problem) {
  event("MapRunFailed", DetailsWriter().text("error", problem.error).text("cause", problem.cause).take());
  event("MapStateFailed");
  fail(std::move(problem));
}

}  // namespace likeness::states
