#include "aws/scalars.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>

#include "aws/timestamps.hpp"
#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "net/http.hpp"

namespace likeness::aws {
namespace {

template <class T>
bool number(std::string_view text, T& out) {
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto read = std::from_chars(text.data(), text.data() + text.size(), out);
  return read.ec == std::errc() && read.ptr == text.data() + text.size();
}

template <class T>
bool real(std::string_view text, T& out) {
  if (text == "NaN")
    out = std::numeric_limits<T>::quiet_NaN();
  else if (text == "Infinity")
    out = std::numeric_limits<T>::infinity();
  else if (text == "-Infinity")
    out = -std::numeric_limits<T>::infinity();
  else
    return number(text, out) && std::isfinite(out);
  return true;
}

TimestampFormat format_of(const Shape& shape, TimestampFormat member_format, TimestampFormat otherwise) {
  if (member_format != TimestampFormat::Unset) return member_format;
  return shape.timestamp_format != TimestampFormat::Unset ? shape.timestamp_format : otherwise;
}

std::optional<TimePoint> timestamp(std::string_view text, TimestampFormat format) {
  std::optional<TimePoint> time;
  if (format == TimestampFormat::EpochSeconds) {
    double seconds = 0;
    if (real(text, seconds)) time = from_epoch_seconds(seconds);
    return time;
  }
  // SDKs differ, so either form is taken where one of them is due.
  time = parse_iso8601(text);
  return time ? time : parse_http_date(text);
}

template <class T>
ScalarRead store(void* value, T read) {
  *static_cast<T*>(value) = std::move(read);
  return ScalarRead::Ok;
}

template <class T>
void append_number(T value, std::string& out) {
  std::array<char, 32> text;
  out.append(text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr);
}

template <class T>
void append_real(T value, std::string& out) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value > 0 ? "Infinity" : "-Infinity";
  } else {
    append_number(value, out);
  }
}

}  // namespace

ScalarRead read_scalar(const Shape& shape, std::string_view text, TimestampFormat member_format,
                       TimestampFormat otherwise, void* value) {
  switch (shape.kind) {
    case Kind::String: return store(value, std::string(text));
    case Kind::Enum:
      for (std::size_t i = 0; i < shape.enum_values.size(); ++i) {
        if (shape.enum_values[i] != text) continue;
        const auto index = static_cast<std::uint16_t>(i);
        std::memcpy(value, &index, sizeof index);
        return ScalarRead::Ok;
      }
      return ScalarRead::UnknownEnum;
    case Kind::Boolean:
      if (net::equal_ignoring_case(text, "true") || text == "1") return store(value, true);
      if (net::equal_ignoring_case(text, "false") || text == "0") return store(value, false);
      return ScalarRead::Malformed;
    case Kind::Integer:
      return number(text, *static_cast<std::int32_t*>(value)) ? ScalarRead::Ok : ScalarRead::Malformed;
    case Kind::Long: return number(text, *static_cast<std::int64_t*>(value)) ? ScalarRead::Ok : ScalarRead::Malformed;
    case Kind::Float: return real(text, *static_cast<float*>(value)) ? ScalarRead::Ok : ScalarRead::Malformed;
    case Kind::Double: return real(text, *static_cast<double*>(value)) ? ScalarRead::Ok : ScalarRead::Malformed;
    case Kind::Blob: {
      auto bytes = from_base64(text);
      return bytes ? store(value, std::move(*bytes)) : ScalarRead::Malformed;
    }
    case Kind::Timestamp: {
      const auto time = timestamp(text, format_of(shape, member_format, otherwise));
      return time ? store(value, *time) : ScalarRead::Malformed;
    }
    default: return ScalarRead::Malformed;
  }
}

void write_scalar(const Shape& shape, const void* value, TimestampFormat member_format, TimestampFormat otherwise,
                  std::string& out) {
  switch (shape.kind) {
    case Kind::String: out += *static_cast<const std::string*>(value); return;
    case Kind::Enum: {
      std::uint16_t index = 0;
      std::memcpy(&index, value, sizeof index);
      out += shape.enum_values[index];
      return;
    }
    case Kind::Boolean: out += *static_cast<const bool*>(value) ? "true" : "false"; return;
    case Kind::Integer: return append_number(*static_cast<const std::int32_t*>(value), out);
    case Kind::Long: return append_number(*static_cast<const std::int64_t*>(value), out);
    case Kind::Float: return append_real(*static_cast<const float*>(value), out);
    case Kind::Double: return append_real(*static_cast<const double*>(value), out);
    case Kind::Blob: out += to_base64(*static_cast<const Bytes*>(value)); return;
    case Kind::Timestamp: {
      const TimePoint time = *static_cast<const TimePoint*>(value);
      switch (format_of(shape, member_format, otherwise)) {
        case TimestampFormat::HttpDate: out += http_date(time); return;
        case TimestampFormat::EpochSeconds: out += epoch_text(time); return;
        default: out += iso8601_millis(time); return;
      }
    }
    default: return;
  }
}

std::string_view scalar_name(Kind kind) {
  switch (kind) {
    case Kind::Boolean: return "a Boolean";
    case Kind::Integer: return "an Integer";
    case Kind::Long: return "a Long";
    case Kind::Float: return "a Float";
    case Kind::Double: return "a Double";
    case Kind::Blob: return "a Blob";
    case Kind::Timestamp: return "a Timestamp";
    default: return "a String";
  }
}

}  // namespace likeness::aws
