#include "base/elastic_pool.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <vector>

namespace likeness {
namespace {

using std::chrono::milliseconds;

/// Holds jobs until it is opened.
struct Gate {
  std::promise<void> open;
  std::shared_future<void> opened{open.get_future()};
};

TEST(ElasticPool, RunsAsManyJobsAtOnceAsThereAre) {
  Gate gate;
  std::atomic<int> started = 0;
  ElasticPool pool("test", 50);
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(pool.submit([&] {
      if (++started == 50) gate.open.set_value();
      gate.opened.wait();  // none would go on if one of them had to wait for another to end
    }));
  }
  gate.opened.wait();
  pool.stop();
  EXPECT_EQ(started, 50);
}

TEST(ElasticPool, RefusesWhatWouldHaveToWaitForAThread) {
  Gate gate;
  ElasticPool pool("test", 2);
  ASSERT_TRUE(pool.submit([&] { gate.opened.wait(); }));
  ASSERT_TRUE(pool.submit([&] { gate.opened.wait(); }));
  EXPECT_FALSE(pool.submit([] {}));
  EXPECT_EQ(pool.busy(), 2u);
  gate.open.set_value();
  pool.stop();
  EXPECT_FALSE(pool.submit([] {}));
}

TEST(ElasticPool, ThreadsAreUsedAgainAndEndWhenIdle) {
  ElasticPool pool("test", 100, milliseconds(20));
  std::atomic<int> done = 0;
  for (int i = 0; i < 20; ++i) {
    std::promise<void> ran;
    ASSERT_TRUE(pool.submit([&] {
      ++done;
      ran.set_value();
    }));
    ran.get_future().wait();
    while (pool.busy() > 0) std::this_thread::yield();
  }
  EXPECT_EQ(done, 20);
  EXPECT_LE(pool.threads(), 1u);
  while (pool.threads() > 0) std::this_thread::sleep_for(milliseconds(5));
}

}  // namespace
}  // namespace likeness
