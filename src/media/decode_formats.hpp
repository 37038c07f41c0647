#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "media/decode.hpp"

/// The parts of `decode`, one a format. Each calls `check_size` on what the header says before it decodes a pixel.
namespace likeness::media {

Result<void> check_size(std::int64_t width, std::int64_t height, const DecodeLimits& limits);
/// `why` goes to the log.
Failure invalid_image(std::string why);
/// For what would need more working memory than `DecodeLimits::max_working_bytes`.
Failure too_much_memory(std::string why);

/// RGBA to RGB over white: that is what people see when they look at such a picture on a page, and portraits that were
/// cut out are mostly kept that way. Blended on the stored values, as browsers do.
void lay_over_white(const std::uint8_t* rgba, std::uint8_t* rgb, int width);

Result<Image> decode_jpeg(BytesView file, const DecodeLimits& limits);
Result<Image> decode_png(BytesView file, const DecodeLimits& limits);
Result<Image> decode_webp(BytesView file, const DecodeLimits& limits);

}  // namespace likeness::media
