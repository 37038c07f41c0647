#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace likeness {

using Bytes = std::vector<std::uint8_t>;
using BytesView = std::span<const std::uint8_t>;
using Sha256 = std::array<std::uint8_t, 32>;

inline BytesView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(BytesView bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

/// Lower-case hex.
std::string to_hex(BytesView bytes);
std::optional<Bytes> from_hex(std::string_view text);

/// Standard alphabet (RFC 4648 section 4) with padding.
std::string to_base64(BytesView bytes);
/// Strict: nothing outside the alphabet, right padding, zero trailing bits; nullopt otherwise.
std::optional<Bytes> from_base64(std::string_view text);

Sha256 sha256(BytesView data);
Sha256 hmac_sha256(BytesView key, BytesView data);
std::array<std::uint8_t, 16> md5(BytesView data);

/// Takes the same time whatever the contents, so that a signature cannot be guessed byte by byte.
bool equal_in_constant_time(std::string_view a, std::string_view b);

/// From the operating system's generator.
Bytes random_bytes(std::size_t count);

/// A random UUID (version 4), lower case with hyphens.
std::string uuid_v4();
/// A name-based UUID (version 3, MD5) of `data`: the same data gives the same id.
std::string uuid_v3(BytesView data);

}  // namespace likeness
