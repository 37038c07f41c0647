#include "domain/secret.hpp"

#include <gtest/gtest.h>

#include "storage/testing.hpp"
#include "storage/writes.hpp"

namespace likeness::domain {
namespace {

TEST(Secret, IsMadeOnceAndStaysAsItIs) {
  storage::TemporaryStore store;
  const auto first = kept_secret(*store, "page-tokens");
  ASSERT_TRUE(first);
  EXPECT_EQ(first->size(), 32u);
  EXPECT_EQ(*kept_secret(*store, "page-tokens"), *first);
  EXPECT_NE(*kept_secret(*store, "receipt-handles"), *first);
}

TEST(Secret, OfAnExistingDataFolderIsFound) {
  storage::TemporaryStore store;
  ASSERT_TRUE(store->commit({storage::put_of("settings", "secrets", "page-tokens", "made long ago")}));
  const auto secret = kept_secret(*store, "page-tokens");
  ASSERT_TRUE(secret);
  EXPECT_EQ(as_text(*secret), "made long ago");
}

TEST(Secret, OfTwoThatMakeItTheFirstCounts) {
  storage::TemporaryStore store;
  const auto second = kept_value(*store, "key", [&]() -> Result<std::string> {
    EXPECT_EQ(*kept_value(*store, "key", [] { return Result<std::string>("the first"); }), "the first");
    return "the second";
  });
  ASSERT_TRUE(second);
  EXPECT_EQ(*second, "the first");
}

TEST(Secret, ThatCannotBeMadeIsNotKept) {
  storage::TemporaryStore store;
  const auto none = kept_value(*store, "key", []() -> Result<std::string> { return server_error("NoRandomness", ""); });
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, "NoRandomness");
  EXPECT_EQ(*kept_value(*store, "key", [] { return Result<std::string>("now"); }), "now");
}

}  // namespace
}  // namespace likeness::domain
