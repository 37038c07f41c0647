#include "domain/change_feed.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "storage/testing.hpp"

namespace likeness::domain {
namespace {

using namespace std::chrono_literals;

class ChangeFeedTest : public ::testing::Test {
 protected:
  ChangeFeedTest() { open(); }
  void open() {
    feed.reset();
    auto opened = ChangeFeed::open(*store, "test", Clock::system());
    ASSERT_TRUE(opened);
    feed = std::move(*opened);
  }
  void add(const std::string& body) {
    const auto entry = feed->begin("Made", "thing", body);
    ASSERT_TRUE(store->commit({entry.write()}));
  }
  std::vector<std::string> bodies(std::uint64_t from = 0) {
    std::vector<std::string> out;
    auto page = feed->read(from);
    for (const auto& change : page->changes) out.push_back(change.body);
    return out;
  }

  storage::TemporaryStore store;
  std::unique_ptr<ChangeFeed> feed;
};

TEST_F(ChangeFeedTest, EntriesComeBackInTheirOrderAndSurviveARestart) {
  add("a");
  add("b");
  const auto end = feed->end();
  feed.reset();
  store.reopen();
  open();
  EXPECT_EQ(bodies(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(feed->end(), end);
  add("c");
  EXPECT_EQ(bodies(end), (std::vector<std::string>{"c"}));
}

TEST_F(ChangeFeedTest, AnEntryWaitsForThoseBeforeIt) {
  auto first = std::make_unique<ChangeFeed::Entry>(feed->begin("Made", "thing", "slow"));
  add("fast");
  EXPECT_TRUE(bodies().empty());
  EXPECT_FALSE(feed->wait(first->position(), 1ms));
  ASSERT_TRUE(store->commit({first->write()}));
  first.reset();
  EXPECT_EQ(bodies(), (std::vector<std::string>{"slow", "fast"}));
}

TEST_F(ChangeFeedTest, AnEntryThatWasNotCommittedIsNoEntry) {
  {
    const auto entry = feed->begin("Made", "thing", "never");
  }
  add("b");
  EXPECT_EQ(bodies(), (std::vector<std::string>{"b"}));
}

TEST_F(ChangeFeedTest, PagesGoOnWhereTheyEnded) {
  for (const auto* body : {"a", "b", "c"}) add(body);
  auto first = feed->read(0, 2);
  ASSERT_EQ(first->changes.size(), 2u);
  EXPECT_EQ(bodies(first->next), (std::vector<std::string>{"c"}));
}

TEST_F(ChangeFeedTest, TrimForgetsTheOldAndNeverGivesAPositionTwice) {
  for (int i = 0; i < 250; ++i) add("x");
  const auto end = feed->end();
  EXPECT_EQ(*feed->trim(end), 250u);
  EXPECT_TRUE(bodies().empty());
  open();
  EXPECT_EQ(feed->end(), end);
}

TEST_F(ChangeFeedTest, AReaderBesideWritersMissesNothing) {
  constexpr int kWriters = 4, kEach = 50;
  std::vector<std::thread> writers;
  for (int w = 0; w < kWriters; ++w)
    writers.emplace_back([&] {
      for (int i = 0; i < kEach; ++i) add("x");
    });
  std::size_t seen = 0;
  std::uint64_t from = 0;
  while (seen < kWriters * kEach && feed->wait(from, 5000ms)) {
    auto page = feed->read(from, 10);
    ASSERT_TRUE(page);
    seen += page->changes.size();
    from = page->next;
  }
  for (auto& writer : writers) writer.join();
  EXPECT_EQ(seen, std::size_t{kWriters} * kEach);
}

}  // namespace
}  // namespace likeness::domain
