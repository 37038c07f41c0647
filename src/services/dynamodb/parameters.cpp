#include "services/dynamodb/parameters.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "domain/dynamodb/errors.hpp"

namespace likeness::dynamodb {

namespace {

std::string names_of(std::initializer_list<Parameter> parameters) {
  std::string out;
  for (const auto& parameter : parameters)
    if (parameter.given) out.append(out.empty() ? "" : ", ").append(parameter.name);
  return out;
}

bool is_placeholder(std::string_view text, char first) {
  return text.size() > 1 && text[0] == first && std::all_of(text.begin() + 1, text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
         });
}

/// The comparisons are in the same order in the model and here.
Comparison comparison_of(shapes::ComparisonOperator wire) { return static_cast<Comparison>(wire); }
static_assert(static_cast<int>(shapes::ComparisonOperator::BeginsWith) == static_cast<int>(Comparison::BeginsWith));
static_assert(static_cast<int>(shapes::ComparisonOperator::Between) == static_cast<int>(Comparison::Between));
static_assert(static_cast<int>(shapes::ComparisonOperator::Le) == static_cast<int>(Comparison::LessOrEqual));

bool right_count(Comparison comparison, std::size_t count) {
  switch (comparison) {
    case Comparison::Null:
    case Comparison::NotNull: return count == 0;
    case Comparison::In: return count > 0;
    case Comparison::Between: return count == 2;
    default: return count == 1;
  }
}

bool right_type(Comparison comparison, Type type) {
  const bool scalar = type == Type::S || type == Type::N || type == Type::B;
  switch (comparison) {
    case Comparison::Equal:
    case Comparison::NotEqual:
    case Comparison::Null:
    case Comparison::NotNull: return true;
    case Comparison::BeginsWith: return type == Type::S || type == Type::B;
    case Comparison::Contains:
    case Comparison::NotContains: return scalar || type == Type::BOOL || type == Type::Null;
    default: return scalar;
  }
}

/// The values of a legacy condition, checked as its comparison demands.
Result<void> check_values(shapes::ComparisonOperator wire, const std::vector<Value>& values) {
  const Comparison comparison = comparison_of(wire);
  const auto name = shapes::to_text(wire);
  if (!right_count(comparison, values.size()))
    return invalid_parameter(fmt::format("Invalid number of argument(s) for the {} ComparisonOperator", name));
  for (const auto& value : values)
    if (value.type() != values.front().type())
      return invalid_parameter("AttributeValues inside AttributeValueList must be of same type");
  for (const auto& value : values)
    if (!right_type(comparison, value.type()))
      return invalid_parameter(
          fmt::format("ComparisonOperator {} is not valid for {} AttributeValue type", name, name_of(value.type())));
  if (comparison == Comparison::Between && compare(values[0], values[1]) > 0)
    return validation(
        "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound");
  return {};
}

Result<std::vector<Value>> values_of(const std::optional<std::vector<shapes::AttributeValue>>& list) {
  std::vector<Value> out;
  if (!list) return out;
  out.reserve(list->size());
  for (const auto& wire : *list) {
    auto value = value_of(wire);
    if (!value) return fail(value);
    out.push_back(std::move(*value));
  }
  return out;
}

std::optional<Condition> combine(std::vector<Condition> parts, std::optional<shapes::ConditionalOperator> combined) {
  if (parts.empty()) return std::nullopt;
  if (parts.size() == 1) return std::move(parts.front());
  Condition all;
  all.kind = combined == shapes::ConditionalOperator::Or ? Condition::Kind::Or : Condition::Kind::And;
  all.parts = std::move(parts);
  return all;
}

Result<Condition> expected_one(const std::string& name, const shapes::ExpectedAttributeValue& expected) {
  std::vector<Value> values;
  if (expected.attribute_value_list && expected.value)
    return invalid_parameter("Value and AttributeValueList cannot be used together for Attribute: " + name);
  if (expected.comparison_operator) {
    const auto wire = *expected.comparison_operator;
    if (expected.exists)
      return invalid_parameter("Exists and ComparisonOperator cannot be used together for Attribute: " + name);
    const Comparison comparison = comparison_of(wire);
    if (comparison != Comparison::Null && comparison != Comparison::NotNull && !expected.attribute_value_list &&
        !expected.value)
      return invalid_parameter(
          fmt::format("Value or AttributeValueList must be used with ComparisonOperator: {} for Attribute: {}",
                      shapes::to_text(wire), name));
    auto list = values_of(expected.attribute_value_list);
    if (!list) return fail(list);
    values = std::move(*list);
    if (expected.value) {
      auto value = value_of(*expected.value);
      if (!value) return fail(value);
      values.push_back(std::move(*value));
    }
    if (auto fine = check_values(wire, values); !fine) return fail(fine);
    return legacy_condition(name, comparison, std::move(values));
  }
  if (expected.attribute_value_list)
    return invalid_parameter("AttributeValueList can only be used with a ComparisonOperator for Attribute: " + name);
  const bool exists = expected.exists.value_or(true);
  if (exists && !expected.value)
    return invalid_parameter(fmt::format("Value must be provided when Exists is {} for Attribute: {}",
                                         expected.exists ? "true" : "null", name));
  if (!exists && expected.value)
    return invalid_parameter("Value cannot be used when Exists is false for Attribute: " + name);
  if (!exists) return legacy_condition(name, Comparison::Null, {});
  auto value = value_of(*expected.value);
  if (!value) return fail(value);
  values.push_back(std::move(*value));
  return legacy_condition(name, Comparison::Equal, std::move(values));
}

}  // namespace

