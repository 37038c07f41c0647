#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "policy/document.hpp"
#include "storage/store.hpp"

namespace likeness::logs {

/// The account's resource policies, by which other services (EventBridge) may write into log groups. Thread-safe.
class ResourcePolicies {
 public:
  struct Entry {
    std::string name, document;
    TimePoint updated;
  };

  static Result<std::unique_ptr<ResourcePolicies>> open(storage::Store& store);

  /// Errors: InvalidParameterException for a document that is none, LimitExceededException beyond ten.
  Result<Entry> put(const std::string& name, const std::string& document, TimePoint time);
  Result<void> remove(const std::string& name);
  std::vector<Entry> list() const;  // by name
  /// All of them as one; null if there are none.
  std::shared_ptr<const policy::Document> combined() const;

 private:
  explicit ResourcePolicies(storage::Store& store) : store_(store) {}
  Result<void> combine();

  storage::Store& store_;
  std::mutex changing_;
  mutable std::mutex mutex_;
  std::map<std::string, Entry> entries_;
  std::shared_ptr<const policy::Document> combined_;
};

}  // namespace likeness::logs
