#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "domain/dynamodb/expression.hpp"
#include "domain/dynamodb/items.hpp"
#include "domain/dynamodb/table.hpp"

/// Which items a query reads: from KeyConditionExpression or KeyConditions to a range of the store.
namespace likeness::dynamodb {

/// The comparisons of the legacy parameters; expressions map onto them.
enum class Comparison : std::uint8_t {
  Equal,
  NotEqual,
  In,
  LessOrEqual,
  Less,
  GreaterOrEqual,
  Greater,
  Between,
  NotNull,
  Null,
  Contains,
  NotContains,
  BeginsWith
};

struct KeyCondition {
  Comparison comparison = Comparison::Equal;
  std::vector<Value> values;
};
using KeyConditions = std::map<std::string, KeyCondition, std::less<>>;

/// Errors: ValidationException for what a key condition cannot be.
Result<KeyConditions> key_conditions(const Condition& condition);

struct QueryPlan {
  std::vector<Value> partition;  // one of each HASH attribute
  SortBounds sort;
  /// Of RANGE attributes, for the check of a start key.
  std::vector<std::pair<std::string, KeyCondition>> sort_conditions;
};

inline constexpr std::size_t kMaxKeyConditions = 2;  // where no key has several attributes of one kind

/// Every HASH attribute has to be given; RANGE attributes from the left on, all but the last of them by equality.
/// Errors: ValidationException where the conditions do not fit the keys.
Result<QueryPlan> plan_query(const Table& table, const Index* index, const KeyConditions& conditions);

/// A condition of the legacy parameters on one attribute. `values` are as many as the comparison wants.
Condition legacy_condition(const std::string& attribute, Comparison comparison, std::vector<Value> values);

}  // namespace likeness::dynamodb
