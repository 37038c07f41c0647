#include <fmt/format.h>

#include "base/bytes.hpp"
#include "base/log.hpp"
#include "states/engine_live.hpp"
#include "states/map_run.hpp"
#include "states/record.hpp"

namespace likeness::states {
namespace {

constexpr std::size_t kWritesAtOnce = 90;
constexpr auto kNone = static_cast<Status>(0xFF);

}  // namespace

/// The index of a child is found from its name, and the name from the index, so that a restart meets its children
/// again.
std::string MapRuns::Run::child_arn(std::uint32_t index) const {
  return fmt::format("{}/{}:{}", executions_of(info.machine_arn), label,
                     uuid_v3(as_bytes(fmt::format("{}#{}", record.arn, index))));
}

std::vector<std::string> MapRuns::Run::running_children() const {
  std::vector<std::string> out;
  out.reserve(children.size());
  for (const auto& [name, index] : children)
    out.push_back(fmt::format("{}/{}:{}", executions_of(info.machine_arn), label, name));
  return out;
}

void MapRuns::stop_children(const std::vector<std::string>& arns) {
  for (const auto& arn : arns)
    if (auto stopped = engine_.stop_execution(arn, std::nullopt, std::nullopt);
        !stopped && stopped.error().code != "NotFound")
      log::warn("states: {} could not be stopped: {}", arn, stopped.error().message);
}

/// A run that is over begins to run again, with the children that did not succeed: those that began are redriven,
/// express ones and those that never began are started. Whatever stops this is met again: the fiber has counted the
/// redrive, the record has not.
Result<void> MapRuns::take_up(Run& run) {
  auto& record = run.record;
  const bool express = run.state().express_children;
  std::vector<Status> statuses(static_cast<std::size_t>(record.total), kNone);
  auto scanned =
      engine_.store().scan(map_tables::kResults, record.arn, [&](std::string_view sort, std::string_view value) {
        const auto index = from_sortable(sort);
        if (index < statuses.size() && !value.empty()) statuses[index] = static_cast<Status>(value.front());
        return true;
      });
  if (!scanned) return scanned;
  run.awaits_redrive.assign(statuses.size(), false);
  std::int64_t pending = 0, lost = 0;
  std::vector<storage::Write> writes;
  std::vector<std::unique_ptr<StatusFeed::Entry>> entries;
  const auto flush = [&]() -> Result<void> {
    if (writes.empty()) return {};
    auto done = engine_.store().commit(std::move(writes));
    writes.clear();
    entries.clear();
    return done;
  };
  for (std::uint32_t i = 0; i < statuses.size(); ++i) {
    if (statuses[i] == Status::Succeeded) continue;
    if (express) {
      run.awaits_redrive[i] = statuses[i] != kNone;
    } else {
      auto state = engine_.await_redrive(run.child_arn(i), writes, entries);
      if (!state) return fail(state);
      run.awaits_redrive[i] = *state == Engine::Pending::Waiting;
      if (*state == Engine::Pending::NotRedrivable) {
        ++lost;
        continue;
      }
    }
    if (run.awaits_redrive[i]) ++pending;
    if (statuses[i] != kNone) writes.push_back(put_item(map_tables::kResults, {record.arn, sortable(i)}, std::nullopt));
    if (writes.size() >= kWritesAtOnce)
      if (auto done = flush(); !done) return done;
  }
  if (auto done = flush(); !done) return done;
  record.status = "RUNNING";
  record.stopped = {};
  record.results_written = 0;
  record.redrive_count = run.fiber.map_redrives;
  record.redriven = engine_.clock().now();
  record.pending_redrive = pending;
  record.failures_not_redrivable = lost;
  if (auto saved = save(run); !saved) return saved;
  return recall(run);
}

void MapRuns::abandon(const std::string& arn) {
  RunPtr run;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    const auto at = runs_.find(arn);
    if (at != runs_.end()) {
      run = at->second;
      runs_.erase(at);
    }
  }
  if (run == nullptr) {
    // It has not begun, or is over.
    auto record = find(arn);
    if (!record || !*record || (*record)->status != "RUNNING") return;
    (*record)->status = "ABORTED";
    (*record)->stopped = engine_.clock().now();
    if (auto saved = save(**record); !saved) log::error("states: {}: {}", arn, saved.error().message);
    return;
  }
  std::vector<std::string> left;
  {
    const std::lock_guard lock(run->mutex);
    if (run->finished) return;  // it ends by itself just now
    run->finished = true;
    left = run->running_children();
    run->record.aborted += run->record.running;
    run->record.running = 0;
    run->record.status = "ABORTED";
    run->record.stopped = engine_.clock().now();
  }
  stop_children(left);
  if (auto saved = save(*run); !saved) log::error("states: {}: {}", arn, saved.error().message);
  run->ended();
}

Result<void> MapRuns::forget(const std::string& execution_arn) {
  auto runs = list(execution_arn);
  if (!runs) return fail(runs);
  for (const auto& run : *runs)
    for (const auto* table : {map_tables::kItems, map_tables::kResults, map_tables::kRuns})
      if (auto done = remove_partition(engine_.store(), table, run.arn); !done) return done;
  return remove_partition(engine_.store(), map_tables::kOf, execution_arn);
}

}  // namespace likeness::states
