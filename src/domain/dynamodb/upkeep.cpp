#include "domain/dynamodb/upkeep.hpp"

namespace likeness::dynamodb {

std::vector<Chore> chores(Expiry& expiry, Streams& streams, const Pace& pace) {
  return {{.interval = pace.expiry,
           .run = [&expiry](const Chore::GoOn& go_on) -> Result<void> {
             if (auto swept = expiry.sweep(go_on); !swept) return fail(swept);
             return {};
           },
           .trouble = "expired items could not be deleted"},
          {.interval = pace.trimming,
           .run = [&streams](const Chore::GoOn& go_on) { return streams.trim(go_on); },
           .trouble = "table streams could not be trimmed"}};
}

}  // namespace likeness::dynamodb
