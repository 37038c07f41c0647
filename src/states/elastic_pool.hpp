#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace likeness::states {

/// Threads for work that waits: made when there is a job and none is free, up to a limit, and gone when idle. Jobs
/// beyond that wait in a queue. Thread-safe. `stop` ends it: what runs is waited for, what is queued is dropped.
class ElasticPool {
 public:
  ElasticPool(std::string name, std::size_t limit) : name_(std::move(name)), limit_(limit) {}
  ~ElasticPool() { stop(); }
  ElasticPool(const ElasticPool&) = delete;
  ElasticPool& operator=(const ElasticPool&) = delete;

  void submit(std::function<void()> job);
  void stop();

 private:
  void run(std::size_t id);

  const std::string name_;
  const std::size_t limit_;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<std::function<void()>> jobs_;
  std::unordered_map<std::size_t, std::thread> threads_;
  std::vector<std::thread> ended_;  // to be joined
  std::size_t idle_ = 0;
  std::size_t next_id_ = 0;
  bool stopping_ = false;
};

}  // namespace likeness::states