Result<void> check_mixture(std::initializer_list<Parameter> expressions, std::initializer_list<Parameter> legacy,
                           bool names_given, bool values_given) {
  const std::string used = names_of(expressions);
  if (!used.empty())
    if (const std::string old = names_of(legacy); !old.empty())
      return validation(
          fmt::format("Can not use both expression and non-expression parameters in the same request: "
                      "Non-expression parameters: {{{}}} Expression parameters: {{{}}}",
                      old, used));
  if (names_given && used.empty())
    return validation("ExpressionAttributeNames can only be specified when using expressions");
  if (!values_given) return {};
  std::string with_values;
  std::size_t count = 0;
  for (const auto& expression : expressions) {
    if (expression.name == "ProjectionExpression") continue;
    if (expression.given) return {};
    with_values.append(with_values.empty() ? "" : " and ").append(expression.name);
    ++count;
  }
  return validation(fmt::format("ExpressionAttributeValues can only be specified when using expressions: {} {} null",
                                with_values, count > 1 ? "are" : "is"));
}

Result<Placeholders> placeholders_of(const WireNames& names, const std::optional<WireItem>& values, BadValues bad) {
  Placeholders out;
  if (names) {
    if (names->empty()) return validation("ExpressionAttributeNames must not be empty");
    for (const auto& [key, name] : *names) {
      if (!is_placeholder(key, '#'))
        return validation(fmt::format("ExpressionAttributeNames contains invalid key: Syntax error; key: \"{}\"", key));
      out.names.emplace_hint(out.names.end(), key, name);
    }
  }
  if (!values) return out;
  if (values->empty()) return validation("ExpressionAttributeValues must not be empty");
  for (const auto& [key, wire] : *values)
    if (!is_placeholder(key, ':'))
      return validation(fmt::format("ExpressionAttributeValues contains invalid key: Syntax error; key: \"{}\"", key));
  for (const auto& [key, wire] : *values) {
    auto value = value_of(wire);
    if (!value && bad == BadValues::AsTheyAre) return fail(value);
    if (!value)
      return validation(
          fmt::format("ExpressionAttributeValues contains invalid value: {} for key {}", value.error().message, key));
    out.values.emplace_hint(out.values.end(), key, std::move(*value));
  }
  return out;
}

