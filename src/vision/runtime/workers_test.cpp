#include "vision/runtime/workers.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>
#include <set>
#include <stdexcept>

namespace likeness::vision {
namespace {

TEST(Workers, EveryPieceIsDoneOnceBeforeRunReturns) {
  Workers workers(3);
  std::vector<std::atomic<int>> done(1000);
  ASSERT_TRUE(workers.run(done.size(), [&](std::size_t i) -> Result<void> {
    ++done[i];
    return {};
  }));
  for (const auto& count : done) EXPECT_EQ(count, 1);
}

TEST(Workers, WorkRunsOnTheWorkersAndKnowsWhichOne) {
  Workers workers(2);
  EXPECT_EQ(workers.this_worker(), 2U);
  std::latch both(2);
  std::atomic<unsigned> seen{0};
  ASSERT_TRUE(workers.run(2, [&](std::size_t) -> Result<void> {
    both.arrive_and_wait();  // proves that two run at the same time
    seen |= 1U << workers.this_worker();
    return {};
  }));
  EXPECT_EQ(seen, 3U);
}

TEST(Workers, NeverMoreThanTheThreadsRunHoweverManyCallersThereAre) {
  Workers workers(2);
  std::atomic<int> running{0}, most{0};
  std::vector<std::thread> callers;
  for (int c = 0; c < 8; ++c)
    callers.emplace_back([&] {
      for (int i = 0; i < 50; ++i)
        EXPECT_TRUE(workers.run(3, [&](std::size_t) -> Result<void> {
          const int now = ++running;
          int before = most;
          while (now > before && !most.compare_exchange_weak(before, now)) {
          }
          --running;
          return {};
        }));
    });
  for (auto& caller : callers) caller.join();
  EXPECT_LE(most, 2);
  EXPECT_EQ(workers.requests(), 0U);
}

TEST(Workers, AFullLineIsRefusedAndNothingIsCalled) {
  Workers workers(1, 2);
  std::latch release(1);
  std::latch started(1);
  const auto block = [&] {
    return workers.run([&]() -> Result<void> {
      started.count_down();
      release.wait();
      return {};
    });
  };
  auto first = std::async(std::launch::async, block);
  started.wait();
  auto second = std::async(std::launch::async, [&] { return workers.run([]() -> Result<void> { return {}; }); });
  while (workers.requests() < 2) std::this_thread::yield();
  bool called = false;
  const auto refused = workers.run([&]() -> Result<void> {
    called = true;
    return {};
  });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "Throttling");
  EXPECT_FALSE(called);
  release.count_down();
  EXPECT_TRUE(first.get());
  EXPECT_TRUE(second.get());
  EXPECT_TRUE(workers.run([]() -> Result<void> { return {}; })) << "there is room again";
}

TEST(Workers, NestedWorkNeitherBlocksNorIsRefused) {
  for (const std::size_t threads : {1U, 2U, 4U}) {
    Workers workers(threads, 1);
    std::atomic<int> leaves{0};
    ASSERT_TRUE(workers.run(4, [&](std::size_t) {
      return workers.run(5, [&](std::size_t) {
        return workers.run(3, [&](std::size_t) -> Result<void> {
          ++leaves;
          return {};
        });
      });
    }));
    EXPECT_EQ(leaves, 60);
  }
}

TEST(Workers, NestedWorkIsSpreadOverFreeWorkers) {
  Workers workers(2);
  std::latch both(2);
  EXPECT_TRUE(workers.run([&] {
    return workers.run(2, [&](std::size_t) -> Result<void> {
      both.arrive_and_wait();
      return {};
    });
  }));
}

TEST(Workers, TheErrorOfTheLowestPieceIsReturnedAndTheRestIsSkipped) {
  Workers workers(1);
  int called = 0;
  const auto result = workers.run(10, [&](std::size_t i) -> Result<void> {
    ++called;
    if (i >= 3) return server_error("Internal", std::to_string(i));
    return {};
  });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, "3");
  EXPECT_EQ(called, 4);
}

TEST(Workers, AnExceptionBecomesAnError) {
  Workers workers(1);
  const auto result = workers.run([]() -> Result<void> { throw std::runtime_error("boom"); });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, "Internal");
  EXPECT_EQ(result.error().detail, "boom");
}

TEST(Workers, ASmallRequestDoesNotWaitForAllOfALargeOne) {
  Workers workers(1);
  std::latch begun(1);
  std::atomic<int> large_done{0};
  std::atomic<bool> go{false};
  auto large = std::async(std::launch::async, [&] {
    return workers.run(100, [&](std::size_t i) -> Result<void> {
      if (i == 0) {
        begun.count_down();
        while (!go) std::this_thread::yield();
      }
      ++large_done;
      return {};
    });
  });
  begun.wait();
  int done_before_small = -1;
  auto small = std::async(std::launch::async, [&] {
    return workers.run([&]() -> Result<void> {
      done_before_small = large_done;
      return {};
    });
  });
  while (workers.requests() < 2) std::this_thread::yield();
  go = true;
  EXPECT_TRUE(small.get());
  EXPECT_TRUE(large.get());
  EXPECT_LE(done_before_small, 2);
}

}  // namespace
}  // namespace likeness::vision
