#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "services/dynamodb/convert.hpp"

/// ConsumedCapacity and ItemCollectionMetrics.
namespace likeness::dynamodb {

using WantedCapacity = std::optional<shapes::ReturnConsumedCapacity>;

inline bool wants_capacity(const WantedCapacity& wanted) {
  return wanted && *wanted != shapes::ReturnConsumedCapacity::None;
}

/// Of reading `bytes`: a unit is 4 KB, half as much where the read may be stale.
double read_units(std::size_t bytes, bool consistent);

/// nullopt where nobody asked.
std::optional<shapes::ConsumedCapacity> consumed(const WantedCapacity& wanted, const std::string& table,
                                                 const Units& units);

/// Of all that a batch or a transaction did, by table; `factor` is 2 for transactions.
class CapacityByTable {
 public:
  CapacityByTable(const WantedCapacity& wanted, bool transaction, bool read)
      : wanted_(wanted), transaction_(transaction), read_(read) {}
  void add(const std::string& table, const Units& units);
  std::optional<std::vector<shapes::ConsumedCapacity>> take() const;

 private:
  const WantedCapacity wanted_;
  const bool transaction_;
  const bool read_;
  std::map<std::string, Units> units_;
};

/// Only tables with local indexes have item collections.
std::optional<shapes::ItemCollectionMetrics> collection_metrics(
    const std::optional<shapes::ReturnItemCollectionMetrics>& wanted, const Table& table, const Attributes& key);

}  // namespace likeness::dynamodb
