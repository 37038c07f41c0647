#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/pattern.hpp"

namespace likeness::policy {

class Context;

/// One key of a Condition block with its operator: {"StringEquals": {"aws:username": ["ann", "bob"]}}.
struct Condition {
  enum class Type : std::uint8_t {
    StringEquals,
    StringLike,
    StringEqualsIgnoreCase,
    NumericEquals,
    NumericLess,
    NumericLessOrEqual,
    NumericGreater,
    NumericGreaterOrEqual,
    DateEquals,
    DateLess,
    DateLessOrEqual,
    DateGreater,
    DateGreaterOrEqual,
    Bool,
    Binary,
    IpAddress,
    Arn,
    Null
  };
  enum class Set : std::uint8_t { None, ForAllValues, ForAnyValue };

  Type type = Type::StringEquals;
  bool negated = false;  // StringNotEquals and its like
  bool if_exists = false;
  Set set = Set::None;
  std::string key;
  std::vector<Pattern> values;

  bool holds(const Context& context) const;
};

/// The operator's part of a condition; nullopt for a name that is none. `name` is taken in any case of its letters.
std::optional<Condition> condition_operator(std::string_view name);

/// The form that values of that type have as patterns.
Pattern::Form value_form(Condition::Type type, bool variables);

/// Whether a value can be read as that type; variables are not looked into.
bool is_date(std::string_view text);

}  // namespace likeness::policy
