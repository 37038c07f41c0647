#include "media/encode.hpp"

#include <spng.h>
#include <turbojpeg.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

namespace likeness::media {
namespace {

struct Release {
  void operator()(spng_ctx* context) const { spng_ctx_free(context); }
  void operator()(unsigned char* bytes) const { tjFree(bytes); }
};

Failure failed(const char* why) { return server_error("EncodeFailed", "The picture could not be written", why); }

}  // namespace

Result<Bytes> encode_png(const Image& image) {
  if (image.empty()) return failed("it is empty");
  const std::unique_ptr<spng_ctx, Release> context(spng_ctx_new(SPNG_CTX_ENCODER));
  if (!context) return failed("no memory");
  spng_ihdr header{};
  header.width = static_cast<std::uint32_t>(image.width());
  header.height = static_cast<std::uint32_t>(image.height());
  header.color_type = SPNG_COLOR_TYPE_TRUECOLOR;
  header.bit_depth = 8;
  int error = spng_set_ihdr(context.get(), &header);
  if (error == 0) error = spng_set_option(context.get(), SPNG_ENCODE_TO_BUFFER, 1);
  if (error == 0)
    error = spng_encode_image(context.get(), image.row(0), image.stride() * static_cast<std::size_t>(image.height()),
                              SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE);
  if (error != 0) return failed(spng_strerror(error));
  std::size_t size = 0;
  const std::unique_ptr<void, void (*)(void*)> bytes(spng_get_png_buffer(context.get(), &size, &error), std::free);
  if (!bytes) return failed(spng_strerror(error));
  const auto* first = static_cast<const std::uint8_t*>(bytes.get());
  return Bytes(first, first + size);
}

Result<Bytes> encode_jpeg(const Image& image, int quality) {
  if (image.empty()) return failed("it is empty");
  const std::unique_ptr<void, int (*)(void*)> compressor(tjInitCompress(), tjDestroy);
  if (!compressor) return failed(tjGetErrorStr2(nullptr));
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  const int done = tjCompress2(compressor.get(), image.row(0), image.width(), static_cast<int>(image.stride()),
                               image.height(), TJPF_RGB, &bytes, &size, TJSAMP_444, std::clamp(quality, 1, 100), 0);
  const std::unique_ptr<unsigned char, Release> owner(bytes);
  if (done != 0) return failed(tjGetErrorStr2(compressor.get()));
  return Bytes(bytes, bytes + size);
}

}  // namespace likeness::media
