#include "base/upkeep.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <semaphore>

namespace likeness {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

TEST(Upkeep, DoesEachChoreAtItsOwnPace) {
  std::counting_semaphore<1000> often(0);
  std::atomic<int> never = 0;
  Upkeep upkeep({{.interval = milliseconds(1),
                  .run = [&](const Chore::GoOn&) -> Result<void> {
                    often.release();
                    return {};
                  },
                  .trouble = ""},
                 {.interval = hours(1),
                  .run = [&](const Chore::GoOn&) -> Result<void> {
                    ++never;
                    return {};
                  },
                  .trouble = ""}});
  for (int i = 0; i < 5; ++i) often.acquire();
  upkeep.stop();
  EXPECT_EQ(never, 0);
}

TEST(Upkeep, GoesOnAfterARoundThatFailed) {
  std::counting_semaphore<1000> rounds(0);
  Upkeep upkeep({{.interval = milliseconds(1),
                  .run = [&](const Chore::GoOn&) -> Result<void> {
                    rounds.release();
                    return server_error("StorageFull", "There is no room.");
                  },
                  .trouble = "nothing could be done"}});
  for (int i = 0; i < 3; ++i) rounds.acquire();
}

TEST(Upkeep, TellsALongRoundToEndAndWaitsForIt) {
  std::binary_semaphore begun(0);
  std::atomic<bool> ended = false;
  auto upkeep = std::make_unique<Upkeep>(std::vector<Chore>{{.interval = hours(1),
                                                             .run = [&](const Chore::GoOn& go_on) -> Result<void> {
                                                               begun.release();
                                                               while (go_on()) std::this_thread::yield();
                                                               ended = true;
                                                               return {};
                                                             },
                                                             .trouble = "",
                                                             .at_once = true}});
  begun.acquire();
  EXPECT_FALSE(ended);
  upkeep.reset();
  EXPECT_TRUE(ended);
}

TEST(Upkeep, WithoutChoresEnds) {
  Upkeep upkeep(std::vector<Chore>{});
  upkeep.stop();
  upkeep.stop();
}

}  // namespace
}  // namespace likeness
