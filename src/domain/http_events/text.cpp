#include "domain/http_events/text.hpp"

#include <cstddef>
#include <optional>

namespace likeness::http_events {
namespace {

std::optional<int> hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

/// Bytes of the character at the front; 0 if that is none. `text` is not empty.
std::size_t character(std::string_view text) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const auto within = [&](std::size_t at, int least, int most) {
    return at < text.size() && byte(at) >= least && byte(at) <= most;
  };
  const int first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first < 0xE0) return within(1, 0x80, 0xBF) ? 2 : 0;
  if (first >= 0xE0 && first < 0xF0) {
    const int least = first == 0xE0 ? 0xA0 : 0x80;
    const int most = first == 0xED ? 0x9F : 0xBF;  // no surrogates
    return within(1, least, most) && within(2, 0x80, 0xBF) ? 3 : 0;
  }
  if (first >= 0xF0 && first < 0xF5) {
    const int least = first == 0xF0 ? 0x90 : 0x80;
    const int most = first == 0xF4 ? 0x8F : 0xBF;
    return within(1, least, most) && within(2, 0x80, 0xBF) && within(3, 0x80, 0xBF) ? 4 : 0;
  }
  return 0;
}

}  // namespace

std::string decode_query(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '%' && at + 2 < text.size()) {
      const auto high = hex_digit(text[at + 1]), low = hex_digit(text[at + 2]);
      if (high && low) {
        out += static_cast<char>(*high * 16 + *low);
        at += 2;
        continue;
      }
    }
    out += text[at] == '+' ? ' ' : text[at];
  }
  return out;
}

std::string as_utf8(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) {
    const auto length = character(bytes);
    if (length == 0)
      out += "\xEF\xBF\xBD";
    else
      out += bytes.substr(0, length);
    bytes.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

}  // namespace likeness::http_events
