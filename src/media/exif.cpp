#include "media/exif.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>

namespace likeness::media {
namespace {

constexpr std::uint16_t kOrientationTag = 0x0112;
constexpr std::uint16_t kShortType = 3;
constexpr std::size_t kEntrySize = 12;

/// Reads numbers of either byte order; nothing outside the block.
class Block {
 public:
  Block(BytesView bytes, bool big_endian) : bytes_(bytes), big_endian_(big_endian) {}

  std::optional<std::uint32_t> number(std::size_t offset, std::size_t size) const {
    if (offset > bytes_.size() || bytes_.size() - offset < size) return std::nullopt;
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < size; ++i) value = value << 8 | bytes_[offset + (big_endian_ ? i : size - 1 - i)];
    return value;
  }

 private:
  BytesView bytes_;
  bool big_endian_;
};

}  // namespace

int exif_orientation(BytesView tiff) {
  if (tiff.size() < 8 || tiff[0] != tiff[1] || (tiff[0] != 'I' && tiff[0] != 'M')) return 1;
  const Block block(tiff, tiff[0] == 'M');
  if (block.number(2, 2) != 42U) return 1;
  const std::size_t directory = block.number(4, 4).value_or(0);
  const std::size_t entries = block.number(directory, 2).value_or(0);
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t entry = directory + 2 + i * kEntrySize;
    const auto tag = block.number(entry, 2);
    if (!tag) return 1;
    if (*tag != kOrientationTag) continue;
    if (block.number(entry + 2, 2) != kShortType || block.number(entry + 4, 4) != 1U) return 1;
    const auto value = block.number(entry + 8, 2).value_or(1);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

int app1_orientation(BytesView segment) {
  constexpr std::array<std::uint8_t, 6> kName = {'E', 'x', 'i', 'f', 0, 0};
  if (segment.size() < kName.size() || !std::equal(kName.begin(), kName.end(), segment.begin())) return 0;
  return exif_orientation(segment.subspan(kName.size()));
}

}  // namespace likeness::media
