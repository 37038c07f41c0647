#include "events/input_transformer.hpp"

#include <gtest/gtest.h>

namespace likeness::events {
namespace {

constexpr std::string_view kEvent =
    R"({"version":"0","id":"e1","detail-type":"Type","source":"app","account":"1","time":"T","region":"r","resources":[],)"
    R"("detail":{"command":"update","userId":"0a78","say":"a \"b\"","valid":true,"payload":{"acc_id":"0a78","sf_id":"baz"},)"
    R"("single":["HIGH"],"many":["ACTIVE","INACTIVE"],"items":[{"n":1},{"n":2}]}})";

const RuleFacts kRule{"arn:aws:events:r:1:rule/x", "x", "2026-11-21T20:00:00Z"};

std::optional<std::string> transformed(std::string_view input_template) {
  const std::map<std::string, std::string> paths{{"type", "$.detail-type"},       {"userId", "$.detail.userId"},
                                                 {"payload", "$.detail.payload"}, {"single", "$.detail.single"},
                                                 {"many", "$.detail.many"},       {"none", "$.detail.nothing"},
                                                 {"valid", "$.detail.valid"},     {"say", "$.detail.say"}};
  const auto transformer = InputTransformer::parse(paths, input_template, "t1");
  EXPECT_TRUE(transformer) << transformer.error().message;
  return transformer ? transformer->apply(kEvent, kRule) : std::nullopt;
}

// What is expected here was recorded against AWS.
TEST(InputTransformer, PlaceholdersOutsideQuotesAreJson) {
  EXPECT_EQ(transformed(R"({"id" : <userId>})"), R"({"id" : "0a78"})");
  EXPECT_EQ(transformed(R"({"a": <single>, "b": <payload>, "c": <none>})"),
            R"({"a": ["HIGH"], "b": {"acc_id":"0a78","sf_id":"baz"}, "c": ""})");
}

TEST(InputTransformer, PlaceholdersWithinQuotesAreText) {
  EXPECT_EQ(transformed(R"({"path": "users/<userId>/second/<userId>"})"), R"({"path": "users/0a78/second/0a78"})");
  EXPECT_EQ(transformed(R"("Event of <type> type, info <none>")"), R"("Event of Type type, info ")");
  EXPECT_EQ(transformed(R"("Command is <valid>! {[/")"), R"("Command is true! {[/")");
  EXPECT_EQ(transformed(R"("<say>")"), R"("a \"b\"")");
}

TEST(InputTransformer, ObjectsAndArraysInTextsLoseTheirQuotes) {
  EXPECT_EQ(transformed(R"("<payload> and <many>")"), R"("{acc_id:0a78,sf_id:baz} and [ACTIVE,INACTIVE]")");
  EXPECT_EQ(transformed("\"<single> one\"\n\"<userId> two\""), "\"[HIGH] one\"\n\"0a78 two\"");
}

TEST(InputTransformer, WhatBecomesNoJsonIsNotDelivered) {
  EXPECT_EQ(transformed("<single> item"), std::nullopt);
  EXPECT_EQ(transformed(R"({"a": "<single>"})"), std::nullopt);
}

TEST(InputTransformer, ReservedNamesTellOfTheRuleAndTheWholeEvent) {
  EXPECT_EQ(transformed(R"("<aws.events.rule-arn> <aws.events.rule-name> <aws.events.event.ingestion-time>")"),
            R"("arn:aws:events:r:1:rule/x x 2026-11-21T20:00:00Z")");
  EXPECT_EQ(transformed(R"({"e": <aws.events.event>})"),
            R"({"e": {"version":"0","id":"e1","detailType":"Type","source":"app","account":"1",)"
            R"("time":"2026-11-21T20:00:00Z","region":"r","resources":[]}})");
  EXPECT_EQ(transformed("<aws.events.event.json>"), std::string(kEvent));
}

TEST(InputTransformer, UnknownPlaceholdersAreRefusedByName) {
  const auto transformer = InputTransformer::parse({}, R"("<notdefinedkey>")", "t1");
  ASSERT_FALSE(transformer);
  EXPECT_EQ(transformer.error().message, "InputTemplate for target t1 contains invalid placeholder notdefinedkey.");
}

TEST(JsonPath, LeadsIntoObjectsAndArrays) {
  const auto at = [](std::string_view path) {
    const auto parsed = JsonPath::parse(path);
    EXPECT_TRUE(parsed) << path;
    return parsed ? parsed->find(kEvent) : std::nullopt;
  };
  EXPECT_EQ(at("$"), std::string(kEvent));
  EXPECT_EQ(at("$.detail.items[1].n"), "2");
  EXPECT_EQ(at("$.detail.items[*].n"), "[1,2]");
  EXPECT_EQ(at("$['detail']['command']"), "\"update\"");
  EXPECT_EQ(at("$.detail.items[2]"), std::nullopt);
  for (const auto* path : {"", "detail", "$detail", "$.", "$.a[", "$.a[x]", "$..a", "$.a[-1]"})
    EXPECT_FALSE(JsonPath::parse(path)) << path;
}

}  // namespace
}  // namespace likeness::events
