#include <fmt/format.h>

#include <algorithm>

#include "states/engine.hpp"
#include "states/engine_live.hpp"
#include "states/record.hpp"

namespace likeness::states {

Result<std::optional<ExecutionRecord>> Engine::find(const std::string& arn) const {
  auto bytes = store_.get(tables::kExecutions, execution_key(arn));
  if (!bytes) return fail(bytes);
  if (!*bytes) return std::optional<ExecutionRecord>();
  auto record = decode_execution(**bytes);
  if (!record) return fail(record);
  return std::optional(std::move(*record));
}

Result<ExecutionPage> Engine::list(const std::string& of, std::optional<Status> status, std::size_t limit,
                                   const std::string& from) const {
  ExecutionPage out;
  storage::Range range;
  range.reverse = true;
  range.limit = std::min<std::size_t>(limit + 1, 200);
  if (!from.empty()) range.last = from;
  const auto partition = executions_of(of);
  for (;;) {
    auto page = store_.range(tables::kByTime, partition, range);
    if (!page) return fail(page);
    for (const auto& item : page->items) {
      auto record = decode_execution(item.value);
      if (!record) return fail(record);
      if (status && record->ending.status != *status) continue;
      if (out.executions.size() == limit) return out;  // `next` was set with the last one that fitted
      ExecutionSummary summary;
      const auto& info = record->info;
      summary.arn = info.arn;
      summary.name = info.name;
      summary.status = record->ending.status;
      summary.started = info.started;
      if (record->ending.status != Status::Running) summary.stopped = record->ending.stopped;
      summary.version_arn = info.version_arn;
      summary.alias_arn = info.alias_arn;
      summary.map_run_arn = info.map_run_arn;
      summary.redrive_count = record->redrive_count;
      summary.redriven = record->redriven;
      out.executions.push_back(std::move(summary));
      if (out.executions.size() == limit) out.next = item.key.sort;
    }
    if (!page->next) break;
    range.last = *page->next;
  }
  out.next.reset();
  return out;
}

Result<std::vector<Event>> Engine::history(const std::string& arn, std::uint64_t from, std::size_t limit,
                                           bool reverse) const {
  std::vector<Event> out;
  storage::Range range;
  range.limit = 16;
  range.reverse = reverse;
  if (reverse) {
    if (from != 0) range.last = sortable(from + 1);
  } else if (from > 1) {
    // The block that holds `from` may begin before it.
    storage::Range before;
    before.last = sortable(from + 1);
    before.limit = 1;
    before.reverse = true;
    auto page = store_.range(tables::kHistory, arn, before);
    if (!page) return fail(page);
    if (!page->items.empty()) range.first = page->items.front().key.sort;
  }
  for (;;) {
    auto page = store_.range(tables::kHistory, arn, range);
    if (!page) return fail(page);
    for (const auto& item : page->items) {
      auto events = decode_events(item.value);
      if (!events) return fail(events);
      if (reverse) std::reverse(events->begin(), events->end());
      for (auto& event : *events) {
        if (from != 0 && (reverse ? event.id > from : event.id < from)) continue;
        if (out.size() == limit) return out;
        out.push_back(std::move(event));
      }
    }
    if (!page->next) return out;
    if (reverse) {
      range.last = *page->next;
    } else {
      range.first = *page->next;
    }
  }
}

Result<TimePoint> Engine::stop_execution(const std::string& arn, const std::optional<std::string>& error,
                                         const std::optional<std::string>& cause) {
  auto record = find(arn);
  if (!record) return fail(record);
  if (!*record) return client_error("NotFound", fmt::format("Execution Does Not Exist: '{}'", arn));
  if ((*record)->ending.status != Status::Running) return (*record)->ending.stopped;
  struct Reply {
    std::mutex mutex;
    std::condition_variable done;
    bool over = false;
    bool stored = false;
  };
  auto reply = std::make_shared<Reply>();
  post(arn, [this, reply, error, cause](Execution* execution) -> AfterCommit {
    if (execution != nullptr) interpreter_.abort(*execution, error, cause);
    return [reply](bool committed) {
      const std::lock_guard lock(reply->mutex);
      reply->over = true;
      reply->stored = committed;
      reply->done.notify_all();
    };
  });
  {
    std::unique_lock lock(reply->mutex);
    reply->done.wait(lock, [&] { return reply->over; });
    if (!reply->stored) return server_error("ServiceUnavailable", "The execution could not be stopped now.");
  }
  record = find(arn);
  if (!record) return fail(record);
  return *record ? (*record)->ending.stopped : clock_.now();
}

Result<TimePoint> Engine::redrive(const std::string& arn) {
  auto record = find(arn);
  if (!record) return fail(record);
  if (!*record) return client_error("NotFound", fmt::format("Execution Does Not Exist: '{}'", arn));
  auto& found = **record;
  if (found.ending.status == Status::Running || found.ending.status == Status::Succeeded)
    return client_error("NotRedrivable",
                        fmt::format("Execution is {} and cannot be redriven", name_of(found.ending.status)));
  if (clock_.now() - found.ending.stopped > std::chrono::hours(24 * 14))
    return client_error("NotRedrivable", "Execution is not redrivable: it was closed more than 14 days ago");
  // Made to run in the store, then loaded, so that a crash in between finds a running execution.
  found.ending = Ending();
  std::vector<storage::Write> writes;
  auto before = store_.get(tables::kExecutions, execution_key(arn));
  if (!before) return fail(before);
  writes.push_back({tables::kExecutions, execution_key(arn), encode(found), storage::Write::Expect::SameValue,
                    before->value_or("")});
  FieldWriter running(1);
  running.time(1, TimePoint(std::chrono::seconds(1)));
  writes.push_back({tables::kRunning, {kRunningPartition, arn}, running.take(), storage::Write::Expect::Anything, {}});
  auto summary = found;
  ++summary.redrive_count;
  summary.redriven = clock_.now();
  summary.info.input.clear();
  const auto micros = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(found.info.started.time_since_epoch()).count());
  writes.push_back({tables::kByTime,
                    {executions_of(found.info.machine_arn), sortable(micros) + found.info.name},
                    encode(summary),
                    storage::Write::Expect::Anything,
                    {}});
  // The record counts the redrive already: the events that follow belong to it.
  ++found.redrive_count;
  found.redriven = summary.redriven;
  writes.front().value = encode(found);
  if (auto done = store_.commit(std::move(writes)); !done)
    return done.error().code == "ConditionFailed"
               ? client_error("NotRedrivable", "Execution is RUNNING and cannot be redriven")
               : fail(done);
  post(arn, nullptr);  // loading it begins the redrive
  return found.redriven;
}

