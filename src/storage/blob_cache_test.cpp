#include "storage/blob_cache.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <thread>
#include <vector>

#include "storage/testing.hpp"

namespace likeness::storage {
namespace {

namespace fs = std::filesystem;

HeldBytes bytes_of(std::size_t size, std::uint8_t value = 0) {
  const auto owner = std::make_shared<Bytes>(size, value);
  return {owner, *owner};
}

void add(BlobCache& cache, std::string_view id, std::size_t size) { cache.add(id, bytes_of(size), cache.removals()); }

TEST(BlobCache, LetsGoOfWhatWasNotUsedForLongest) {
  BlobCache cache(800);
  for (const char* id : {"a", "b", "c", "d", "e", "f", "g", "h"}) add(cache, id, 100);
  EXPECT_TRUE(cache.find("a"));
  add(cache, "i", 100);
  EXPECT_TRUE(cache.find("a"));
  EXPECT_FALSE(cache.find("b"));
  EXPECT_TRUE(cache.find("i"));
  EXPECT_EQ(cache.size(), 800u);
}

TEST(BlobCache, TakesNeitherWhatIsLargeNorWhatWasRemovedMeanwhile) {
  BlobCache cache(800);
  add(cache, "large", 101);
  EXPECT_FALSE(cache.find("large"));
  const std::uint64_t before = cache.removals();
  cache.remove("a");
  cache.add("a", bytes_of(10), before);
  EXPECT_FALSE(cache.find("a"));
  add(cache, "a", 10);
  EXPECT_TRUE(cache.find("a"));
  cache.remove("a");
  EXPECT_FALSE(cache.find("a"));
  EXPECT_EQ(cache.size(), 0u);
  BlobCache none(0);
  EXPECT_FALSE(none.takes(1));
}

std::string stored(Blobs& blobs, const Bytes& content) {
  auto writer = blobs.create(content.size());
  EXPECT_TRUE(writer && (*writer)->write(content));
  auto info = (*writer)->commit();
  EXPECT_TRUE(info);
  return info->id;
}

Result<Bytes> read_all(const Blobs& blobs, std::string_view id, std::uint64_t offset = 0,
                       std::uint64_t length = UINT64_MAX) {
  auto reader = blobs.open(id, offset, length);
  if (!reader) return fail(reader);
  Bytes out, buffer(1000);
  while (true) {
    auto count = (*reader)->read(buffer);
    if (!count) return fail(count);
    if (*count == 0) return out;
    out.insert(out.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(*count));
  }
}

/// Changes one byte of the only file there is.
void damage(const fs::path& folder) {
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(5000);
    file.put('x');
  }
}

TEST(BlobCache, ABlobThatWasReadIsInMemoryWithAllItsRanges) {
  TemporaryBlobs blobs;
  Bytes content(100'000);
  for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<std::uint8_t>(i * 7 / 5);
  const std::string id = stored(*blobs, content);
  EXPECT_FALSE((*blobs->open(id, 10, 20))->held());  // a range brings only itself
  EXPECT_EQ(*read_all(*blobs, id), content);
  const auto reader = *blobs->open(id, 70'000, 20'000);
  ASSERT_TRUE(reader->held());
  EXPECT_EQ(reader->held()->bytes.size(), 20'000u);
  for (const auto& [offset, length] : std::vector<std::pair<std::size_t, std::size_t>>{
           {0, 100'000}, {0, 1}, {99'999, 5}, {100'000, 5}, {70'000, 20'000}, {200'000, 1}}) {
    const auto from = std::min(offset, content.size());
    const auto to = std::min(offset + length, content.size());
    EXPECT_EQ(*read_all(*blobs, id, offset, length), Bytes(content.begin() + static_cast<std::ptrdiff_t>(from),
                                                           content.begin() + static_cast<std::ptrdiff_t>(to)));
  }
}

TEST(BlobCache, WhatIsDamagedOnTheDiskDoesNotGetIntoIt) {
  TemporaryBlobs blobs;
  const std::string id = stored(*blobs, Bytes(100'000, 1));
  damage(blobs.folder());
  for (int i = 0; i < 2; ++i) {
    const auto read = read_all(*blobs, id);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, "StorageFailure");
  }
}

TEST(BlobCache, DamageIsFoundWhenItIsReadFromTheDiskAgain) {
  TemporaryBlobs blobs;
  const Bytes content(100'000, 1);
  const std::string id = stored(*blobs, content);
  EXPECT_EQ(*read_all(*blobs, id), content);
  damage(blobs.folder());
  EXPECT_EQ(*read_all(*blobs, id), content);  // what was checked before
  blobs.reopen();
  EXPECT_EQ(read_all(*blobs, id).error().code, "StorageFailure");
}

TEST(BlobCache, ARemovedBlobIsGoneAtOnceButForWhoReadsIt) {
  TemporaryBlobs blobs;
  const Bytes content(100'000, 1);
  const std::string id = stored(*blobs, content);
  EXPECT_EQ(*read_all(*blobs, id), content);
  const auto reader = *blobs->open(id);
  ASSERT_TRUE(blobs->remove(id));
  EXPECT_EQ(blobs->open(id).error().code, "NotFound");
  Bytes read(content.size());
  EXPECT_EQ(*reader->read(read), content.size());
  EXPECT_EQ(read, content);
}

TEST(BlobCache, ReadersNeverBringBackWhatIsRemovedMeanwhile) {
  TemporaryBlobs blobs;
  for (int round = 0; round < 200; ++round) {
    const std::string id = stored(*blobs, Bytes(70'000, static_cast<std::uint8_t>(round)));
    std::atomic<bool> removed = false;
    std::vector<std::thread> readers;
    for (int i = 0; i < 2; ++i)
      readers.emplace_back([&] {
        while (!removed)
          if (const auto read = read_all(*blobs, id)) EXPECT_EQ(read->front(), static_cast<std::uint8_t>(round));
      });
    EXPECT_TRUE(blobs->remove(id));
    removed = true;
    for (auto& reader : readers) reader.join();
    EXPECT_FALSE(blobs->open(id));
  }
}

}  // namespace
}  // namespace likeness::storage
