#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "media/image.hpp"

namespace likeness::media {

/// What is accepted. The defaults are AWS's for images sent as bytes.
struct DecodeLimits {
  std::size_t max_bytes = 5 * 1024 * 1024;
  int min_side = 80;
  int max_side = 10'000;                  // AWS names it for labels and moderation; we hold it everywhere
  std::int64_t max_pixels = 100'000'000;  // bounds memory: 3 bytes a pixel
  bool allow_webp = false;                // AWS takes JPEG and PNG only; the command line may take more
  /// Memory beyond the pixels themselves: the coefficients of a progressive JPEG (6 bytes a pixel at most), the passes
  /// of an interlaced PNG.
  std::size_t max_working_bytes = 256 * 1024 * 1024;
};

/// Decodes a JPEG (baseline, progressive, grey, CMYK, YCCK) or PNG (all colour types, 1 to 16 bits, interlaced; alpha
/// is laid over white) and turns it upright by its EXIF orientation. Size limits are checked on the header, before any
/// pixel is decoded. A file that ends early or is damaged is refused. Errors: "InvalidImageFormat"
/// (not such a file, damaged, or truncated), "ImageTooLarge" (bytes, side or pixels over the limit), "ImageTooSmall" (a
/// side under `min_side`).
Result<Image> decode(BytesView file, const DecodeLimits& limits);

}  // namespace likeness::media
