#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>

#include "services/s3/common.hpp"

namespace likeness::s3 {

/// Removes what the lifecycle rules of buckets say: current versions, noncurrent ones, delete markers that hide
/// nothing, uploads that nobody completed. Runs in a thread of its own, every `interval`, until it is destroyed.
///
/// As with AWS, an age in days ends at the midnight (UTC) after it. Locked versions stay.
class Lifecycle {
 public:
  struct Done {
    std::size_t versions = 0;  // removed, or hidden by a marker
    std::size_t uploads = 0;
  };

  explicit Lifecycle(objects::ObjectStore& store) : store_(store) {}
  ~Lifecycle();
  Lifecycle(const Lifecycle&) = delete;
  Lifecycle& operator=(const Lifecycle&) = delete;

  void start(std::chrono::milliseconds interval);
  /// All buckets once, as of `now`. Failures are logged and do not keep others from their turn.
  Done run(TimePoint now);

 private:
  Done run(const objects::Bucket& bucket, const shapes::LifecycleRule& rule, TimePoint now);

  objects::ObjectStore& store_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace likeness::s3
