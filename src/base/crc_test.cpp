#include "base/crc.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "base/digest.hpp"

namespace likeness {
namespace {

// The check values of the catalogue of parametrised CRC algorithms: of "123456789".
TEST(Crc, OfTheCatalogueText) {
  const auto text = as_bytes("123456789");
  EXPECT_EQ(crc32(0, text), 0xCBF43926u);
  EXPECT_EQ(crc32c(0, text), 0xE3069283u);
  EXPECT_EQ(crc64nvme(0, text), 0xAE8B14860A799888u);
}

/// One bit after the other, as the definition says.
std::uint64_t plainly(std::uint64_t polynomial, int width, BytesView bytes) {
  const std::uint64_t ones = width == 64 ? ~0ull : (1ull << width) - 1;
  std::uint64_t state = ones;
  for (const std::uint8_t byte : bytes) {
    state ^= byte;
    for (int i = 0; i < 8; ++i) state = (state >> 1) ^ ((state & 1) != 0 ? polynomial : 0);
  }
  return ~state & ones;
}

Bytes some_bytes(std::size_t count) {
  std::mt19937 random(static_cast<unsigned>(count));
  Bytes bytes(count);
  std::ranges::generate(bytes, [&] { return static_cast<std::uint8_t>(random()); });
  return bytes;
}

TEST(Crc, AnyLengthAndAnyPiecesGiveWhatTheDefinitionGives) {
  for (const std::size_t size : {0, 1, 7, 8, 15, 63, 64, 127, 128, 129, 191, 192, 255, 1000, 4099}) {
    const Bytes bytes = some_bytes(size);
    const std::uint64_t of_32 = plainly(0xEDB88320, 32, bytes);
    const std::uint64_t of_32c = plainly(0x82F63B78, 32, bytes);
    const std::uint64_t of_64 = plainly(0x9A6C9329AC4BC9B5, 64, bytes);
    for (const std::size_t cut : {std::size_t{0}, size / 3, size / 2, size}) {
      const BytesView first = BytesView(bytes).first(cut);
      const BytesView rest = BytesView(bytes).subspan(cut);
      EXPECT_EQ(crc32(crc32(0, first), rest), of_32) << size;
      EXPECT_EQ(crc32c(crc32c(0, first), rest), of_32c) << size;
      EXPECT_EQ(crc64nvme(crc64nvme(0, first), rest), of_64) << size;
      EXPECT_EQ(combine_crc32(crc32(0, first), crc32(0, rest), rest.size()), of_32) << size;
      EXPECT_EQ(combine_crc32c(crc32c(0, first), crc32c(0, rest), rest.size()), of_32c) << size;
      EXPECT_EQ(combine_crc64nvme(crc64nvme(0, first), crc64nvme(0, rest), rest.size()), of_64) << size;
    }
  }
}

TEST(Digest, PiecesGiveTheDigestOfTheWhole) {
  Digest digest(Digest::Kind::Sha1);
  digest.update(as_bytes("a"));
  digest.update(as_bytes("bc"));
  EXPECT_EQ(to_hex(digest.finish()), "a9993e364706816aba3e25717850c26c9cd0d89d");
  Digest empty(Digest::Kind::Md5);
  EXPECT_EQ(to_hex(empty.finish()), "d41d8cd98f00b204e9800998ecf8427e");
}

}  // namespace
}  // namespace likeness
