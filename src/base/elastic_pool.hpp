#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <thread>

namespace likeness {

/// Threads for jobs that mostly wait: made when there is a job and nobody free, ended when idle for `linger`. There is
/// no queue, since a job that waits for one that waits would never run: with `max_threads` busy, `submit` refuses.
/// Thread-safe. The destructor waits for the jobs that run.
class ElasticPool {
 public:
  /// `name` (at most 12 characters) shows in thread listings.
  ElasticPool(std::string name, std::size_t max_threads, std::chrono::milliseconds linger = std::chrono::seconds(10));
  ~ElasticPool();
  ElasticPool(const ElasticPool&) = delete;
  ElasticPool& operator=(const ElasticPool&) = delete;

  /// False if every thread is busy and there may be no more, or if the pool is stopping; the job is then not run.
  [[nodiscard]] bool submit(std::function<void()> job);

  /// Refuses new jobs, waits for those that run, joins. Safe to call twice.
  void stop();

  std::size_t busy() const;
  std::size_t threads() const;

 private:
  void run(std::list<std::thread>::iterator self);
  void join_ended(std::unique_lock<std::mutex>& lock);

  const std::string name_;
  const std::size_t max_threads_;
  const std::chrono::milliseconds linger_;

  mutable std::mutex mutex_;
  std::condition_variable ready_, changed_;
  std::deque<std::function<void()>> jobs_;  // each has a free thread that is about to take it
  std::list<std::thread> running_, ended_;
  std::size_t free_ = 0;
  bool stopping_ = false;
};

}  // namespace likeness
