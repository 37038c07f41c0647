#include "domain/dynamodb/items.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "domain/dynamodb/database.hpp"
#include "domain/dynamodb/expression_parser.hpp"
#include "domain/dynamodb/key_condition.hpp"
#include "storage/testing.hpp"

namespace likeness::dynamodb {
namespace {

Value n(std::int64_t value) { return {Number::of(value)}; }
Value s(std::string text) { return {std::move(text)}; }

/// Key pk (S), sk (N); index "by_g" on g (S) and sk, keys only; local index "by_v" on v (N).
Table music() {
  Table table;
  table.account = "000000000000";
  table.region = "us-east-1";
  table.name = "music";
  table.id = "t1";
  table.keys = {{"pk", Type::S}, KeyAttribute{"sk", Type::N}};
  table.attributes = {{"pk", Type::S}, {"sk", Type::N}, {"v", Type::N}, {"g", Type::S}};
  Index local;
  local.name = "by_v";
  local.id = 1;
  local.global = false;
  local.keys = {{"pk", Type::S}, KeyAttribute{"v", Type::N}};
  Index global;
  global.name = "by_g";
  global.id = 2;
  global.keys = {{"g", Type::S}, KeyAttribute{"sk", Type::N}};
  global.projection = Projection::KeysOnly;
  table.indexes = {local, global};
  table.next_index_id = 3;
  return table;
}

class ItemsTest : public testing::Test {
 protected:
  ItemsTest() : database_(std::move(*Database::open(*store_))), table_(*database_->tables().create(music())) {}

  Items& items() { return database_->items(); }

  static Attributes item(std::string pk, std::int64_t sk, std::int64_t v, std::string g) {
    return {{"g", s(std::move(g))}, {"pk", s(std::move(pk))}, {"sk", n(sk)}, {"v", n(v)}};
  }
  static Attributes key(std::string pk, std::int64_t sk) { return {{"pk", s(std::move(pk))}, {"sk", n(sk)}}; }

  WriteRequest request(WriteRequest::Kind kind, Attributes attributes) {
    WriteRequest out;
    out.table = table_;
    out.kind = kind;
    out.item = std::move(attributes);
    return out;
  }
  Result<WriteResult> put(Attributes attributes) {
    return items().write_one(request(WriteRequest::Kind::Put, std::move(attributes)));
  }
  Result<WriteResult> remove(std::string pk, std::int64_t sk) {
    return items().write_one(request(WriteRequest::Kind::Delete, key(std::move(pk), sk)));
  }

  std::vector<std::int64_t> sort_keys(const PageRequest& request) {
    auto page = items().page(request);
    EXPECT_TRUE(page) << page.error().message;
    std::vector<std::int64_t> out;
    for (const auto& found : page->items) {
      std::int64_t value = 0;
      EXPECT_TRUE(found.find("sk")->number()->to_int64(value));
      out.push_back(value);
    }
    return out;
  }
  PageRequest all_of(std::string partition, std::string_view index = {}) {
    PageRequest out;
    out.table = table_;
    out.index = index.empty() ? nullptr : table_->find_index(index);
    out.partition = {s(std::move(partition))};
    return out;
  }

