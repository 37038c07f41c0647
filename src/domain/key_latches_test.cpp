#include "domain/key_latches.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace likeness::domain {
namespace {

TEST(KeyLatches, OneHolderAtATimeForAKey) {
  KeyLatches latches;
  int unguarded = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) {
        const auto held = latches.acquire({"a"});
        unguarded = unguarded + 1;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(unguarded, 2000);
}

TEST(KeyLatches, OtherKeysGoOn) {
  KeyLatches latches;
  const auto held = latches.acquire({"a"});
  std::thread([&] { const auto other = latches.acquire({"b", "c"}); }).join();
}

TEST(KeyLatches, SetsInAnyOrderDoNotWaitForEachOther) {
  KeyLatches latches;
  std::atomic<int> done = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 500; ++i) {
        const auto held = t % 2 == 0 ? latches.acquire({"a", "b", "a"}) : latches.acquire({"b", "a"});
        ++done;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(done, 2000);
}

}  // namespace
}  // namespace likeness::domain
