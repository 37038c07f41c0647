#include "storage/blobs.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/crc.hpp"
#include "storage/blob_file.hpp"
#include "storage/testing.hpp"

namespace likeness::storage {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kInline = 32u << 10;  // of TemporaryStorage

Bytes some_bytes(std::size_t size, unsigned seed = 1) {
  std::mt19937 random(seed);
  Bytes bytes(size);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return bytes;
}

BlobInfo stored(Blobs& blobs, const Bytes& content, std::size_t piece, std::optional<std::uint64_t> expected = {}) {
  auto writer = blobs.create(expected);
  EXPECT_TRUE(writer);
  for (std::size_t at = 0; at < content.size(); at += piece)
    EXPECT_TRUE((*writer)->write(BytesView(content).subspan(at, std::min(piece, content.size() - at))));
  auto info = (*writer)->commit();
  EXPECT_TRUE(info) << info.error().detail;
  return info.value_or(BlobInfo{});
}

Result<Bytes> read_all(const Blobs& blobs, std::string_view id, std::uint64_t offset = 0,
                       std::uint64_t length = UINT64_MAX, std::size_t piece = 64u << 10) {
  auto reader = blobs.open(id, offset, length);
  if (!reader) return fail(reader);
  Bytes out, buffer(piece);
  for (;;) {
    auto count = (*reader)->read(buffer);
    if (!count) return fail(count);
    if (*count == 0) return out;
    out.insert(out.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(*count));
  }
}

std::vector<fs::path> files_below(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) files.push_back(entry.path());
  return files;
}

