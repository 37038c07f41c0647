#include "domain/dynamodb/key_encoding.hpp"

#include <array>

#include "base/digest.hpp"

namespace likeness::dynamodb {

namespace {

// First byte of a number: negative, zero, positive.
constexpr char kNegative = '\x10';
constexpr char kZero = '\x20';
constexpr char kPositive = '\x30';
constexpr int kMagnitudeBias = 0x4000;

/// Sign, magnitude, then the digits two a byte. Trailing zeros are not written, so that a number that begins another
/// sorts before it; a negative one has all bits turned and ends in FF, so that it sorts after.
void append_number(std::string& out, const Number& number) {
  if (number.is_zero()) {
    out += kZero;
    return;
  }
  const std::uint8_t turn = number.is_negative() ? 0xFF : 0;
  out += number.is_negative() ? kNegative : kPositive;
  const auto magnitude = static_cast<unsigned>(number.magnitude() + kMagnitudeBias);
  out += static_cast<char>((magnitude >> 8 & 0xFF) ^ turn);
  out += static_cast<char>((magnitude & 0xFF) ^ turn);

  std::array<std::uint8_t, 40> digits{};
  const int count = number.digits();
  auto rest = number.coefficient();
  for (int i = count - 1; i >= 0; --i, rest /= 10)
    digits[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(rest % 10);
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); i += 2)
    // One more than the pair, so that no byte is 0 and the end sorts first.
    out += static_cast<char>((digits[i] * 10 + digits[i + 1] + 1) ^ turn);
  if (number.is_negative()) out += '\xFF';
}

}  // namespace

void append_key_value(std::string& out, const Value& value) {
  if (const auto* text = value.string()) {
    out += *text;
  } else if (const auto* number = value.number()) {
    append_number(out, *number);
  } else if (const auto* binary = value.as<Binary>()) {
    out += binary->bytes;
  }
}

std::string key_value(const Value& value) {
  std::string out;
  append_key_value(out, value);
  return out;
}

void append_separated(std::string& out, std::string_view bytes) {
  for (const char c : bytes) {
    out += c;
    if (c == '\0') out += '\xFF';
  }
  out += '\0';
  out += '\x01';
}

namespace {

/// The bytes of which DynamoDB takes the hash of a number: an exponent of 100, then pairs of digits, each of them plus
/// one; of negative ones the complement.
std::string hashed_bytes(const Number& number) {
  if (number.is_zero()) return "\x80";
  const int magnitude = number.magnitude();
  const int odd = magnitude % 2 == 0 ? 0 : 1;  // then a zero goes before the digits
  const int count = number.digits();
  const int pairs = (count + odd + 1) / 2;
  std::array<int, 42> digits{};
  auto rest = number.coefficient();
  auto at = static_cast<std::size_t>(count) + static_cast<std::size_t>(odd);
  for (int i = 0; i < count; ++i, rest /= 10) digits[--at] = static_cast<int>(rest % 10);
  const bool negative = number.is_negative();
  // Halves are exact: magnitude + odd is even.
  const int exponent = (magnitude + odd) / 2 - 64;
  std::string out(1, static_cast<char>(negative ? ~exponent : exponent));
  for (std::size_t i = 0; i < static_cast<std::size_t>(pairs); ++i) {
    const int pair = digits[2 * i] * 10 + digits[2 * i + 1];
    out += static_cast<char>(negative ? 101 - pair : pair + 1);
  }
  if (negative && pairs < 20) out += '\x66';
  return out;
}

std::uint64_t hash_of_bytes(const std::string& key) {
  std::string bytes = "Outliers";
  bytes += key;
  Digest digest(Digest::Kind::Md5);
  digest.update(as_bytes(bytes));
  const Bytes sum = digest.finish();
  std::uint64_t hash = 0;
  for (std::size_t i = 0; i < 8; ++i) hash = hash << 8 | sum[i];
  return hash;
}

}  // namespace

std::uint64_t hash_of_key(const Value& key) {
  // As DynamoDB does it, so that scans come in its order.
  return hash_of_bytes(key.number() ? hashed_bytes(*key.number()) : key_value(key));
}

namespace {

void append_big_endian(std::string& out, std::uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xFF);
}

}  // namespace

std::string partition_prefix(const Value& partition_key) {
  const std::string bytes = key_value(partition_key);
  std::string out;
  out.reserve(8 + bytes.size() + 24);
  append_big_endian(out, hash_of_key(partition_key));
  append_separated(out, bytes);
  return out;
}

std::string partition_prefix(const std::vector<const Value*>& values) {
  if (values.size() == 1) return partition_prefix(*values.front());
  std::string bytes;
  for (const auto* value : values) append_separated(bytes, key_value(*value));
  std::string out;
  out.reserve(8 + bytes.size() + 24);
  append_big_endian(out, hash_of_bytes(bytes));
  return out += bytes;
}

std::string partition_prefix(const std::vector<Value>& values) {
  std::vector<const Value*> all;
  all.reserve(values.size());
  for (const auto& value : values) all.push_back(&value);
  return partition_prefix(all);
}

std::string item_key(std::string prefix, const Value* sort_key) {
  if (sort_key) append_key_value(prefix, *sort_key);
  return prefix;
}

std::string segment_start(std::uint64_t segment, std::uint64_t total) {
  if (segment >= total) return {};
  std::string out;
  append_big_endian(out, static_cast<std::uint64_t>((static_cast<unsigned __int128>(segment) << 64) / total));
  return out;
}

std::string after_prefix(std::string prefix) {
  while (!prefix.empty() && prefix.back() == '\xFF') prefix.pop_back();
  if (!prefix.empty()) prefix.back() = static_cast<char>(prefix.back() + 1);
  return prefix;
}

}  // namespace likeness::dynamodb
