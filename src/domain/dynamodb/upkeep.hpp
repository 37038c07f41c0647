#pragma once

#include <chrono>
#include <vector>

#include "base/upkeep.hpp"
#include "domain/dynamodb/streams.hpp"
#include "domain/dynamodb/ttl.hpp"

namespace likeness::dynamodb {

struct Pace {
  std::chrono::milliseconds expiry{1000};
  std::chrono::milliseconds trimming{60'000};
};

/// Deletes expired items and trims streams. Borrows both.
std::vector<Chore> chores(Expiry& expiry, Streams& streams, const Pace& pace = {});

}  // namespace likeness::dynamodb
