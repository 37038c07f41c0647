#include "domain/page_tokens.hpp"

#include <gtest/gtest.h>

#include "storage/testing.hpp"

namespace likeness::domain {
namespace {

TEST(PageTokens, LeadBackToWhereTheyWereMade) {
  const PageTokens tokens(Bytes(32, 7));
  const auto token = tokens.make("ListFaces/x", {.from = "0b683aed", .skip = 3});
  const auto read = tokens.read("ListFaces/x", token);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->from, "0b683aed");
  EXPECT_EQ(read->skip, 3u);
}

TEST(PageTokens, AnyChangedCharacterIsRefused) {
  const PageTokens tokens(Bytes(32, 7));
  const auto token = tokens.make("ListFaces/x", {.from = "0b683aed", .skip = 0});
  for (std::size_t i = 0; i < token.size(); ++i) {
    auto changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    const auto read = tokens.read("ListFaces/x", changed);
    ASSERT_FALSE(read) << i;
    EXPECT_EQ(read.error().code, "InvalidPaginationTokenException");
    EXPECT_EQ(read.error().message, "Invalid Pagination Token");
  }
}

TEST(PageTokens, BelongToOneListing) {
  const PageTokens tokens(Bytes(32, 7));
  const auto token = tokens.make("ListFaces/x", {.from = "a", .skip = 0});
  EXPECT_FALSE(tokens.read("ListFaces/y", token));
  EXPECT_FALSE(tokens.read("ListUsers/x", token));
  EXPECT_FALSE(PageTokens(Bytes(32, 8)).read("ListFaces/x", token));
  EXPECT_FALSE(tokens.read("ListFaces/x", ""));
  EXPECT_FALSE(tokens.read("ListFaces/x", "not base64!"));
}

TEST(PageTokens, FitIntoTheLengthThatTheModelAllows) {
  const PageTokens tokens(Bytes(32, 7));
  EXPECT_LE(tokens.make("ListCollections", {.from = std::string(255, 'x'), .skip = 4096}).size(), 255u);
}

TEST(PageTokens, StayValidOverARestart) {
  storage::TemporaryStore store;
  const auto token = PageTokens::open(*store)->make("l", {.from = "a", .skip = 0});
  store.reopen();
  EXPECT_TRUE(PageTokens::open(*store)->read("l", token));
}

}  // namespace
}  // namespace likeness::domain
