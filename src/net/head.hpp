#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <tl/expected.hpp>

#include "base/bytes.hpp"
#include "net/http.hpp"

namespace likeness::net {

/// Why the server itself turns a request down, before any handler saw it.
struct Refusal {
  int status = 400;
  std::string message;
};

/// How the body of a message is delimited, and what becomes of the connection after it.
struct Framing {
  enum class Kind { None, Length, Chunked };
  Kind kind = Kind::None;
  std::uint64_t length = 0;  // with Kind::Length
  bool keep_alive = true;
  bool expect_continue = false;
};

struct HeadLimits {
  std::size_t bytes = 64 * 1024;
  std::size_t fields = 200;
};

/// Reads the head of one request from bytes as they come. Strict where leniency lets two servers disagree on where a
/// request ends: both Content-Length and Transfer-Encoding, a doubled or odd Content-Length, a coding other than
/// "chunked", folded lines, a missing or doubled Host are all refused.
class HeadParser {
 public:
  explicit HeadParser(const HeadLimits& limits);
  ~HeadParser();
  HeadParser(const HeadParser&) = delete;
  HeadParser& operator=(const HeadParser&) = delete;

  /// `received` starts with what the last call left over. Returns how many bytes of it belong to the head and are used
  /// up; call again with the rest and more until done(). Bytes after the head stay unused.
  tl::expected<std::size_t, Refusal> feed(BytesView received);
  bool done() const;

  /// Once done(): the request without a body, and its framing.
  Request take_request();
  const Framing& framing() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace likeness::net
