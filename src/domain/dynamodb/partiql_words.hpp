#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "domain/dynamodb/partiql_parser.hpp"

/// What conditions and updates share when they are made of expressions. For partiql_*.cpp only.
namespace likeness::dynamodb::partiql {

inline constexpr std::string_view kMissingNeedsIs = "MISSING must be compared using IS operator";

inline constexpr auto kConditionFunctions = std::to_array<std::string_view>(
    {"attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains", "size"});

template <class Names>
bool one_of(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string lower(std::string_view text);
/// A literal of any depth, or a parameter.
bool is_value(const Expression& expression);
/// How an expression that is no value is called in messages.
std::string written(const Expression& expression);

Failure wrong_count(std::string_view name, std::size_t count);
Failure wrong_type(std::string_view name, std::string_view type);

}  // namespace likeness::dynamodb::partiql
