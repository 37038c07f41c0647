#pragma once

#include <string>
#include <string_view>

namespace likeness::http_events {

/// With %XX decoded where that is right, and '+' as a space: the form of query strings.
std::string decode_query(std::string_view text);

/// What is not UTF-8 becomes U+FFFD, so that it can be in JSON.
std::string as_utf8(std::string_view bytes);

std::string lower_case(std::string_view text);

}  // namespace likeness::http_events
