#include "states/gunzip.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>
#include <memory>

namespace likeness::states {

Result<std::string> gunzip(std::string_view bytes, std::size_t limit) {
  const auto damaged = [] { return client_error("Damaged", "The object's gzip data is damaged."); };
  z_stream stream{};
  if (inflateInit2(&stream, 15 + 16) != Z_OK) return server_error("Damaged", "gzip data could not be read.");
  const std::unique_ptr<z_stream, int (*)(z_stream*)> end(&stream, inflateEnd);
  std::string out;
  std::array<unsigned char, 65536> piece;
  std::size_t at = 0;
  int state = Z_OK;
  while (at < bytes.size()) {
    // zlib counts in 32 bits, and reads only.
    const auto count = std::min<std::size_t>(bytes.size() - at, std::numeric_limits<uInt>::max());
    stream.next_in = reinterpret_cast<unsigned char*>(const_cast<char*>(bytes.data() + at));
    stream.avail_in = static_cast<uInt>(count);
    stream.next_out = piece.data();
    stream.avail_out = piece.size();
    state = inflate(&stream, Z_NO_FLUSH);
    if (state != Z_OK && state != Z_STREAM_END) return damaged();
    at += count - stream.avail_in;
    const auto made = piece.size() - stream.avail_out;
    if (made > limit - out.size()) return client_error("TooLarge", "The object's gzip data is too large.");
    out.append(reinterpret_cast<const char*>(piece.data()), made);
    if (state == Z_STREAM_END && at < bytes.size() && inflateReset(&stream) != Z_OK) return damaged();
  }
  // The last bytes may make more than one piece.
  while (state == Z_OK) {
    stream.avail_in = 0;
    stream.next_out = piece.data();
    stream.avail_out = piece.size();
    state = inflate(&stream, Z_NO_FLUSH);
    if (state != Z_OK && state != Z_STREAM_END) return damaged();
    const auto made = piece.size() - stream.avail_out;
    if (made > limit - out.size()) return client_error("TooLarge", "The object's gzip data is too large.");
    out.append(reinterpret_cast<const char*>(piece.data()), made);
  }
  return out;
}

}  // namespace likeness::states
