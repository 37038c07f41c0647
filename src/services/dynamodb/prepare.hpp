#pragma once

#include <optional>
#include <string>
#include <vector>

#include "services/dynamodb/convert.hpp"
#include "services/dynamodb/parameters.hpp"

namespace likeness::dynamodb {

/// A write as its request has it, parsed and checked but for what the table says. Not moved once `request` points into
/// it.
struct Prepared {
  WriteRequest request;
  std::string table_name;  // as the caller gave it
  std::optional<Condition> condition;
  std::optional<Update> update;
  bool old_on_failure = false;

  /// Checks against the table, and makes `request` whole.
  Result<void> complete(TablePtr table);
};

/// The parts of PutItem, UpdateItem, DeleteItem and of TransactWriteItems' members. `Input` has what all of them have;
/// legacy parameters are the caller's.
template <class Input>
Result<void> prepare_condition(const Input& in, Placeholders& placeholders, Prepared& out) {
  if (!in.condition_expression) return {};
  auto condition = parse_condition(*in.condition_expression, placeholders, "ConditionExpression");
  if (!condition) return fail(condition);
  out.condition = std::move(*condition);
  return {};
}

template <class Input>
void prepare_failure(const Input& in, Prepared& out) {
  out.old_on_failure =
      in.return_values_on_condition_check_failure == shapes::ReturnValuesOnConditionCheckFailure::AllOld;
}

/// Size of an item to be put.
Result<void> check_item_size(const Attributes& item);

}  // namespace likeness::dynamodb
