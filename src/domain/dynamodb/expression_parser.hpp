#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "domain/dynamodb/expression.hpp"

/// DynamoDB's expression language. Errors are ValidationException with AWS's words, in AWS's order of checks: syntax
/// first, then what is wrong with names, values and operands.
namespace likeness::dynamodb {

/// What the placeholders of a request stand for, and which of them its expressions used so far.
class Placeholders {
 public:
  std::map<std::string, std::string, std::less<>> names;  // "#n"
  std::map<std::string, Value, std::less<>> values;       // ":v"

  /// Null where there is none; otherwise it counts as used.
  const std::string* name(std::string_view placeholder);
  const Value* value(std::string_view placeholder);
  /// ValidationException if one was not used.
  Result<void> check_all_used() const;

 private:
  std::set<std::string, std::less<>> used_names_;
  std::set<std::string, std::less<>> used_values_;
};

/// `what` begins messages: "ConditionExpression", "FilterExpression" ...
Result<Condition> parse_condition(std::string_view expression, Placeholders& placeholders, std::string_view what);
Result<Update> parse_update(std::string_view expression, Placeholders& placeholders);
Result<std::vector<Path>> parse_projection(std::string_view expression, Placeholders& placeholders);

/// "Two document paths overlap ..." if one of the paths leads into another; "" if all are apart.
std::string overlap(const std::vector<Path>& paths, const Path& next);

inline constexpr std::size_t kMaxExpressionBytes = 4096;
inline constexpr std::size_t kMaxOperators = 300;

/// All paths that a condition names.
std::vector<const Path*> paths_of(const Condition& condition);

}  // namespace likeness::dynamodb
