#include "net/http.hpp"

#include <gtest/gtest.h>

namespace likeness::net {
namespace {

TEST(Headers, NamesAreFoundWhateverTheirCaseAndKeepTheirOrder) {
  const Headers headers{{"X-Amz-Date", "1"}, {"accept", "a"}, {"Accept", "b"}};
  EXPECT_EQ(headers.find("x-amz-date"), "1");
  EXPECT_EQ(headers.all("ACCEPT"), (std::vector<std::string_view>{"a", "b"}));
  EXPECT_EQ(headers.begin()->name, "X-Amz-Date");
  EXPECT_FALSE(headers.contains("host"));
}

TEST(Headers, SetLeavesOneField) {
  Headers headers{{"a", "1"}, {"b", "2"}, {"A", "3"}};
  headers.set("a", "4");
  EXPECT_EQ(headers.size(), 2u);
  EXPECT_EQ(headers.get("A"), "4");
  EXPECT_EQ(headers.get("c", "none"), "none");
}

TEST(Request, TargetSplitsAtTheFirstQuestionMark) {
  Request request;
  request.target = "/a%20b?x=1?y";
  EXPECT_EQ(request.path(), "/a%20b");
  EXPECT_EQ(request.query(), "x=1?y");
  request.target = "/";
  EXPECT_EQ(request.query(), "");
}

TEST(PercentDecode, RefusesHalfEscapes) {
  EXPECT_EQ(percent_decode("a%2Fb%20+"), "a/b +");
  EXPECT_EQ(percent_decode("a+b", true), "a b");
  EXPECT_FALSE(percent_decode("%"));
  EXPECT_FALSE(percent_decode("%2"));
  EXPECT_FALSE(percent_decode("%2g"));
}

}  // namespace
}  // namespace likeness::net