  storage::TemporaryStore store_;
  std::unique_ptr<Database> database_;
  TablePtr table_;
};

TEST_F(ItemsTest, AnItemIsReadAsItWasWritten) {
  ASSERT_TRUE(put(item("a", 1, 10, "rock")));
  EXPECT_TRUE(**items().get(*table_, key("a", 1)) == item("a", 1, 10, "rock"));
  EXPECT_FALSE(*items().get(*table_, key("a", 2)));
  ASSERT_TRUE(remove("a", 1));
  EXPECT_FALSE(*items().get(*table_, key("a", 1)));
}

TEST_F(ItemsTest, PagesAreInTheOrderOfNumbersAndGoOn) {
  for (const int sk : {10, -5, 9, 100, 0, 1000}) ASSERT_TRUE(put(item("a", sk, -sk, "rock")));
  ASSERT_TRUE(put(item("b", 7, 7, "rock")));
  EXPECT_EQ(sort_keys(all_of("a")), (std::vector<std::int64_t>{-5, 0, 9, 10, 100, 1000}));
  auto request = all_of("a");
  request.backward = true;
  request.limit = 2;
  EXPECT_EQ(sort_keys(request), (std::vector<std::int64_t>{1000, 100}));
  request.start_after = items().page(request)->last_key;
  EXPECT_EQ(sort_keys(request), (std::vector<std::int64_t>{10, 9}));
}

TEST_F(ItemsTest, SortKeysAreBoundedInTablesAndIndexes) {
  for (const int sk : {1, 2, 3, 4}) ASSERT_TRUE(put(item("a", sk, sk * 10, "rock")));
  const auto read = [&](std::string_view index, SortOperator op, std::int64_t value, std::int64_t upper = 0) {
    auto request = all_of(index == "by_g" ? "rock" : "a", index);
    const Value to = n(upper);
    auto bounds = sort_bounds(request.index, op, n(value), &to);
    request.first = std::move(bounds.first);
    request.last = std::move(bounds.last);
    return sort_keys(request);
  };
  using Keys = std::vector<std::int64_t>;
  for (const std::string_view index : {"", "by_v", "by_g"}) {
    const std::int64_t scale = index == "by_v" ? 10 : 1;
    EXPECT_EQ(read(index, SortOperator::Equal, 2 * scale), (Keys{2})) << index;
    EXPECT_EQ(read(index, SortOperator::Less, 2 * scale), (Keys{1})) << index;
    EXPECT_EQ(read(index, SortOperator::LessOrEqual, 2 * scale), (Keys{1, 2})) << index;
    EXPECT_EQ(read(index, SortOperator::Greater, 2 * scale), (Keys{3, 4})) << index;
    EXPECT_EQ(read(index, SortOperator::GreaterOrEqual, 2 * scale), (Keys{2, 3, 4})) << index;
    EXPECT_EQ(read(index, SortOperator::Between, 2 * scale, 3 * scale), (Keys{2, 3})) << index;
  }
}

TEST_F(ItemsTest, IndexesFollowTheItem) {
  ASSERT_TRUE(put(item("a", 1, 10, "rock")));
  ASSERT_TRUE(put(item("b", 2, 20, "rock")));
  EXPECT_EQ(sort_keys(all_of("rock", "by_g")), (std::vector<std::int64_t>{1, 2}));
  const auto entry = items().page(all_of("rock", "by_g"))->items.front();
  EXPECT_TRUE((entry == Attributes{{"g", s("rock")}, {"pk", s("a")}, {"sk", n(1)}}));  // keys only
  ASSERT_TRUE(put(item("a", 1, 10, "jazz")));
  EXPECT_EQ(sort_keys(all_of("rock", "by_g")), (std::vector<std::int64_t>{2}));
  EXPECT_EQ(sort_keys(all_of("jazz", "by_g")), (std::vector<std::int64_t>{1}));
  // Without the index's key there is no entry.
  ASSERT_TRUE(put({{"pk", s("b")}, {"sk", n(2)}}));
  EXPECT_TRUE(sort_keys(all_of("rock", "by_g")).empty());
  ASSERT_TRUE(remove("a", 1));
  EXPECT_TRUE(sort_keys(all_of("jazz", "by_g")).empty());
  EXPECT_TRUE(sort_keys(all_of("a", "by_v")).empty());
}

TEST_F(ItemsTest, SegmentsOfAScanGiveEachItemOnce) {
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(put(item("p" + std::to_string(i), i, i, "x")));
  std::vector<std::int64_t> all;
  for (std::uint64_t segment = 0; segment < 7; ++segment) {
    PageRequest request;
    request.table = table_;
    request.segment = segment;
    request.segments = 7;
    request.limit = 4;
    for (;;) {
      const auto found = sort_keys(request);
      all.insert(all.end(), found.begin(), found.end());
      request.start_after = items().page(request)->last_key;
      if (!request.start_after) break;
    }
  }
  std::sort(all.begin(), all.end());
  ASSERT_EQ(all.size(), 60u);
  for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i], static_cast<std::int64_t>(i));
}

TEST_F(ItemsTest, ATransactionIsAllOrNothing) {
  ASSERT_TRUE(put(item("a", 1, 10, "rock")));
  Placeholders placeholders;
  const auto exists = parse_condition("attribute_exists(pk)", placeholders, "ConditionExpression");
  std::vector<WriteRequest> requests = {request(WriteRequest::Kind::Put, item("a", 2, 20, "rock")),
                                        request(WriteRequest::Kind::Check, key("zz", 1))};
  requests[1].condition = &*exists;
  auto outcome = items().write(requests);
  ASSERT_TRUE(outcome);
  EXPECT_FALSE(outcome->committed);
  EXPECT_FALSE(outcome->results[0].refused);
  EXPECT_EQ(outcome->results[1].refused->code, "ConditionalCheckFailedException");
  EXPECT_FALSE(*items().get(*table_, key("a", 2)));
  requests[1].item = key("a", 1);
  outcome = items().write(requests);
  EXPECT_TRUE(outcome->committed);
  EXPECT_TRUE(*items().get(*table_, key("a", 2)));
}