Result<std::optional<Condition>> expected_condition(const WireExpected& expected,
                                                    std::optional<shapes::ConditionalOperator> combined) {
  std::vector<Condition> parts;
  if (expected) {
    parts.reserve(expected->size());
    for (const auto& [name, one] : *expected) {
      auto part = expected_one(name, one);
      if (!part) return fail(part);
      parts.push_back(std::move(*part));
    }
  }
  if (parts.empty() && combined)
    return invalid_parameter("ConditionalOperator cannot be used without Filter or Expected");
  if (parts.size() == 1 && combined)
    return invalid_parameter("ConditionalOperator can only be used when Filter or Expected has two or more elements");
  return combine(std::move(parts), combined);
}

Result<KeyConditions> legacy_key_conditions(const WireConditions& conditions) {
  KeyConditions out;
  if (!conditions) return out;
  for (const auto& [name, condition] : *conditions) {
    auto values = values_of(condition.attribute_value_list);
    if (!values) return fail(values);
    if (auto fine = check_values(*condition.comparison_operator, *values); !fine) return fail(fine);
    out.emplace(name, KeyCondition{comparison_of(*condition.comparison_operator), std::move(*values)});
  }
  return out;
}

Result<std::optional<Condition>> filter_condition(const WireConditions& filter,
                                                  std::optional<shapes::ConditionalOperator> combined) {
  auto conditions = legacy_key_conditions(filter);
  if (!conditions) return fail(conditions);
  if (conditions->empty() && combined)
    return invalid_parameter("ConditionalOperator cannot be used without Filter or Expected");
  if (conditions->size() == 1 && combined)
    return invalid_parameter("ConditionalOperator can only be used when Filter or Expected has two or more elements");
  std::vector<Condition> parts;
  parts.reserve(conditions->size());
  for (auto& [name, condition] : *conditions)
    parts.push_back(legacy_condition(name, condition.comparison, std::move(condition.values)));
  return combine(std::move(parts), combined);
}

Result<std::optional<Update>> legacy_update(
    const std::optional<std::map<std::string, shapes::AttributeValueUpdate>>& updates) {
  if (!updates) return std::optional<Update>();
  Update out;
  out.actions.reserve(updates->size());
  for (const auto& [name, wire] : *updates) {
    UpdateAction action;
    action.path = Path::of(name);
    action.legacy = true;
    const auto kind = wire.action.value_or(shapes::AttributeAction::Put);
    if (!wire.value) {
      if (kind != shapes::AttributeAction::Delete)
        return invalid_parameter("Only DELETE action is allowed when no attribute value is specified");
      action.kind = UpdateAction::Kind::Remove;
      out.actions.push_back(std::move(action));
      continue;
    }
    auto value = value_of(*wire.value);
    if (!value) return fail(value);
    const Type type = value->type();
    const bool set = type == Type::SS || type == Type::NS || type == Type::BS;
    if (kind == shapes::AttributeAction::Delete && !set)
      return invalid_parameter(fmt::format("DELETE action with value is not supported for the type {}", name_of(type)));
    if (kind == shapes::AttributeAction::Add && !set && type != Type::N && type != Type::L)
      return invalid_parameter(fmt::format("ADD action is not supported for the type {}", name_of(type)));
    action.kind = kind == shapes::AttributeAction::Put   ? UpdateAction::Kind::Set
                  : kind == shapes::AttributeAction::Add ? UpdateAction::Kind::Add
                                                         : UpdateAction::Kind::Delete;
    action.value.value = std::move(*value);
    out.actions.push_back(std::move(action));
  }
  return std::optional<Update>(std::move(out));
}

Result<std::vector<Path>> legacy_projection(const std::vector<std::string>& names) {
  std::set<std::string_view> seen;
  std::vector<Path> out;
  out.reserve(names.size());
  for (const auto& name : names) {
    if (!seen.insert(name).second) return invalid_parameter("Duplicate value in attribute name: " + name);
    out.push_back(Path::of(name));
  }
  return out;
}

}  // namespace likeness::dynamodb
