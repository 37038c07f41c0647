#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "domain/logs/logs.hpp"

namespace likeness::logs {

/// Erases in the background what was deleted (within a second or two) and what is past its retention (every
/// `interval`).
class Upkeep {
 public:
  explicit Upkeep(Logs& logs, std::chrono::seconds interval = std::chrono::minutes(10));
  ~Upkeep();
  Upkeep(const Upkeep&) = delete;
  Upkeep& operator=(const Upkeep&) = delete;

  void stop();

 private:
  void run();

  Logs& logs_;
  const std::chrono::seconds interval_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace likeness::logs
