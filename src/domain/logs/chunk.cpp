#include "domain/logs/chunk.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace likeness::logs {
namespace {

constexpr char kFormat = 1;
constexpr std::size_t kTimeDigits = 19;
constexpr std::size_t kChunkDigits = 20;
constexpr std::size_t kIndexDigits = 17;

void put_varint(std::uint64_t value, std::string& out) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>((value & 0x7f) | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

bool take_varint(std::string_view& from, std::uint64_t& value) {
  value = 0;
  for (unsigned shift = 0; shift < 64 && !from.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(from.front());
    from.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

void put_big_endian(std::uint64_t value, std::string& out) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>((value >> shift) & 0xff));
}

std::uint64_t big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8 && i < bytes.size(); ++i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

template <class Number>
bool read_digits(std::string_view text, Number& value) {
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  return read.ec == std::errc() && read.ptr == text.data() + text.size();
}

Failure damaged() {
  return server_error("StorageFailure", "A chunk of a log stream cannot be read.", "its bytes make no sense");
}

}  // namespace

std::string EventId::text() const { return fmt::format("{:019}{:020}{:017}", std::max<Millis>(time, 0), chunk, index); }

std::optional<EventId> EventId::parse(std::string_view text) {
  if (text.size() != kTimeDigits + kChunkDigits + kIndexDigits) return std::nullopt;
  EventId id;
  if (!read_digits(text.substr(0, kTimeDigits), id.time) || id.time < 0 ||
      !read_digits(text.substr(kTimeDigits, kChunkDigits), id.chunk) ||
      !read_digits(text.substr(kTimeDigits + kChunkDigits), id.index))
    return std::nullopt;
  return id;
}

std::string encode_chunk(const std::vector<TimedMessage>& events) {
  std::size_t size = 24;
  for (const auto& event : events) size += event.message.size() + 8;
  std::string out;
  out.reserve(size);
  out.push_back(kFormat);
  put_big_endian(static_cast<std::uint64_t>(events.front().time), out);
  put_varint(events.size(), out);
  Millis before = events.front().time;
  for (const auto& event : events) {
    put_varint(static_cast<std::uint64_t>(event.time - before), out);
    put_varint(event.message.size(), out);
    out.append(event.message);
    before = event.time;
  }
  return out;
}

Result<std::vector<TimedMessage>> decode_chunk(std::string_view bytes) {
  if (bytes.size() < 9 || bytes.front() != kFormat) return damaged();
  bytes.remove_prefix(1);
  auto time = static_cast<Millis>(big_endian(bytes));
  bytes.remove_prefix(8);
  std::uint64_t count = 0;
  if (!take_varint(bytes, count) || count > bytes.size()) return damaged();
  std::vector<TimedMessage> events;
  events.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    std::uint64_t delta = 0;
    std::uint64_t length = 0;
    if (!take_varint(bytes, delta) || !take_varint(bytes, length) || length > bytes.size()) return damaged();
    time = static_cast<Millis>(static_cast<std::uint64_t>(time) + delta);
    events.push_back({time, bytes.substr(0, length)});
    bytes.remove_prefix(length);
  }
  return events;
}

std::string chunk_key(Millis first, std::uint64_t chunk) {
  std::string key;
  put_big_endian(static_cast<std::uint64_t>(std::max<Millis>(first, 0)), key);
  put_big_endian(chunk, key);
  return key;
}

std::string chunk_key_from(Millis time) {
  std::string key;
  put_big_endian(static_cast<std::uint64_t>(std::max<Millis>(time, 0)), key);
  return key;
}

ChunkName read_chunk_key(std::string_view key) {
  return {static_cast<Millis>(big_endian(key)), big_endian(key.substr(std::min<std::size_t>(8, key.size())))};
}

}  // namespace likeness::logs
