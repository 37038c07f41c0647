#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aws/model.hpp"
#include "aws/violation.hpp"
#include "base/result.hpp"

/// The query protocol's input: a flat list of names and values that spells a tree ("Tags.member.1.Key=a").
namespace likeness::aws {

/// The value of the first parameter of that name in application/x-www-form-urlencoded text, without reading the others.
std::optional<std::string> form_value(std::string_view form, std::string_view name);

/// Reads `form` (and then `query`, the same form behind the '?') into `structure`. Names that the model lacks are
/// skipped. Error: "MalformedInput". Values that an enum lacks are returned.
Result<std::vector<Violation>> read_form(std::string_view form, std::string_view query, const Shape& shape,
                                         void* structure);

}  // namespace likeness::aws
