#include <algorithm>

#include "base/log.hpp"
#include "states/engine.hpp"
#include "states/engine_live.hpp"
#include "states/map_runs.hpp"

namespace likeness::states {

/// Executions that fibers of this one wait for.
void Engine::watch_children(const Live& live) {
  for (const auto& [id, fiber] : live.execution.fibers) {
    if (fiber.phase != Phase::Child || fiber.child_arn.empty()) continue;
    {
      const std::lock_guard lock(mutex_);
      bool known = false;
      auto [first, last] = parents_.equal_range(fiber.child_arn);
      for (; first != last; ++first) known = known || first->second == std::pair(live.arn, id);
      if (known) continue;
      parents_.emplace(fiber.child_arn, std::pair(live.arn, id));
    }
    // It may be over already.
    const auto found = find(fiber.child_arn);
    if (found && (!*found || (*found)->ending.status != Status::Running)) child_over(fiber.child_arn);
  }
}

void Engine::child_over(const std::string& child_arn) {
  std::vector<std::pair<std::string, std::uint64_t>> parents;
  {
    const std::lock_guard lock(mutex_);
    auto [first, last] = parents_.equal_range(child_arn);
    for (auto at = first; at != last; ++at) parents.push_back(at->second);
    parents_.erase(first, last);
  }
  if (parents.empty()) return;
  auto record = find(child_arn);
  for (const auto& parent : parents)
    post(parent.first, [this, child_arn, fiber = parent.second, record](Execution* execution) -> AfterCommit {
      if (execution == nullptr) return nullptr;
      const auto at = execution->fibers.find(fiber);
      if (at == execution->fibers.end()) return nullptr;
      if (!record || !*record) {
        interpreter_.child_ended(*execution, fiber, child_arn, Status::Failed,
                                 Value(Object{{"ExecutionArn", Value(child_arn)}}));
        return nullptr;
      }
      const Definition* const part = part_of(*execution->definition, at->second.path);
      const State* const state = part == nullptr ? nullptr : part->find(at->second.state);
      const auto resource = state == nullptr ? std::nullopt : parse_resource(state->resource);
      const bool parsed = resource && resource->pattern == TaskResource::Pattern::Sync2;
      interpreter_.child_ended(*execution, fiber, child_arn, (*record)->ending.status,
                               describe_for_task(**record, parsed));
      return nullptr;
    });
}

/// A map run or an execution that nobody waits for any more is stopped; an execution as the state machine's role may.
void Engine::abandon(const ExecutionInfo& by, const std::string& arn) {
  if (arn.find(":mapRun:") != std::string::npos) {
    pool_.submit([this, arn] { map_runs_->abandon(arn); });
    return;
  }
  TaskRequest request;
  request.resource = parse_resource("arn:aws:states:::aws-sdk:sfn:stopExecution").value_or(TaskResource());
  request.input = write_json(Value(Object{{"ExecutionArn", Value(arn)}}));
  request.role_arn = by.role_arn;
  request.execution_arn = by.arn;
  request.execution_name = by.name;
  request.machine_arn = by.machine_arn;
  pool_.submit([this, request = std::move(request), arn] {
    if (auto stopped = tasks_.run(request); !stopped)
      log::info("states: {} runs on after the execution that waited for it: {}", arn, stopped.error().cause);
  });
}

void Engine::ended(const LivePtr& live) {
  std::deque<Message> mailbox;
  std::function<void(const Execution&)> on_end;
  {
    const std::lock_guard lock(mutex_);
    live->over = true;
    mailbox.swap(live->mailbox);
    on_end = std::move(live->on_end);
    live->on_end = nullptr;
    set_timer(live->arn, TimePoint());
    live_.erase(live->arn);
  }
  for (auto& message : mailbox)
    if (auto after = message(nullptr)) after(true);
  auto& execution = live->execution;
  for (const auto& [id, fiber] : execution.fibers)
    if (fiber.waits_elsewhere()) execution.abandoned.push_back(fiber.child_arn);
  for (const auto& arn : execution.abandoned) abandon(execution.info, arn);
  if (observer_ != nullptr) observer_->ended(live->execution.info, *live->execution.ending);
  if (on_end) on_end(live->execution);
  if (!live->execution.info.map_run_arn.empty()) map_runs_->child_ended(live->execution.info, *live->execution.ending);
  child_over(live->arn);
}

}  // namespace likeness::states
