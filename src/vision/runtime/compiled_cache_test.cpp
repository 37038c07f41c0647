#include "vision/runtime/compiled_cache.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace likeness::vision {
namespace {

namespace fs = std::filesystem;

class CompiledCacheTest : public testing::Test {
 protected:
  void TearDown() override { fs::remove_all(folder_); }
  static Sha256 key(int number) { return sha256(as_bytes(std::to_string(number))); }

  const fs::path folder_ = fs::temp_directory_path() / ("likeness_cache_" + std::to_string(getpid()));
  const CompiledCache cache_{folder_ / "inner"};
};

TEST_F(CompiledCacheTest, WhatWasWrittenIsRead) {
  EXPECT_FALSE(cache_.read("mesh", key(1)));
  cache_.write("mesh", key(1), "one");
  cache_.write("mesh", key(2), "");
  EXPECT_EQ(cache_.read("mesh", key(1)), "one");
  EXPECT_EQ(cache_.read("mesh", key(2)), "");
  EXPECT_FALSE(cache_.read("iris", key(1)));
  cache_.write("mesh", key(1), "another");
  EXPECT_EQ(cache_.read("mesh", key(1)), "another");
}

TEST_F(CompiledCacheTest, ADamagedOrCutEntryIsNotFound) {
  cache_.write("mesh", key(1), std::string(1000, 'x'));
  const fs::path entry = fs::directory_iterator(folder_ / "inner")->path();
  std::fstream(entry, std::ios::in | std::ios::out | std::ios::binary).seekp(500).put('y');
  EXPECT_FALSE(cache_.read("mesh", key(1)));
  cache_.write("mesh", key(1), std::string(1000, 'x'));
  for (const std::size_t size : {0U, 10U, 32U, 999U, 1031U}) {
    fs::resize_file(entry, size);
    EXPECT_FALSE(cache_.read("mesh", key(1))) << size;
  }
}

TEST_F(CompiledCacheTest, OldEntriesOfAModelGoAndThoseOfOthersStay) {
  cache_.write("mesh-fine", key(0), "other");
  cache_.write("iris", key(0), "other");
  for (int i = 1; i <= 9; ++i) {
    cache_.write("mesh", key(i), "x");
    // Times a second apart, whatever the file system's resolution.
    for (const auto& entry : fs::directory_iterator(folder_ / "inner"))
      fs::last_write_time(entry, entry.last_write_time() - std::chrono::seconds(1));
  }
  EXPECT_FALSE(cache_.read("mesh", key(5)));
  for (int i = 6; i <= 9; ++i) EXPECT_TRUE(cache_.read("mesh", key(i))) << i;
  EXPECT_TRUE(cache_.read("mesh-fine", key(0)));
  EXPECT_TRUE(cache_.read("iris", key(0)));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_ / "inner"), fs::directory_iterator()), 6);
}

TEST_F(CompiledCacheTest, WithoutAFolderNothingIsKept) {
  const CompiledCache none{{}};
  none.write("mesh", key(1), "one");
  EXPECT_FALSE(none.read("mesh", key(1)));
}

}  // namespace
}  // namespace likeness::vision
