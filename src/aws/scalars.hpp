#pragma once

#include <string>
#include <string_view>

#include "aws/model.hpp"

/// Scalars as text: in headers, paths, query strings, forms and XML.
namespace likeness::aws {

constexpr bool is_scalar(Kind kind) {
  return kind != Kind::Structure && kind != Kind::List && kind != Kind::Map && kind != Kind::Document &&
         kind != Kind::Stream;
}

enum class ScalarRead {
  Ok,
  Malformed,    // "x" for an Integer
  UnknownEnum,  // a value that the model does not name
};

/// Reads `text` into `value`, whose kind `shape` says. `format` is that of a timestamp: the member's if it has one,
/// else the protocol's own for that place; the shape's goes before the latter.
ScalarRead read_scalar(const Shape& shape, std::string_view text, TimestampFormat member_format,
                       TimestampFormat otherwise, void* value);

/// Appends. Nothing is escaped.
void write_scalar(const Shape& shape, const void* value, TimestampFormat member_format, TimestampFormat otherwise,
                  std::string& out);

/// "an Integer", "a Timestamp", as messages have it.
std::string_view scalar_name(Kind kind);

}  // namespace likeness::aws
