#include "events/pattern.hpp"

#include <gtest/gtest.h>

namespace likeness::events {
namespace {

Pattern pattern(std::string_view json) {
  auto parsed = Pattern::parse(json);
  EXPECT_TRUE(parsed) << parsed.error().message;
  return parsed ? std::move(*parsed) : Pattern();
}

std::string problem(std::string_view json) {
  const auto parsed = Pattern::parse(json);
  EXPECT_FALSE(parsed) << json;
  if (parsed) return {};
  EXPECT_EQ(parsed.error().code, "InvalidEventPatternException");
  return parsed.error().message;
}

TEST(Pattern, AllFieldsMustMatchAndOneValueOfEachIsEnough) {
  const auto rule = pattern(R"({"source": ["app", "web"], "detail": {"state": ["new"]}})");
  EXPECT_TRUE(rule.matches(R"({"source": "web", "detail": {"state": "new", "more": 1}})"));
  EXPECT_FALSE(rule.matches(R"({"source": "web", "detail": {"state": "old"}})"));
  EXPECT_FALSE(rule.matches(R"({"source": "web"})"));
  EXPECT_FALSE(rule.matches("[]"));
  EXPECT_FALSE(rule.matches("no JSON"));
}

TEST(Pattern, NumbersAreEqualHoweverTheyAreWritten) {
  const auto rule = pattern(R"({"n": [300]})");
  EXPECT_TRUE(rule.matches(R"({"n": 3.0e2})"));
  EXPECT_FALSE(rule.matches(R"({"n": "300"})"));
  // More digits than a double holds: equal letter by letter only.
  EXPECT_TRUE(pattern(R"({"n": [12345678901234567891]})").matches(R"({"n": 12345678901234567891})"));
  EXPECT_FALSE(pattern(R"({"n": [12345678901234567891]})").matches(R"({"n": 12345678901234567892})"));
}

TEST(Pattern, WhatIsAskedOfAnArrayOfObjectsMustBeInOneElement) {
  const auto rule = pattern(R"({"d": {"a": [1], "b": [2]}})");
  EXPECT_TRUE(rule.matches(R"({"d": [{"a": 3}, {"a": 1, "b": 2}]})"));
  EXPECT_FALSE(rule.matches(R"({"d": [{"a": 1}, {"b": 2}]})"));
}

TEST(Pattern, AddressesAreComparedAsAddresses) {
  EXPECT_TRUE(pattern(R"({"ip": [{"cidr": "10.0.0.0/24"}]})").matches(R"({"ip": "10.0.0.255"})"));
  EXPECT_FALSE(pattern(R"({"ip": [{"cidr": "10.0.0.0/24"}]})").matches(R"({"ip": "10.0.1.0"})"));
  EXPECT_TRUE(pattern(R"({"ip": ["2001:db8::1"]})").matches(R"({"ip": "2001:0DB8:0:0::1"})"));
}

TEST(Pattern, CaseIsIgnoredInAllScripts) {
  const auto rule = pattern(R"({"a": [{"equals-ignore-case": "ÄPFEL Σ"}]})");
  EXPECT_TRUE(rule.matches(R"({"a": "äpfel ς"})"));
  EXPECT_FALSE(rule.matches(R"({"a": "apfel ς"})"));
}

TEST(Pattern, RefusalsAreInAwssWords) {
  EXPECT_EQ(problem(R"({"source":["test.event-pattern"],"detail":{"lenderId":"LenderA"}})"),
            "Event pattern is not valid. Reason: \"lenderId\" must be an object or an array\n at [Source: "
            "(String)\"{\"source\":[\"test.event-pattern\"],\"detail\":{\"lenderId\":\"LenderA\"}}\"; line: 1, column: "
            "56]");
  EXPECT_EQ(problem(R"({"a": [{"cidr": "bad"}]})"),
            "Event pattern is not valid. Reason: Malformed CIDR, one '/' required");
  EXPECT_EQ(
      problem("this is no pattern"),
      "Event pattern is not valid. Reason: Unrecognized token 'this': was expecting (JSON String, Number, Array, "
      "Object or token 'null', 'true' or 'false')\n at [Source: (String)\"this is no pattern\"; line: 1, column: 5]");
  EXPECT_EQ(Pattern::parse("[]", true).error().message,
            "Filter is not an object\n at [Source: (String)\"[]\"; line: 1, column: 2]");
}

TEST(Pattern, OrDoesNotMultiplyWithoutEnd) {
  std::string many = R"({"a": [1])";
  for (int i = 0; i < 12; ++i) many += R"(, "$or": [{"x": [1]}, {"y": [2]}])";
  EXPECT_NE(problem(many + "}").find("too complex"), std::string::npos);
}

TEST(Pattern, AnEventThatIsMadeToBeSlowIsNot) {
  std::string asked;
  std::string event;
  for (int field = 0; field < 12; ++field) {
    const std::string name(1, static_cast<char>('a' + field));
    asked += (asked.empty() ? "" : ", ") + ("\"" + name + "\": {\"v\": [{\"exists\": true}]}");
    event += (event.empty() ? "" : ", ") + ("\"" + name + "\": [");
    for (int i = 0; i < 50; ++i) event += (i == 0 ? "" : ",") + std::string("{\"v\": 1}");
    event += "]";
  }
  const auto rule = pattern("{" + asked + R"(, "z": {"p": [1], "q": [2]}})");
  EXPECT_FALSE(rule.matches("{" + event + R"(, "z": [{"p": 1}, {"q": 2}]})"));
}

}  // namespace
}  // namespace likeness::events
