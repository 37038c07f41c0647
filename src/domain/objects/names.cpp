#include "domain/objects/names.hpp"

#include <algorithm>
#include <array>

#include "base/bytes.hpp"
#include "domain/objects/errors.hpp"

namespace likeness::objects {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }

bool looks_like_an_address(std::string_view name) {
  int numbers = 1;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '.') {
      ++numbers;
    } else if (!is_digit(name[i])) {
      return false;
    }
  }
  return numbers == 4;
}

// In the order of their bytes, so that what is written in them sorts like the bits.
constexpr std::string_view kLetters = "._0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

constexpr std::array<char, 64> sorted_letters() {
  std::array<char, 64> letters{};
  std::copy(kLetters.begin(), kLetters.end(), letters.begin());
  std::ranges::sort(letters);
  return letters;
}
constexpr std::array<char, 64> kDigits = sorted_letters();

std::string in_letters(BytesView bytes) {
  std::string out;
  out.reserve(bytes.size() / 3 * 4);
  for (std::size_t i = 0; i + 3 <= bytes.size(); i += 3) {
    const auto word = static_cast<std::uint32_t>(bytes[i] << 16 | bytes[i + 1] << 8 | bytes[i + 2]);
    for (const int shift : {18, 12, 6, 0}) out.push_back(kDigits[(word >> shift) & 63]);
  }
  return out;
}

/// The time in an order: what its first 11 letters hold.
std::uint64_t time_of(std::string_view order) {
  unsigned __int128 bits = 0;
  for (const char letter : order.substr(0, 11))
    bits = bits << 6 | static_cast<unsigned>(std::ranges::lower_bound(kDigits, letter) - kDigits.begin());
  return ~static_cast<std::uint64_t>(bits >> 2);
}

}  // namespace

Result<void> check_bucket_name(std::string_view name) {
  if (name.size() < 3 || name.size() > 63) return bad_bucket_name();
  const auto is_end = [](char c) { return is_lower(c) || is_digit(c); };
  if (!is_end(name.front()) || !is_end(name.back())) return bad_bucket_name();
  if (!std::ranges::all_of(name, [&](char c) { return is_end(c) || c == '-' || c == '.'; })) return bad_bucket_name();
  if (name.find("..") != std::string_view::npos || looks_like_an_address(name)) return bad_bucket_name();
  for (const std::string_view prefix : {"xn--", "sthree-", "amzn-s3-demo-"})
    if (name.starts_with(prefix)) return bad_bucket_name();
  for (const std::string_view suffix : {"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"})
    if (name.ends_with(suffix)) return bad_bucket_name();
  return {};
}

bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = static_cast<std::uint8_t>(text[i]);
    const std::size_t length = byte < 0x80                   ? 1
                               : byte >= 0xC2 && byte < 0xE0 ? 2
                               : (byte & 0xF0) == 0xE0       ? 3
                               : byte >= 0xF0 && byte < 0xF5 ? 4
                                                             : 0;
    if (length == 0 || i + length > text.size()) return false;
    for (std::size_t k = 1; k < length; ++k)
      if ((static_cast<std::uint8_t>(text[i + k]) & 0xC0) != 0x80) return false;
    const auto second = length > 1 ? static_cast<std::uint8_t>(text[i + 1]) : 0;
    if ((byte == 0xE0 && second < 0xA0) || (byte == 0xED && second > 0x9F) || (byte == 0xF0 && second < 0x90) ||
        (byte == 0xF4 && second > 0x8F))
      return false;
    i += length;
  }
  return true;
}

Result<void> check_key(std::string_view key) {
  if (key.empty()) return empty_key();
  if (key.size() > kMaxKeyBytes) return key_too_long();
  if (!is_utf8(key) || key.find('\0') != std::string_view::npos)
    return client_error("InvalidURI", "Couldn't parse the specified URI.");
  return {};
}

std::string new_order(TimePoint now, std::string_view after) {
  auto time =
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now.time_since_epoch()).count());
  if (after.size() == 32) time = std::max(time, time_of(after) + 1);
  time = ~time;
  Bytes bytes(8);
  for (std::size_t i = 8; i-- > 0; time >>= 8) bytes[i] = static_cast<std::uint8_t>(time & 0xff);
  const Bytes random = random_bytes(16);
  bytes.insert(bytes.end(), random.begin(), random.end());
  return in_letters(bytes);
}

bool is_version_id(std::string_view id) {
  if (id == "null") return true;
  return id.size() == 32 && std::ranges::all_of(id, [](char c) { return kLetters.find(c) != std::string_view::npos; });
}

std::string new_upload_id() { return in_letters(random_bytes(96)); }

}  // namespace likeness::objects
