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
