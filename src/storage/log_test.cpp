#include "storage/log.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "storage/testing.hpp"

namespace likeness::storage {
namespace {

std::vector<std::string> values_of(const Result<LogPage>& page) {
  EXPECT_TRUE(page);
  std::vector<std::string> values;
  if (!page) return values;
  values.reserve(page->records.size());
  for (const LogRecord& record : page->records) values.push_back(record.value);
  return values;
}
using Values = std::vector<std::string>;

TEST(Log, RecordsComeBackInOrderFromAnyPositionAlsoAfterARestart) {
  TemporaryStorage storage;
  const std::string binary("\0\xFF\n", 3);
  const Position first = *storage->log().append("a", {"one", "", binary});
  const Position fourth = *storage->log().append("a", {"four"});
  ASSERT_TRUE(storage->log().append("b", {"other"}));
  for (int round = 0; round < 2; ++round) {
    const Log& log = storage->log();
    EXPECT_EQ(values_of(log.read("a", first, 100)), (Values{"one", "", binary, "four"}));
    EXPECT_EQ(values_of(log.read("a", fourth, 100)), Values{"four"});
    EXPECT_EQ(values_of(log.read("b", 0, 100)), Values{"other"});
    EXPECT_EQ(values_of(log.read("c", 0, 100)), Values{});
    EXPECT_EQ(*log.bounds("a"), (std::pair<Position, Position>{first, fourth + 1}));
    storage.reopen();
  }
  EXPECT_EQ(*storage->log().append("a", {"five"}), fourth + 1);
}

TEST(Log, AReaderGoesOnWhereThePageEnded) {
  TemporaryStorage storage;
  Log& log = storage->log();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(log.append("a", {std::to_string(i)}));
  Values all;
  Position from = 0;
  for (int pages = 0; pages < 4; ++pages) {
    const auto page = log.read("a", from, 3);
    for (const auto& value : values_of(page)) all.push_back(value);
    from = page->next;
  }
  EXPECT_EQ(all, (Values{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}));
  EXPECT_TRUE(log.read("a", from, 3)->records.empty());
  EXPECT_EQ(log.read("a", from, 3)->next, from);
  ASSERT_TRUE(log.append("a", {"10"}));
  EXPECT_EQ(values_of(log.read("a", from, 3)), Values{"10"});
}

TEST(Log, APageStopsAtItsBytesButHasOneRecord) {
  TemporaryStorage storage;
  Log& log = storage->log();
  const std::string large(5000, 'x');
  ASSERT_TRUE(log.append("a", {large, large, large}));
  EXPECT_EQ(log.read("a", 0, 10, 1)->records.size(), 1u);
  EXPECT_EQ(log.read("a", 0, 10, 10'000)->records.size(), 2u);
}

TEST(Log, WhatIsTrimmedIsGoneAndPositionsGoOn) {
  TemporaryStorage storage;
  const Position first = *storage->log().append("a", {"0", "1", "2", "3"});
  ASSERT_TRUE(storage->log().trim("a", first + 2));
  ASSERT_TRUE(storage->log().trim("a", first + 1));  // nothing comes back
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(values_of(storage->log().read("a", 0, 10)), (Values{"2", "3"}));
    EXPECT_EQ(*storage->log().bounds("a"), (std::pair<Position, Position>{first + 2, first + 4}));
    storage.reopen();
  }
  // Beyond the end is the end.
  ASSERT_TRUE(storage->log().trim("a", first + 1000));
  EXPECT_EQ(*storage->log().bounds("a"), (std::pair<Position, Position>{first + 4, first + 4}));
  storage.reopen();
  EXPECT_EQ(*storage->log().append("a", {"4"}), first + 4);
  EXPECT_EQ(values_of(storage->log().read("a", 0, 10)), Values{"4"});
}

TEST(Log, ARemovedLogBeginsAnewAfterItsOldPositions) {
  TemporaryStorage storage;
  const Position first = *storage->log().append("a", {"old", "old"});
  ASSERT_TRUE(storage->log().append("ab", {"other"}));
  ASSERT_TRUE(storage->log().remove("a"));
  EXPECT_TRUE(storage->log().read("a", 0, 10)->records.empty());
  storage.reopen();
  EXPECT_GE(*storage->log().append("a", {"new"}), first + 2);
  EXPECT_EQ(values_of(storage->log().read("a", 0, 10)), Values{"new"});
  EXPECT_EQ(values_of(storage->log().read("ab", 0, 10)), Values{"other"});
  ASSERT_TRUE(storage->log().remove("never"));
}

TEST(Log, BadNamesAreRefused) {
  TemporaryStorage storage;
  EXPECT_FALSE(storage->log().append("", {"x"}));
  EXPECT_FALSE(storage->log().read(std::string(2000, 'n'), 0, 1));
}

TEST(Log, AFollowerOfManyWritersSeesEveryRecordOnceAndNeverOneBeforeItsPredecessor) {
  TemporaryStorage storage;
  Log& log = storage->log();
  constexpr int kWriters = 4;
  constexpr int kAppends = 300;
  std::vector<std::thread> writers;
  writers.reserve(kWriters);
  for (int w = 0; w < kWriters; ++w)
    writers.emplace_back([&log, w] {
      for (int i = 0; i < kAppends; ++i) {
        const std::string value = std::to_string(w) + " " + std::to_string(i);
        const auto first = log.append("a", {value, value});
        ASSERT_TRUE(first);
        ASSERT_TRUE(log.append("b" + std::to_string(w), {value}));
        const auto page = log.read("a", *first, 2);
        ASSERT_EQ(page->records.size(), 2u);
        EXPECT_EQ(page->records[0].value, value);
        EXPECT_EQ(page->records[1].value, value);
      }
    });
  std::vector<int> next(kWriters, 0);
  Position from = 0;
  for (int seen = 0; seen < 2 * kWriters * kAppends;) {
    const auto page = log.read("a", from, 100);
    ASSERT_TRUE(page);
    for (const LogRecord& record : page->records) {
      EXPECT_GE(record.position, from);
      const int writer = record.value[0] - '0';
      EXPECT_EQ(std::stoi(record.value.substr(2)), next[static_cast<std::size_t>(writer)]++ / 2);
      ++seen;
    }
    from = page->next;
  }
  for (auto& writer : writers) writer.join();
}

}  // namespace
}  // namespace likeness::storage
