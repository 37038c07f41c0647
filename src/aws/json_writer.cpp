#include "aws/json_writer.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

#include "aws/timestamps.hpp"
#include "aws/types.hpp"
#include "aws/utf8.hpp"
#include "base/bytes.hpp"
#include "net/http.hpp"

namespace likeness::aws {
namespace {

void write_value(const Shape& shape, const void* value, TimestampFormat format, MemberNames names, std::string& out);

template <class Integer>
void write_integer(Integer value, std::string& out) {
  std::array<char, 24> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  out.append(text.data(), end);
}

void write_timestamp(TimePoint time, TimestampFormat format, std::string& out) {
  switch (format) {
    case TimestampFormat::Iso8601: return write_json_string(iso8601_millis(time), out);
    case TimestampFormat::HttpDate: return write_json_string(http_date(time), out);
    case TimestampFormat::EpochSeconds:
    case TimestampFormat::Unset: break;
  }
  out += epoch_text(time);
}

/// What cannot be read to its end is left out from there on: a document cannot break off.
void write_stream(const Stream& stream, std::string& out) {
  std::string text;
  std::array<std::uint8_t, 16384> piece;
  while (stream.reader) {
    const auto count = stream.reader->read(piece);
    if (!count || *count == 0) break;
    text.append(reinterpret_cast<const char*>(piece.data()), *count);
  }
  write_json_string(text, out);
}

void write_map(const Shape& shape, const void* map, MemberNames names, std::string& out) {
  struct State {
    const Shape& element;
    MemberNames names;
    std::string& out;
    bool first = true;
  } state{*shape.element, names, out};
  out += '{';
  shape.map->each(map, &state, [](void* opaque, const std::string& key, const void* value) {
    auto& s = *static_cast<State*>(opaque);
    if (!s.first) s.out += ',';
    s.first = false;
    write_json_string(key, s.out);
    s.out += ':';
    write_value(s.element, value, TimestampFormat::Unset, s.names, s.out);
  });
  out += '}';
}

void write_value(const Shape& shape, const void* value, TimestampFormat format, MemberNames names, std::string& out) {
  switch (shape.kind) {
    case Kind::Structure: return write_json(shape, value, out, names);
    case Kind::List: {
      out += '[';
      const auto size = shape.list->size(value);
      for (std::size_t i = 0; i < size; ++i) {
        if (i > 0) out += ',';
        write_value(*shape.element, shape.list->at(value, i), TimestampFormat::Unset, names, out);
      }
      out += ']';
      return;
    }
    case Kind::Map: return write_map(shape, value, names, out);
    case Kind::String: return write_json_string(*static_cast<const std::string*>(value), out);
    case Kind::Enum: {
      std::uint16_t index = 0;
      std::memcpy(&index, value, sizeof index);
      return write_json_string(shape.enum_values[index], out);
    }
    case Kind::Boolean: out += *static_cast<const bool*>(value) ? "true" : "false"; return;
    case Kind::Integer: return write_integer(*static_cast<const std::int32_t*>(value), out);
    case Kind::Long: return write_integer(*static_cast<const std::int64_t*>(value), out);
    case Kind::Float: return write_json_number(*static_cast<const float*>(value), out);
    case Kind::Double: return write_json_number(*static_cast<const double*>(value), out);
    case Kind::Blob:
      out += '"';
      out += to_base64(*static_cast<const Bytes*>(value));
      out += '"';
      return;
    case Kind::Timestamp:
      if (format == TimestampFormat::Unset) format = shape.timestamp_format;
      if (names == MemberNames::OfSdk) format = TimestampFormat::Iso8601;
      return write_timestamp(*static_cast<const TimePoint*>(value), format, out);
    case Kind::Document: out += static_cast<const Document*>(value)->json; return;
    case Kind::Stream:
      if (names == MemberNames::OfSdk) return write_stream(*static_cast<const Stream*>(value), out);
      return;  // is no part of any document
  }
}

}  // namespace

void write_json_number(double value, std::string& out) {
  if (std::isnan(value)) {
    out += "\"NaN\"";
    return;
  }
  if (std::isinf(value)) {
    out += value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
    return;
  }
  std::array<char, 32> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  const std::string_view digits(text.data(), static_cast<std::size_t>(end - text.data()));
  out += digits;
  if (digits.find_first_of(".e") == std::string_view::npos) out += ".0";
}

void write_json_string(std::string_view text, std::string& out) {
  constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  std::size_t from = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x80) {
      // A client's own bytes may stand in an error's text; what is written is UTF-8 all the same.
      const auto length = utf8_length(text.substr(i));
      if (length == 0) {
        out.append(text, from, i - from);
        out += kReplacementCharacter;
        from = i + 1;
      } else {
        i += length - 1;
      }
      continue;
    }
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text, from, i - from);
    from = i + 1;
    out += '\\';
    switch (c) {
      case '"': out += '"'; break;
      case '\\': out += '\\'; break;
      case '\n': out += 'n'; break;
      case '\r': out += 'r'; break;
      case '\t': out += 't'; break;
      case '\b': out += 'b'; break;
      case '\f': out += 'f'; break;
      default:
        out += "u00";
        out += kHex[c >> 4];
        out += kHex[c & 15];
    }
  }
  out.append(text, from, text.size() - from);
  out += '"';
}

void write_json_members(const Shape& shape, const void* structure, std::string& out, bool first, MemberNames names) {
  for (const auto& member : shape.members) {
    const void* value = member.find(structure);
    if (value == nullptr || (member.location != Location::Body && names == MemberNames::OfWire)) continue;
    if (!first) out += ',';
    first = false;
    if (names == MemberNames::OfSdk)
      write_json_string(sdk_name(member.name), out);
    else
      write_json_string(member.wire_name, out);
    out += ':';
    write_value(*member.shape, value, member.timestamp_format, names, out);
  }
}

void write_json(const Shape& shape, const void* structure, std::string& out, MemberNames names) {
  out += '{';
  write_json_members(shape, structure, out, true, names);
  out += '}';
}

}  // namespace likeness::aws
