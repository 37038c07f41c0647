#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "states/elastic_pool.hpp"
#include "states/execution.hpp"
#include "states/interpreter.hpp"
#include "storage/store.hpp"

namespace likeness::states {

/// A task to be done.
struct TaskRequest {
  TaskResource resource;
  std::string input;  // JSON
  std::string role_arn;
  std::string execution_arn;
  std::string execution_name;
  std::string machine_arn;
};

/// What does tasks. Blocks; thread-safe.
class TaskRunner {
 public:
  virtual ~TaskRunner() = default;
  /// The result as JSON. Of a task that starts another execution (".sync") the answer to the start.
  virtual Outcome<std::string> run(const TaskRequest& request) = 0;
  /// The bytes of an object of S3; the input is GetObject's.
  virtual Outcome<std::string> read_object(const TaskRequest& request);
};

/// Learns what happens: logs, metrics. Called by the engine's threads, without locks.
class ExecutionObserver {
 public:
  virtual ~ExecutionObserver() = default;
  virtual void happened(const ExecutionInfo&, std::span<const Event>) {}
  virtual void ended(const ExecutionInfo&, const Ending&) {}
};

/// Learns when a standard execution begins, ends, or goes on after a redrive, in the very commit that says so.
class StatusFeed {
 public:
  /// What goes into the commit; kept until that has returned.
  struct Entry {
    virtual ~Entry() = default;
    storage::Write write;
  };
  virtual ~StatusFeed() = default;
  /// `record` as the commit leaves it, without input and output. Thread-safe; must not block.
  virtual std::unique_ptr<Entry> changed(const ExecutionRecord& record) = 0;
};

struct EngineOptions {
  std::size_t workers = 12;  // threads that run steps; they wait for the store most of the time
  std::size_t task_threads = 256;
  InterpreterOptions interpreter;
  StatusFeed* status_feed = nullptr;
  std::chrono::hours keep_closed{24 * 90};  // executions that are over, with their histories
  std::chrono::milliseconds sweep_every{60'000};
};

struct ExecutionSummary {
  std::string arn;
  std::string name;
  Status status = Status::Running;
  TimePoint started;
  std::optional<TimePoint> stopped;
  std::string version_arn, alias_arn, map_run_arn;
  std::uint32_t redrive_count = 0;
  TimePoint redriven{};
};

struct ExecutionPage {
  std::vector<ExecutionSummary> executions;
  std::optional<std::string> next;
};

struct ActivityTask {
  std::string token;
  std::string input;
};

struct ItemSource;
class MapRuns;

/// Runs executions. Those of standard state machines live in the store: whatever led to an effect is committed before
/// the effect, and a start of the server goes on from there, so a task may be called twice but no step is lost. Steps
/// without effects are committed together. An execution that waits is in memory as a line of an index only. Executions
/// of express state machines run in memory; those that nobody waits for are begun again after a restart.
///
/// Thread-safe. A few threads run the steps of all executions, each execution on one at a time; tasks run on threads of
/// their own. Blocking: every call may wait for the store, `start_sync` for the execution, `next_activity_task` for a
/// task.
class Engine {
 public:
  using Definitions = std::function<Result<std::shared_ptr<const Definition>>(const std::string& machine_arn,
                                                                              const std::string& revision)>;

  /// Borrows all but the options. Reads what is running; `start` sets it going.
  static Result<std::unique_ptr<Engine>> open(storage::Store& store, Definitions definitions, TaskRunner& tasks,
                                              ExecutionObserver* observer, const Clock& clock, EngineOptions options);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  void start();
  /// Ends its threads; what ran goes on at the next start.
  void stop();

  /// Error: "AlreadyExists", "InvalidInput" … The time is that of the execution, which may have been there already.
  Result<TimePoint> start_execution(ExecutionInfo info, std::shared_ptr<const Definition> definition);
  /// An express execution to its end, for which nobody waits any more once `gone` is asked to stop; it runs on all the
  /// same. Error: "ServiceUnavailable", "ClientGone".
  Result<std::pair<ExecutionInfo, Ending>> start_sync(ExecutionInfo info, std::shared_ptr<const Definition> definition,
                                                      const std::stop_token& gone);

  /// nullopt: there is none.
  Result<std::optional<ExecutionRecord>> find(const std::string& arn) const;
  /// Newest first. `of` is a machine's ARN or a map run's.
  Result<ExecutionPage> list(const std::string& of, std::optional<Status> status, std::size_t limit,
                             const std::string& from) const;
  /// Events from `from` on (0: the first or, in reverse, the last).
  Result<std::vector<Event>> history(const std::string& arn, std::uint64_t from, std::size_t limit, bool reverse) const;

