#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/result.hpp"

namespace likeness::vision {

/// The threads that compute: one a core, each running one single-threaded inference at a time. Every model is run on
/// them, so that however many clients there are, no more than the cores are busy and memory stays bounded.
///
/// Callers wait in line by request, not by piece of work: each call of `run` is one request, and workers take one piece
/// from each request in turn, so that a photo with a hundred faces does not hold up one with a single face.
/// A piece of work may itself call `run`: its pieces then go to whichever workers are free, and its own worker helps.
///
/// Thread-safe. Lives longer than everything that uses it; the destructor finishes the accepted work and joins.
class Workers {
 public:
  /// `threads` 0 means one for each core this process may use. `queue_limit` bounds the requests from outside that are
  /// waiting or running.
  explicit Workers(std::size_t threads = 0, std::size_t queue_limit = 256);
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  /// Calls work(0) ... work(count - 1), each once, on the workers, in any order and in parallel, and returns when all
  /// are done. Blocks. After an error the pieces that have not begun are skipped; the error of the lowest number is
  /// returned. Error "Throttling" if too many requests are under way already: then nothing was called. A call from
  /// inside a piece of work belongs to a request that was let in and is never refused.
  Result<void> run(std::size_t count, const std::function<Result<void>(std::size_t)>& work);
  Result<void> run(const std::function<Result<void>()>& work);

  std::size_t threads() const { return threads_.size(); }
  std::size_t queue_limit() const { return queue_limit_; }
  /// Requests from outside that are waiting or running.
  std::size_t requests() const;

  /// The number (0 ... threads()-1) of the worker that calls, or threads() on any other thread.
  std::size_t this_worker() const;

 private:
  struct Request;

  void worker_loop(std::size_t number);
  /// Runs one piece; the lock is held on entry and on return, not meanwhile.
  void run_piece(const std::shared_ptr<Request>& request, std::unique_lock<std::mutex>& lock);

  mutable std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<std::shared_ptr<Request>> line_;  // those with pieces that nobody has taken
  const std::size_t queue_limit_;
  std::size_t outside_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

/// Cores this process may run on, by its affinity mask and the CPU quota of its control group; at least 1.
std::size_t usable_cores();

}  // namespace likeness::vision
