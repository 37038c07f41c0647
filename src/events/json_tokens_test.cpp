#include "events/json_tokens.hpp"

#include <gtest/gtest.h>

namespace likeness::events {
namespace {

using Kind = JsonTokens::Kind;

TEST(JsonTokens, ValuesComeInOrderWithWhatTheySay) {
  JsonTokens tokens(R"({"a\u0041": ["x\n", -1.5e2, true], "b": null} behind)");
  EXPECT_EQ(tokens.next(), Kind::BeginObject);
  EXPECT_EQ(tokens.next(), Kind::Name);
  EXPECT_EQ(tokens.text(), "aA");
  EXPECT_EQ(tokens.next(), Kind::BeginArray);
  EXPECT_EQ(tokens.next(), Kind::String);
  EXPECT_EQ(tokens.text(), "x\n");
  EXPECT_EQ(tokens.raw(), R"("x\n")");
  EXPECT_EQ(tokens.next(), Kind::Number);
  EXPECT_EQ(tokens.text(), "-1.5e2");
  EXPECT_EQ(tokens.next(), Kind::True);
  EXPECT_EQ(tokens.next(), Kind::EndArray);
  EXPECT_EQ(tokens.next(), Kind::Name);
  EXPECT_EQ(tokens.next(), Kind::Null);
  EXPECT_EQ(tokens.next(), Kind::EndObject);
  EXPECT_EQ(tokens.next(), Kind::End);
}

TEST(JsonTokens, PairsOfCodeUnitsAreOneCharacterAndHalvesAreNone) {
  JsonTokens pair(R"("\ud83d\ude80")");
  pair.next();
  EXPECT_EQ(pair.text(), "\xf0\x9f\x9a\x80");
  JsonTokens half(R"("\ud83d!")");
  half.next();
  EXPECT_EQ(half.text(), "\xef\xbf\xbd!");
}

TEST(JsonTokens, SkippingGivesTheJsonThatWasPassedOver) {
  JsonTokens tokens(R"({"a": {"b": ["}", 1]} , "c": 2})");
  tokens.next();
  tokens.next();
  EXPECT_EQ(tokens.skip(), R"({"b": ["}", 1]})");
  EXPECT_EQ(tokens.next(), Kind::Name);
  EXPECT_EQ(tokens.text(), "c");
  EXPECT_EQ(tokens.skip(), "2");
  EXPECT_EQ(tokens.next(), Kind::EndObject);
}

TEST(JsonTokens, WhatIsNoJsonIsRefused) {
  for (const auto* text : {"",    "{",  "{\"a\"}", "{\"a\":}",  "[1,]",   "{\"a\":1,}", "[1 2]", "01",  "-", "1.", "1e",
                           "tru", "\"", "\"\\x\"", "\"\\u12\"", "\"\n\"", "{'a':1}",    "1 2",   "nan", "[}"})
    EXPECT_FALSE(is_json(text)) << text;
  for (const auto* text : {"{}", "[]", " 1 ", "-0.5E+10", "\"\"", "null", "[[],{}]"})
    EXPECT_TRUE(is_json(text)) << text;
  EXPECT_FALSE(is_json_object("[]"));
  EXPECT_TRUE(is_json_object("{\"a\":1}"));
}

TEST(JsonTokens, NestingHasAnEnd) {
  EXPECT_TRUE(is_json(std::string(JsonTokens::kMaxDepth, '[') + std::string(JsonTokens::kMaxDepth, ']')));
  EXPECT_FALSE(is_json(std::string(100'000, '[')));
}

TEST(JsonTokens, TextsBecomeJsonStrings) {
  EXPECT_EQ(json_string("a\"\\\n\x01\xc3\xa4"), "\"a\\\"\\\\\\n\\u0001\xc3\xa4\"");
}

}  // namespace
}  // namespace likeness::events
