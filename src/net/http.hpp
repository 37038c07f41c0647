#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"

/// HTTP messages as the rest of the program sees them: plain values, free of any network library.
namespace likeness::net {

/// ASCII only, as header names are.
inline bool equal_ignoring_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

struct Header {
  std::string name;
  std::string value;
};

/// Header fields in the order of the wire; a name may occur more than once. Names compare without case.
class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<Header> fields) : fields_(fields) {}

  void add(std::string name, std::string value) { fields_.push_back({std::move(name), std::move(value)}); }

  /// Replaces every field of that name by this one.
  void set(std::string_view name, std::string value) {
    remove(name);
    add(std::string(name), std::move(value));
  }

  void remove(std::string_view name) {
    std::erase_if(fields_, [&](const Header& field) { return equal_ignoring_case(field.name, name); });
  }

  /// The first field of that name. Valid until the headers change.
  std::optional<std::string_view> find(std::string_view name) const {
    for (const auto& field : fields_)
      if (equal_ignoring_case(field.name, name)) return field.value;
    return std::nullopt;
  }

  std::string_view get(std::string_view name, std::string_view otherwise = {}) const {
    return find(name).value_or(otherwise);
  }
  bool contains(std::string_view name) const { return find(name).has_value(); }
  /// Every field of that name, in order.
  std::vector<std::string_view> all(std::string_view name) const;

  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }
  std::size_t size() const { return fields_.size(); }

 private:
  std::vector<Header> fields_;
};

/// A body read piece by piece. Used by one thread at a time; `read` blocks, so never call it on an io thread.
class BodyReader {
 public:
  virtual ~BodyReader() = default;

  /// Fills `into` in part or whole and returns how many bytes it wrote; 0 only at the end of the body.
  /// Errors of a request body: "ConnectionClosed", "RequestTimeout" (the client is too slow), "BadRequest" (broken
  /// chunks), "BodyTooLarge".
  virtual Result<std::size_t> read(std::span<std::uint8_t> into) = 0;
};

/// Reads `text`.
std::shared_ptr<BodyReader> text_body(std::string text);

/// A whole request as the layers above see it: no connection.
struct Request {
  std::string method{};
  std::string target{};  // path and query exactly as sent, still percent-encoded
  Headers headers{};
  Bytes body{};                  // whole, "Transfer-Encoding: chunked" already taken apart; empty when `stream` is set
  std::string remote_address{};  // "203.0.113.7" or "2001:db8::1", without port
  bool secure = false;           // came over TLS
  std::shared_ptr<BodyReader> stream{};  // instead of `body`, where the server was told to (BodyPlan); copies share it
  int version = 11;                      // 10 or 11
  TimePoint received_at{};               // when the head was complete
  /// Asked to stop when the client hangs up while its answer is made, of requests that wait (Handlers::waits). Its
  /// callbacks run on an io thread: they must not block.
  std::stop_token gone{};

  /// Target up to the first '?', and what follows it ("" if there is none).
  std::string_view path() const;
  std::string_view query() const;
};

/// What became of a response.
struct Sent {
  std::uint64_t body_bytes = 0;
  bool complete = false;  // false: the client went away or stalled before the end
};

struct Response {
  int status = 200;
  Headers headers{};  // without Content-Length, Transfer-Encoding, Date and Connection: the server adds those
  std::string body{};
  /// Instead of `body`: made while it is sent. Read on the work pool, never further ahead than one piece; an error ends
  /// the connection, so that the client can tell.
  std::shared_ptr<BodyReader> stream{};
  /// Where known beforehand: sent as Content-Length, else chunked. To a HEAD request also what a GET would have sent.
  std::optional<std::uint64_t> stream_length{};
  bool close = false;  // end the connection after this response
  /// Told once, from an io thread or the one that made it (do not block), also when nothing could be sent.
  std::function<void(const Sent&)> on_sent{};
};

/// "Not Found" for 404; "Unknown" for a status without a name.
std::string_view reason_phrase(int status);

/// A response with one text body.
Response text_response(int status, std::string_view content_type, std::string body);

/// Decodes %XX; nullopt for a '%' without two hex digits. `plus_is_space` is the form of query strings.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space = false);

}  // namespace likeness::net
