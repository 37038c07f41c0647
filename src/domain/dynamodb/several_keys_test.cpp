#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "domain/dynamodb/database.hpp"
#include "domain/dynamodb/expression_parser.hpp"
#include "domain/dynamodb/key_condition.hpp"
#include "domain/dynamodb/limits.hpp"
#include "domain/dynamodb/partiql_parser.hpp"
#include "domain/dynamodb/partiql_plan.hpp"
#include "storage/testing.hpp"

// Global indexes whose keys have several HASH and RANGE attributes.
namespace likeness::dynamodb {
namespace {

Value n(std::int64_t value) { return {Number::of(value)}; }
Value s(std::string text) { return {std::move(text)}; }

/// Key pk; index "games" by league and region, then day (N), round and table (S).
Table matches() {
  Table table;
  table.account = "000000000000";
  table.region = "us-east-1";
  table.name = "matches";
  table.id = "t1";
  table.keys = {{"pk", Type::S}, std::nullopt};
  table.attributes = {{"pk", Type::S},  {"league", Type::S}, {"region", Type::S},
                      {"day", Type::N}, {"round", Type::S},  {"table", Type::S}};
  Index index;
  index.name = "games";
  index.id = 1;
  index.keys = {{"league", Type::S}, KeyAttribute{"day", Type::N}};
  index.keys.more_partition = {{"region", Type::S}};
  index.keys.more_sort = {{"round", Type::S}, {"table", Type::S}};
  index.projection = Projection::KeysOnly;
  table.indexes = {index};
  table.next_index_id = 2;
  return table;
}

class SeveralKeysTest : public testing::Test {
 protected:
  SeveralKeysTest() : database_(std::move(*Database::open(*store_))), table_(*database_->tables().create(matches())) {}

  static Attributes match(std::string pk, std::string league, std::string region, std::int64_t day, std::string round,
                          std::string table) {
    return {{"day", n(day)},
            {"league", s(std::move(league))},
            {"note", s("x")},
            {"pk", s(std::move(pk))},
            {"region", s(std::move(region))},
            {"round", s(std::move(round))},
            {"table", s(std::move(table))}};
  }
  Result<WriteResult> write(WriteRequest::Kind kind, Attributes attributes) {
    WriteRequest request;
    request.table = table_;
    request.kind = kind;
    request.item = std::move(attributes);
    return database_->items().write_one(std::move(request));
  }
  void put(Attributes item) { ASSERT_TRUE(write(WriteRequest::Kind::Put, std::move(item))); }

  const Index* index() const { return table_->find_index("games"); }

  KeyConditions conditions(const std::string& text, const std::vector<Value>& values) {
    Placeholders placeholders;
    for (std::size_t i = 0; i < values.size(); ++i) placeholders.values.emplace(":" + std::to_string(i), values[i]);
    placeholders.names = {{"#table", "table"}, {"#day", "day"}, {"#region", "region"}};
    auto condition = parse_condition(text, placeholders, "KeyConditionExpression");
    EXPECT_TRUE(condition) << condition.error().message;
    auto keys = key_conditions(*condition);
    EXPECT_TRUE(keys);
    return *keys;
  }
  std::string refusal(const std::string& text, const std::vector<Value>& values) {
    auto plan = plan_query(*table_, index(), conditions(text, values));
    return plan ? "" : plan.error().message;
  }
  PageRequest request_of(const QueryPlan& plan) {
    PageRequest request;
    request.table = table_;
    request.index = index();
    request.partition = plan.partition;
    request.first = plan.sort.first;
    request.last = plan.sort.last;
    return request;
  }
  std::string read(PageRequest request) {
    auto page = database_->items().page(request);
    EXPECT_TRUE(page);
    std::string out;
    for (const auto& item : page->items) out += *item.find("pk")->string() + " ";
    return out;
  }
  std::string query(const std::string& text, const std::vector<Value>& values) {
    auto plan = plan_query(*table_, index(), conditions(text, values));
    EXPECT_TRUE(plan) << plan.error().message;
    return plan ? read(request_of(*plan)) : "";
  }