Value describe_for_task(const ExecutionRecord& record, bool parsed) {
  Object out;
  const auto& info = record.info;
  const auto text = [&](const std::string& json) {
    if (parsed)
      if (auto value = parse_json(json)) return std::move(*value);
    return Value(json);
  };
  const auto milliseconds = [](TimePoint time) {
    return Value(static_cast<std::int64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count()));
  };
  const bool ok = record.ending.status == Status::Succeeded;
  if (record.ending.cause) out.add("Cause", Value(*record.ending.cause));
  if (record.ending.error) out.add("Error", Value(*record.ending.error));
  out.add("ExecutionArn", Value(info.arn));
  out.add("Input", text(info.input));
  out.add("InputDetails", Value(Object{{"Included", Value(true)}}));
  out.add("Name", Value(info.name));
  if (ok) out.add("Output", text(record.ending.output));
  if (ok) out.add("OutputDetails", Value(Object{{"Included", Value(true)}}));
  out.add("StartDate", milliseconds(info.started));
  out.add("StateMachineArn", Value(info.machine_arn));
  out.add("Status", Value(name_of(record.ending.status)));
  if (record.ending.status != Status::Running) out.add("StopDate", milliseconds(record.ending.stopped));
  return Value(std::move(out));
}

}  // namespace likeness::states
