#include "storage/embedded_store.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "storage/testing.hpp"

namespace likeness::storage {
namespace {

using Expect = Write::Expect;

Write put(std::string table, std::string partition, std::string sort, std::string value,
          Expect expect = Expect::Anything, std::string expected = {}) {
  return {std::move(table), {std::move(partition), std::move(sort)}, std::move(value), expect, std::move(expected)};
}
Write removal(std::string table, std::string partition, std::string sort, Expect expect = Expect::Anything) {
  return {std::move(table), {std::move(partition), std::move(sort)}, std::nullopt, expect, {}};
}
std::optional<std::string> value_of(Store& store, const std::string& table, const Key& key) {
  auto found = store.get(table, key);
  EXPECT_TRUE(found) << found.error().detail;
  return found.value_or(std::nullopt);
}
std::vector<std::string> sorts(const Page& page) {
  std::vector<std::string> out;
  for (const Item& item : page.items) out.push_back(item.key.sort);
  return out;
}

TEST(EmbeddedStore, WhatWasCommittedIsThereAfterAReopen) {
  TemporaryStore store;
  const std::string binary("\0\xFF\n", 3);
  ASSERT_TRUE(store->commit({put("faces", "people", "1", binary), put("faces", "people", "2", "")}));
  store.reopen();
  EXPECT_EQ(value_of(*store, "faces", {"people", "1"}), binary);
  EXPECT_EQ(value_of(*store, "faces", {"people", "2"}), "");
  EXPECT_EQ(value_of(*store, "faces", {"people", "3"}), std::nullopt);
  EXPECT_EQ(value_of(*store, "users", {"people", "1"}), std::nullopt);
}

TEST(EmbeddedStore, AFailedConditionChangesNothingInAnyTable) {
  TemporaryStore store;
  ASSERT_TRUE(store->commit({put("a", "p", "1", "old")}));
  const std::vector<std::vector<Write>> refused = {
      {put("b", "p", "1", "new"), put("a", "p", "1", "new", Expect::Absent)},
      {put("b", "p", "1", "new"), put("a", "p", "2", "new", Expect::Present)},
      {put("b", "p", "1", "new"), put("a", "p", "1", "new", Expect::SameValue, "other")},
      {put("b", "p", "1", "new"), put("a", "p", "2", "new", Expect::SameValue, "")},
      {put("b", "p", "1", "new"), removal("a", "p", "2", Expect::Present)},
  };
  for (const auto& writes : refused) {
    const auto done = store->commit(writes);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, "ConditionFailed");
  }
  EXPECT_EQ(value_of(*store, "a", {"p", "1"}), "old");
  EXPECT_EQ(value_of(*store, "a", {"p", "2"}), std::nullopt);
  EXPECT_EQ(value_of(*store, "b", {"p", "1"}), std::nullopt);
}

TEST(EmbeddedStore, ConditionsThatHoldLetTheWholeCommitThrough) {
  TemporaryStore store;
  ASSERT_TRUE(store->commit({put("a", "p", "1", "one", Expect::Absent)}));
  ASSERT_TRUE(store->commit({put("a", "p", "1", "two", Expect::SameValue, "one"), put("b", "q", "1", "x")}));
  ASSERT_TRUE(store->commit({removal("a", "p", "1", Expect::Present), put("b", "q", "1", "y", Expect::Present)}));
  EXPECT_EQ(value_of(*store, "a", {"p", "1"}), std::nullopt);
  EXPECT_EQ(value_of(*store, "b", {"q", "1"}), "y");
}

TEST(EmbeddedStore, BadWritesAreRefusedAndChangeNothing) {
  TemporaryStore store;
  std::vector<Write> too_many;
  for (std::size_t i = 0; i <= store->max_writes(); ++i) too_many.push_back(put("t", "p", std::to_string(i), "v"));
  const std::vector<std::vector<Write>> refused = {
      {put("", "p", "s", "v")},
      {put("a/b", "p", "s", "v")},
      {put("t", "", "s", "v")},
      {put("t", std::string(kMaxPartitionBytes + 1, 'p'), "s", "v")},
      {put("t", "p", std::string(kMaxSortBytes + 1, 's'), "v")},
      {put("t", "p", "s", std::string(kMaxValueBytes + 1, 'v'))},
      {put("t", "p", "s", "v"), removal("t", "p", "s")},
      too_many,
  };
  for (const auto& writes : refused) {
    const auto done = store->commit(writes);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, "InvalidWrite") << done.error().message;
  }
  EXPECT_TRUE(store->range("t", "p", {})->items.empty());
  EXPECT_TRUE(store->commit({}));
  EXPECT_FALSE(store->range("t", "p", {.first = {}, .last = {}, .limit = 0}));
}

