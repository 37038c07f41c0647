#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/result.hpp"

namespace likeness {

/// What is to be done again and again. A round that took longer than the interval is followed by a whole one.
struct Chore {
  /// True until the thread is to end: a long round asks now and then.
  using GoOn = std::function<bool()>;

  std::chrono::milliseconds interval{0};
  std::function<Result<void>(const GoOn& go_on)> run;  // may block, must not throw
  std::string trouble;                                 // what the log says where it fails: "queues could not be tended"
  bool at_once = false;                                // the first round does not wait for the interval
};

/// A thread that does chores, one at a time, from construction until `stop` or destruction, which wait for the round
/// that runs. What the chores use must outlive it.
class Upkeep {
 public:
  explicit Upkeep(std::vector<Chore> chores);
  ~Upkeep() { stop(); }
  Upkeep(const Upkeep&) = delete;
  Upkeep& operator=(const Upkeep&) = delete;

  /// Safe to call twice.
  void stop();

 private:
  void run();

  const std::vector<Chore> chores_;
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;
  std::condition_variable stopped_;
  std::thread thread_;
};

}  // namespace likeness
