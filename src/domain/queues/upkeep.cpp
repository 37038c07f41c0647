#include "domain/queues/upkeep.hpp"

#include <utility>

namespace likeness::queues {

std::vector<Chore> chores(Queues& queues, const Pace& pace) {
  using Steady = std::chrono::steady_clock;
  const auto move = [&queues, before = Steady::now()](const Chore::GoOn&) mutable -> Result<void> {
    const auto now = Steady::now();
    const std::chrono::duration<double> passed = now - std::exchange(before, now);
    if (!queues.move_tasks().any_active()) return {};
    return queues.move_tasks().step(passed.count());
  };
  const auto tend = [&queues](const Chore::GoOn&) { return queues.tend(); };
  const auto measure = [&queues](const Chore::GoOn&) -> Result<void> {
    queues.measure();
    return {};
  };
  return {{.interval = pace.moving, .run = move, .trouble = "messages could not be moved"},
          {.interval = pace.tending, .run = tend, .trouble = "queues could not be tended"},
          {.interval = pace.measuring, .run = measure, .trouble = {}}};
}

}  // namespace likeness::queues