TEST(EmbeddedStore, RangesPageInOrderInBothDirections) {
  TemporaryStore store;
  std::vector<Write> writes;
  for (char c = 'a'; c <= 'g'; ++c) writes.push_back(put("t", "p", std::string(1, c), "v"));
  writes.push_back(put("t", "o", "z", "v"));
  writes.push_back(put("t", "q", "a", "v"));
  ASSERT_TRUE(store->commit(writes));

  auto page = store->range("t", "p", {.first = "b", .last = "f", .limit = 3});
  ASSERT_TRUE(page);
  EXPECT_EQ(sorts(*page), (std::vector<std::string>{"b", "c", "d"}));
  ASSERT_EQ(page->next, "e");
  page = store->range("t", "p", {.first = *page->next, .last = "f", .limit = 3});
  EXPECT_EQ(sorts(*page), (std::vector<std::string>{"e"}));
  EXPECT_EQ(page->next, std::nullopt);

  page = store->range("t", "p", {.first = {}, .last = {}, .limit = 5, .reverse = true});
  EXPECT_EQ(sorts(*page), (std::vector<std::string>{"g", "f", "e", "d", "c"}));
  ASSERT_EQ(page->next, "c");
  page = store->range("t", "p", {.first = {}, .last = page->next, .limit = 5, .reverse = true});
  EXPECT_EQ(sorts(*page), (std::vector<std::string>{"b", "a"}));
  EXPECT_EQ(page->next, std::nullopt);

  EXPECT_TRUE(store->range("t", "p", {.first = "f", .last = "b"})->items.empty());
}

TEST(EmbeddedStore, AScanSeesTheStateAtItsStart) {
  TemporaryStore store;
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(store->commit({put("t", "p", std::to_string(i), "old")}));
  int seen = 0;
  ASSERT_TRUE(store->scan("t", "p", [&](std::string_view, std::string_view value) {
    EXPECT_EQ(value, "old");
    // Writes behind and ahead of the scan, from within it.
    EXPECT_TRUE(store->commit({put("t", "p", std::to_string(seen + 1), "new"), put("t", "p", "9", "new")}));
    ++seen;
    return true;
  }));
  EXPECT_EQ(seen, 5);
  seen = 0;
  ASSERT_TRUE(store->scan("t", "p", [&](std::string_view, std::string_view) { return ++seen < 2; }));
  EXPECT_EQ(seen, 2);
}

TEST(EmbeddedStore, ConcurrentConditionalCommitsLoseNoUpdate) {
  TemporaryStore store;
  constexpr int kThreads = 4, kEach = 200;
  ASSERT_TRUE(store->commit({put("t", "p", "count", "0")}));
  std::atomic<int> refused = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (int done = 0; done < kEach;) {
        const std::string old = **store->get("t", {"p", "count"});
        const auto committed =
            store->commit({put("t", "p", "count", std::to_string(std::stoi(old) + 1), Expect::SameValue, old),
                           put("log", "p", std::to_string(t) + "." + std::to_string(done), old, Expect::Absent)});
        if (committed)
          ++done;
        else
          ++refused;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(value_of(*store, "t", {"p", "count"}), std::to_string(kThreads * kEach));
  // Each value from 0 up was seen by exactly one successful commit.
  std::vector<int> seen;
  ASSERT_TRUE(store->scan("log", "p", [&](std::string_view, std::string_view value) {
    seen.push_back(std::stoi(std::string(value)));
    return true;
  }));
  std::sort(seen.begin(), seen.end());
  ASSERT_EQ(seen.size(), std::size_t{kThreads * kEach});
  for (int i = 0; i < kThreads * kEach; ++i) EXPECT_EQ(seen[static_cast<std::size_t>(i)], i);
}

TEST(EmbeddedStore, OfCommitsThatExcludeEachOtherExactlyOneSucceeds) {
  TemporaryStore store;
  for (int round = 0; round < 50; ++round) {
    std::atomic<int> won = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&, t] {
        if (store->commit({put("t", "p", std::to_string(round), std::to_string(t), Expect::Absent)})) ++won;
      });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(won, 1);
  }
}

