#include <gtest/gtest.h>

#include <fmt/format.h>

#include "states/choice.hpp"
#include "states/definition.hpp"
#include "states/expression.hpp"
#include "states/json_path.hpp"
#include "states/template.hpp"
#include "states/value.hpp"

namespace likeness::states {
namespace {

Value json(std::string_view text) {
  auto value = parse_json(text);
  EXPECT_TRUE(value) << text << ": " << (value ? "" : value.error().message);
  return value ? *value : Value();
}

std::string round_trip(std::string_view text) { return write_json(json(text)); }

TEST(Json, KeepsTheOrderOfMembersAndTellsWholeNumbersFromFractions) {
  EXPECT_EQ(round_trip(R"( {"b": 1, "a": [1.0, -0.5, 1e10, 12345678.9, null, true]} )"),
            R"({"b":1,"a":[1.0,-0.5,1.0E10,1.23456789E7,null,true]})");
  EXPECT_EQ(round_trip(R"("\u00e9\ud83d\ude00\n")"), "\"é😀\\n\"");
}

TEST(Json, ASecondMemberOfANameReplacesTheFirst) {
  EXPECT_EQ(round_trip(R"({"a":1,"b":2,"a":3})"), R"({"a":3,"b":2})");
}

TEST(Json, WhatIsBrokenIsToldInTheWordsOfTheParserThatAwsUses) {
  const auto problem = parse_json("not a definition");
  ASSERT_FALSE(problem);
  EXPECT_EQ(problem.error().message,
            "Unrecognized token 'not': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or "
            "'false')");
  EXPECT_EQ(problem.error().detail, "line: 1, column: 4");
  EXPECT_EQ(parse_json("{'a':1}").error().message,
            "Unexpected character (''' (code 39)): was expecting double-quote to start field name");
  for (const auto* bad : {"", "{", "[1,]", "01", "1.", "\"\\x\"", "{\"a\" 1}", "1 2", "\"\t\""})
    EXPECT_FALSE(parse_json(bad)) << bad;
  EXPECT_FALSE(parse_json(std::string(100000, '[')));
}

std::string read(std::string_view path, std::string_view document) {
  auto parsed = JsonPath::parse(path);
  if (!parsed) return parsed.error().message;
  auto value = parsed->read(json(document));
  return value ? write_json(*value) : value.error().message;
}

TEST(Paths, FindOneThingOrAList) {
  const auto* const shop = R"({"book":[{"t":"a","p":8.95},{"t":"b","p":12.5,"i":"x"}],"n":{"t":"c"},"dash-ed":1})";
  EXPECT_EQ(read("$.book[0].t", shop), "\"a\"");
  EXPECT_EQ(read("$.book[-1].t", shop), "\"b\"");
  EXPECT_EQ(read("$['book'][1]['t']", shop), "\"b\"");
  EXPECT_EQ(read("$.dash-ed", shop), "1");
  EXPECT_EQ(read("$.book[*].t", shop), R"(["a","b"])");
  EXPECT_EQ(read("$..t", shop), R"(["a","b","c"])");
  EXPECT_EQ(read("$.book[0,1].p", shop), "[8.95,12.5]");
  EXPECT_EQ(read("$.book[:1].t", shop), R"(["a"])");
  EXPECT_EQ(read("$.book[1:].t", shop), R"(["b"])");
  EXPECT_EQ(read("$.book[?(@.p < 10)].t", shop), R"(["a"])");
  EXPECT_EQ(read("$.book[?(@.i)].t", shop), R"(["b"])");
  EXPECT_EQ(read("$.book[?(@.t == 'b' && @.p >= 12.5 || !(@.p))].t", shop), R"(["b"])");
  EXPECT_EQ(read("$.book[?(@.t =~ /A/i)].t", shop), R"(["a"])");
  EXPECT_EQ(read("$.book[?(@.t in ['b','z'])].t", shop), R"(["b"])");
  EXPECT_EQ(read("$.book.length()", shop), "2");
  EXPECT_EQ(read("$.book[0]['t','p']", shop), R"({"t":"a","p":8.95})");
  EXPECT_EQ(read("$.[?(@.t == 'c')]", R"([{"t":"c"}])"), R"([{"t":"c"}])");
  EXPECT_EQ(read("$.none[*]", shop), "[]");
}

TEST(Paths, SayWhatIsMissing) {
  EXPECT_EQ(read("$.a", "{}"), "No results for path: $['a']");
  EXPECT_EQ(read("$.no.such", "{}"), "Missing property in path $['no']");
  EXPECT_FALSE(JsonPath::parse("a"));
  EXPECT_FALSE(JsonPath::parse("$."));
  EXPECT_FALSE(JsonPath::parse("$[0"));
  EXPECT_FALSE(JsonPath::parse("$[?(@.a"));
}

TEST(Paths, ScansBehindOneAnotherAreBounded) {
  const std::string deep = std::string(200, '[') + std::string(200, ']');
  EXPECT_EQ(read("$..*..*..*..*..*", deep).substr(0, 3), "the");
}

TEST(Paths, AResultIsWrittenAtAReferencePath) {
  const auto write = [](std::string_view path, std::string_view base) {
    auto value = JsonPath::parse(path)->write(json(base), json("7"));
    return value ? write_json(*value) : value.error().code;
  };
  EXPECT_EQ(write("$", "{}"), "7");
  EXPECT_EQ(write("$.a.b", R"({"x":1})"), R"({"x":1,"a":{"b":7}})");
  EXPECT_EQ(write("$.a[1]", R"({"a":[1,2]})"), R"({"a":[1,7]})");
  EXPECT_EQ(write("$.a[5]", R"({"a":[1,2]})"), "PathMismatch");
  EXPECT_FALSE(JsonPath::parse("$.a[*]")->reference());
}

std::string evaluate(std::string_view text, std::string_view input = "{}") {
  auto expression = Expression::parse(text);
  if (!expression) return "invalid";
  const Value in = json(input);
  const Value context = json(R"({"Execution":{"Name":"e"}})");
  const Variables variables = {{"v", json(R"({"a":[1,2]})")}};
  auto value = expression->evaluate({in, context, variables}, "f.$");
  return value ? write_json(*value) : value.error().error + ": " + value.error().cause;
}

TEST(Expressions, ReadInputContextAndVariables) {
  EXPECT_EQ(evaluate("$.a", R"({"a":1})"), "1");
  EXPECT_EQ(evaluate("$$.Execution.Name"), "\"e\"");
  EXPECT_EQ(evaluate("$v.a[1]"), "2");
  EXPECT_EQ(evaluate("$.b", R"({"a":1})"),
            "States.Runtime: The JSONPath '$.b' specified for the field 'f.$' could not be found in the input "
            "'{\"a\":1}'");
}

TEST(Intrinsics, DoWhatAwsDocuments) {
  EXPECT_EQ(evaluate("States.Array(1, 'a', null, true)"), R"([1,"a",null,true])");
  EXPECT_EQ(evaluate("States.ArrayPartition($.a, 2)", R"({"a":[1,2,3]})"), "[[1,2],[3]]");
  EXPECT_EQ(evaluate("States.ArrayRange(1, 9, 2)"), "[1,3,5,7,9]");
  EXPECT_EQ(evaluate("States.ArrayRange(5, 1, -2)"), "[5,3,1]");
  EXPECT_EQ(evaluate("States.ArrayUnique($.a)", R"({"a":[1,1,"1",[1],[1]]})"), R"([1,"1",[1]])");
  EXPECT_EQ(evaluate("States.Format('Hi {}, \\{{}\\} it\\'s {}', $.n, 1.5, $.o)", R"({"n":"x","o":{"a":[1],"b":"c"}})"),
            R"("Hi x, {1.5} it's {a=[1], b=c}")");
  EXPECT_EQ(evaluate("States.StringSplit('a.b,,c', '.,')"), R"(["a","b","c"])");
  EXPECT_EQ(evaluate("States.MathAdd(1.5, -0.5)"), "2");
  EXPECT_EQ(evaluate("States.JsonToString(States.StringToJson('{\"a\": 1}'))"), R"("{\"a\":1}")");
  EXPECT_EQ(evaluate("States.Base64Decode(States.Base64Encode('x'))"), "\"x\"");
  EXPECT_EQ(evaluate("States.Hash('input data', 'SHA-1')"), "\"aaff4a450a104cd177d28d18d74485e8cae074b7\"");
  EXPECT_EQ(evaluate("States.MathRandom(3, 4)"), "3");
  EXPECT_EQ(evaluate("States.MathRandom(1, 1000, 7)"), evaluate("States.MathRandom(1, 1000, 7)"));
}

TEST(Intrinsics, RefuseWhatIsWrong) {
  for (const auto* bad : {"States.None()", "States.Array(", "States.Array(1", "States.Array('\\x')", "States.Array(1,)",
                          "States.Array(abc)", "States.Array($.a", "States.Array() x"})
    EXPECT_EQ(evaluate(bad), "invalid") << bad;
  EXPECT_EQ(evaluate("States.Format('{}')").substr(0, 24), "States.IntrinsicFailure:");
  EXPECT_EQ(evaluate("States.ArrayRange(0, 1000000, 1)").substr(0, 24), "States.IntrinsicFailure:");
  EXPECT_EQ(evaluate("States.MathAdd(9223372036854775807, 1)").substr(0, 24), "States.IntrinsicFailure:");
  std::string nested = "1";
  for (int i = 0; i < 11; ++i) nested = "States.Array(" + nested + ")";
  EXPECT_EQ(evaluate(nested), "invalid");
}

TEST(Timestamps, NeedAZone) {
  EXPECT_TRUE(parse_timestamp("2016-03-14T01:59:00Z"));
  EXPECT_TRUE(parse_timestamp("2016-03-14T01:59:00.123456+02:00"));
  EXPECT_EQ(parse_timestamp("2016-03-14T02:59:00+01:00"), parse_timestamp("2016-03-14T01:59:00Z"));
  for (const auto* bad : {"2016-03-14T01:59:00", "2016-13-05T21:29:29Z", "2016-12-05T25:29:29Z", "2016-12-05 21:29:29Z",
                          "05-12-2016T21:29:29Z", "", "2016-02-30T00:00:00Z"})
    EXPECT_FALSE(parse_timestamp(bad)) << bad;
}

std::string complaints(std::string_view text, bool express = false) {
  ParseOptions options;
  options.express = express;
  const auto parsed = parse_definition(text, options);
  std::string out;
  for (const auto& diagnostic : parsed.diagnostics)
    out += fmt::format("{}: {} at {}\n", diagnostic.code, diagnostic.message, diagnostic.location);
  EXPECT_EQ(parsed.definition == nullptr, !out.empty());
  return out;
}

TEST(Definitions, TellWhatIsWrongAndWhere) {
  EXPECT_EQ(complaints("{}"), "SCHEMA_VALIDATION_FAILED: These fields are required: [States, StartAt] at /\n");
  EXPECT_EQ(complaints(""), "SCHEMA_VALIDATION_FAILED: Definition must be a valid JSON object at \n");
  EXPECT_EQ(complaints(R"({"StartAt":"A","States":{"A":{"Type":"Pass","Next":"B"}}})"),
            "MISSING_TRANSITION_TARGET: Missing 'Next' target: B at /States/A/Next\n");
  EXPECT_EQ(complaints(R"({"StartAt":"A","States":{"A":{"Type":"Pass","End":true},"B":{"Type":"Succeed"}}})"),
            "MISSING_TRANSITION_TARGET: State \"B\" is not reachable. at /States/B\n");
  EXPECT_EQ(complaints(R"({"StartAt":"A","States":{"A":{"Type":"Nope"}}})"),
            "SCHEMA_VALIDATION_FAILED: The field 'Type' should have one of these values: [Task, Wait, Pass, Succeed, "
            "Fail, Choice, Parallel, Map] at /States/A/Type\n");
  EXPECT_EQ(complaints(R"({"StartAt":"A","States":{"A":{"Type":"Pass","Parameters":{"x.$":"nope"},"End":true}}})"),
            "SCHEMA_VALIDATION_FAILED: The value for the field 'x.$' must be a valid JSONPath or a valid intrinsic "
            "function call at /States/A/Parameters/x.$\n");
  EXPECT_EQ(complaints(R"({"StartAt":"A","QueryLanguage":"JSONata","States":{"A":{"Type":"Pass","End":true,)"
                       R"("QueryLanguage":"JSONPath"}}})"),
            "SCHEMA_VALIDATION_FAILED: 'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state "
            "machine at /States/A\n");
  EXPECT_EQ(complaints(R"({"StartAt":"P","States":{"P":{"Type":"Parallel","Branches":[],"End":true}}})"),
            "SCHEMA_VALIDATION_FAILED: Value cannot be empty at /States/P/Branches\n");
}

TEST(Definitions, WhatIsAMistakeMostLikelyIsWarnedOf) {
  ParseOptions options;
  options.warnings = true;
  const auto parsed = parse_definition(R"json({"StartAt":"A","States":{
    "A":{"Type":"Pass","Result":{"a":["$.x"],"price":"$5"},"Next":"B"},
    "B":{"Type":"Pass","Parameters":{"a":"$.x","b":{"c":"States.UUID()"},"d":"States of mind (all)","e.$":"$.x"},"Next":"C"},
    "C":{"Type":"Choice","Choices":[{"And":[{"Variable":"$.a","StringEquals":"$.b"}],"Next":"D"}],"Default":"E"},
    "D":{"Type":"Fail","Error":"$.error","CausePath":"$.cause"},
    "E":{"Type":"Parallel","End":true,"Branches":[{"StartAt":"F","States":{
      "F":{"Type":"Pass","QueryLanguage":"JSONPath","Parameters":{"x":"$$.Execution.Id"},"End":true}}}]}}})json",
                                       options);
  ASSERT_NE(parsed.definition, nullptr);
  std::vector<std::string> found;
  for (const auto& diagnostic : parsed.diagnostics) {
    EXPECT_TRUE(diagnostic.warning);
    found.push_back(diagnostic.code + " " + diagnostic.location);
  }
  EXPECT_EQ(found, (std::vector<std::string>{
                       "PASS_RESULT_IS_STATIC /States/A/Result/a[0]", "NO_DOLLAR /States/B/Parameters/a",
                       "NO_DOLLAR /States/B/Parameters/b/c", "NO_PATH /States/C/Choices[0]/And[0]/StringEquals",
                       "NO_PATH /States/D/Error", "NO_DOLLAR /States/E/Branches[0]/States/F/Parameters/x"}));
}

}  // namespace
}  // namespace likeness::states
