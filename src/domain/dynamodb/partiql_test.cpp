#include <gtest/gtest.h>

#include <string>

#include "domain/dynamodb/partiql_bind.hpp"
#include "domain/dynamodb/partiql_parser.hpp"
#include "domain/dynamodb/partiql_plan.hpp"

namespace likeness::dynamodb::partiql {
namespace {

/// pk S, sk N, and a global index "byG" on g that holds keys only.
Table sample_table() {
  Table table;
  table.name = "Photos";
  table.id = "id";
  table.keys.partition = {"pk", Type::S};
  table.keys.sort = KeyAttribute{"sk", Type::N};
  Index index;
  index.name = "byG";
  index.keys.partition = {"g", Type::S};
  index.projection = Projection::KeysOnly;
  table.indexes.push_back(index);
  return table;
}

std::string error_of(const std::string& text, const std::vector<Value>& parameters = {}) {
  auto statement = parse(text);
  if (!statement) return statement.error().message;
  auto target = target_of(*statement);
  if (!target) return target.error().message;
  const Table table = sample_table();
  if (statement->kind == Statement::Kind::Select) {
    auto plan = plan_read(*statement, *target, table, parameters);
    return plan ? "" : plan.error().message;
  }
  auto plan = plan_write(*statement, table, parameters);
  return plan ? "" : plan.error().message;
}

ReadPlan reading(const std::string& text, const std::vector<Value>& parameters = {}) {
  auto statement = parse(text);
  EXPECT_TRUE(statement) << (statement ? "" : statement.error().message);
  auto target = target_of(*statement);
  EXPECT_TRUE(target);
  static const Table table = sample_table();
  auto plan = plan_read(*statement, *target, table, parameters);
  EXPECT_TRUE(plan) << (plan ? "" : plan.error().message);
  return plan ? *plan : ReadPlan();
}

WritePlan writing(const std::string& text, const std::vector<Value>& parameters = {}) {
  auto statement = parse(text);
  EXPECT_TRUE(statement) << (statement ? "" : statement.error().message);
  auto plan = plan_write(*statement, sample_table(), parameters);
  EXPECT_TRUE(plan) << (plan ? "" : plan.error().message);
  return plan ? *plan : WritePlan();
}

Value text(const char* value) { return Value{std::string(value)}; }
Value number(std::int64_t value) { return Value{Number::of(value)}; }

TEST(Partiql, AWholeKeyIsReadAsOneItem) {
  const ReadPlan plan = reading("SELECT * FROM Photos WHERE pk = 'a' AND sk = 1");
  ASSERT_TRUE(plan.key);
  EXPECT_EQ(*plan.key, (Attributes{{"pk", text("a")}, {"sk", number(1)}}));
}

TEST(Partiql, APartitionKeyIsAQueryWithBoundsOfTheSortKey) {
  const ReadPlan plan = reading("SELECT * FROM \"Photos\" WHERE sk BETWEEN 1 AND 5 AND 'a' = pk ORDER BY sk DESC");
  EXPECT_FALSE(plan.key);
  ASSERT_EQ(plan.partitions.size(), 1U);
  EXPECT_EQ(plan.partitions[0], std::vector{text("a")});
  EXPECT_FALSE(plan.bounds.first.empty());
  EXPECT_TRUE(plan.backward);
}

TEST(Partiql, InAndOrOfPartitionKeysAreSeveralQueries) {
  EXPECT_EQ(reading("SELECT * FROM Photos WHERE pk IN ['b', 'a', 'b'] ORDER BY pk").partitions,
            (std::vector<std::vector<Value>>{{text("a")}, {text("b")}}));
  EXPECT_EQ(reading("SELECT * FROM Photos WHERE (pk = 'a' OR pk = ?) AND sk > 1", {text("c")}).partitions,
            (std::vector<std::vector<Value>>{{text("a")}, {text("c")}}));
}

TEST(Partiql, AnythingElseReadsEverything) {
  EXPECT_TRUE(reading("SELECT * FROM Photos WHERE pk = 'a' OR sk = 1").partitions.empty());
  EXPECT_TRUE(reading("SELECT * FROM Photos WHERE NOT pk = 'a'").partitions.empty());
  EXPECT_TRUE(reading("SELECT * FROM Photos").partitions.empty());
}

TEST(Partiql, FiltersHoldAsWritten) {
  const ReadPlan plan = reading(
      "SELECT * FROM Photos WHERE begins_with(name2, 'a') AND size(tags) >= 2 AND v IS NOT MISSING AND n <> 3 AND "
      "m.k[0] IN (1, 2)");
  Attributes item{{"name2", text("abc")},
                  {"tags", Value{List{number(1), number(2)}}},
                  {"v", Value{Null{}}},
                  {"m", Value{Attributes{{"k", Value{List{number(2)}}}}}}};
  EXPECT_TRUE(holds(*plan.filter, item));
  item.remove("v");
  EXPECT_FALSE(holds(*plan.filter, item));
}

TEST(Partiql, ColumnsAreNamedByTheirLastName) {
  const ReadPlan plan = reading("SELECT m.n.o, l[2].z, v FROM Photos");
  const Attributes item{{"m", Value{Attributes{{"n", Value{Attributes{{"o", number(5)}}}}}}},
                        {"l", Value{List{number(0), number(1), Value{Attributes{{"z", number(3)}}}}}}};
  EXPECT_EQ(pick(plan.columns, item), (Attributes{{"l[2]", Value{Attributes{{"z", number(3)}}}}, {"o", number(5)}}));
}

TEST(Partiql, InsertIsAPutOfWhatIsNotThere) {
  const WritePlan plan =
      writing("INSERT INTO Photos VALUE {'pk': ?, 'sk': -1.5, 's': <<'x','y'>>, 'l': [1, {'a': true}], 'q': 'it''s'}",
              {text("a")});
  EXPECT_EQ(plan.kind, WriteRequest::Kind::Put);
  EXPECT_EQ(*plan.item.find("pk"), text("a"));
  EXPECT_EQ(plan.item.find("sk")->number()->text(), "-1.5");
  EXPECT_EQ(*plan.item.find("q"), text("it's"));
  EXPECT_EQ(plan.item.find("s")->type(), Type::SS);
  EXPECT_FALSE(holds(*plan.condition, plan.item));
  EXPECT_TRUE(holds(*plan.condition, Attributes()));
}

TEST(Partiql, UpdateChangesOnlyWhatIsThere) {
  const WritePlan plan = writing(
      "UPDATE Photos SET v = 'x' SET n = n + 1, tags = list_append(tags, [9]) SET s = set_add(s, <<'z'>>) REMOVE gone "
      "WHERE pk = 'a' AND sk = 1 AND n = 5 RETURNING MODIFIED NEW *");
  const Attributes item{{"pk", text("a")},
                        {"sk", number(1)},
                        {"n", number(5)},
                        {"gone", number(0)},
                        {"tags", Value{List{number(8)}}},
                        {"s", Value{StringSet{{"y"}}}}};
  EXPECT_TRUE(holds(*plan.condition, item));
  EXPECT_FALSE(holds(*plan.condition, Attributes()));
  auto after = apply(*plan.update, item);
  ASSERT_TRUE(after);
  EXPECT_EQ(*after->find("n"), number(6));
  EXPECT_EQ(*after->find("tags"), (Value{List{number(8), number(9)}}));
  EXPECT_EQ(after->find("gone"), nullptr);
  EXPECT_EQ(after->find("s")->as<StringSet>()->values.size(), 2U);
  EXPECT_TRUE(plan.returning->modified && plan.returning->fresh);
}

TEST(Partiql, DeleteOfWhatIsNotThereIsDone) {
  const WritePlan plan = writing("DELETE FROM Photos WHERE pk = 'a' AND sk = 1 AND v = 'x' RETURNING ALL OLD *");
  EXPECT_TRUE(holds(*plan.condition, Attributes()));
  EXPECT_FALSE(holds(*plan.condition, (Attributes{{"pk", text("a")}, {"sk", number(1)}})));
}

TEST(Partiql, WhatIsNoStatementIsNotWellFormed) {
  for (const char* bad :
       {"", "SELEC * FROM Photos", "SELECT * FROM Photos WHERE", "SELECT * FROM Photos WHERE pk = 'a",
        "SELECT *, v FROM x", "SELECT * FROM Photos WHERE pk = 'a' AND", "UPDATE Photos WHERE pk = 'a'",
        "DELETE Photos WHERE pk = 'a'", "SELECT size FROM Photos", "SELECT * FROM Photos WHERE v IN ()", "/* open"}) {
    const std::string message = error_of(bad);
    EXPECT_TRUE(message.starts_with("Statement wasn't well formed, can't be processed: ")) << bad << ": " << message;
  }
  EXPECT_TRUE(error_of(std::string(4000, '(') + "SELECT").starts_with("Statement wasn't well formed"));
  EXPECT_TRUE(error_of("SELECT * FROM Photos WHERE " + std::string(500, '(') + "pk").starts_with("Statement wasn't"));
}

TEST(Partiql, ErrorsSayWhatAwsSays) {
  EXPECT_EQ(error_of("SELECT count(*) FROM Photos"), "Unexpected path component at 1:8:5");
  EXPECT_EQ(error_of("SELECT v AS w FROM Photos"), "Aliasing is not supported");
  EXPECT_EQ(error_of("SELECT * FROM Photos WHERE pk = 'a' LIMIT 1"), "Unsupported clause: LIMIT at 1:43:1");
  EXPECT_EQ(error_of("SELECT v, v FROM Photos"), "Duplicate identifiers in select clause: v");
  EXPECT_EQ(error_of("SELECT v FROM Photos.byG"),
            "One or more parameter values were invalid: Global secondary index byG does not project [v]");
  EXPECT_EQ(error_of("SELECT * FROM Photos.other"), "The table does not have the specified index");
  EXPECT_EQ(error_of("SELECT * FROM Photos WHERE pk = 1"),
            "Key attribute's data type should match its data type in table's schema: Key pk");
  EXPECT_EQ(error_of("SELECT * FROM Photos WHERE v = 1 AND pk IS NULL"),
            "Key attribute's data type should match its data type in table's schema: Key pk");
  EXPECT_EQ(error_of("SELECT * FROM Photos WHERE pk = 'a' AND begins_with(sk, 'x')"),
            "Key attribute's data type should match its data type in table's schema: Key sk");
  EXPECT_EQ(error_of("SELECT * FROM Photos WHERE pk = 'a' AND sk IS NULL"),
            "Key attribute's data type should match its data type in table's schema: Key sk");
  EXPECT_EQ(error_of("SELECT * FROM Photos WHERE pk = 'a' AND attribute_type(sk, 'NULL')"), "");
  for (const char* also : {"pk = 'b'", "pk IS NULL", "true = pk"})
    EXPECT_EQ(error_of(std::string("DELETE FROM Photos WHERE pk = 'a' AND sk = 1 AND ") + also),
              "Multiple conditions on same key pk. Only single item Update/Insert/Delete are supported");
  EXPECT_EQ(error_of("SELECT * FROM Photos WHERE pk = ?"),
            "Number of parameters in request and statement don't match.");
  EXPECT_EQ(error_of("SELECT * FROM Photos WHERE v"),
            "WHERE clause must contain an expression that resolves to a boolean");
  EXPECT_EQ(error_of("SELECT * FROM Photos WHERE v = MISSING"), "MISSING must be compared using IS operator");
  EXPECT_EQ(error_of("SELECT * FROM Photos WHERE foo(v)"), "Unrecognized function: foo");
  EXPECT_EQ(error_of("SELECT * FROM Photos WHERE v < true"),
            "Incorrect operand type for operator or function; operator or function: <, operand type: BOOL");
  EXPECT_EQ(error_of("SELECT * FROM Photos ORDER BY sk"),
            "Must have WHERE clause in the statement when using ORDER BY clause.");
  EXPECT_EQ(error_of("SELECT * FROM Photos WHERE pk = 'a' ORDER BY v"),
            "Variable reference v in ORDER BY clause must be part of the primary key");
  EXPECT_EQ(error_of("INSERT INTO Photos VALUE {'pk': 'a'}"), "Key attribute should be present in the item: Key sk");
  EXPECT_EQ(error_of("INSERT INTO Photos VALUE {'pk': 'a', 'sk': 1, 'v': <<1, 'a'>>}"),
            "Unsupported data type in Bag. DynamoDB only supports either numbers or strings in bags");
  EXPECT_EQ(error_of("UPDATE Photos SET v = 1 WHERE pk = 'a'"),
            "Where clause does not contain a mandatory equality on all key attributes");
  EXPECT_EQ(error_of("UPDATE Photos SET m = 1, m.k = 2 WHERE pk = 'a' AND sk = 1"),
            "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [m, k], "
            "path two: [m]");
  EXPECT_EQ(error_of("DELETE FROM Photos WHERE pk = 'a' AND sk = 1 RETURNING ALL NEW *"),
            "Invalid returning clause: RETURNING ALL NEW *. Only RETURNING ALL OLD * is allowed in DELETE statements.");
}

}  // namespace
}  // namespace likeness::dynamodb::partiql
