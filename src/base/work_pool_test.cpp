#include "base/work_pool.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <chrono>
#include <future>
#include <memory>
#include <thread>
#include <vector>

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

TEST(WorkPool, JobsThatBlockGetEveryThread) {
  // Each waits for all the others: none may stay in the queue while a thread is idle.
  constexpr int kThreads = 8;
  WorkPool pool("test", kThreads, 1000);
  for (int round = 0; round < 200; ++round) {
    const auto together = std::make_shared<std::barrier<>>(kThreads + 1);  // lives until the last has left it
    for (int i = 0; i < kThreads; ++i) ASSERT_TRUE(pool.submit([together] { together->arrive_and_wait(); }));
    together->arrive_and_wait();
  }
}

TEST(WorkPool, JobsOfManySubmittersAllRun) {
  std::atomic<int> done = 0;
  {
    WorkPool pool("test", 4, 100'000);
    std::vector<std::jthread> submitters;
    for (int i = 0; i < 4; ++i)
      submitters.emplace_back([&] {
        for (int turn = 0; turn < 2000; ++turn) {
          ASSERT_TRUE(pool.submit([&] { ++done; }));
          if (turn % 50 == 0)
            std::this_thread::sleep_for(std::chrono::microseconds(200));  // so that threads go to sleep
        }
      });
    submitters.clear();
  }
  EXPECT_EQ(done, 8000);
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
