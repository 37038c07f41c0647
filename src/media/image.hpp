#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace likeness::media {

/// 8-bit RGB pixels in rows, upright (the orientation of the file is already applied). Owns its pixels; moves, does not
/// copy. `stride` is the number of bytes from one row to the next, at least 3 * width.
class Image {
 public:
  Image() = default;
  Image(int width, int height)
      : width_(width),
        height_(height),
        pixels_(new std::uint8_t[static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3]) {}

  int width() const { return width_; }
  int height() const { return height_; }
  std::size_t stride() const { return static_cast<std::size_t>(width_) * 3; }
  bool empty() const { return width_ == 0 || height_ == 0; }
  std::uint8_t* row(int y) { return pixels_.get() + static_cast<std::size_t>(y) * stride(); }
  const std::uint8_t* row(int y) const { return pixels_.get() + static_cast<std::size_t>(y) * stride(); }

 private:
  int width_ = 0;
  int height_ = 0;
  std::unique_ptr<std::uint8_t[]> pixels_;
};

}  // namespace likeness::media
