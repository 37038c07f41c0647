#include "services/lambda/stream_progress.hpp"

#include <gtest/gtest.h>

#include "storage/testing.hpp"

namespace likeness::lambda {
namespace {

class Progress : public ::testing::Test {
 protected:
  std::unique_ptr<StreamProgress> load(std::size_t lanes = 2, bool windows = false) {
    return *StreamProgress::load(storage->store(), "mapping", "shard", lanes, windows);
  }
  static StreamItem item(const std::string& sequence) {
    StreamItem out;
    out.sequence = sequence;
    return out;
  }
  storage::TemporaryStorage storage;
};

/// Takes records and tells which lane each went to; gives those that are not done.
std::vector<StreamItem> take(StreamProgress& progress, const std::vector<std::pair<std::string, std::size_t>>& all) {
  std::vector<StreamItem> out;
  for (const auto& [sequence, lane] : all) {
    StreamItem item;
    item.sequence = sequence;
    if (progress.take(item, lane)) out.push_back(item);
  }
  return out;
}

TEST(SequenceNumbers, AreNumbersOfAnyLength) {
  EXPECT_TRUE(not_after("9", "10"));
  EXPECT_TRUE(not_after("10", "10"));
  EXPECT_FALSE(not_after("11", "10"));
  EXPECT_TRUE(not_after("0009", "10"));
  EXPECT_FALSE(not_after("100000000000000000000000000000000000001", "99999999999999999999999999999999999999"));
}

TEST_F(Progress, ThePositionIsBeforeTheFirstThatIsNotDone) {
  auto progress = load();
  const auto items = take(*progress, {{"1", 0}, {"2", 1}, {"3", 0}, {"4", 1}});
  ASSERT_TRUE(progress->advance(1, std::vector{items[1], items[3]}, {}));
  EXPECT_EQ(progress->sequence(), "");
  ASSERT_TRUE(progress->advance(0, std::vector{items[0]}, {}));
  EXPECT_EQ(progress->sequence(), "2");
  ASSERT_TRUE(progress->advance(0, std::vector{items[2]}, {}));
  EXPECT_EQ(progress->sequence(), "4");
  EXPECT_EQ(load()->sequence(), "4");
}

TEST_F(Progress, ARestartRepeatsOnlyWhatWasNotDone) {
  {
    auto progress = load();
    const auto items = take(*progress, {{"1", 0}, {"2", 1}, {"3", 0}, {"4", 1}});
    ASSERT_TRUE(progress->advance(1, std::vector{items[1], items[3]}, {}));
  }
  auto progress = load();
  EXPECT_EQ(progress->sequence(), "");
  const auto left = take(*progress, {{"1", 0}, {"2", 1}, {"3", 0}, {"4", 1}, {"5", 1}});
  ASSERT_EQ(left.size(), 3U);
  EXPECT_EQ(left[0].sequence, "1");
  EXPECT_EQ(left[1].sequence, "3");
  EXPECT_EQ(left[2].sequence, "5");
  ASSERT_TRUE(progress->advance(0, std::vector{left[0], left[1]}, {}));
  EXPECT_EQ(load()->sequence(), "4");
}

TEST_F(Progress, WithAnotherNumberOfLanesOnlyThePositionCounts) {
  {
    auto progress = load();
    const auto items = take(*progress, {{"1", 0}, {"2", 1}, {"3", 0}});
    ASSERT_TRUE(progress->advance(0, std::vector{items[0], items[2]}, {}));
  }
  auto progress = load(3);
  EXPECT_EQ(progress->sequence(), "1");
  EXPECT_EQ(take(*progress, {{"2", 1}, {"3", 0}}).size(), 2U);
}

TEST_F(Progress, AWindowIsStoredWithWhatItHolds) {
  {
    auto progress = load(1, true);
    const auto items = take(*progress, {{"1", 0}, {"2", 0}});
    ASSERT_TRUE(progress->advance(0, std::vector{items[0]}, OpenWindow{60, R"({"sum":5})"}));
  }
  {
    auto progress = load(1, true);
    EXPECT_EQ(progress->sequence(), "1");
    ASSERT_TRUE(progress->window(0));
    EXPECT_EQ(progress->window(0)->start, 60);
    EXPECT_EQ(progress->window(0)->state, R"({"sum":5})");
    ASSERT_TRUE(progress->advance(0, {}, {}));
  }
  auto progress = load(1, true);
  EXPECT_FALSE(progress->window(0));
  EXPECT_EQ(progress->sequence(), "1");
}

TEST_F(Progress, AnEndIsKeptAndForgotten) {
  ASSERT_TRUE(load()->end());
  EXPECT_TRUE(load()->ended());
  ASSERT_TRUE(forget_progress(storage->store(), "mapping"));
  EXPECT_FALSE(load()->ended());
}

}  // namespace
}  // namespace likeness::lambda
