#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"

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

  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }
  std::size_t size() const { return fields_.size(); }

 private:
  std::vector<Header> fields_;
};

/// A whole request as the layers above see it: no connection, no HTTP version.
struct Request {
  std::string method;
  std::string target;  // path and query exactly as sent, still percent-encoded
  Headers headers;
  Bytes body;                  // whole; with "Transfer-Encoding: chunked" already taken apart
  std::string remote_address;  // "203.0.113.7" or "2001:db8::1", without port
  bool secure = false;         // came over TLS
};

struct Response {
  int status = 200;
  Headers headers;  // without Content-Length, Date and Connection: the server adds those
  std::string body;
};

}  // namespace likeness::net
