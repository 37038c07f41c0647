#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "media/decode.hpp"
#include "media/exif.hpp"

/// Any bytes at all: decode either refuses them or gives an image within the limits, every pixel of which can be read.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const likeness::BytesView file(data, size);
  likeness::media::DecodeLimits limits;
  limits.min_side = 1;
  limits.max_side = 400;
  limits.max_pixels = 40'000;
  limits.max_working_bytes = 4 << 20;
  limits.allow_webp = true;
  if (const auto image = likeness::media::decode(file, limits)) {
    if (image->width() < 1 || image->width() > 400 || image->height() < 1 || image->height() > 400) std::abort();
    unsigned sum = 0;
    for (int y = 0; y < image->height(); ++y)
      for (std::size_t x = 0; x < image->stride(); ++x) sum += image->row(y)[x];
    if (sum > 400U * 400U * 3U * 255U) std::abort();
  }
  const int orientation = likeness::media::exif_orientation(file);
  if (orientation < 1 || orientation > 8) std::abort();
  return 0;
}