  storage::TemporaryStore store_;
  std::unique_ptr<Database> database_;
  TablePtr table_;
};

const std::string kHash = "league = :0 AND #region = :1";

TEST_F(SeveralKeysTest, EntriesSortByOneAttributeAfterTheOther) {
  put(match("a", "L", "EU", 10, "final", "1"));
  put(match("b", "L", "EU", 9, "final", "2"));
  put(match("c", "L", "EU", 9, "final", "1"));
  put(match("d", "L", "EU", 9, "semi", "0"));
  put(match("e", "L", "EU", -1, "z", "z"));
  put(match("f", "L", "US", 0, "final", "1"));
  EXPECT_EQ(query(kHash, {s("L"), s("EU")}), "e c b d a ");
  EXPECT_EQ(query(kHash, {s("L"), s("US")}), "f ");
  EXPECT_EQ(query(kHash + " AND #day = :2", {s("L"), s("EU"), n(9)}), "c b d ");
  EXPECT_EQ(query(kHash + " AND #day < :2", {s("L"), s("EU"), n(10)}), "e c b d ");
  EXPECT_EQ(query(kHash + " AND #day = :2 AND round = :3", {s("L"), s("EU"), n(9), s("final")}), "c b ");
  EXPECT_EQ(query(kHash + " AND #day = :2 AND round > :3", {s("L"), s("EU"), n(9), s("final")}), "d ");
  EXPECT_EQ(query(kHash + " AND #day = :2 AND round <= :3", {s("L"), s("EU"), n(9), s("final")}), "c b ");
  EXPECT_EQ(query(kHash + " AND #day = :2 AND begins_with(round, :3)", {s("L"), s("EU"), n(9), s("f")}), "c b ");
  EXPECT_EQ(query(kHash + " AND #day = :2 AND round = :3 AND #table BETWEEN :4 AND :5",
                  {s("L"), s("EU"), n(9), s("final"), s("0"), s("1")}),
            "c ");
}

TEST_F(SeveralKeysTest, WhereOneValueEndsTheNextDoesNotBegin) {
  put(match("a", "ab", "c", 1, "r", "t"));
  put(match("b", "a", "bc", 1, "r", "t"));
  put(match("c", std::string("a\0", 2), "bc", 1, std::string("r\0", 2), "t"));
  EXPECT_EQ(query(kHash, {s("a"), s("bc")}), "b ");
  EXPECT_EQ(query(kHash, {s("ab"), s("c")}), "a ");
  EXPECT_EQ(query(kHash + " AND #day = :2 AND round = :3", {s(std::string("a\0", 2)), s("bc"), n(1), s("r")}), "");
  EXPECT_EQ(query(kHash + " AND #day = :2 AND round > :3", {s(std::string("a\0", 2)), s("bc"), n(1), s("r")}), "c ");
}

TEST_F(SeveralKeysTest, AnItemWithoutOneOfTheAttributesIsNotInTheIndex) {
  put(match("a", "L", "EU", 1, "r", "t"));
  for (const auto* name : {"league", "region", "day", "round", "table"}) {
    auto item = match("a", "L", "EU", 1, "r", "t");
    item.remove(name);
    put(item);
    EXPECT_EQ(query(kHash, {s("L"), s("EU")}), "") << name;
    put(match("a", "L", "EU", 1, "r", "t"));
    EXPECT_EQ(query(kHash, {s("L"), s("EU")}), "a ") << name;
  }
  ASSERT_TRUE(write(WriteRequest::Kind::Delete, {{"pk", s("a")}}));
  EXPECT_EQ(query(kHash, {s("L"), s("EU")}), "");
}

TEST_F(SeveralKeysTest, ConditionsGoFromTheLeft) {
  const auto eu = [](std::vector<Value> more) {
    more.insert(more.begin(), {s("L"), s("EU")});
    return more;
  };
  const std::string on =
      " must have equality conditions specified in the query because a condition is present on key attribute ";
  EXPECT_EQ(refusal("league = :0", {s("L")}), "Query condition missed key schema element: region");
  EXPECT_EQ(refusal("league = :0 AND #region > :1", {s("L"), s("EU")}), "Query key condition not supported");
  EXPECT_EQ(refusal(kHash + " AND round = :2", eu({s("r")})), "RANGE key attributes day" + on + "round");
  EXPECT_EQ(refusal(kHash + " AND #day > :2 AND round = :3", eu({n(1), s("r")})),
            "RANGE key attributes day" + on + "round");
  EXPECT_EQ(refusal(kHash + " AND #table = :2", eu({s("t")})), "RANGE key attributes day, round" + on + "table");
  EXPECT_EQ(refusal(kHash + " AND elsewhere = :2", eu({s("r")})), "Query condition missed key schema element: day");
  EXPECT_EQ(refusal(kHash + " AND begins_with(#day, :2)", eu({s("r")})),
            "One or more parameter values were invalid: Condition parameter type does not match schema type");
  EXPECT_EQ(refusal(kHash + " AND #day = :2 AND round = :3 AND #table = :4 AND elsewhere = :5",
                    eu({n(1), s("r"), s("t"), s("o")})),
            "Query key condition not supported");
  const std::string half(600, 'x');
  EXPECT_EQ(
      refusal(kHash + " AND #day = :2 AND round = :3 AND #table = :4", eu({n(1), s(half), s(half)})),
      "One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of "
      "1024 bytes");
}

TEST_F(SeveralKeysTest, PagesGoOnBehindEveryEntryBothWays) {
  using Entry = std::tuple<std::int64_t, std::string, std::string>;
  std::mt19937 random(7);
  const auto pick = [&](unsigned count) { return std::string(1, "abcd"[random() % count]); };
  std::vector<Entry> expected;
  std::set<std::string> keys;
  for (int i = 0; i < 60; ++i) {
    const std::int64_t day = static_cast<std::int64_t>(random() % 3) - 1;
    const std::string round = pick(3), table = pick(3), pk = std::to_string(i);
    put(match(pk, "L", "EU", day, round, table));
    put(match("other" + pk, "L", pick(4), day, round, table));
    expected.emplace_back(day, round, table);
    keys.insert(pk);
  }
  std::ranges::sort(expected);
  for (const bool backward : {false, true}) {
    std::vector<Entry> found;
    std::set<std::string> found_keys;
    auto request = request_of(*plan_query(*table_, index(), conditions(kHash, {s("L"), s("EU")})));
    request.backward = backward;
    request.limit = 7;
    for (;;) {
      auto page = database_->items().page(request);
      ASSERT_TRUE(page);
      for (const auto& item : page->items) {
        std::int64_t day = 0;
        ASSERT_TRUE(item.find("day")->number()->to_int64(day));
        found.emplace_back(day, *item.find("round")->string(), *item.find("table")->string());
        found_keys.insert(*item.find("pk")->string());
      }
      if (!page->last_key) break;
      EXPECT_EQ(page->last_key->count(), 6U);
      request.start_after = page->last_key;
    }
    if (backward) std::ranges::reverse(found);
    EXPECT_EQ(found, expected);
    EXPECT_EQ(found_keys, keys);
  }
}

TEST_F(SeveralKeysTest, AQueryFindsWhatItsConditionsHoldFor) {
  std::mt19937 random(11);
  const std::vector<Value> days{n(-20), n(-3), n(0), n(5), n(100)};
  const std::vector<Value> texts{s("a"),       s(std::string("a\0", 2)), s(std::string("a\0b", 3)), s("ab"), s("b"),
                                 s("\xC3\xBF")};
  const auto one_of = [&](const std::vector<Value>& values) { return values[random() % values.size()]; };
  std::vector<Attributes> all;
  for (int i = 0; i < 150; ++i) {
    Attributes item{{"pk", s(std::to_string(i))}};
    item.set("league", one_of({s("L"), s("M")}));
    item.set("region", one_of(texts));
    item.set("day", one_of(days));
    item.set("round", one_of(texts));
    item.set("table", one_of(texts));
    put(item);
    all.push_back(std::move(item));
  }
  const std::vector<std::string> ranges{"day", "round", "table"};
  std::size_t found_any = 0;
  for (int i = 0; i < 600; ++i) {
    KeyConditions wanted{{"league", {Comparison::Equal, {one_of({s("L"), s("M")})}}},
                         {"region", {Comparison::Equal, {one_of(texts)}}}};
    const std::size_t count = random() % 4;
    for (std::size_t at = 0; at < count; ++at) {
      const auto& values = ranges[at] == "day" ? days : texts;
      KeyCondition condition{Comparison::Equal, {one_of(values)}};
      if (at + 1 == count) {
        constexpr Comparison kKinds[] = {Comparison::Equal,     Comparison::Less,           Comparison::LessOrEqual,
                                         Comparison::Greater,   Comparison::GreaterOrEqual, Comparison::Between,
                                         Comparison::BeginsWith};
        condition.comparison = kKinds[random() % (ranges[at] == "day" ? 6 : 7)];
        if (condition.comparison == Comparison::Between) {
          condition.values.push_back(one_of(values));
          if (compare(condition.values[1], condition.values[0]) < 0)
            std::swap(condition.values[0], condition.values[1]);
        }
      }
      wanted[ranges[at]] = std::move(condition);
    }
    std::set<std::string> expected, found;
    for (const auto& item : all)
      if (std::ranges::all_of(wanted, [&](const auto& one) {
            return holds(legacy_condition(one.first, one.second.comparison, one.second.values), item);
          }))
        expected.insert(*item.find("pk")->string());
    auto plan = plan_query(*table_, index(), wanted);
    ASSERT_TRUE(plan) << plan.error().message;
    auto page = database_->items().page(request_of(*plan));
    ASSERT_TRUE(page);
    for (const auto& item : page->items) found.insert(*item.find("pk")->string());
    EXPECT_EQ(found, expected);
    EXPECT_EQ(page->items.size(), found.size());
    found_any += found.size();
  }
  EXPECT_GT(found_any, 500U);
}

TEST_F(SeveralKeysTest, ItemsThatCannotBeKeysAreRefused) {
  const std::string half(600, 'x'), large(1500, 'y');
  auto wrong = match("a", "L", "EU", 1, "r", "t");
  wrong.set("table", n(1));
  EXPECT_EQ(check_item(*table_, wrong).error().message,
            "One or more parameter values were invalid: Type mismatch for Index Key table Expected: S Actual: N "
            "IndexName: games");
  EXPECT_EQ(
      check_item(*table_, match("a", "L", "EU", 1, half, half)).error().message,
      "One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of "
      "1024 bytes");
  EXPECT_FALSE(check_item(*table_, match("a", large, large, 1, "r", "t")));
  EXPECT_FALSE(fits_index(*index(), match("a", "L", "EU", 1, half, half)));
  EXPECT_TRUE(fits_index(*index(), match("a", "L", "EU", 1, half, "t")));
}

TEST_F(SeveralKeysTest, TheDefinitionIsAsItWasAfterARestart) {
  auto again = decode_table(encode_table(*table_));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->indexes[0].keys, index()->keys);
}

TEST_F(SeveralKeysTest, APartiqlStatementReadsWhatItsConditionsLeave) {
  const auto plan = [&](const std::string& where) {
    auto statement = partiql::parse(R"(SELECT * FROM "matches"."games" WHERE )" + where);
    EXPECT_TRUE(statement);
    auto out = partiql::plan_read(*statement, *partiql::target_of(*statement), *table_, {});
    EXPECT_TRUE(out) << out.error().message;
    return *out;
  };
  put(match("a", "L", "EU", 1, "final", "1"));
  put(match("b", "L", "EU", 1, "semi", "1"));
  put(match("c", "L", "EU", 2, "final", "1"));
  const auto bounded = plan("league = 'L' AND region = 'EU' AND \"day\" = 1 AND round > 'g'");
  ASSERT_EQ(bounded.partitions.size(), 1U);
  EXPECT_EQ(bounded.partitions[0], (std::vector{s("L"), s("EU")}));
  PageRequest request = request_of({bounded.partitions[0], bounded.bounds, {}});
  EXPECT_EQ(read(request), "b ");
  EXPECT_EQ(plan("league IN ['L', 'M'] AND region = 'EU'").partitions.size(), 2U);
  EXPECT_TRUE(plan("league = 'L'").partitions.empty());
  const auto ordered = plan("league = 'L' AND region = 'EU' ORDER BY \"day\" DESC, round DESC");
  EXPECT_TRUE(ordered.backward);
  auto mixed = partiql::parse(
      R"(SELECT * FROM "matches"."games" WHERE league = 'L' AND region = 'EU' ORDER BY "day" DESC, round ASC)");
  EXPECT_FALSE(partiql::plan_read(*mixed, *partiql::target_of(*mixed), *table_, {}));
}

}  // namespace
}  // namespace likeness::dynamodb
