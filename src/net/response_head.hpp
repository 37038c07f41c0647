#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/http.hpp"

namespace likeness::net {

/// How the body of a response will be delimited.
struct ResponseFraming {
  std::optional<std::uint64_t> length;
  bool chunked = false;  // if neither: the end of the connection is the end of the body
  bool keep_alive = true;
};

/// Status line and header fields up to and with the empty line. Control characters in a field become spaces, so that no
/// value taken from a request can add a header; fields that are the server's own to decide are left out.
std::string write_response_head(const Response& response, const ResponseFraming& framing, std::string_view date);

/// "Sat, 21 Nov 2026 11:00:00 GMT".
std::string http_date(TimePoint time);

}  // namespace likeness::net
