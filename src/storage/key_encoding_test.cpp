#include "storage/key_encoding.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <tuple>
#include <vector>

namespace likeness::storage {
namespace {

using Parts = std::tuple<std::string, std::string, std::string>;

std::string encoded(const Parts& parts) {
  return encode_key(std::get<0>(parts), std::get<1>(parts), std::get<2>(parts));
}

TEST(KeyEncoding, KeepsTheOrderOfTablePartitionAndSortForAnyBytes) {
  std::mt19937 random(7);
  // Few different bytes, so that prefixes of one another and the special bytes meet often.
  const std::string alphabet(
      "\x00\x01\x02"
      "a\xFE\xFF",
      6);
  const auto text = [&](std::size_t longest) {
    std::string out(random() % (longest + 1), 'x');
    for (char& c : out) c = alphabet[random() % alphabet.size()];
    return out;
  };
  std::vector<Parts> all;
  for (int i = 0; i < 3000; ++i) all.emplace_back(random() % 2 == 0 ? "t" : "tt", text(4), text(4));
  std::sort(all.begin(), all.end());
  for (std::size_t i = 1; i < all.size(); ++i) {
    if (all[i - 1] == all[i]) continue;
    EXPECT_LT(encoded(all[i - 1]), encoded(all[i]));
  }
}

TEST(KeyEncoding, APartitionHoldsItsOwnKeysOnly) {
  const std::string prefix = encode_partition("t", "a");
  EXPECT_TRUE(encode_key("t", "a", "").starts_with(prefix));
  EXPECT_TRUE(encode_key("t", "a", std::string("\0\xFF", 2)).starts_with(prefix));
  EXPECT_FALSE(encode_key("t", "ab", "").starts_with(prefix));
  EXPECT_FALSE(encode_key("t", std::string("a\0", 2), "").starts_with(prefix));
  EXPECT_FALSE(encode_key("ta", "a", "").starts_with(prefix));
}

TEST(KeyEncoding, TheEndOfAPrefixIsTheFirstKeyBehindIt) {
  EXPECT_EQ(end_of_prefix("ab"), "ac");
  EXPECT_EQ(end_of_prefix("a\xFF"), "b");
  EXPECT_EQ(end_of_prefix("\xFF\xFF"), std::nullopt);
}

}  // namespace
}  // namespace likeness::storage
