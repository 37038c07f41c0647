#include "functions/native.hpp"

#include <gtest/gtest.h>

namespace likeness::functions {
namespace {

TEST(NativeRegistry, FindsWhatWasAddedLast) {
  NativeRegistry registry;
  EXPECT_EQ(registry.find("hello"), nullptr);
  registry.add("hello", [](NativeContext&, std::string_view) -> Result<std::string> { return "1"; });
  const auto first = registry.find("hello");
  registry.add("hello", [](NativeContext&, std::string_view) -> Result<std::string> { return "2"; });
  ASSERT_NE(first, nullptr);
  EXPECT_NE(registry.find("hello"), first);
  EXPECT_EQ(registry.names(), std::vector<std::string>{"hello"});
}

}  // namespace
}  // namespace likeness::functions