TEST(EmbeddedStore, AFolderOfANewerFormatIsRefusedAndLeftAlone) {
  const TemporaryFolder folder;
  ASSERT_TRUE(open_embedded_store(folder.path()));
  std::ofstream(folder.path() / "FORMAT") << "likeness data, format 3\n";
  const auto opened = open_embedded_store(folder.path());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, "DataFromNewerVersion");
  EXPECT_NE(opened.error().message.find("format 3"), std::string::npos);
  std::ofstream(folder.path() / "FORMAT") << "likeness data, format 1\n";
  EXPECT_TRUE(open_embedded_store(folder.path()));  // an older one is taken over
  std::string line;
  std::getline(std::ifstream(folder.path() / "FORMAT"), line);
  EXPECT_EQ(line, "likeness data, format 2");
  std::ofstream(folder.path() / "FORMAT") << "something else";
  EXPECT_FALSE(open_embedded_store(folder.path()));
  std::filesystem::remove(folder.path() / "FORMAT");
  EXPECT_FALSE(open_embedded_store(folder.path()));
}

TEST(EmbeddedStore, AFolderInUseIsRefused) {
  const TemporaryFolder folder;
  const auto first = open_embedded_store(folder.path());
  ASSERT_TRUE(first);
  const auto second = open_embedded_store(folder.path());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, "StorageInUse");
}

TEST(EmbeddedStore, TooLittleRoomRefusesAdditionsButNotRemovals) {
  const TemporaryFolder folder;
  {
    auto store = open_embedded_store(folder.path());
    ASSERT_TRUE(store) << store.error().detail;
    ASSERT_TRUE((*store)->commit({put("t", "p", "1", "one"), put("t", "p", "2", "two")}));
  }
  StoreOptions options;
  // Twice what is free: too much for additions, while the quarter that removals need is there.
  options.min_free_bytes = std::filesystem::space(folder.path()).available * 2;
  auto store = open_embedded_store(folder.path(), options);
  ASSERT_TRUE(store) << store.error().detail;
  EXPECT_FALSE((*store)->commit({put("t", "p", "3", "three")}));
  const auto added = (*store)->commit({put("t", "p", "3", std::string(5000, 'x')), removal("t", "p", "1")});
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().code, "StorageFull");
  EXPECT_EQ(added.error().fault, Error::Fault::Server);
  EXPECT_EQ(value_of(**store, "t", {"p", "1"}), "one");
  EXPECT_TRUE((*store)->commit({removal("t", "p", "1")}));
  EXPECT_EQ(value_of(**store, "t", {"p", "1"}), std::nullopt);
  // As whoever removes something and writes down that he did.
  EXPECT_TRUE((*store)->commit({removal("t", "p", "2"), put("t", "p", "note", "2 is gone")}));
  EXPECT_EQ(value_of(**store, "t", {"p", "2"}), std::nullopt);
}

TEST(EmbeddedStore, PurgedValuesAreNoLongerInTheFiles) {
  const TemporaryFolder folder;
  const std::string secret = "a-vector-nobody-may-find-again";
  const auto files_hold_it = [&] {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path())) {
      if (!entry.is_regular_file()) continue;
      std::ifstream file(entry.path(), std::ios::binary);
      const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
      if (text.find(secret) != std::string::npos) return true;
    }
    return false;
  };
  auto store = open_embedded_store(folder.path());
  ASSERT_TRUE(store) << store.error().detail;
  ASSERT_TRUE((*store)->commit({put("t", "p", "1", secret), put("t", "p", "2", "other"), put("t", "q", "1", "more")}));
  EXPECT_TRUE(files_hold_it());
  ASSERT_TRUE((*store)->commit({removal("t", "p", "1")}));
  ASSERT_TRUE((*store)->purge("t", "p"));
  EXPECT_FALSE(files_hold_it());
  EXPECT_EQ(value_of(**store, "t", {"p", "2"}), "other");
  EXPECT_EQ(value_of(**store, "t", {"q", "1"}), "more");
}

}  // namespace
}  // namespace likeness::storage