  /// Error: "NotFound".
  Result<TimePoint> stop_execution(const std::string& arn, const std::optional<std::string>& error,
                                   const std::optional<std::string>& cause);
  /// Goes on with an execution that did not succeed. The same token twice is one redrive. Error: "NotFound",
  /// "NotRedrivable".
  Result<TimePoint> redrive(const std::string& arn, const std::string& token = {});
  /// Why it cannot be redriven, by itself or with its map run; nullopt: it can.
  std::optional<std::string> why_not_redrivable(const ExecutionRecord& record) const;

  /// Deletes some of the executions that were closed too long ago, oldest first, with all that belongs to them. The
  /// engine does so now and then by itself. Gives how many it looked at.
  Result<std::size_t> sweep();

  /// Error: "InvalidToken", "TaskDoesNotExist".
  Result<void> task_answer(std::string_view token, Outcome<std::string> result);
  Result<void> task_heartbeat(std::string_view token);
  /// nullopt: none came in time, or the worker is `gone`, which gets none.
  Result<std::optional<ActivityTask>> next_activity_task(const std::string& activity_arn, const std::string& worker,
                                                         std::chrono::milliseconds patience,
                                                         const std::stop_token& gone);
  std::size_t waiting_activity_tasks(const std::string& activity_arn) const;

  /// Executions that are in memory, for tests and metrics.
  std::size_t loaded() const;
  std::size_t timers() const;

  const Interpreter& interpreter() const { return interpreter_; }
  storage::Store& store() { return store_; }
  TaskRunner& tasks() { return tasks_; }
  const Clock& clock() const { return clock_; }
  MapRuns& map_runs() { return *map_runs_; }

 private:
  friend class MapRuns;
  struct Live;
  using LivePtr = std::shared_ptr<Live>;
  /// Works on an execution; null if it is not running (any more). What it returns is called once that is in the store.
  using AfterCommit = std::function<void(bool committed)>;
  using Message = std::function<AfterCommit(Execution*)>;

  Engine(storage::Store& store, Definitions definitions, TaskRunner& tasks, ExecutionObserver* observer,
         const Clock& clock, EngineOptions options);

  Result<void> recover();
  void post(const std::string& arn, Message message);
  void schedule(const LivePtr& live);  // with the mutex held
  void work();
  void run(const LivePtr& live);
  Result<bool> load(Live& live);
  Result<void> commit(Live& live);
  void perform(const LivePtr& live, const std::vector<Action>& actions);
  void call(const LivePtr& live, const Action& action);
  void ended(const LivePtr& live);
  void watch_children(const Live& live);
  void child_over(const std::string& child_arn);
  void set_timer(const std::string& arn, TimePoint due);  // with the mutex held; epoch: none
  void keep_time();
  void launch(const LivePtr& live);
  void abandon(const ExecutionInfo& by, const std::string& arn);
  Result<TimePoint> begin_redrive(ExecutionRecord record, const std::string& token);
  enum class Pending { Absent, Running, Succeeded, Waiting, NotRedrivable };
  Result<Pending> await_redrive(const std::string& arn, std::vector<storage::Write>& writes,
                                std::vector<std::unique_ptr<StatusFeed::Entry>>& entries);
  std::unique_ptr<StatusFeed::Entry> announce(const ExecutionRecord& record, std::vector<storage::Write>& writes);
  void keep_clean();
  Result<void> forget(const std::string& arn, const storage::Key& closed);
  Result<LivePtr> make_live(ExecutionInfo info, std::shared_ptr<const Definition> definition);

  storage::Store& store_;
  const Definitions definitions_;
  TaskRunner& tasks_;
  ExecutionObserver* const observer_;
  const Clock& clock_;
  const EngineOptions options_;
  const Interpreter interpreter_;

  mutable std::mutex mutex_;
  std::condition_variable ready_;
  std::condition_variable timed_;
  std::condition_variable offered_;
  std::unordered_map<std::string, LivePtr> live_;
  std::deque<LivePtr> queue_;
  std::multimap<TimePoint, std::string> due_;
  std::unordered_map<std::string, TimePoint> timer_of_;
  std::unordered_multimap<std::string, std::pair<std::string, std::uint64_t>> parents_;  // child -> execution, fiber
  struct Offer {
    std::string execution;
    std::uint64_t fiber;
    std::uint32_t attempt;
  };
  std::unordered_map<std::string, std::deque<Offer>> offers_;
  bool stopping_ = false;

  std::unique_ptr<MapRuns> map_runs_;
  std::vector<std::thread> workers_;
  std::thread timer_;
  std::thread sweeper_;
  std::condition_variable swept_;
  ElasticPool pool_;
};

/// "arn:…:execution:machine" and the name.
storage::Key execution_key(const std::string& execution_arn);
/// "arn:…:stateMachine:name" -> "arn:…:execution:name".
std::string executions_of(const std::string& machine_arn);
/// DescribeExecution's answer as a task sees it; `parsed`: Input and Output as JSON, not as text.
Value describe_for_task(const ExecutionRecord& record, bool parsed);

}  // namespace likeness::states
