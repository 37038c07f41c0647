#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace likeness::app {

/// One token bucket an operation: `rate` requests a second, and after a pause as many at once. Operations without a
/// rate are let through. Thread-safe.
class Throttle {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit Throttle(const std::map<std::string, double>& rates);

  /// Whether one request of `operation` may pass now.
  bool admit(std::string_view operation, Time now = std::chrono::steady_clock::now());
  bool empty() const { return buckets_.empty(); }

 private:
  struct Bucket {
    double rate = 0;
    double tokens = 0;
    Time filled{};
    bool started = false;
  };
  std::mutex mutex_;
  std::map<std::string, Bucket, std::less<>> buckets_;
};

/// AWS's default rates of Rekognition's operations in that region, in requests a second (its service quotas: 50 in
/// us-east-1, us-west-2 and eu-west-1 and 5 elsewhere for the operations on images and faces, 5 for the management of
/// collections, users and tags).
std::map<std::string, double> aws_default_rates(std::string_view region);

}  // namespace likeness::app
