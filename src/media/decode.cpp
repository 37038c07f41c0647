#include "media/decode.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <new>

#include "media/decode_formats.hpp"

namespace likeness::media {
namespace {

bool begins_with(BytesView file, std::string_view text, std::size_t at = 0) {
  return file.size() >= at + text.size() && std::equal(text.begin(), text.end(), as_text(file).begin() + at);
}

Result<Image> decode_by_format(BytesView file, const DecodeLimits& limits) {
  using std::string_view_literals::operator""sv;
  if (begins_with(file, "\xff\xd8\xff"sv)) return decode_jpeg(file, limits);
  if (begins_with(file, "\x89PNG\r\n\x1a\n"sv)) return decode_png(file, limits);
  if (begins_with(file, "RIFF"sv) && begins_with(file, "WEBP"sv, 8)) {
    if (limits.allow_webp) return decode_webp(file, limits);
    return invalid_image("WebP is not allowed here");
  }
  return invalid_image("neither JPEG nor PNG");
}

}  // namespace

Failure invalid_image(std::string why) {
  auto failure = client_error("InvalidImageFormat", "Request has invalid image format");
  failure.value().detail = std::move(why);
  return failure;
}

Failure too_much_memory(std::string why) {
  auto failure = client_error("ImageTooLarge", "The image is too large to be decoded");
  failure.value().detail = std::move(why);
  return failure;
}

void lay_over_white(const std::uint8_t* rgba, std::uint8_t* rgb, int width) {
  for (int x = 0; x < width; ++x, rgba += 4, rgb += 3) {
    const unsigned alpha = rgba[3];
    for (int c = 0; c < 3; ++c) rgb[c] = static_cast<std::uint8_t>((rgba[c] * alpha + 255 * (255 - alpha) + 127) / 255);
  }
}

Result<void> check_size(std::int64_t width, std::int64_t height, const DecodeLimits& limits) {
  if (width < 1 || height < 1) return invalid_image("a side is 0");
  if (width > limits.max_side || height > limits.max_side)
    return client_error("ImageTooLarge", fmt::format("The image has {} x {} pixels; at most {} a side are allowed",
                                                     width, height, limits.max_side));
  if (width * height > limits.max_pixels)
    return client_error("ImageTooLarge", fmt::format("The image has {} x {} pixels; at most {} altogether are allowed",
                                                     width, height, limits.max_pixels));
  if (width < limits.min_side || height < limits.min_side)
    return client_error("ImageTooSmall", fmt::format("The image has {} x {} pixels; at least {} a side are needed",
                                                     width, height, limits.min_side));
  return {};
}

Result<Image> decode(BytesView file, const DecodeLimits& limits) {
  if (file.size() > limits.max_bytes)
    return client_error("ImageTooLarge",
                        fmt::format("The image has {} bytes; at most {} are allowed", file.size(), limits.max_bytes));
  try {
    return decode_by_format(file, limits);
  } catch (const std::bad_alloc&) {
    return server_error("OutOfMemory", "There is not enough memory to decode the image");
  }
}

}  // namespace likeness::media
