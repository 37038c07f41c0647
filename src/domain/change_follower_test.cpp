#include "domain/change_follower.hpp"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

#include "base/result.hpp"
#include "storage/testing.hpp"

namespace likeness::domain {
namespace {

using Bodies = std::vector<std::string>;

/// A feed with one follower, whose `tell` notes what it hears.
class ChangeFollowerTest : public ::testing::Test {
 protected:
  ChangeFollowerTest() { open(); }
  ~ChangeFollowerTest() override { close(); }

  void open() {
    feed = *ChangeFeed::open(*store, "test", Clock::system());
    follower = *ChangeFollower::open({*store, *feed, "told", "test", "the test waits"});
  }
  void close() {
    follower->stop();
    follower.reset();
    feed.reset();
  }
  void restart() {
    close();
    store.reopen();
    open();
  }

  void add(const std::string& body) {
    const auto entry = feed->begin("Made", "thing", body);
    ASSERT_TRUE(store->commit({entry.write()}));
  }

  void hear(const std::vector<Change>& changes) {
    const std::lock_guard lock(mutex);
    for (const auto& change : changes) heard.push_back(change.body);
    more.notify_all();
  }
  void follow() {
    follower->start([this](const auto& changes, auto) -> Result<void> {
      hear(changes);
      return {};
    });
  }
  void follow_with_commits() {
    follower->start([this](const auto& changes, auto next) -> Result<void> {
      if (auto done = store->commit({follower->write_of(next)}); !done) return done;
      follower->committed(next);
      hear(changes);
      return {};
    });
  }
  Bodies wait_for(std::size_t count) {
    std::unique_lock lock(mutex);
    more.wait(lock, [&] { return heard.size() >= count; });
    return std::exchange(heard, {});
  }
  std::size_t left() { return feed->read(0)->changes.size(); }

  storage::TemporaryStore store;
  std::unique_ptr<ChangeFeed> feed;
  std::unique_ptr<ChangeFollower> follower;
  std::mutex mutex;
  std::condition_variable more;
  Bodies heard;
};

TEST_F(ChangeFollowerTest, ChangesAreToldInTheirOrder) {
  follow();
  for (const auto* body : {"a", "b", "c"}) add(body);
  EXPECT_EQ(wait_for(3), (Bodies{"a", "b", "c"}));
}

TEST_F(ChangeFollowerTest, AFollowerBeginsAtTheEndOfAFeedThatIsNewToIt) {
  add("before");
  close();
  feed = *ChangeFeed::open(*store, "test", Clock::system());
  follower = *ChangeFollower::open({*store, *feed, "told", "another", "the test waits"});
  follow();
  add("after");
  EXPECT_EQ(wait_for(1), (Bodies{"after"}));
}

TEST_F(ChangeFollowerTest, AFollowerGoesOnWhereItStopped) {
  follow();
  add("a");
  wait_for(1);
  follower->stop();
  add("b");
  restart();
  follow();
  EXPECT_EQ(wait_for(1), (Bodies{"b"}));
}

TEST_F(ChangeFollowerTest, TheFeedIsTrimmedBehindWhatWasTold) {
  follow();
  add("a");
  wait_for(1);
  follower->stop();
  EXPECT_EQ(left(), 0u);
}

TEST_F(ChangeFollowerTest, TheFeedIsTrimmedBehindWhatWasToldInCommits) {
  follow_with_commits();
  add("a");
  wait_for(1);
  follower->stop();
  EXPECT_EQ(left(), 0u);
}

TEST_F(ChangeFollowerTest, WhatCouldNotBeToldComesAgainBehindTheLastCommit) {
  int round = 0;
  for (const auto* body : {"a", "b"}) add(body);
  follower->start([&](const auto& changes, auto next) -> Result<void> {
    hear(changes);
    if (++round == 1) {
      const auto behind_first = changes[0].position + 1;
      if (auto done = store->commit({follower->write_of(behind_first)}); !done) return done;
      follower->committed(behind_first);
      return server_error("Away", "nobody listens");
    }
    if (auto done = store->commit({follower->write_of(next)}); !done) return done;
    follower->committed(next);
    return {};
  });
  EXPECT_EQ(wait_for(3), (Bodies{"a", "b", "b"}));
}

}  // namespace
}  // namespace likeness::domain
