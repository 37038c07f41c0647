#include <fmt/format.h>

#include <algorithm>

#include "states/engine.hpp"
#include "states/engine_live.hpp"
#include "states/record.hpp"

namespace likeness::states {

storage::Key execution_key(const std::string& execution_arn) {
  const auto colon = execution_arn.rfind(':');
  if (colon == std::string::npos || colon == 0) return {execution_arn.empty() ? "-" : execution_arn, ""};
  return {execution_arn.substr(0, colon), execution_arn.substr(colon + 1)};
}

std::string executions_of(const std::string& machine_arn) {
  std::string out = machine_arn;
  const auto at = out.find(":stateMachine:");
  if (at != std::string::npos) out.replace(at, 14, ":execution:");
  return out;
}

storage::Write put_item(const char* table, storage::Key key, std::optional<std::string> value) {
  return {table, std::move(key), std::move(value), storage::Write::Expect::Anything, {}};
}

storage::Key listed_key(const ExecutionInfo& info) {
  return {info.map_run_arn.empty() ? executions_of(info.machine_arn) : info.map_run_arn,
          sortable(info.started) + info.name};
}

storage::Write listed(const ExecutionRecord& record) {
  auto summary = record;
  summary.info.input.clear();
  summary.ending.output.clear();
  summary.ending.cause.reset();
  return put_item(tables::kByTime, listed_key(record.info), encode(summary));
}

storage::Key closed_key(const ExecutionRecord& record) {
  return {kClosedPartition, sortable(record.ending.stopped) + record.info.arn};
}

/// Adds what tells of the execution's new status to the commit that makes it.
std::unique_ptr<StatusFeed::Entry> Engine::announce(const ExecutionRecord& record,
                                                    std::vector<storage::Write>& writes) {
  if (options_.status_feed == nullptr) return nullptr;
  auto entry = options_.status_feed->changed(record);
  if (entry) writes.push_back(entry->write);
  return entry;
}

/// False: there is nothing that runs under that name.
Result<bool> Engine::load(Live& live) {
  const auto key = execution_key(live.arn);
  auto bytes = store_.get(tables::kExecutions, key);
  if (!bytes) return fail(bytes);
  if (!*bytes) return false;
  auto record = decode_execution(**bytes);
  if (!record) return fail(record);
  if (record->ending.status != Status::Running) return false;
  auto definition = definitions_(record->info.machine_arn, record->info.revision);
  if (!definition) return fail(definition);
  Execution out;
  out.info = std::move(record->info);
  out.definition = std::move(*definition);
  if (!out.info.processor_path.empty()) {
    const Definition* const part = part_of(*out.definition, out.info.processor_path);
    if (part == nullptr) return server_error("StorageFailure", "A stored execution does not fit its definition.");
    out.definition = std::shared_ptr<const Definition>(out.definition, part);
  }
  auto input = parse_json(out.info.input);
  out.input = input ? std::move(*input) : Value();
  out.redrive_count = record->redrive_count;
  out.redriven = record->redriven;
  out.redrive_token = record->redrive_token;
  bool redrive_to_begin = false;
  if (out.redrive_count > 0) {
    auto running = store_.get(tables::kRunning, {kRunningPartition, live.arn});
    if (!running) return fail(running);
    const auto line = running->value_or("");
    FieldReader in(line);
    while (in.next())
      if (in.field() == kRedriveToBegin) redrive_to_begin = true;
  }
  std::uint64_t of = 0;
  std::uint32_t parts = 0;
  std::string joined;
  std::optional<Error> wrong;
  const auto flush = [&] {
    if (parts == 0) return;
    auto fiber = decode_fiber(joined);
    if (!fiber) {
      wrong = fiber.error();
    } else {
      fiber->stored_parts = parts;
      out.next_fiber = std::max(out.next_fiber, fiber->id + 1);
      if (fiber->phase == Phase::Enter || fiber->phase == Phase::Work) out.runnable.push_back(fiber->id);
      out.fibers.emplace(fiber->id, std::move(*fiber));
    }
    joined.clear();
    parts = 0;
  };
  auto scanned = store_.scan(tables::kFibers, live.arn, [&](std::string_view sort, std::string_view value) {
    const auto id = from_sortable(sort);
    if (id != of) flush();
    of = id;
    joined.append(value);
    ++parts;
    return true;
  });
  if (!scanned) return fail(scanned);
  flush();
  if (wrong) return Failure(*wrong);
  storage::Range last;
  last.limit = 1;
  last.reverse = true;
  auto block = store_.range(tables::kHistory, live.arn, last);
  if (!block) return fail(block);
  if (!block->items.empty()) {
    auto events = decode_events(block->items.front().value);
    if (!events) return fail(events);
    if (!events->empty()) out.next_event = events->back().id + 1;
  }
  out.deadline = Interpreter::deadline_of(out);
  if (out.fibers.empty()) interpreter_.begin(out);
  live.execution = std::move(out);
  live.loaded = true;
  if (redrive_to_begin) {
    --live.execution.redrive_count;
    interpreter_.redrive(live.execution, record->redriven);
  }
  return true;
}

Result<void> Engine::commit(Live& live) {
  Execution& execution = live.execution;
  if (execution.pending.empty() && execution.dirty.empty() && execution.removed.empty() && !execution.ending) return {};
  const auto publish = [&] {
    if (observer_ != nullptr && !execution.pending.empty()) observer_->happened(execution.info, execution.pending);
    execution.pending.clear();
    execution.dirty.clear();
    execution.removed.clear();
  };
  if (!live.durable) {
    if (execution.ending && !live.synchronous) {
      storage::Write gone{
          tables::kExpress, {kRunningPartition, live.arn}, std::nullopt, storage::Write::Expect::Anything, {}};
      if (auto done = store_.commit({std::move(gone)}); !done) return done;
    }
    publish();
    return {};
  }
  std::vector<storage::Write> writes;
  std::unique_ptr<StatusFeed::Entry> entry;
  const auto put = [&](const char* table, storage::Key key, std::optional<std::string> value) {
    writes.push_back(put_item(table, std::move(key), std::move(value)));
  };
  // History, in values of a size that the store takes.
  for (std::size_t first = 0; first < execution.pending.size();) {
    std::size_t last = first;
    std::size_t bytes = 0;
    while (last < execution.pending.size() &&
           (last == first || bytes + execution.pending[last].details.size() < kPartBytes / 2))
      bytes += execution.pending[last++].details.size() + 64;
    put(tables::kHistory, {live.arn, sortable(execution.pending[first].id)}, encode(execution.pending, first, last));
    first = last;
  }
  const auto part_key = [&](std::uint64_t id, std::uint32_t part) {
    return storage::Key{live.arn, sortable(id) + sortable(part).substr(4)};
  };
  const auto drop_fiber = [&](std::uint64_t id, std::uint32_t first, std::uint32_t last) {
    for (auto part = first; part < last; ++part) put(tables::kFibers, part_key(id, part), std::nullopt);
  };
  for (const auto& [id, parts] : execution.removed) drop_fiber(id, 0, parts);
  // An execution that did not succeed may be redriven: it keeps its fibers as they were.
  const bool drop = execution.ending && execution.ending->status == Status::Succeeded;
  for (auto& [id, fiber] : execution.fibers) {
    if (drop) {
      drop_fiber(id, 0, fiber.stored_parts);
      continue;
    }
    if (!execution.dirty.contains(id)) continue;
    const auto bytes = encode(fiber);
    const auto parts = static_cast<std::uint32_t>((bytes.size() + kPartBytes - 1) / kPartBytes);
    for (std::uint32_t part = 0; part < parts; ++part)
      put(tables::kFibers, part_key(id, part), bytes.substr(part * kPartBytes, kPartBytes));
    drop_fiber(id, parts, std::max(parts, fiber.stored_parts));
    fiber.stored_parts = parts;
  }
  if (execution.ending) {
    const ExecutionRecord record{execution.info,     *execution.ending,    execution.redrive_count,
                                 execution.redriven, execution.next_event, execution.redrive_token};
    put(tables::kExecutions, execution_key(live.arn), encode(record));
    writes.push_back(listed(record));
    put(tables::kClosed, closed_key(record), "");
    entry = announce(record, writes);
    put(tables::kRunning, {kRunningPartition, live.arn}, std::nullopt);
  } else {
    FieldWriter running(1);
    const bool in_the_middle = std::any_of(execution.fibers.begin(), execution.fibers.end(), [](const auto& entry) {
      const auto phase = entry.second.phase;
      return phase == Phase::Enter || phase == Phase::Work || phase == Phase::Task || phase == Phase::Activity ||
             phase == Phase::Child || phase == Phase::MapRun;
    });
    running.time(1, in_the_middle ? TimePoint(std::chrono::seconds(1)) : Interpreter::next_due(execution));
    auto value = running.take();
    if (value != live.running) put(tables::kRunning, {kRunningPartition, live.arn}, value);
    live.running = std::move(value);
  }
  if (auto done = store_.commit(std::move(writes)); !done) return done;
  publish();
  return {};
}

}  // namespace likeness::states
