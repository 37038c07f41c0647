#include "media/upright.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace likeness::media {
namespace {

bool swaps_sides(int orientation) { return orientation >= 5; }
bool mirrors_rows(int orientation) { return orientation == 2 || orientation == 3; }
bool bottom_up(int orientation) { return orientation == 3 || orientation == 4; }

void mirror(std::uint8_t* row, int width) {
  std::uint8_t* left = row;
  std::uint8_t* right = row + (static_cast<std::size_t>(width) - 1) * 3;
  for (; left < right; left += 3, right -= 3) std::swap_ranges(left, left + 3, right);
}

}  // namespace

Upright::Upright(int width, int height, int orientation)
    : width_(width),
      height_(height),
      orientation_(orientation),
      image_(swaps_sides(orientation) ? Image(height, width) : Image(width, height)) {
  if (swaps_sides(orientation)) strip_.resize(static_cast<std::size_t>(width) * 3 * kStripRows + 1);
}

std::uint8_t* Upright::row(int y) {
  if (!strip_.empty())
    return strip_.data() + static_cast<std::size_t>(y % kStripRows) * 3 * static_cast<std::size_t>(width_);
  return image_.row(bottom_up(orientation_) ? height_ - 1 - y : y);
}

void Upright::filled(int y) {
  if (mirrors_rows(orientation_)) mirror(row(y), width_);
  if (strip_.empty()) return;
  if (y % kStripRows == kStripRows - 1 || y == height_ - 1) turn_strip(y - y % kStripRows, y % kStripRows + 1);
}

/// Source pixel (x, y) goes to column y or height-1-y of row x or width-1-x: each source column becomes a run of
/// `count` neighbouring pixels.
void Upright::turn_strip(int first, int count) {
  const bool rows_reversed = orientation_ == 7 || orientation_ == 8;
  const bool columns_reversed = orientation_ == 6 || orientation_ == 7;
  const std::size_t strip_stride = static_cast<std::size_t>(width_) * 3;
  for (int x = 0; x < width_; ++x) {
    const int column = columns_reversed ? height_ - first - count : first;
    std::uint8_t* target = image_.row(rows_reversed ? width_ - 1 - x : x) + static_cast<std::size_t>(column) * 3;
    const std::uint8_t* source = strip_.data() + static_cast<std::size_t>(x) * 3;
    if (columns_reversed) source += static_cast<std::size_t>(count - 1) * strip_stride;
    const std::ptrdiff_t step =
        columns_reversed ? -static_cast<std::ptrdiff_t>(strip_stride) : static_cast<std::ptrdiff_t>(strip_stride);
    // Four bytes at a time: the fourth is made right by the next pixel. The last pixel has no next one.
    for (int i = 1; i < count; ++i, target += 3, source += step) std::memcpy(target, source, 4);
    std::memcpy(target, source, 3);
  }
}

}  // namespace likeness::media
