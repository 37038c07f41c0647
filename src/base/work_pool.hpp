#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace likeness {

/// A fixed number of threads and a bounded queue of jobs. `submit` never blocks: a full queue is refused, so that load
/// shows at the edge instead of growing in memory. Thread-safe. The destructor runs what was accepted, then joins.
class WorkPool {
 public:
  /// `name` (at most 12 characters) shows in thread listings.
  WorkPool(const std::string& name, std::size_t threads, std::size_t queue_limit);
  ~WorkPool();
  WorkPool(const WorkPool&) = delete;
  WorkPool& operator=(const WorkPool&) = delete;

  /// Which thread is woken for a job. The one that fell asleep last has its memory still in the processor's cache, and
  /// is the better one for short jobs. Who reads or writes a body piece by piece takes turns with the thread of the
  /// connection, whose processor the last one to fall asleep shares: one that has slept for longer is faster there.
  enum class Wake : std::uint8_t { LastAsleep, LongestAsleep };

  /// False if the queue is full or the pool is stopping; the job is then not run.
  [[nodiscard]] bool submit(std::function<void()> job, Wake wake = Wake::LastAsleep);

  /// Refuses new jobs, runs the accepted ones, joins. Safe to call twice.
  void stop();

  std::size_t queued() const;
  std::size_t threads() const { return workers_.size(); }

 private:
  /// Of one thread, to wait on. They live as long as the pool, so that one may be notified without the lock.
  struct Sleeper {
    std::condition_variable woken;
    bool is_woken = false;
  };

  void run(Sleeper& self);
  /// Wakes a thread if there is a job for one, and lets go of the lock. One is woken at a time, and wakes the next when
  /// it has taken a job and there are more: a burst of short jobs is then done by the few threads that are awake, and
  /// whoever submits does not pay for waking one for each; jobs that block still get all threads, one after the other.
  /// The thread that went to sleep last is woken first: its memory is still in the processor's cache, while taking
  /// turns has each begin with a cold one (a quarter of the time of a small request).
  void wake_one(std::unique_lock<std::mutex> lock, Wake wake = Wake::LastAsleep);

  mutable std::mutex mutex_;
  std::deque<std::function<void()>> jobs_;
  const std::size_t queue_limit_;
  std::deque<Sleeper> places_;     // one a thread
  std::deque<Sleeper*> sleepers_;  // in the order in which they fell asleep
  bool waking_ = false;            // one has been woken and does not run yet
  bool stopping_ = false;
  std::vector<std::thread> workers_;
};

}  // namespace likeness
