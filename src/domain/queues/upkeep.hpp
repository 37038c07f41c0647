#pragma once

#include <chrono>
#include <vector>

#include "base/upkeep.hpp"
#include "domain/queues/queues.hpp"

namespace likeness::queues {

struct Pace {
  std::chrono::milliseconds moving{250};    // of tasks that move messages
  std::chrono::milliseconds tending{5000};  // old messages, remains of queues
  std::chrono::milliseconds measuring{60'000};
};

/// What tends the queues while the server runs. Borrows them.
std::vector<Chore> chores(Queues& queues, const Pace& pace = {});

}  // namespace likeness::queues
