#include <fmt/format.h>

#include <algorithm>

#include "states/engine.hpp"
#include "states/engine_live.hpp"
#include "states/record.hpp"

namespace likeness::states {
namespace {

Failure stopping() { return server_error("ServiceUnavailable", "The server is stopping."); }

}  // namespace

Result<Engine::LivePtr> Engine::make_live(ExecutionInfo info, std::shared_ptr<const Definition> definition) {
  auto input = parse_json(info.input);
  if (!input) return client_error("InvalidInput", input.error().message);
  auto live = std::make_shared<Live>();
  live->arn = info.arn;
  live->durable = !info.express;
  live->loaded = true;
  if (!info.processor_path.empty()) {
    const Definition* const part = part_of(*definition, info.processor_path);
    if (part == nullptr) return client_error("InvalidInput", "There is no such part of the definition.");
    definition = std::shared_ptr<const Definition>(definition, part);
  }
  live->execution.info = std::move(info);
  live->execution.definition = std::move(definition);
  live->execution.input = std::move(*input);
  interpreter_.begin(live->execution);
  // AWS ends express executions after five minutes.
  if (live->execution.info.express)
    live->execution.deadline =
        live->execution.info.started +
        std::min(std::chrono::seconds(300),
                 std::chrono::seconds(live->execution.definition->timeout_seconds.value_or(300)));
  return live;
}

void Engine::launch(const LivePtr& live) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return;
  // Somebody may have asked for it already; what is in the store is the same.
  const auto [at, added] = live_.emplace(live->arn, live);
  schedule(at->second);
}

Result<TimePoint> Engine::start_execution(ExecutionInfo info, std::shared_ptr<const Definition> definition) {
  auto live = make_live(std::move(info), std::move(definition));
  if (!live) return fail(live);
  // Launched, the execution belongs to a worker: what is read of it is read before.
  const ExecutionRecord record{(*live)->execution.info, {}, 0, {}, 1, {}};
  const auto& started = record.info;
  std::vector<storage::Write> writes;
  if (!(*live)->durable) {
    writes.push_back(
        {tables::kExpress, {kRunningPartition, started.arn}, encode(record), storage::Write::Expect::Anything, {}});
    if (auto done = store_.commit(std::move(writes)); !done) return fail(done);
    launch(*live);
    return started.started;
  }
  const auto key = execution_key(started.arn);
  writes.push_back({tables::kExecutions, key, encode(record), storage::Write::Expect::Absent, {}});
  writes.push_back(listed(record));
  FieldWriter running(1);
  running.time(1, TimePoint(std::chrono::seconds(1)));
  writes.push_back(put_item(tables::kRunning, {kRunningPartition, started.arn}, running.take()));
  const auto entry = announce(record, writes);
  auto committed = store_.commit(std::move(writes));
  if (committed) {
    launch(*live);
    return started.started;
  }
  if (committed.error().code != "ConditionFailed") return fail(committed);
  auto existing = find(started.arn);
  if (!existing) return fail(existing);
  // The same start once more is answered like the first, as long as that one runs.
  if (*existing && (*existing)->ending.status == Status::Running && (*existing)->info.input == started.input)
    return (*existing)->info.started;
  return client_error("AlreadyExists", fmt::format("Execution Already Exists: '{}'", started.arn));
}

Result<std::pair<ExecutionInfo, Ending>> Engine::start_sync(ExecutionInfo info,
                                                            std::shared_ptr<const Definition> definition,
                                                            const std::stop_token& gone) {
  auto live = make_live(std::move(info), std::move(definition));
  if (!live) return fail(live);
  auto reply = std::make_shared<Reply<std::optional<Ending>>>();
  (*live)->synchronous = true;
  const ExecutionInfo kept = (*live)->execution.info;
  (*live)->on_end = [reply](const Execution& execution) { reply->give(execution.ending); };
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return stopping();
    live_[(*live)->arn] = *live;
    schedule(*live);
  }
  const auto ending = reply->wait(gone);
  if (!ending) return client_error("ClientGone", "The client has gone.");
  if (!*ending) return stopping();
  return std::pair(kept, **ending);
}

Result<TimePoint> Engine::stop_execution(const std::string& arn, const std::optional<std::string>& error,
                                         const std::optional<std::string>& cause) {
  auto record = find(arn);
  if (!record) return fail(record);
  if (!*record) return client_error("NotFound", fmt::format("Execution Does Not Exist: '{}'", arn));
  if ((*record)->ending.status != Status::Running) return (*record)->ending.stopped;
  auto reply = std::make_shared<Reply<bool>>();
  post(arn, [this, reply, error, cause](Execution* execution) -> AfterCommit {
    if (execution != nullptr) interpreter_.abort(*execution, error, cause);
    return [reply](bool committed) { reply->give(committed); };
  });
  if (!reply->wait()) return server_error("ServiceUnavailable", "The execution could not be stopped now.");
  record = find(arn);
  if (!record) return fail(record);
  return *record ? (*record)->ending.stopped : clock_.now();
}

}  // namespace likeness::states
