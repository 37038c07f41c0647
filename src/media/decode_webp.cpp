#include <fmt/format.h>
#include <webp/decode.h>
#include <webp/demux.h>

#include <algorithm>
#include <memory>

#include "media/decode_formats.hpp"
#include "media/exif.hpp"
#include "media/upright.hpp"

namespace likeness::media {
namespace {

struct CloseDemuxer {
  void operator()(WebPDemuxer* demuxer) const { WebPDemuxDelete(demuxer); }
};

int orientation_of(const WebPDemuxer* demuxer) {
  WebPChunkIterator chunk;
  int orientation = 1;
  if (WebPDemuxGetChunk(demuxer, "EXIF", 1, &chunk) != 0) {
    const BytesView bytes(chunk.chunk.bytes, chunk.chunk.size);
    // Some writers put JPEG's prefix before the TIFF block, against the container's specification.
    const int prefixed = app1_orientation(bytes);
    orientation = prefixed != 0 ? prefixed : exif_orientation(bytes);
  }
  WebPDemuxReleaseChunkIterator(&chunk);
  return orientation;
}

}  // namespace

Result<Image> decode_webp(BytesView file, const DecodeLimits& limits) {
  WebPBitstreamFeatures features{};
  if (WebPGetFeatures(file.data(), file.size(), &features) != VP8_STATUS_OK) return invalid_image("WebP header");
  if (features.has_animation != 0) return invalid_image("WebP: animations are not supported");
  if (auto fits = check_size(features.width, features.height, limits); !fits) return fail(fits);
  const WebPData data{file.data(), file.size()};
  const std::unique_ptr<WebPDemuxer, CloseDemuxer> demuxer(WebPDemux(&data));
  if (!demuxer) return invalid_image("WebP: the file is cut or damaged");
  const int orientation = orientation_of(demuxer.get());

  const auto width = static_cast<std::size_t>(features.width);
  const auto height = static_cast<std::size_t>(features.height);
  Upright target(features.width, features.height, orientation);
  if (features.has_alpha == 0 && orientation == 1) {
    if (WebPDecodeRGBInto(file.data(), file.size(), target.row(0), width * 3 * height, static_cast<int>(width * 3)) ==
        nullptr)
      return invalid_image("WebP: the pixels are damaged");
    return target.take();
  }
  if (width * height * 4 > limits.max_working_bytes) return too_much_memory("WebP with alpha or turned");
  const auto rgba = std::make_unique_for_overwrite<std::uint8_t[]>(width * height * 4);
  if (WebPDecodeRGBAInto(file.data(), file.size(), rgba.get(), width * height * 4, static_cast<int>(width * 4)) ==
      nullptr)
    return invalid_image("WebP: the pixels are damaged");
  for (int y = 0; y < features.height; ++y) {
    lay_over_white(rgba.get() + static_cast<std::size_t>(y) * width * 4, target.row(y), features.width);
    target.filled(y);
  }
  return target.take();
}

}  // namespace likeness::media
