#pragma once

#include <cstdint>
#include <vector>

#include "media/image.hpp"

namespace likeness::media {

/// Takes the rows of a file in their order and leaves an upright image. Rows of an image that is not turned go straight
/// to their place; turned ones pass through a strip of a few rows that stays in the cache. Use: for each row, write
/// 3 * width bytes at `row(y)`, then call `filled(y)`; at the end `take()`.
class Upright {
 public:
  /// Rows given at a time can be up to this many, aligned to it.
  static constexpr int kStripRows = 16;

  /// `width` and `height` as in the file; `orientation` 1..8 of EXIF.
  Upright(int width, int height, int orientation);

  int width() const { return width_; }
  int height() const { return height_; }
  /// Where source row `y` goes. Valid until `filled` of the last row of its strip.
  std::uint8_t* row(int y);
  /// Row `y` is written; rows come in rising order.
  void filled(int y);
  Image take() { return std::move(image_); }

 private:
  void turn_strip(int first, int count);

  int width_;
  int height_;
  int orientation_;
  Image image_;
  std::vector<std::uint8_t> strip_;
};

}  // namespace likeness::media
