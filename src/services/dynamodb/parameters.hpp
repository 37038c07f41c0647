#pragma once

#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "domain/dynamodb/expression_parser.hpp"
#include "domain/dynamodb/key_condition.hpp"
#include "services/dynamodb/convert.hpp"

/// What expressions and their legacy forms have in common in all operations.
namespace likeness::dynamodb {

struct Parameter {
  std::string_view name;
  bool given;
};

using WireNames = std::optional<std::map<std::string, std::string>>;

/// Expressions and legacy parameters do not go together; placeholders go with expressions only.
Result<void> check_mixture(std::initializer_list<Parameter> expressions, std::initializer_list<Parameter> legacy,
                           bool names_given, bool values_given);

/// What is said of a value that is none: that it is in ExpressionAttributeValues, and under which name, or just what it
/// is.
enum class BadValues : std::uint8_t { Named, AsTheyAre };
Result<Placeholders> placeholders_of(const WireNames& names, const std::optional<WireItem>& values,
                                     BadValues bad = BadValues::Named);

using WireExpected = std::optional<std::map<std::string, shapes::ExpectedAttributeValue>>;
using WireConditions = std::optional<std::map<std::string, shapes::Condition>>;

/// Expected with ConditionalOperator; nullopt if there are none.
Result<std::optional<Condition>> expected_condition(const WireExpected& expected,
                                                    std::optional<shapes::ConditionalOperator> combined);
/// QueryFilter and ScanFilter.
Result<std::optional<Condition>> filter_condition(const WireConditions& filter,
                                                  std::optional<shapes::ConditionalOperator> combined);
Result<KeyConditions> legacy_key_conditions(const WireConditions& conditions);
/// AttributeUpdates.
Result<std::optional<Update>> legacy_update(
    const std::optional<std::map<std::string, shapes::AttributeValueUpdate>>& updates);
/// AttributesToGet.
Result<std::vector<Path>> legacy_projection(const std::vector<std::string>& names);

}  // namespace likeness::dynamodb
