#include "base/work_pool.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

namespace likeness {
namespace {

TEST(WorkPool, StopRunsEveryAcceptedJob) {
  std::atomic<int> done = 0;
  WorkPool pool("test", 2, 100);
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(pool.submit([&] { ++done; }));
  pool.stop();
  EXPECT_EQ(done, 50);
  EXPECT_FALSE(pool.submit([] {}));
}

TEST(WorkPool, AFullQueueRefusesInsteadOfGrowing) {
  std::promise<void> gate;
  std::promise<void> started;
  WorkPool pool("test", 1, 1);
  ASSERT_TRUE(pool.submit([&] {
    started.set_value();
    gate.get_future().wait();
  }));
  started.get_future().wait();
  EXPECT_TRUE(pool.submit([] {}));
  EXPECT_FALSE(pool.submit([] {}));
  gate.set_value();
}

}  // namespace
}  // namespace likeness
