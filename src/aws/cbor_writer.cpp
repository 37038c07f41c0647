#include <bit>
#include <chrono>
#include <cstring>

#include "aws/cbor.hpp"
#include "aws/types.hpp"
#include "aws/utf8.hpp"
#include "base/clock.hpp"

namespace likeness::aws {
namespace {

constexpr std::uint8_t kUnsigned = 0;
constexpr std::uint8_t kNegative = 1;
constexpr std::uint8_t kBytes = 2;
constexpr std::uint8_t kText = 3;
constexpr std::uint8_t kArray = 4;
constexpr std::uint8_t kMap = 5;

void put(std::uint64_t value, int bytes, std::string& out) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift & 0xff));
}

void head(std::uint8_t major, std::uint64_t value, std::string& out) {
  const auto first = [&](unsigned info) { out.push_back(static_cast<char>(major << 5 | info)); };
  if (value < 24) return first(static_cast<unsigned>(value));
  if (value <= 0xff) {
    first(24);
    return put(value, 1, out);
  }
  if (value <= 0xffff) {
    first(25);
    return put(value, 2, out);
  }
  if (value <= 0xffffffff) {
    first(26);
    return put(value, 4, out);
  }
  first(27);
  put(value, 8, out);
}

void integer(std::int64_t value, std::string& out) {
  if (value >= 0)
    head(kUnsigned, static_cast<std::uint64_t>(value), out);
  else
    head(kNegative, static_cast<std::uint64_t>(-1 - value), out);
}

void real(double value, std::string& out) {
  out.push_back(static_cast<char>(0xfb));
  put(std::bit_cast<std::uint64_t>(value), 8, out);
}

/// Tag 1: seconds since 1970, whole or with a fraction.
void timestamp(TimePoint time, std::string& out) {
  out.push_back(static_cast<char>(0xc1));
  const auto millis = std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count();
  if (millis % 1000 == 0)
    integer(millis / 1000, out);
  else
    real(static_cast<double>(millis) / 1000, out);
}

std::size_t count_members(const Shape& shape, const void* structure) {
  std::size_t count = 0;
  for (const auto& member : shape.members) count += member.find(structure) != nullptr ? 1 : 0;
  return count;
}

void write_members(const Shape& shape, const void* structure, std::string& out);

void write_value(const Shape& shape, const void* value, std::string& out) {
  switch (shape.kind) {
    case Kind::Structure: return write_cbor(shape, value, out);
    case Kind::List: {
      const auto size = shape.list->size(value);
      head(kArray, size, out);
      for (std::size_t i = 0; i < size; ++i) write_value(*shape.element, shape.list->at(value, i), out);
      return;
    }
    case Kind::Map: {
      struct State {
        const Shape& element;
        std::string& out;
      } state{*shape.element, out};
      head(kMap, shape.map->size(value), out);
      shape.map->each(value, &state, [](void* opaque, const std::string& key, const void* item) {
        auto& s = *static_cast<State*>(opaque);
        write_cbor_text(key, s.out);
        write_value(s.element, item, s.out);
      });
      return;
    }
    case Kind::String: return write_cbor_text(*static_cast<const std::string*>(value), out);
    case Kind::Enum: {
      std::uint16_t index = 0;
      std::memcpy(&index, value, sizeof index);
      return write_cbor_text(shape.enum_values[index], out);
    }
    case Kind::Boolean: out.push_back(static_cast<char>(*static_cast<const bool*>(value) ? 0xf5 : 0xf4)); return;
    case Kind::Integer: return integer(*static_cast<const std::int32_t*>(value), out);
    case Kind::Long: return integer(*static_cast<const std::int64_t*>(value), out);
    case Kind::Float:
      out.push_back(static_cast<char>(0xfa));
      return put(std::bit_cast<std::uint32_t>(*static_cast<const float*>(value)), 4, out);
    case Kind::Double: return real(*static_cast<const double*>(value), out);
    case Kind::Blob: {
      const auto& bytes = *static_cast<const Bytes*>(value);
      head(kBytes, bytes.size(), out);
      out.append(bytes.begin(), bytes.end());
      return;
    }
    case Kind::Timestamp: return timestamp(*static_cast<const TimePoint*>(value), out);
    case Kind::Document:
    case Kind::Stream: out.push_back(static_cast<char>(0xf6)); return;  // no model that speaks this has one
  }
}

void write_members(const Shape& shape, const void* structure, std::string& out) {
  for (const auto& member : shape.members) {
    const void* value = member.find(structure);
    if (value == nullptr) continue;
    write_cbor_text(member.wire_name, out);
    write_value(*member.shape, value, out);
  }
}

}  // namespace

void write_cbor_map_head(std::size_t members, std::string& out) { head(kMap, members, out); }

void write_cbor_text(std::string_view text, std::string& out) {
  if (is_utf8(text)) {
    head(kText, text.size(), out);
    out.append(text);
    return;
  }
  // A client's own bytes may stand in an error's text; what is written is UTF-8 all the same.
  std::string clean;
  while (!text.empty()) {
    const auto length = utf8_length(text);
    if (length == 0)
      clean += kReplacementCharacter;
    else
      clean += text.substr(0, length);
    text.remove_prefix(length == 0 ? 1 : length);
  }
  head(kText, clean.size(), out);
  out += clean;
}

void write_cbor(const Shape& shape, const void* structure, std::string& out) {
  head(kMap, count_members(shape, structure), out);
  write_members(shape, structure, out);
}

void write_cbor_with(std::string_view name, std::string_view value, const Shape& shape, const void* structure,
                     std::string& out) {
  head(kMap, count_members(shape, structure) + 1, out);
  write_cbor_text(name, out);
  write_cbor_text(value, out);
  write_members(shape, structure, out);
}

}  // namespace likeness::aws
