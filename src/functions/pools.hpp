#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/work_pool.hpp"
#include "functions/memory_watch.hpp"
#include "functions/worker.hpp"

namespace likeness::functions {

/// The warm workers of all functions: gives jobs to them, starts more when there are not enough, ends those that have
/// nothing to do. Of the loop's thread, but where said otherwise.
class Pools final : private WorkerOwner {
 public:
  Pools(Loop& loop, RunnerHost& runner, const RunnerOptions& options, Sandbox& sandbox, Runtimes& runtimes,
        const Clock& clock);
  ~Pools() override;
  Pools(const Pools&) = delete;
  Pools& operator=(const Pools&) = delete;

  void accept(const std::shared_ptr<Job>& job);
  /// False while workers are busy with it.
  bool retire(const std::string& key);
  RunnerStats stats() const;
  /// Ends everything; `done` is called when no worker is left.
  void stop(std::function<void()> done);
  /// Joins the threads that start workers. From outside, after stop() is done.
  void join();

 private:
  struct Waiting {
    std::shared_ptr<Job> job;
    std::chrono::steady_clock::time_point until;
  };
  struct Pool {
    std::shared_ptr<const FunctionSpec> function;
    std::deque<Waiting> waiting;
    std::vector<Worker*> idle;  // the last one was used last
    std::size_t workers = 0;    // all of them
    std::size_t coming = 0;     // are starting
    std::size_t returning = 0;  // have just answered and will be free in a moment
    std::size_t busy = 0;
    bool second_try = false;  // the initialisation ran out of time: again, with the function's own time
  };

  // WorkerOwner
  void on_ready(Worker& worker) override;
  void on_init_failed(Worker& worker, const InitFailure& failure) override;
  void on_init_timeout(Worker& worker) override;
  void on_done(Worker& worker) override;
  void on_gone(Worker& worker) override;

  struct Held {
    std::shared_ptr<Worker> worker;
    bool coming = true;
    bool returning = false;
    bool busy = false;
    Loop::Token grace = 0;
  };

  void provide(const std::string& key);
  void start_worker(const std::string& key, Pool& pool);
  Result<WorkerParts> make_parts(std::shared_ptr<const FunctionSpec> function, std::size_t slot, bool second_try);
  void started(const std::string& key, std::size_t slot, Result<std::shared_ptr<WorkerParts>> parts);
  bool usable(const Worker& worker, const FunctionSpec& function) const;
  void give(Worker& worker, Pool& pool);
  void settle(Held& held, Pool& pool);
  bool make_room(const std::string& but);
  void forget_if_empty(const std::string& key);
  void look_around();
  Held* held(const Worker& worker);

  Loop& loop_;
  RunnerHost& runner_;
  const RunnerOptions& options_;
  Sandbox& sandbox_;
  Runtimes& runtimes_;
  const Clock& clock_;
  const std::size_t most_coming_;
  WorkPool starters_;
  MemoryWatch memory_;
  std::unordered_map<std::string, Pool> pools_;
  std::unordered_map<const Worker*, Held> workers_;
  std::vector<std::size_t> free_slots_;
  Loop::Token look_around_ = 0;
  bool stopping_ = false;
  std::function<void()> stopped_;
  RunnerStats stats_;
};

}  // namespace likeness::functions
