#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "domain/dynamodb/expression.hpp"
#include "domain/dynamodb/partiql_parser.hpp"
#include "domain/dynamodb/value.hpp"

/// Expressions of PartiQL as conditions, values and updates of items. Errors are ValidationExceptions in AWS's words.
namespace likeness::dynamodb::partiql {

/// A whole value: literals and, at the outermost level, a parameter.
Result<Value> value_of(const Expression& expression, const std::vector<Value>& parameters);
/// The item of INSERT.
Result<Attributes> item_of(const Expression& expression, const std::vector<Value>& parameters);

Result<Path> path_of(const Expression& expression);
/// What stands after SELECT: a path, too, but with other words for what is none.
Result<Path> column_of(const Expression& expression);

/// What WHERE says.
Result<Condition> condition_of(const Expression& expression, const std::vector<Value>& parameters);
Result<Update> update_of(const std::vector<Assignment>& assignments, const std::vector<Value>& parameters);

/// No path may be another one or lead to it.
Result<void> check_overlap(const std::vector<const Path*>& paths);

}  // namespace likeness::dynamodb::partiql
