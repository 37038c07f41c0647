#include "events/comparable.hpp"

#include <arpa/inet.h>
#include <wctype.h>

#include <algorithm>
#include <charconv>
#include <clocale>
#include <cmath>
#include <cstring>

namespace likeness::events {

namespace {

/// A decimal number in one form only: 0.DIGITS * 10^exponent, without zeroes at either end.
struct Decimal {
  bool negative = false;
  std::string digits;
  long exponent = 0;
  bool operator==(const Decimal&) const = default;
};

Decimal decimal(std::string_view text) {
  Decimal out;
  std::size_t i = 0;
  if (i < text.size() && text[i] == '-') {
    out.negative = true;
    ++i;
  }
  bool point = false;
  for (; i < text.size() && text[i] != 'e' && text[i] != 'E'; ++i) {
    if (text[i] == '.') {
      point = true;
      continue;
    }
    if (!point) ++out.exponent;
    out.digits.push_back(text[i]);
  }
  if (i < text.size()) {
    ++i;
    if (i < text.size() && text[i] == '+') ++i;
    long power = 0;
    const auto [end, error] = std::from_chars(text.data() + i, text.data() + text.size(), power);
    out.exponent = error == std::errc() ? out.exponent + std::clamp(power, -1'000'000L, 1'000'000L) : 2'000'000;
  }
  const std::size_t first = out.digits.find_first_not_of('0');
  if (first == std::string::npos) return {};
  out.digits.erase(0, first);
  out.exponent -= static_cast<long>(first);
  out.digits.erase(out.digits.find_last_not_of('0') + 1);
  return out;
}

std::size_t digits_in(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }));
}

std::optional<Address> parse_ipv4(std::string_view text) {
  Address out;
  out.size = 4;
  for (int part = 0; part < 4; ++part) {
    const std::size_t dot = part < 3 ? text.find('.') : text.size();
    if (dot == std::string_view::npos || dot == 0 || dot > 9) return std::nullopt;
    unsigned value = 0;
    const std::string_view digits = text.substr(0, dot);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size() || value > 255) return std::nullopt;
    out.bytes[static_cast<std::size_t>(part)] = static_cast<std::uint8_t>(value);
    text.remove_prefix(part < 3 ? dot + 1 : dot);
  }
  return out;
}

struct Utf8Locale {
  locale_t handle = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  Utf8Locale() = default;
  Utf8Locale(const Utf8Locale&) = delete;
  Utf8Locale& operator=(const Utf8Locale&) = delete;
  ~Utf8Locale() {
    if (handle != nullptr) freelocale(handle);
  }
};

std::uint32_t lower(std::uint32_t c) {
  if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + 32 : c;
  static const Utf8Locale kLocale;
  if (kLocale.handle == nullptr) return c;
  // Up and down again, so that letters with two small forms (sigma) are one.
  return static_cast<std::uint32_t>(towlower_l(towupper_l(static_cast<wint_t>(c), kLocale.handle), kLocale.handle));
}

}  // namespace

std::optional<double> comparable_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  if (value == 0) value = 0;  // there is no negative zero
  // Fifteen digits always survive the way into a double and back.
  if (text.find_first_of("eE") == std::string_view::npos && digits_in(text) <= 15) return value;
  char shortest[32];
  const auto written = std::to_chars(shortest, shortest + sizeof shortest, value);
  if (decimal(text) != decimal({shortest, static_cast<std::size_t>(written.ptr - shortest)})) return std::nullopt;
  return value;
}

std::string folded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const auto first = static_cast<unsigned char>(text[i]);
    if (first < 0x80) {
      out.push_back(static_cast<char>(lower(first)));
      ++i;
      continue;
    }
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    std::uint32_t code = first & (0xffu >> (length + 1));
    const std::string_view bytes = text.substr(i, length);
    for (std::size_t k = 1; k < bytes.size(); ++k) code = code << 6 | (static_cast<unsigned char>(bytes[k]) & 0x3f);
    i += bytes.size();
    const std::uint32_t small = bytes.size() == length ? lower(code) : code;
    if (small == code) {
      out.append(bytes);
    } else if (small < 0x80) {
      out.push_back(static_cast<char>(small));
    } else if (small < 0x800) {
      out.push_back(static_cast<char>(0xc0 | small >> 6));
      out.push_back(static_cast<char>(0x80 | (small & 0x3f)));
    } else if (small < 0x10000) {
      out.push_back(static_cast<char>(0xe0 | small >> 12));
      out.push_back(static_cast<char>(0x80 | (small >> 6 & 0x3f)));
      out.push_back(static_cast<char>(0x80 | (small & 0x3f)));
    } else {
      out.push_back(static_cast<char>(0xf0 | small >> 18));
      out.push_back(static_cast<char>(0x80 | (small >> 12 & 0x3f)));
      out.push_back(static_cast<char>(0x80 | (small >> 6 & 0x3f)));
      out.push_back(static_cast<char>(0x80 | (small & 0x3f)));
    }
  }
  return out;
}

Address Address::masked(int bits) const {
  Address out = *this;
  for (int i = 0; i < size; ++i) {
    const int keep = std::clamp(bits - i * 8, 0, 8);
    out.bytes[static_cast<std::size_t>(i)] &= static_cast<std::uint8_t>(0xff00 >> keep);
  }
  return out;
}

bool looks_like_address(std::string_view text) {
  if (text.find(':') != std::string_view::npos)
    return text.find_first_not_of("0123456789abcdefABCDEF:") == std::string_view::npos;
  if (text.empty() || text.find_first_not_of("0123456789.") != std::string_view::npos) return false;
  return std::count(text.begin(), text.end(), '.') == 3 && text.front() != '.' && text.back() != '.' &&
         text.find("..") == std::string_view::npos;
}

std::optional<Address> parse_address(std::string_view text) {
  if (!looks_like_address(text)) return std::nullopt;
  if (text.find(':') == std::string_view::npos) return parse_ipv4(text);
  char terminated[64];
  if (text.size() >= sizeof terminated) return std::nullopt;
  std::memcpy(terminated, text.data(), text.size());
  terminated[text.size()] = '\0';
  Address out;
  out.size = 16;
  if (inet_pton(AF_INET6, terminated, out.bytes.data()) != 1) return std::nullopt;
  // An IPv4 address in IPv6 clothes.
  const bool mapped = std::all_of(out.bytes.begin(), out.bytes.begin() + 10, [](auto byte) { return byte == 0; }) &&
                      out.bytes[10] == 0xff && out.bytes[11] == 0xff;
  if (mapped) {
    std::copy(out.bytes.begin() + 12, out.bytes.end(), out.bytes.begin());
    std::fill(out.bytes.begin() + 4, out.bytes.end(), std::uint8_t{0});
    out.size = 4;
  }
  return out;
}

}  // namespace likeness::events
