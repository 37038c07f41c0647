#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/work_pool.hpp"
#include "domain/logs/insights/run.hpp"
#include "domain/logs/logs.hpp"

namespace likeness::logs::insights {

struct QueryRequest {
  std::string text;
  std::vector<std::string> groups;
  Millis from = 0, to = 0;  // both included
  std::size_t limit = 0;    // 0: the query's own, or 10,000
  std::string caller;
};

/// A query that was started, at one moment.
struct QueryStatus {
  enum class State { Scheduled, Running, Complete, Failed, Cancelled };
  std::string id;
  QueryRequest request;
  State state = State::Scheduled;
  Millis created = 0;
  std::shared_ptr<const RunResult> result;  // null before it is complete
  Millis took = 0;
};

/// Queries under way and their results. Results are in memory, those of the latest queries; a restart forgets them.
/// Thread-safe.
class Queries {
 public:
  explicit Queries(Logs& logs, std::string account);
  ~Queries();
  Queries(const Queries&) = delete;
  Queries& operator=(const Queries&) = delete;

  /// The id. Errors: ResourceNotFoundException, LimitExceededException; of a query that does not parse
  /// MalformedQueryException, and then `where` tells more.
  Result<std::string> start(QueryRequest request, QueryError& where);
  /// Nullopt: unknown, or forgotten.
  std::optional<QueryStatus> find(const std::string& id) const;
  /// False if it has ended by itself. Error: ResourceNotFoundException.
  Result<bool> cancel(const std::string& id);
  /// The latest first, until `visit` returns false.
  void list(const std::function<bool(const QueryStatus&)>& visit) const;
  void stop();

 private:
  struct Job;
  void run(const std::shared_ptr<Job>& job);

  Logs& logs_;
  const std::string account_;
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Job>> jobs_;
  std::deque<std::string> order_;  // of their starts
  bool stopping_ = false;
  WorkPool pool_;
};

}  // namespace likeness::logs::insights
