#include "domain/logs/insights/queries.hpp"

#include <algorithm>
#include <utility>

#include "base/bytes.hpp"
#include "base/log.hpp"
#include "domain/logs/errors.hpp"

namespace likeness::logs::insights {
namespace {

constexpr std::size_t kThreads = 2;
constexpr std::size_t kMostWaiting = 100;
constexpr std::size_t kMostKept = 200;

Failure no_such_query() { return not_found("Query does not exist"); }

}  // namespace

struct Queries::Job {
  QueryStatus status;  // with mutex_ held
  Query query;
  std::vector<std::shared_ptr<const Group>> groups;
  std::atomic<bool> cancelled = false;
};

Queries::Queries(Logs& logs, std::string account)
    : logs_(logs), account_(std::move(account)), pool_("insights", kThreads, kMostWaiting) {}

Queries::~Queries() { stop(); }

void Queries::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const auto& [id, job] : jobs_) job->cancelled = true;
  }
  pool_.stop();
}

Result<std::string> Queries::start(QueryRequest request, QueryError& where) {
  auto job = std::make_shared<Job>();
  auto parsed = parse_query(request.text);
  if (!parsed) {
    where = std::move(parsed.error());
    return client_error("MalformedQueryException", where.message);
  }
  job->query = std::move(*parsed);
  for (const auto& name : request.groups) {
    auto group = logs_.group(name);
    if (!group) return fail(group);
    job->groups.push_back(std::move(*group));
  }
  job->status.id = uuid_v4();
  job->status.created = logs_.now();
  job->status.request = std::move(request);
  auto id = job->status.id;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return limit_exceeded("The server is stopping.");
    jobs_[id] = job;
    order_.push_back(id);
    while (order_.size() > kMostKept) {
      jobs_[order_.front()]->cancelled = true;
      jobs_.erase(order_.front());
      order_.pop_front();
    }
  }
  if (pool_.submit([this, job] { run(job); })) return id;
  const std::lock_guard lock(mutex_);
  jobs_.erase(id);
  std::erase(order_, id);
  return limit_exceeded("Account maximum query concurrency limit reached.");
}

void Queries::run(const std::shared_ptr<Job>& job) {
  {
    const std::lock_guard lock(mutex_);
    if (job->cancelled) {
      job->status.state = QueryStatus::State::Cancelled;
      return;
    }
    job->status.state = QueryStatus::State::Running;
  }
  const auto begin = std::chrono::steady_clock::now();
  const auto& request = job->status.request;
  std::vector<GroupCursor::Source> sources;
  Result<RunResult> result = RunResult();
  for (const auto& group : job->groups) {
    auto streams = logs_.all_streams(*group);
    if (!streams) {
      result = Failure(streams.error());
      break;
    }
    for (auto& stream : *streams) sources.push_back({group, std::move(stream)});
  }
  EventRange range;
  range.first.time = request.from;
  range.last = std::min(range.last, EventId{.time = request.to + 1});
  if (result)
    result = insights::run(logs_, job->query, std::move(sources), range, request.limit, account_, job->cancelled);
  const std::lock_guard lock(mutex_);
  auto& status = job->status;
  status.took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin).count();
  if (!result) {
    log::warn("query {} failed: {} {}", status.id, result.error().message, result.error().detail);
    status.state = QueryStatus::State::Failed;
    return;
  }
  status.result = std::make_shared<const RunResult>(std::move(*result));
  status.state = job->cancelled ? QueryStatus::State::Cancelled : QueryStatus::State::Complete;
}

std::optional<QueryStatus> Queries::find(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  const auto at = jobs_.find(id);
  if (at == jobs_.end()) return std::nullopt;
  return at->second->status;
}

Result<bool> Queries::cancel(const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto at = jobs_.find(id);
  if (at == jobs_.end()) return no_such_query();
  const auto state = at->second->status.state;
  if (state != QueryStatus::State::Scheduled && state != QueryStatus::State::Running)
    return invalid("Query with ID [" + id + "] is not in a cancellable state");
  at->second->cancelled = true;
  return true;
}

void Queries::list(const std::function<bool(const QueryStatus&)>& visit) const {
  const std::lock_guard lock(mutex_);
  for (auto id = order_.rbegin(); id != order_.rend(); ++id)
    if (!visit(jobs_.at(*id)->status)) return;
}

}  // namespace likeness::logs::insights
