#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "storage/store.hpp"

namespace likeness::metrics {

/// Dashboards: documents that are kept. Thread-safe.
class Dashboards {
 public:
  struct Entry {
    std::string name;
    TimePoint modified;
    std::size_t size = 0;
  };

  explicit Dashboards(storage::Store& store) : store_(store) {}

  Result<void> put(const std::string& name, const std::string& body, TimePoint time);
  /// Error: DashboardNotFoundError.
  Result<std::string> get(const std::string& name) const;
  Result<std::vector<Entry>> list(const std::string& prefix) const;
  /// All or none. Error: DashboardNotFoundError.
  Result<void> remove(const std::vector<std::string>& names);

 private:
  storage::Store& store_;
};

}  // namespace likeness::metrics
