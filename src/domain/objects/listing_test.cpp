#include "domain/objects/listing.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "domain/objects/testing.hpp"

namespace likeness::objects {
namespace {

using testing::World;
using Names = std::vector<std::string>;

class Listing : public ::testing::Test {
 protected:
  Names list(const ListQuery& query) {
    auto found = list_objects(world->store, bucket, query);
    Names names;
    for (const auto& version : found->objects) names.push_back(version.key);
    for (const auto& prefix : found->common_prefixes) names.push_back(prefix);
    std::sort(names.begin(), names.end());
    last = *found;
    return names;
  }
  /// All pages of `limit` together; each has to be full but the last.
  Names in_pages(ListQuery query, std::size_t limit) {
    Names all;
    query.limit = limit;
    while (true) {
      for (auto& name : list(query)) all.push_back(name);
      if (!last.truncated) return all;
      EXPECT_EQ(last.objects.size() + last.common_prefixes.size(), limit);
      query.after = last.last;
    }
  }
  void put(const Names& keys) {
    for (const auto& key : keys) world.put(bucket, key, "x");
  }

  World world;
  Bucket bucket = world.bucket("photos", Versioning::Enabled);
  ObjectList last;
};

TEST_F(Listing, IsInTheOrderOfBytes) {
  put({"b", "a", "ä", "Z", "a/b", "a-b", "日本"});
  EXPECT_EQ(list({}), (Names{"Z", "a", "a-b", "a/b", "b", "ä", "日本"}));
}

TEST_F(Listing, DelimiterFoldsWhatIsBehindIt) {
  put({"photos/2025/a", "photos/2025/b", "photos/2026/a", "photos/index", "readme"});
  EXPECT_EQ(list({.delimiter = "/"}), (Names{"photos/", "readme"}));
  EXPECT_EQ(list({.prefix = "photos/", .delimiter = "/"}), (Names{"photos/2025/", "photos/2026/", "photos/index"}));
  EXPECT_EQ(list({.prefix = "photos/2", .delimiter = "5/"}), (Names{"photos/2025/", "photos/2026/a"}));
  EXPECT_EQ(list({.prefix = "none", .delimiter = "/"}), Names{});
}

TEST_F(Listing, PagesOfAnySizeGiveWhatOneListingGives) {
  Names keys;
  for (int folder = 0; folder < 7; ++folder)
    for (int file = 0; file < 30; ++file) keys.push_back("f" + std::to_string(folder) + "/" + std::to_string(file));
  keys.insert(keys.end(), {"f", "f2", "f3!", "z"});
  put(keys);
  world.remove(bucket, "f0/0");
  world.remove(bucket, "z");
  for (const std::string delimiter : {"", "/", "2"}) {
    const Names all = list({.delimiter = delimiter});
    for (const std::size_t limit : {1u, 2u, 3u, 7u, 100u})
      EXPECT_EQ(in_pages({.delimiter = delimiter}, limit), all) << delimiter << limit;
  }
  EXPECT_EQ(list({.delimiter = "/"}), (Names{"f", "f0/", "f1/", "f2", "f2/", "f3!", "f3/", "f4/", "f5/", "f6/"}));
}

TEST_F(Listing, AfterSkipsTheCommonPrefixItLiesIn) {
  put({"a/1", "a/2", "b/1", "c"});
  EXPECT_EQ(list({.delimiter = "/", .after = "a/"}), (Names{"b/", "c"}));
  EXPECT_EQ(list({.delimiter = "/", .after = "a"}), (Names{"a/", "b/", "c"}));
  EXPECT_EQ(list({.after = "a/1"}), (Names{"a/2", "b/1", "c"}));
  EXPECT_EQ(list({.prefix = "b", .after = "a"}), (Names{"b/1"}));
}

TEST_F(Listing, AKeyMayHave1024Bytes) {
  const std::string longest(1024, 'k');
  put({longest});
  EXPECT_EQ(list({}), Names{longest});
  EXPECT_EQ(list({.after = longest}), Names{});
  EXPECT_EQ(world.try_put(bucket, longest + "k", "x").error().code, "KeyTooLongError");
}

TEST_F(Listing, VersionsComeNewestFirstInPagesOfAnySize) {
  for (const auto* key : {"a", "b", "c/1", "c/2"})
    for (int i = 0; i < 3; ++i) world.put(bucket, key, std::to_string(i));
  world.remove(bucket, "b");
  const auto versions = [&](const std::string& delimiter, std::size_t limit) {
    Names all;
    VersionQuery query{.prefix = {}, .delimiter = delimiter, .key_marker = {}, .version_marker = {}, .limit = limit};
    while (true) {
      auto page = list_versions(world->store, bucket, query);
      for (const auto& version : page->versions)
        all.push_back(version.key + " " + (version.is_delete_marker ? "marker" : world.text_of(version)) +
                      (version.is_latest ? " latest" : ""));
      for (const auto& prefix : page->common_prefixes) all.push_back(prefix);
      if (!page->truncated) return all;
      query.key_marker = page->next_key;
      query.version_marker = page->next_version;
    }
  };
  const Names expected{"a 2 latest", "a 1", "a 0", "b marker latest", "b 2", "b 1", "b 0"};
  Names folded = expected;
  folded.push_back("c/");
  for (const std::size_t limit : {1u, 2u, 3u, 5u, 100u}) {
    EXPECT_EQ(versions("/", limit), folded) << limit;
    EXPECT_EQ(versions("", limit).size(), 13u) << limit;
  }
}

}  // namespace
}  // namespace likeness::objects
