#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/result.hpp"

namespace likeness::functions {

/// One thread that waits for descriptors and times and calls whoever asked. All that belongs to workers happens on it,
/// so none of that is locked. What it calls must not block.
class Loop {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Token = std::uint64_t;  // 0 is none

  Loop() = default;
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Error: "NetworkFailure".
  Result<void> start(const std::string& thread_name);
  /// Ends the thread after what was posted before. Safe to call twice.
  void stop();

  /// From any thread; false if the loop has ended (the call is then dropped).
  bool post(std::function<void()> call);
  /// Like post(), and waits until it has been called. Not from the loop's own thread.
  bool call(const std::function<void()>& call);

  // Of the loop's thread only.
  Token watch(int descriptor, std::uint32_t events, std::function<void(std::uint32_t)> ready);
  void change(Token watch, std::uint32_t events);
  void forget(Token& watch);  // sets it to 0
  Token after(std::chrono::milliseconds delay, std::function<void()> call);
  void cancel(Token& timer);  // sets it to 0

 private:
  struct Watch {
    int descriptor;
    std::shared_ptr<std::function<void(std::uint32_t)>> ready;
  };
  void run();
  int until_next_timer() const;
  void run_timers();
  void run_posted();

  int epoll_ = -1;
  int wake_ = -1;
  std::thread thread_;

  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;  // guarded by mutex_
  bool stopping_ = false;                      // guarded by mutex_
  bool ended_ = false;                         // guarded by mutex_

  Token last_ = 0;
  std::unordered_map<Token, Watch> watches_;
  std::multimap<Time, Token> times_;
  std::unordered_map<Token, std::pair<Time, std::function<void()>>> timers_;
};

}  // namespace likeness::functions
