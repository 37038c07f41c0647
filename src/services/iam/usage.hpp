#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace likeness::iam {

/// When access keys and roles were last used, since the server began. Thread-safe.
class Usage {
 public:
  struct Last {
    TimePoint time;
    std::string service;  // "rekognition"
    std::string region;
  };

  /// `id` is that of an access key or of a role ("AROA...").
  void note(std::string_view id, TimePoint time, std::string_view service, std::string_view region);
  std::optional<Last> find(std::string_view id) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, Last, std::less<>> last_;
};

}  // namespace likeness::iam
