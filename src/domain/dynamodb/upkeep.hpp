#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "domain/dynamodb/streams.hpp"
#include "domain/dynamodb/ttl.hpp"

namespace likeness::dynamodb {

/// The thread that deletes expired items and trims streams. Borrows both; its destructor waits for the step that runs.
class Upkeep {
 public:
  struct Pace {
    std::chrono::milliseconds expiry{1000};
    std::chrono::milliseconds trimming{60'000};
  };

  Upkeep(Expiry& expiry, Streams& streams) : Upkeep(expiry, streams, Pace{}) {}
  Upkeep(Expiry& expiry, Streams& streams, Pace pace);
  ~Upkeep();
  Upkeep(const Upkeep&) = delete;
  Upkeep& operator=(const Upkeep&) = delete;

 private:
  void run();

  Expiry& expiry_;
  Streams& streams_;
  const Pace pace_;
  std::mutex mutex_;
  std::condition_variable stopped_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace likeness::dynamodb
