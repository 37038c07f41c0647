#include "domain/dynamodb/expression.hpp"

#include <gtest/gtest.h>

#include "domain/dynamodb/expression_parser.hpp"
#include "domain/dynamodb/key_condition.hpp"

namespace likeness::dynamodb {
namespace {

Value n(std::string_view text) { return {*Number::parse(text)}; }
Value s(std::string text) { return {std::move(text)}; }

Placeholders placeholders() {
  Placeholders out;
  out.names = {{"#a", "a"}, {"#name", "name"}};
  out.values = {
      {":one", n("1")}, {":two", n("2")}, {":x", s("x")}, {":l", {List{n("9")}}}, {":ss", {StringSet{{"p", "q"}}}},
      {":t", {true}},   {":type", s("S")}};
  return out;
}

const Attributes kItem = {{"a", n("1")},
                          {"b", s("xyz")},
                          {"l", {List{n("1"), n("2"), n("3")}}},
                          {"m", {Attributes{{"k", s("v")}, {"deep", {List{{Attributes{{"z", n("5")}}}}}}}}},
                          {"name", s("n")},
                          {"ss", {StringSet{{"p", "r"}}}},
                          {"wide", s("\u65e5\u672c")},
                          {"wider", s("\U0001F600")}};

std::string verdict(std::string_view expression) {
  auto names = placeholders();
  const auto condition = parse_condition(expression, names, "ConditionExpression");
  if (!condition) return condition.error().message;
  return holds(*condition, kItem) ? "true" : "false";
}

TEST(Condition, ComparesAndCombines) {
  EXPECT_EQ(verdict("a = :one"), "true");
  EXPECT_EQ(verdict("#a < :two AND b = :x"), "false");
  EXPECT_EQ(verdict("a = :two OR a = :one AND b <> :x"), "true");
  EXPECT_EQ(verdict("NOT (a = :one)"), "false");
  EXPECT_EQ(verdict("NOT a = :two"), "true");
  EXPECT_EQ(verdict("a BETWEEN :one AND :two AND attribute_exists(m.deep[0].z)"), "true");
  EXPECT_EQ(verdict("a IN (:two, :x, :one)"), "true");
  EXPECT_EQ(verdict("size(l) > :two"), "true");
  EXPECT_EQ(verdict("size(wide) = :two"), "true");  // in units of UTF-16
  EXPECT_EQ(verdict("size(wider) = :two"), "true");
  EXPECT_EQ(verdict("begins_with(b, :x) and contains(ss, :type)"), "false");
  EXPECT_EQ(verdict("attribute_type(b, :type) AND attribute_not_exists(zz)"), "true");
  EXPECT_EQ(verdict("zz = :one"), "false");
  EXPECT_EQ(verdict("zz <> :one"), "true");
  EXPECT_EQ(verdict("a < :x"), "false");
  EXPECT_EQ(verdict("#name = :x"), "false");
}

TEST(Condition, SyntaxErrorsShowTheTokenAndItsNeighbours) {
  const std::string begin = "Invalid ConditionExpression: ";
  EXPECT_EQ(verdict(""), begin + "The expression can not be empty;");
  EXPECT_EQ(verdict("a = = :one"), begin + "Syntax error; token: \"=\", near: \"= = :one\"");
  EXPECT_EQ(verdict("NOT #a"), begin + "Syntax error; token: \"<EOF>\", near: \"#a\"");
  EXPECT_EQ(verdict("a-b"), begin + "Syntax error; token: \"-\", near: \"a-b\"");
  EXPECT_EQ(verdict("a = :one b"), begin + "Syntax error; token: \"b\", near: \":one b\"");
  EXPECT_EQ(verdict("  = :one"), begin + "Syntax error; token: \"=\", near: \"  = :one\"");
  EXPECT_EQ(verdict("contains(b, (a = :one OR a = :two))"), begin + "Syntax error; token: \"=\", near: \"a = :one\"");
  EXPECT_EQ(verdict("a IN ((contains(b, :x) and a = :one))"),
            begin + "Syntax error; token: \"and\", near: \") and a\"");
  EXPECT_EQ(verdict("(a = :one"), begin + "Syntax error; token: \"<EOF>\", near: \":one\"");
  EXPECT_EQ(verdict("a = "), begin + "Syntax error; token: \"<EOF>\", near: \"= \"");
  EXPECT_EQ(verdict(std::string(2000, '(')).find(begin + "Syntax error"), 0u);
  EXPECT_EQ(verdict("a = :one" + std::string(4096, ' ')),
            begin + "Expression size has exceeded the maximum allowed size; expression size: 4104");
}

TEST(Condition, OtherErrorsAreToldByImportance) {
  const std::string begin = "Invalid ConditionExpression: ";
  EXPECT_EQ(verdict("name = :one"), begin + "Attribute name is a reserved keyword; reserved keyword: name");
  EXPECT_EQ(verdict("#zz = :one"),
            begin + "An expression attribute name used in the document path is not defined; attribute name: #zz");
  EXPECT_EQ(verdict("a = :zz"),
            begin + "An expression attribute value used in expression is not defined; attribute value: :zz");
  EXPECT_EQ(verdict("((a = :one))"), begin + "The expression has redundant parentheses;");
  EXPECT_EQ(verdict("foo(a)"), begin + "Invalid function name; function: foo");
  EXPECT_EQ(verdict("size(a)"),
            begin + "The function is not allowed to be used this way in an expression; function: size");
  EXPECT_EQ(verdict("attribute_exists(a) = :t"),
            begin + "The function is not allowed to be used this way in an expression; function: attribute_exists");
  EXPECT_EQ(verdict("attribute_exists(:x)"),
            begin + "Operator or function requires a document path; operator or function: attribute_exists");
  EXPECT_EQ(verdict("attribute_exists(a, b)"),
            begin +
                "Incorrect number of operands for operator or function; operator or function: attribute_exists, "
                "number of operands: 2");
  EXPECT_EQ(verdict("begins_with(a, :one)"),
            begin +
                "Incorrect operand type for operator or function; operator or function: begins_with, operand "
                "type: N");
  EXPECT_EQ(verdict("a = a"), begin +
                                  "The first operand must be distinct from the remaining operands for this operator "
                                  "or function; operator: =, first operand: [a]");
  EXPECT_EQ(verdict("a IN (:one, a)"),
            begin +
                "The first operand must be distinct from the remaining operands for this operator or function; "
                "operator: IN, first operand: [a]");
  EXPECT_EQ(verdict("a BETWEEN :two AND :one"),
            begin +
                "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound "
                "operand: AttributeValue: {N:2}, upper bound operand: AttributeValue: {N:1}");
}

TEST(Condition, OfLegacyParametersDoesNotHoldForWhatIsAbsent) {
  const auto not_contains = [](const char* name) {
    return holds(legacy_condition(name, Comparison::NotContains, {s("zz")}), kItem);
  };
  EXPECT_TRUE(not_contains("ss"));
  EXPECT_FALSE(not_contains("absent"));
  EXPECT_TRUE(holds(legacy_condition("absent", Comparison::NotEqual, {s("zz")}), kItem));
}

Result<Attributes> updated(std::string_view expression) {
  auto names = placeholders();
  auto update = parse_update(expression, names);
  if (!update) return Failure(update.error());
  return apply(*update, kItem);
}
std::string problem(std::string_view expression) {
  const auto out = updated(expression);
  return out ? "none" : out.error().message;
}

TEST(Update, ComputesFromTheItemAsItWas) {
  const auto out = updated("SET a = a + :two, c = if_not_exists(c, :x), d = a, l[1] = :x ADD ss :ss REMOVE b");
  ASSERT_TRUE(out) << out.error().message;
  EXPECT_TRUE(*out->find("a") == n("3"));
  EXPECT_TRUE(*out->find("c") == s("x"));
  EXPECT_TRUE(*out->find("d") == n("1"));
  EXPECT_TRUE((*out->find("l") == Value{List{n("1"), s("x"), n("3")}}));
  EXPECT_TRUE((*out->find("ss") == Value{StringSet{{"p", "q", "r"}}}));
  EXPECT_EQ(out->find("b"), nullptr);
}

TEST(Update, ListPositionsMeanTheOldList) {
  const auto out = updated("REMOVE l[0], l[2] SET l[7] = :x, l[5] = :one");
  ASSERT_TRUE(out);
  EXPECT_TRUE((*out->find("l") == Value{List{n("2"), n("1"), s("x")}}));
  EXPECT_TRUE((*updated("SET l = list_append(:l, l)")->find("l") == Value{List{n("9"), n("1"), n("2"), n("3")}}));
  EXPECT_TRUE((*updated("REMOVE l[9]")->find("l") == *kItem.find("l")));
}

TEST(Update, NestedPathsAndSets) {
  EXPECT_TRUE(*find(*updated("SET m.deep[0].z = m.deep[0].z - :two"), Path{{"m", "deep", std::size_t{0}, "z"}}) ==
              n("3"));
  EXPECT_TRUE((*updated("DELETE ss :ss")->find("ss") == Value{StringSet{{"r"}}}));
  EXPECT_TRUE(*updated("ADD fresh :two")->find("fresh") == n("2"));
}

TEST(Update, RefusesInAwsWords) {
  const std::string begin = "Invalid UpdateExpression: ";
  EXPECT_EQ(problem("SET a = :one SET b = :x"),
            begin + "The \"SET\" section can only be used once in an update expression;");
  EXPECT_EQ(problem("SET a = :one, a.b = :x"), begin +
                                                   "Two document paths overlap with each other; must remove or "
                                                   "rewrite one of these paths; path one: [a], path two: [a, b]");
  EXPECT_EQ(problem("SET a[1] = :one, a.b = :x"),
            begin +
                "Two document paths conflict with each other; must remove or "
                "rewrite one of these paths; path one: [a, [1]], path two: [a, b]");
  EXPECT_EQ(problem("ADD hits : incr"), begin + "Syntax error; token: \":\", near: \"hits : incr\"");
  EXPECT_EQ(problem("INVALID SYNTAX HERE"), begin + "Syntax error; token: \"INVALID\", near: \"INVALID SYNTAX\"");
  EXPECT_EQ(problem("SET a = zz"), "The provided expression refers to an attribute that does not exist in the item");
  EXPECT_EQ(problem("SET a = b + :one"), "An operand in the update expression has an incorrect data type");
  EXPECT_EQ(problem("SET zz.k = :one"), "The document path provided in the update expression is invalid for update");
  EXPECT_EQ(problem("ADD a :x"),
            begin +
                "Incorrect operand type for operator or function; operator: ADD, operand type: STRING, typeSet: "
                "ALLOWED_FOR_ADD_OPERAND");
  EXPECT_EQ(problem("SET a = foo(b)"), begin + "Invalid function name; function: foo");
}

TEST(Projection, TakesPartsOfMapsAndLists) {
  auto names = placeholders();
  const auto paths = parse_projection("m.k, l[2], l[0], #a, m.deep[0].absent", names);
  ASSERT_TRUE(paths) << paths.error().message;
  const auto out = project(*paths, kItem);
  EXPECT_TRUE((out == Attributes{{"a", n("1")}, {"l", {List{n("1"), n("3")}}}, {"m", {Attributes{{"k", s("v")}}}}}));
}

TEST(Placeholders, MustBeUsed) {
  auto names = placeholders();
  names.values.clear();
  ASSERT_TRUE(parse_projection("#a", names));
  EXPECT_EQ(names.check_all_used().error().message,
            "Value provided in ExpressionAttributeNames unused in expressions: keys: {#name}");
}

}  // namespace
}  // namespace likeness::dynamodb
