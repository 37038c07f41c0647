#include "app/throttle.hpp"

#include <algorithm>

namespace likeness::app {

Throttle::Throttle(const std::map<std::string, double>& rates) {
  for (const auto& [operation, rate] : rates) buckets_[operation].rate = rate;
}

bool Throttle::admit(std::string_view operation, Time now) {
  const auto found = buckets_.find(operation);
  if (found == buckets_.end()) return true;
  const std::lock_guard lock(mutex_);
  Bucket& bucket = found->second;
  // A rate below one a second must still let one pass.
  const double capacity = bucket.rate > 0 ? std::max(1.0, bucket.rate) : 0;
  if (!bucket.started) {
    bucket.started = true;
    bucket.tokens = capacity;
    bucket.filled = now;
  } else if (now > bucket.filled) {
    bucket.tokens =
        std::min(capacity, bucket.tokens + std::chrono::duration<double>(now - bucket.filled).count() * bucket.rate);
    bucket.filled = now;
  }
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}

std::map<std::string, double> aws_default_rates(std::string_view region) {
  const bool large = region == "us-east-1" || region == "us-west-2" || region == "eu-west-1";
  std::map<std::string, double> rates;
  for (const char* operation :
       {"DetectFaces", "CompareFaces", "IndexFaces", "SearchFaces", "SearchFacesByImage", "ListFaces", "DeleteFaces",
        "SearchUsers", "SearchUsersByImage", "DetectLabels", "DetectModerationLabels", "DetectText",
        "DetectProtectiveEquipment", "RecognizeCelebrities", "GetCelebrityInfo"})
    rates[operation] = large ? 50 : 5;
  for (const char* operation :
       {"CreateCollection", "DeleteCollection", "DescribeCollection", "ListCollections", "CreateUser", "DeleteUser",
        "ListUsers", "AssociateFaces", "DisassociateFaces", "TagResource", "UntagResource", "ListTagsForResource"})
    rates[operation] = 5;
  return rates;
}

}  // namespace likeness::app
