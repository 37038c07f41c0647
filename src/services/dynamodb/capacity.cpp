#include "services/dynamodb/capacity.hpp"

#include <algorithm>
#include <cmath>

namespace likeness::dynamodb {

namespace {

shapes::Capacity capacity_of(double units) {
  shapes::Capacity out;
  out.capacity_units = units;
  return out;
}

std::optional<std::map<std::string, shapes::Capacity>> by_index(const std::map<std::string, double>& units) {
  if (units.empty()) return std::nullopt;
  std::map<std::string, shapes::Capacity> out;
  for (const auto& [name, used] : units) out.emplace(name, capacity_of(used));
  return out;
}

}  // namespace

double read_units(std::size_t bytes, bool consistent) {
  const double units = std::max(1.0, std::ceil(static_cast<double>(bytes) / 4096));
  return consistent ? units : units / 2;
}

std::optional<shapes::ConsumedCapacity> consumed(const WantedCapacity& wanted, const std::string& table,
                                                 const Units& units) {
  if (!wants_capacity(wanted)) return std::nullopt;
  shapes::ConsumedCapacity out;
  out.table_name = table;
  out.capacity_units = units.total();
  if (*wanted == shapes::ReturnConsumedCapacity::Indexes) {
    out.table = capacity_of(units.table);
    out.local_secondary_indexes = by_index(units.local);
    out.global_secondary_indexes = by_index(units.global);
  }
  return out;
}

void CapacityByTable::add(const std::string& table, const Units& units) {
  const double factor = transaction_ ? 2 : 1;
  Units& sum = units_[table];
  sum.table += units.table * factor;
  for (const auto& [name, used] : units.local) sum.local[name] += used * factor;
  for (const auto& [name, used] : units.global) sum.global[name] += used * factor;
}

std::optional<std::vector<shapes::ConsumedCapacity>> CapacityByTable::take() const {
  if (!wants_capacity(wanted_)) return std::nullopt;
  std::vector<shapes::ConsumedCapacity> out;
  out.reserve(units_.size());
  for (const auto& [table, units] : units_) {
    auto one = *consumed(wanted_, table, units);
    if (transaction_) {
      const auto split = [this](auto& capacity) {
        (read_ ? capacity.read_capacity_units : capacity.write_capacity_units) = capacity.capacity_units;
      };
      split(one);
      if (one.table) split(*one.table);
      for (auto* indexes : {&one.local_secondary_indexes, &one.global_secondary_indexes})
        if (*indexes)
          for (auto& [name, capacity] : **indexes) split(capacity);
    }
    out.push_back(std::move(one));
  }
  return out;
}

std::optional<shapes::ItemCollectionMetrics> collection_metrics(
    const std::optional<shapes::ReturnItemCollectionMetrics>& wanted, const Table& table, const Attributes& key) {
  if (wanted != shapes::ReturnItemCollectionMetrics::Size) return std::nullopt;
  const bool local = std::any_of(table.indexes.begin(), table.indexes.end(), [](const Index& i) { return !i.global; });
  const auto* partition = key.find(table.keys.partition.name);
  if (!local || !partition) return std::nullopt;
  shapes::ItemCollectionMetrics out;
  out.item_collection_key.emplace()[table.keys.partition.name] = to_wire(*partition);
  out.size_estimate_range_gb = {0.0, 1.0};
  return out;
}

}  // namespace likeness::dynamodb
