#include "domain/metrics/upkeep.hpp"

namespace likeness::metrics {

std::vector<Chore> chores(MetricStore& store, std::chrono::seconds interval) {
  return {{.interval = interval,
           .run = [&store](const Chore::GoOn&) -> Result<void> {
             if (auto joined = store.compact(); !joined) return fail(joined);
             return {};
           },
           .trouble = "old metrics cannot be joined"}};
}

}  // namespace likeness::metrics
