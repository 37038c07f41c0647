#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "domain/metrics/recorder.hpp"
#include "domain/objects/types.hpp"

namespace likeness::s3 {

/// The metrics of requests in AWS/S3, of the buckets that ask for them (PutBucketMetricsConfiguration). What is asked
/// is in memory: a request to any other bucket costs a look. Thread-safe.
class RequestMetrics {
 public:
  /// One that the provider has answered.
  struct Request {
    std::string_view operation, method;
    const std::string& bucket;
    const std::string& key;  // empty where it is of the bucket
    int status = 200;
    std::int64_t uploaded = 0, downloaded = 0;
    std::chrono::duration<double, std::milli> took{};
  };

  /// Before the first request; without it nothing is counted.
  void record_to(metrics::Recorder& recorder) { recorder_ = &recorder; }
  /// Reads what the bucket's record asks for now.
  void follow(const objects::Bucket& bucket);
  void forget(const std::string& bucket);

  bool wants(const std::string& bucket) const { return recorder_ != nullptr && filters_of(bucket) != nullptr; }
  void count(const Request& request) const;

 private:
  struct Filter {
    std::string id, prefix;
  };
  using Filters = std::shared_ptr<const std::vector<Filter>>;
  Filters filters_of(const std::string& bucket) const;

  metrics::Recorder* recorder_ = nullptr;
  mutable std::shared_mutex mutex_;
  std::map<std::string, Filters> filters_;  // by bucket; those without are not there
};

}  // namespace likeness::s3