TEST(Blobs, OfEverySizeComeBackAsTheyWereInEveryPieceAlsoAfterARestart) {
  TemporaryBlobs blobs;
  struct Case {
    BlobInfo info;
    Bytes content;
  };
  std::vector<Case> cases;
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, kInline - 1, kInline, kInline + 1, kBlobBlock - 1,
                                 kBlobBlock, kBlobBlock + 1, 3 * kBlobBlock, std::size_t{5} << 20})
    for (const std::size_t piece : {std::size_t{777}, std::size_t{64} << 10, std::size_t{6} << 20}) {
      const Bytes content = some_bytes(size, static_cast<unsigned>(size));
      // What is expected may be wrong either way.
      for (const std::optional<std::uint64_t> expected : {std::optional<std::uint64_t>{}, {size}, {100}, {8u << 20}}) {
        cases.push_back({stored(*blobs, content, piece, expected), content});
        EXPECT_EQ(cases.back().info.size, size);
        EXPECT_EQ(cases.back().info.crc32c, crc32c(0, content));
        EXPECT_LE(cases.back().info.id.size(), 64u);
      }
    }
  blobs.reopen();
  for (const auto& [info, content] : cases) EXPECT_EQ(read_all(*blobs, info.id, 0, UINT64_MAX, 100'000), content);
}

TEST(Blobs, RangesAreCutAtTheEnd) {
  TemporaryBlobs blobs;
  for (const std::size_t size : {std::size_t{1000}, std::size_t{300'000}}) {
    const Bytes content = some_bytes(size);
    const std::string id = stored(*blobs, content, size).id;
    for (const std::uint64_t offset :
         {std::uint64_t{0}, std::uint64_t{1}, size - 1, std::uint64_t{size}, UINT64_MAX, std::uint64_t{size / 2}})
      for (const std::uint64_t length : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{size}, UINT64_MAX}) {
        const std::uint64_t begin = std::min<std::uint64_t>(offset, size);
        const std::uint64_t end = begin + std::min<std::uint64_t>(length, size - begin);
        const Bytes expected(content.begin() + static_cast<std::ptrdiff_t>(begin),
                             content.begin() + static_cast<std::ptrdiff_t>(end));
        EXPECT_EQ(read_all(*blobs, id, offset, length, 1000), expected) << size << " " << offset << " " << length;
      }
  }
}

TEST(Blobs, AWriterThatDoesNotCommitLeavesNothing) {
  TemporaryBlobs blobs;
  {
    auto writer = blobs->create(std::nullopt);
    ASSERT_TRUE(writer);
    ASSERT_TRUE((*writer)->write(some_bytes(1u << 20)));
  }
  EXPECT_TRUE(files_below(blobs.folder()).empty());
}

TEST(Blobs, AFileInTheMakingIsSeenAsAWholeOrNotAtAll) {
  for (const bool may_lack_name : {true, false}) {
    const TemporaryFolder folder;
    const std::filesystem::path target = folder.path() / "target";
    {
      auto dropped = UnnamedFile::create(folder.path(), folder.path(), may_lack_name);
      ASSERT_TRUE(dropped) << dropped.error().detail;
      EXPECT_EQ(files_below(folder.path()).size(), may_lack_name ? 0u : 1u);
      auto file = UnnamedFile::create(folder.path(), folder.path(), may_lack_name);
      ASSERT_TRUE(file) << file.error().detail;
      ASSERT_EQ(::write(file->get(), "whole", 5), 5);
      EXPECT_FALSE(std::filesystem::exists(target));
      const auto named = file->name(target);
      ASSERT_TRUE(named) << named.error().detail;
    }
    EXPECT_EQ(files_below(folder.path()).size(), 1u);
    EXPECT_EQ(std::filesystem::file_size(target), 5u);
  }
}

TEST(Blobs, WhatAnEndedProcessHadNotFinishedIsGoneAtTheNextStart) {
  TemporaryBlobs blobs;
  std::ofstream(blobs.folder() / "incoming" / "7") << "half";
  blobs.reopen();
  EXPECT_TRUE(files_below(blobs.folder()).empty());
}

TEST(Blobs, AnOpenReaderOutlivesTheRemoval) {
  TemporaryBlobs blobs;
  for (const std::size_t size : {std::size_t{5000}, std::size_t{700'000}}) {
    const Bytes content = some_bytes(size);
    const std::string id = stored(*blobs, content, size).id;
    auto reader = blobs->open(id);
    ASSERT_TRUE(reader);
    ASSERT_TRUE(blobs->remove(id));
    ASSERT_TRUE(blobs->remove(id));
    Bytes out(size);
    for (std::size_t at = 0; at < size;) {
      const auto count = (*reader)->read(std::span(out).subspan(at));
      ASSERT_TRUE(count && *count > 0);
      at += *count;
    }
    EXPECT_EQ(out, content);
    const auto gone = blobs->open(id);
    ASSERT_FALSE(gone);
    EXPECT_EQ(gone.error().code, "NotFound");
  }
  EXPECT_TRUE(files_below(blobs.folder()).empty());
}

TEST(Blobs, AnIdThatIsNoneIsNotFound) {
  TemporaryBlobs blobs;
  for (const std::string_view id : {"", "f", "../../../../../etc/passwd", "f0123456789ab/../../../etc/hosts",
                                    "x0123456789ab0123456789abcdef", "i0123456789ab0123456789abcdef"}) {
    const auto opened = blobs->open(id);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, "NotFound");
    EXPECT_TRUE(blobs->remove(id));
  }
}

TEST(Blobs, MoreBytesThanWereExpectedAreNoHarm) {
  TemporaryBlobs blobs;
  const Bytes content = some_bytes(500'000);
  for (const std::size_t expected : {std::size_t{100'000}, std::size_t{200'000}, 2 * kBlobBlock, std::size_t{499'999}})
    for (const std::size_t piece : {std::size_t{1}, std::size_t{100'000}, kBlobBlock}) {
      auto writer = blobs->create(expected);
      ASSERT_TRUE(writer);
      ASSERT_TRUE((*writer)->write(BytesView(content).first(expected)));
      for (std::size_t at = expected; at < content.size(); at += piece)
        ASSERT_TRUE((*writer)->write(BytesView(content).subspan(at, std::min(piece, content.size() - at))));
      const auto info = (*writer)->commit();
      ASSERT_TRUE(info);
      EXPECT_EQ(info->size, content.size());
      EXPECT_EQ(info->crc32c, crc32c(0, content));
      EXPECT_EQ(*read_all(*blobs, info->id), content);
    }
}

TEST(Blobs, DamageIsNoticedInTheRangeThatHasIt) {
  TemporaryBlobs blobs;
  const Bytes content = some_bytes(3 * kBlobBlock + 5);
  const std::string id = stored(*blobs, content, content.size()).id;
  const fs::path file = files_below(blobs.folder()).at(0);
  const auto flip = [&](std::uint64_t at) {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekg(static_cast<std::streamoff>(at));
    const char byte = static_cast<char>(stream.get() ^ 1);
    stream.seekp(static_cast<std::streamoff>(at));
    stream.put(byte);
  };
  flip(kBlobBlock + 17);
  EXPECT_EQ(read_all(*blobs, id, 0, kBlobBlock)->size(), kBlobBlock);
  EXPECT_EQ(read_all(*blobs, id, 2 * kBlobBlock)->size(), kBlobBlock + 5);
  for (const std::uint64_t offset : {std::uint64_t{0}, std::uint64_t{kBlobBlock + 1000}}) {
    const auto read = read_all(*blobs, id, offset);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, "StorageFailure");
  }
  flip(kBlobBlock + 17);
  EXPECT_TRUE(read_all(*blobs, id));
  // A file that lost its end, or part of it.
  for (const std::uint64_t size : {fs::file_size(file) - 1, content.size(), std::size_t{10}, std::size_t{0}}) {
    fs::resize_file(file, size);
    const auto read = read_all(*blobs, id);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, "StorageFailure");
  }
}

TEST(Blobs, SweepTakesWhatIsOldAndInNoTable) {
  TemporaryBlobs blobs;
  std::set<std::string> kept;
  std::vector<std::string> lost;
  for (unsigned i = 0; i < 2500; ++i) {
    const std::string id = stored(*blobs, some_bytes(i % 50 == 0 ? 40'000 : 10, i), 50'000).id;
    i % 3 == 0 ? (void)kept.insert(id) : lost.push_back(id);
  }
  const auto in_use = [&](std::string_view id) { return kept.contains(std::string(id)); };
  EXPECT_EQ(*blobs->sweep(std::chrono::system_clock::now() - std::chrono::hours(1), in_use), 0u);
  EXPECT_TRUE(blobs->open(lost[0]));
  EXPECT_EQ(*blobs->sweep(std::chrono::system_clock::now() + std::chrono::seconds(1), in_use), lost.size());
  for (const std::string& id : lost) EXPECT_FALSE(blobs->open(id));
  for (const std::string& id : kept) EXPECT_TRUE(blobs->open(id));
}

TEST(Blobs, ADiskThatIsTooSmallRefusesAtOnce) {
  TemporaryBlobs blobs;
  const auto writer = blobs->create(std::uint64_t{1} << 60);
  ASSERT_FALSE(writer);
  EXPECT_EQ(writer.error().code, "StorageFull");
  EXPECT_TRUE(files_below(blobs.folder()).empty());
}

TEST(Blobs, ManyThreadsWriteAndReadAtOnce) {
  TemporaryBlobs blobs;
  std::vector<std::thread> threads;
  threads.reserve(6);
  for (unsigned t = 0; t < 6; ++t)
    threads.emplace_back([&, t] {
      for (unsigned i = 0; i < 40; ++i) {
        const Bytes content = some_bytes(t % 2 == 0 ? 3000 + i : 200'000 + i, t * 1000 + i);
        const std::string id = stored(*blobs, content, 70'000).id;
        EXPECT_EQ(read_all(*blobs, id), content);
        if (i % 2 == 0) {
          EXPECT_TRUE(blobs->remove(id));
        }
      }
    });
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace likeness::storage
