#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "domain/metrics/metric_store.hpp"

namespace likeness::metrics {

/// Joins and forgets old data in the background, now and then.
class Upkeep {
 public:
  explicit Upkeep(MetricStore& store, std::chrono::seconds interval = std::chrono::hours(1));
  ~Upkeep();
  Upkeep(const Upkeep&) = delete;
  Upkeep& operator=(const Upkeep&) = delete;

  void stop();

 private:
  void run();

  MetricStore& store_;
  const std::chrono::seconds interval_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace likeness::metrics
