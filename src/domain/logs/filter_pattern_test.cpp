#include "domain/logs/filter_pattern.hpp"

#include <gtest/gtest.h>

namespace likeness::logs {
namespace {

bool matches(std::string_view pattern, std::string_view message) {
  auto parsed = FilterPattern::parse(pattern);
  EXPECT_TRUE(parsed) << pattern << ": " << (parsed ? "" : parsed.error().message);
  return parsed && parsed->matches(message);
}

TEST(FilterPattern, NothingMatchesEverything) {
  EXPECT_TRUE(matches("", "a line"));
  EXPECT_TRUE(matches("  ", ""));
}

TEST(FilterPattern, AllTermsHaveToBeThereInAnyOrder) {
  EXPECT_TRUE(matches("ERROR 400", "[ERROR 400] BAD REQUEST"));
  EXPECT_TRUE(matches("BAD ERROR", "[ERROR 400] BAD REQUEST"));
  EXPECT_FALSE(matches("ERROR 401", "[ERROR 400] BAD REQUEST"));
  EXPECT_FALSE(matches("error", "[ERROR 400] BAD REQUEST"));  // case counts
  EXPECT_TRUE(matches("\"BAD REQUEST\"", "[ERROR 400] BAD REQUEST"));
  EXPECT_FALSE(matches("\"REQUEST BAD\"", "[ERROR 400] BAD REQUEST"));
}

TEST(FilterPattern, OfOptionalTermsOneIsEnough) {
  EXPECT_TRUE(matches("?ERROR ?WARN", "WARN disk"));
  EXPECT_FALSE(matches("?ERROR ?WARN", "INFO disk"));
  EXPECT_TRUE(matches("?ERROR ?WARN -disk", "WARN memory"));
  EXPECT_FALSE(matches("?ERROR ?WARN -disk", "WARN disk"));
}

TEST(FilterPattern, ExcludedTermsMayNotBeThere) {
  EXPECT_TRUE(matches("ERROR -EXITING", "ERROR going on"));
  EXPECT_FALSE(matches("ERROR -EXITING", "ERROR EXITING"));
  EXPECT_FALSE(matches("ERROR -\"not found\"", "ERROR not found"));
}

TEST(FilterPattern, RegularExpressionsStandBetweenPercentSigns) {
  EXPECT_TRUE(matches(R"(%server \d+%)", "on server 12 it failed"));
  EXPECT_FALSE(matches(R"(%server \d+$%)", "on server 12 it failed"));
  EXPECT_TRUE(matches("%AUTHORIZED%", "UNAUTHORIZED"));
  EXPECT_FALSE(FilterPattern::parse("%(%"));
  EXPECT_FALSE(FilterPattern::parse("%open"));
}

TEST(FilterPattern, FieldsBetweenSpacesAreComparedOneByOne) {
  const auto line = R"(127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534)";
  EXPECT_TRUE(matches("[ip, server, username, timestamp, request, status_code, bytes]", line));
  EXPECT_FALSE(matches("[ip, server]", line));
  EXPECT_TRUE(matches("[ip, server, username, timestamp, request, status_code = 4*, bytes > 1000]", line));
  EXPECT_FALSE(matches("[ip, server, username, timestamp, request, status_code = 5*, bytes]", line));
  EXPECT_TRUE(matches("[..., status_code=404, bytes]", line));
  EXPECT_TRUE(matches("[ip=127.*, ..., bytes <= 1534]", line));
  EXPECT_TRUE(matches(R"([ip, server, username, timestamp, request="*index*", status_code, bytes])", line));
  EXPECT_TRUE(matches("[..., status = 410 || status = 404, bytes]", line));
  EXPECT_FALSE(matches("[..., status > 404 && status < 410, bytes]", line));
  EXPECT_TRUE(matches(R"([ip=%127\.0\.0\.[1-9]%, ...])", line));
}

TEST(FilterPattern, JsonIsComparedByItsMembers) {
  const auto line =
      R"({"eventType":"UpdateTrail","sourceIPAddress":"111.111.111.111","arrayKey":["value","another"],)"
      R"("objectList":[{"name":"a","id":1},{"name":"b","id":2}],"SomeObject":null,"ThisFlag":true,"n":3.5})";
  EXPECT_TRUE(matches(R"({ $.eventType = "UpdateTrail" })", line));
  EXPECT_TRUE(matches(R"({ $.sourceIPAddress = 111.111.* })", line));
  EXPECT_TRUE(matches(R"({ $.sourceIPAddress != 123.123.* })", line));
  EXPECT_TRUE(matches(R"({ $.arrayKey[0] = "value" })", line));
  EXPECT_FALSE(matches(R"({ $.arrayKey[1] = "value" })", line));
  EXPECT_TRUE(matches(R"({ $.arrayKey[*] = "another" })", line));
  EXPECT_TRUE(matches(R"({ $.objectList[1].id = 2 })", line));
  EXPECT_TRUE(matches(R"({ $.n > 3 && $.n < 4 })", line));
  EXPECT_TRUE(matches(R"({ $.SomeObject IS NULL })", line));
  EXPECT_TRUE(matches(R"({ $.ThisFlag IS TRUE })", line));
  EXPECT_FALSE(matches(R"({ $.ThisFlag IS FALSE })", line));
  EXPECT_TRUE(matches(R"({ $.SomeOtherObject NOT EXISTS })", line));
  EXPECT_FALSE(matches(R"({ $.missing = 1 })", line));
  EXPECT_TRUE(matches(R"({ ($.missing = 1 || $.n = 3.5) && $.eventType = Update* })", line));
  EXPECT_TRUE(matches(R"({ $.eventType = %Trail$% })", line));
  EXPECT_TRUE(matches(R"({ $.['eventType'] = "UpdateTrail" })", line));
  EXPECT_FALSE(matches(R"({ $.eventType = "UpdateTrail" })", "no json"));
}

TEST(FilterPattern, BrokenPatternsAreRefused) {
  for (const auto* pattern : {"{ $.a = }", "{ $.a", "{ a = 1 }", "[a, b", "[a b]", "{ $.a > \"x\" }", "\"open", "a(b)",
                              "{ $.a IS MAYBE }", "{ $.a = 1 } x"}) {
    const auto parsed = FilterPattern::parse(pattern);
    ASSERT_FALSE(parsed) << pattern;
    EXPECT_EQ(parsed.error().code, "InvalidParameterException");
  }
}

TEST(FilterPattern, ValuesCanBeTakenOutOfWhatMatches) {
  const auto fields = FilterPattern::parse("[ip, ..., bytes]");
  EXPECT_EQ(fields->value("10.0.0.1 a b 12", "$bytes"), "12");
  EXPECT_EQ(fields->extract("10.0.0.1 a b 12"),
            (std::map<std::string, std::string>{{"$bytes", "12"}, {"$ip", "10.0.0.1"}}));
  const auto object = FilterPattern::parse("{ $.latency = * }");
  EXPECT_EQ(object->value(R"({"latency": 17, "x": {"y": "z"}})", "$.latency"), "17");
  EXPECT_EQ(object->value(R"({"latency": 17, "x": {"y": "z"}})", "$.x.y"), "z");
  EXPECT_EQ(object->value(R"({"latency": 17})", "$.x"), std::nullopt);
}

}  // namespace
}  // namespace likeness::logs
