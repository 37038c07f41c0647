#pragma once

#include <string>
#include <string_view>

#include "aws/member_names.hpp"
#include "aws/model.hpp"

namespace likeness::aws {

/// Appends `structure` as a JSON object. Absent members are left out. Floats are written as the shortest decimal of
/// the same double, so that a float 0.38344201 reads 0.38344201445579529 as AWS's do; whole ones keep ".0" so that
/// dynamic languages read them as floating-point numbers too.
void write_json(const Shape& shape, const void* structure, std::string& out, MemberNames names = MemberNames::OfWire);

/// The same, without the braces and with a comma before each member: for objects that begin with members of another
/// source.
void write_json_members(const Shape& shape, const void* structure, std::string& out, bool first,
                        MemberNames names = MemberNames::OfWire);

/// Appends `text` in quotes.
void write_json_string(std::string_view text, std::string& out);

/// Appends a number; NaN and infinities as the strings that the protocol has for them.
void write_json_number(double value, std::string& out);

}  // namespace likeness::aws