TEST_F(ItemsTest, APutThatWantsNothingBackStillMovesIndexEntries) {
  Table plain = music();
  plain.name = "plain";
  plain.id = "t2";
  plain.indexes.clear();
  const auto without_indexes = *database_->tables().create(plain);
  for (const auto& table : {table_, without_indexes}) {
    for (const std::int64_t v : {1, 2}) {
      auto one = request(WriteRequest::Kind::Put, item("a", 1, v, v == 1 ? "old" : "new"));
      one.table = table;
      one.wants_old = false;
      const auto result = items().write_one(one);
      ASSERT_TRUE(result && !result->refused);
    }
    EXPECT_TRUE((**items().get(*table, key("a", 1)) == item("a", 1, 2, "new")));
  }
  PageRequest page;
  page.table = table_;
  page.index = table_->find_index("by_g");
  page.partition = {s("old")};
  EXPECT_TRUE(sort_keys(page).empty());
  page.partition = {s("new")};
  EXPECT_EQ(sort_keys(page), std::vector<std::int64_t>{1});
}

TEST_F(ItemsTest, ConcurrentUpdatesAreNeverLost) {
  Placeholders placeholders;
  placeholders.values = {{":one", n(1)}};
  const auto update = parse_update("ADD hits :one", placeholders);
  ASSERT_TRUE(update);
  constexpr int kThreads = 8, kEach = 200;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < kEach; ++i) {
        auto one = request(WriteRequest::Kind::Update, key("counter", i % 3));
        one.update = &*update;
        const auto done = items().write_one(std::move(one));
        ASSERT_TRUE(done && !done->refused);
      }
    });
  for (auto& thread : threads) thread.join();
  Number sum;
  for (int i = 0; i < 3; ++i) sum = *sum.plus(*(*items().get(*table_, key("counter", i)))->find("hits")->number());
  EXPECT_EQ(sum.text(), std::to_string(kThreads * kEach));
}

TEST_F(ItemsTest, ANewIndexIsFilledWhileOthersWrite) {
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(put(item("p" + std::to_string(i), i, i, i % 2 ? "odd" : "even")));
  std::thread writer([&] {
    for (int i = 300; i < 500; ++i) ASSERT_TRUE(put(item("p" + std::to_string(i), i, i, i % 2 ? "odd" : "even")));
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(put(item("p" + std::to_string(i), i, i, "moved")));
  });
  const auto changed = database_->tables().change(*table_, [](Table& next) -> Result<void> {
    Index index;
    index.name = "late";
    index.id = next.next_index_id++;
    index.keys = {{"g", Type::S}, KeyAttribute{"v", Type::N}};
    index.status = Status::Creating;
    next.indexes.push_back(index);
    return {};
  });
  ASSERT_TRUE(changed);
  database_->wake();
  writer.join();
  const domain::Caller caller{"000000000000", "us-east-1", ""};
  for (int i = 0; i < 500 && (*database_->tables().find(caller, "music"))->find_index("late")->status != Status::Active;
       ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  table_ = *database_->tables().find(caller, "music");
  ASSERT_EQ(table_->find_index("late")->status, Status::Active);
  std::size_t found = 0;
  for (const auto* g : {"odd", "even", "moved"}) found += sort_keys(all_of(g, "late")).size();
  EXPECT_EQ(found, 500u);
  EXPECT_EQ(sort_keys(all_of("moved", "late")).size(), 100u);
}

TEST_F(ItemsTest, ADeletedTableIsSweptAndItsNameIsFree) {
  ASSERT_TRUE(put(item("a", 1, 10, "rock")));
  ASSERT_TRUE(database_->tables().remove(*table_));
  database_->wake();
  EXPECT_EQ(put(item("a", 1, 10, "rock")).error().code, "ResourceNotFoundException");
  for (int i = 0; i < 500 && !database_->tables().garbage()->empty(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_TRUE(database_->tables().garbage()->empty());
  EXPECT_TRUE(store_->range(kItemsTable, "t1", {.first = "", .last = std::nullopt})->items.empty());
  EXPECT_TRUE(store_->range(kIndexTable, "t1/2", {.first = "", .last = std::nullopt})->items.empty());
  EXPECT_TRUE(database_->tables().create(music()));
}

TEST_F(ItemsTest, TablesAndItemsSurviveARestart) {
  ASSERT_TRUE(put(item("a", 1, 10, "rock")));
  database_.reset();
  store_.reopen();
  database_ = std::move(*Database::open(*store_));
  const auto found = database_->tables().find({"000000000000", "us-east-1", ""}, "music");
  ASSERT_TRUE(found);
  EXPECT_TRUE(*items().get(**found, key("a", 1)));
  EXPECT_FALSE(database_->tables().find({"000000000000", "eu-west-1", ""}, "music"));
}

}  // namespace
}  // namespace likeness::dynamodb
