#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/bytes.hpp"

namespace likeness::net {

/// Takes the framing of "Transfer-Encoding: chunked" (RFC 9112, 7.1) off a body as it arrives. Strict: sizes are 1 to
/// 15 hex digits, every line ends with CR LF, extensions and trailers are skipped within small limits. Keeps no data.
class ChunkDecoder {
 public:
  ChunkDecoder() = default;
  /// Keeps the trailers, of at most so many bytes.
  explicit ChunkDecoder(std::size_t max_trailers) : keep_trailers_(true), max_trailers_(max_trailers) {}

  /// Takes from the front of `in` until `in` is used up, `out` has grown by `room` bytes, or the body ends. Returns how
  /// many bytes of `in` were used; after failed() the rest is meaningless.
  std::size_t feed(BytesView in, Bytes& out, std::size_t room);

  bool done() const { return state_ == State::Done; }
  bool failed() const { return state_ == State::Failed; }
  /// Once done(), if they are kept: lines that end with LF.
  const std::string& trailers() const { return trailers_; }

 private:
  enum class State {
    Size,          // hex digits
    Extension,     // after ';' up to CR
    SizeLineFeed,  // LF of the size line
    Data,
    DataReturn,    // CR after the data
    DataLineFeed,  // LF after the data
    TrailerStart,  // first byte of a trailer line, or the CR of the last line
    Trailer,
    TrailerLineFeed,
    EndLineFeed,  // LF of the last line
    Done,
    Failed,
  };
  void step(std::uint8_t byte);

  State state_ = State::Size;
  std::uint64_t left_ = 0;  // of the current chunk
  int digits_ = 0;
  std::size_t line_bytes_ = 0;     // of the current size line
  std::size_t trailer_bytes_ = 0;  // of all trailers
  bool keep_trailers_ = false;
  std::size_t max_trailers_ = 8 * 1024;
  std::string trailers_;
};

}  // namespace likeness::net
