#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "domain/dynamodb/value.hpp"

/// An item in the store: a format byte, then its attributes (name, kind, value), lengths as variable-length integers.
namespace likeness::dynamodb {

std::string encode_item(const Attributes& item);
/// nullopt if the bytes are damaged or of a later format.
std::optional<Attributes> decode_item(std::string_view record);

/// The same of one value, for other records.
void append_value(std::string& out, const Value& value);
/// Takes it from the front of `bytes`.
std::optional<Value> take_value(std::string_view& bytes);

}  // namespace likeness::dynamodb
