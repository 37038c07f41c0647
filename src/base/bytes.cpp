#include "base/bytes.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <stdexcept>

namespace likeness {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";
constexpr char kBase64Digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kNotADigit = 0xFF;

constexpr std::array<std::uint8_t, 256> base64_values() {
  std::array<std::uint8_t, 256> values{};
  for (auto& value : values) value = kNotADigit;
  for (std::uint8_t i = 0; i < 64; ++i) values[static_cast<std::uint8_t>(kBase64Digits[i])] = i;
  return values;
}
constexpr auto kBase64Values = base64_values();

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

template <std::size_t N>
std::array<std::uint8_t, N> digest(const EVP_MD* method, BytesView data) {
  std::array<std::uint8_t, N> out{};
  unsigned int size = N;
  if (EVP_Digest(data.data(), data.size(), out.data(), &size, method, nullptr) != 1 || size != N)
    throw std::runtime_error("OpenSSL could not compute a digest");
  return out;
}

std::string format_uuid(std::array<std::uint8_t, 16> id, std::uint8_t version) {
  id[6] = static_cast<std::uint8_t>((id[6] & 0x0F) | (version << 4));
  id[8] = static_cast<std::uint8_t>((id[8] & 0x3F) | 0x80);
  const std::string hex = to_hex(id);
  return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" + hex.substr(16, 4) + "-" +
         hex.substr(20);
}

}  // namespace

std::string to_hex(BytesView bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const std::uint8_t byte : bytes) {
    out.push_back(kHexDigits[byte >> 4]);
    out.push_back(kHexDigits[byte & 0x0F]);
  }
  return out;
}

std::optional<Bytes> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  Bytes out;
  out.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_value(text[i]);
    const int low = hex_value(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out.push_back(static_cast<std::uint8_t>(high * 16 + low));
  }
  return out;
}

std::string to_base64(BytesView bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  std::size_t i = 0;
  for (; i + 3 <= bytes.size(); i += 3) {
    const std::uint32_t word = static_cast<std::uint32_t>(bytes[i] << 16 | bytes[i + 1] << 8 | bytes[i + 2]);
    for (const int shift : {18, 12, 6, 0}) out.push_back(kBase64Digits[(word >> shift) & 63]);
  }
  const std::size_t rest = bytes.size() - i;
  if (rest > 0) {
    const std::uint32_t word = static_cast<std::uint32_t>(bytes[i] << 16 | (rest == 2 ? bytes[i + 1] << 8 : 0));
    out.push_back(kBase64Digits[(word >> 18) & 63]);
    out.push_back(kBase64Digits[(word >> 12) & 63]);
    out.push_back(rest == 2 ? kBase64Digits[(word >> 6) & 63] : '=');
    out.push_back('=');
  }
  return out;
}

std::optional<Bytes> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  if (text.empty()) return Bytes{};
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  const auto* in = reinterpret_cast<const std::uint8_t*>(text.data());
  const std::size_t whole = text.size() / 4 - (padding > 0 ? 1 : 0);
  Bytes out(text.size() / 4 * 3 - padding);
  std::uint8_t* to = out.data();
  std::uint8_t bad = 0;  // gathers the top bit of kNotADigit, so that the loop has no branch
  for (std::size_t i = 0; i < whole; ++i, in += 4, to += 3) {
    const std::uint8_t a = kBase64Values[in[0]], b = kBase64Values[in[1]];
    const std::uint8_t c = kBase64Values[in[2]], d = kBase64Values[in[3]];
    bad |= static_cast<std::uint8_t>(a | b | c | d);
    to[0] = static_cast<std::uint8_t>(a << 2 | b >> 4);
    to[1] = static_cast<std::uint8_t>(b << 4 | c >> 2);
    to[2] = static_cast<std::uint8_t>(c << 6 | d);
  }
  if (bad & 0x80) return std::nullopt;
  if (padding == 0) return out;
  const std::uint8_t a = kBase64Values[in[0]], b = kBase64Values[in[1]];
  if ((a | b) & 0x80) return std::nullopt;
  to[0] = static_cast<std::uint8_t>(a << 2 | b >> 4);
  if (padding == 2) {
    if (b & 0x0F) return std::nullopt;
    return out;
  }
  const std::uint8_t c = kBase64Values[in[2]];
  if ((c & 0x80) || (c & 0x03)) return std::nullopt;
  to[1] = static_cast<std::uint8_t>(b << 4 | c >> 2);
  return out;
}

Sha256 sha256(BytesView data) { return digest<32>(EVP_sha256(), data); }
std::array<std::uint8_t, 16> md5(BytesView data) { return digest<16>(EVP_md5(), data); }

Sha256 hmac_sha256(BytesView key, BytesView data) {
  Sha256 out{};
  unsigned int size = out.size();
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), data.data(), data.size(), out.data(), &size) ==
      nullptr)
    throw std::runtime_error("OpenSSL could not compute an HMAC");
  return out;
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

Bytes random_bytes(std::size_t count) {
  Bytes out(count);
  if (RAND_bytes(out.data(), static_cast<int>(count)) != 1) throw std::runtime_error("no random numbers to be had");
  return out;
}

std::string uuid_v4() {
  std::array<std::uint8_t, 16> id{};
  if (RAND_bytes(id.data(), id.size()) != 1) throw std::runtime_error("no random numbers to be had");
  return format_uuid(id, 4);
}

std::string uuid_v3(BytesView data) { return format_uuid(md5(data), 3); }

}  // namespace likeness
