#pragma once

#include <chrono>
#include <vector>

#include "base/upkeep.hpp"
#include "domain/metrics/metric_store.hpp"

namespace likeness::metrics {

/// Joins and forgets old data. Borrows `store`.
std::vector<Chore> chores(MetricStore& store, std::chrono::seconds interval = std::chrono::hours(1));

}  // namespace likeness::metrics
