#include <fmt/format.h>
#include <spng.h>

#include <algorithm>
#include <memory>
#include <new>
#include <vector>

#include "media/decode_formats.hpp"
#include "media/exif.hpp"
#include "media/upright.hpp"

namespace likeness::media {
namespace {

constexpr std::size_t kMostChunkBytes = 8 << 20;        // of one text, profile or EXIF chunk, inflated
constexpr std::size_t kMostChunkBytesInAll = 32 << 20;  // of all of them

struct CloseContext {
  void operator()(spng_ctx* context) const { spng_ctx_free(context); }
};

Failure damaged(const char* what, int error) {
  return invalid_image(fmt::format("PNG {}: {}", what, spng_strerror(error)));
}

}  // namespace

Result<Image> decode_png(BytesView file, const DecodeLimits& limits) {
  const std::unique_ptr<spng_ctx, CloseContext> context(spng_ctx_new(0));
  if (!context) throw std::bad_alloc();
  // A damaged comment does not make the picture wrong; a damaged critical chunk does.
  spng_set_crc_action(context.get(), SPNG_CRC_ERROR, SPNG_CRC_DISCARD);
  spng_set_chunk_limits(context.get(), kMostChunkBytes, kMostChunkBytesInAll);
  if (const int error = spng_set_png_buffer(context.get(), file.data(), file.size())) return damaged("header", error);
  spng_ihdr header{};
  if (const int error = spng_get_ihdr(context.get(), &header)) return damaged("header", error);
  if (auto fits = check_size(header.width, header.height, limits); !fits) return fail(fits);

  spng_exif exif{};
  const int orientation = spng_get_exif(context.get(), &exif) == 0
                              ? exif_orientation({reinterpret_cast<const std::uint8_t*>(exif.data), exif.length})
                              : 1;
  spng_trns transparency{};
  const bool has_alpha = header.color_type == SPNG_COLOR_TYPE_TRUECOLOR_ALPHA ||
                         header.color_type == SPNG_COLOR_TYPE_GRAYSCALE_ALPHA ||
                         spng_get_trns(context.get(), &transparency) == 0;
  const std::size_t row_bytes = static_cast<std::size_t>(header.width) * (has_alpha ? 4 : 3);
  if (const int error = spng_decode_image(context.get(), nullptr, 0, has_alpha ? SPNG_FMT_RGBA8 : SPNG_FMT_RGB8,
                                          SPNG_DECODE_PROGRESSIVE | (has_alpha ? SPNG_DECODE_TRNS : 0)))
    return damaged("chunks", error);

  const int width = static_cast<int>(header.width);
  const int height = static_cast<int>(header.height);
  Upright target(width, height, orientation);
  // Interlaced rows come several times, each time with more of their pixels: they need a place to stay meanwhile.
  const bool interlaced = header.interlace_method != SPNG_INTERLACE_NONE;
  if (interlaced && row_bytes * header.height > limits.max_working_bytes)
    return too_much_memory("an interlaced picture takes more than the working memory");
  std::vector<std::uint8_t> rows(interlaced ? row_bytes * header.height : has_alpha ? row_bytes : 0);
  const auto place = [&](int y, const std::uint8_t* source) {
    if (has_alpha) {
      lay_over_white(source, target.row(y), width);
    } else if (source != target.row(y)) {
      std::copy_n(source, row_bytes, target.row(y));
    }
    target.filled(y);
  };
  int error = 0;
  while (error == 0) {
    spng_row_info row{};
    if (error = spng_get_row_info(context.get(), &row); error != 0) break;
    const int y = static_cast<int>(row.row_num);
    std::uint8_t* buffer = interlaced ? rows.data() + row_bytes * row.row_num : has_alpha ? rows.data() : target.row(y);
    error = spng_decode_row(context.get(), buffer, row_bytes);
    if (!interlaced && (error == 0 || error == SPNG_EOI)) place(y, buffer);
  }
  if (error != SPNG_EOI) return damaged("pixels", error);
  if (interlaced)
    for (int y = 0; y < height; ++y) place(y, rows.data() + row_bytes * static_cast<std::size_t>(y));
  // Up to IEND: without it the file was cut.
  if (const int end = spng_decode_chunks(context.get())) return damaged("end", end);
  return target.take();
}

}  // namespace likeness::media
