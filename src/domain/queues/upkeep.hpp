#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "domain/queues/queues.hpp"

namespace likeness::queues {

/// The thread that tends the queues while the server runs: from construction to `stop` or destruction.
class Upkeep {
 public:
  struct Pace {
    std::chrono::milliseconds moving{250};    // of tasks that move messages
    std::chrono::milliseconds tending{5000};  // old messages, remains of queues
    std::chrono::milliseconds measuring{60'000};
  };

  explicit Upkeep(Queues& queues) : Upkeep(queues, Pace()) {}
  Upkeep(Queues& queues, Pace pace);
  ~Upkeep() { stop(); }
  Upkeep(const Upkeep&) = delete;
  Upkeep& operator=(const Upkeep&) = delete;

  void stop();

 private:
  void run();

  Queues& queues_;
  const Pace pace_;
  std::mutex mutex_;
  std::condition_variable stopped_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace likeness::queues
