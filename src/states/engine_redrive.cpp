#include <fmt/format.h>

#include "states/engine.hpp"
#include "states/engine_live.hpp"
#include "states/record.hpp"

namespace likeness::states {
namespace {

constexpr std::chrono::hours kRedrivable{24 * 14};

Failure not_redrivable(std::string why) { return client_error("NotRedrivable", std::move(why)); }

}  // namespace

/// In the words that DescribeExecution has for it.
std::optional<std::string> Engine::why_not_redrivable(const ExecutionRecord& record) const {
  const auto status = record.ending.status;
  if (status == Status::Running || status == Status::Succeeded || status == Status::PendingRedrive)
    return fmt::format("Execution is {} and cannot be redriven", name_of(status));
  if (record.next_event >= options_.interpreter.max_events) return "Execution history event limit exceeded";
  const auto now = clock_.now();
  if (now - record.info.started >= kLongestExecution) return "Execution has exceeded the max execution time";
  if (now - record.ending.stopped > kRedrivable) return "Execution redrivable period exceeded";
  return std::nullopt;
}

Result<TimePoint> Engine::redrive(const std::string& arn, const std::string& token) {
  auto record = find(arn);
  if (!record) return fail(record);
  if (!*record) return client_error("NotFound", fmt::format("Execution Does Not Exist: '{}'", arn));
  if (!token.empty() && (*record)->redrive_token == token) return (*record)->redriven;
  if (auto why = why_not_redrivable(**record)) return not_redrivable(std::move(*why));
  if (!(*record)->info.map_run_arn.empty())
    return not_redrivable("Execution is a child of a Map Run and can be redriven by the Map Run only");
  return begin_redrive(std::move(**record), token);
}

/// Made to run in the store, then loaded, so that a crash in between finds a running execution.
Result<TimePoint> Engine::begin_redrive(ExecutionRecord record, const std::string& token) {
  const auto& arn = record.info.arn;
  auto before = store_.get(tables::kExecutions, execution_key(arn));
  if (!before) return fail(before);
  std::vector<storage::Write> writes;
  writes.push_back(put_item(tables::kClosed, closed_key(record), std::nullopt));
  record.ending = Ending();
  // The record counts the redrive already: the events that follow belong to it.
  ++record.redrive_count;
  record.redriven = std::chrono::floor<std::chrono::microseconds>(clock_.now());  // as the store has it
  record.redrive_token = token;
  writes.push_back({tables::kExecutions, execution_key(arn), encode(record), storage::Write::Expect::SameValue,
                    before->value_or("")});
  writes.push_back(listed(record));
  FieldWriter running(1);
  running.time(1, TimePoint(std::chrono::seconds(1)));
  running.number(kRedriveToBegin, 1);
  writes.push_back(put_item(tables::kRunning, {kRunningPartition, arn}, running.take()));
  const auto entry = announce(record, writes);
  if (auto done = store_.commit(std::move(writes)); !done)
    return done.error().code == "ConditionFailed" ? not_redrivable("Execution is RUNNING and cannot be redriven")
                                                  : fail(done);
  post(arn, nullptr);  // loading it begins the redrive
  return record.redriven;
}

/// A child of a map run that is taken up again: if it can be redriven, what makes it wait for that joins `writes`.
Result<Engine::Pending> Engine::await_redrive(const std::string& arn, std::vector<storage::Write>& writes,
                                              std::vector<std::unique_ptr<StatusFeed::Entry>>& entries) {
  auto found = find(arn);
  if (!found) return fail(found);
  if (!*found) return Pending::Absent;
  auto& record = **found;
  switch (record.ending.status) {
    case Status::Running: return Pending::Running;
    case Status::Succeeded: return Pending::Succeeded;
    case Status::PendingRedrive: return Pending::Waiting;
    default: break;
  }
  if (why_not_redrivable(record)) return Pending::NotRedrivable;
  record.ending.status = Status::PendingRedrive;
  writes.push_back(put_item(tables::kExecutions, execution_key(arn), encode(record)));
  writes.push_back(listed(record));
  if (auto entry = announce(record, writes)) entries.push_back(std::move(entry));
  return Pending::Waiting;
}

}  // namespace likeness::states
