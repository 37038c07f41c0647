#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

/// Expressions of metric math, parsed: "100 * (m1 / SUM([m2, m3]))", "IF(m1 > 5, FILL(m2, 0), m3)".
namespace likeness::metrics {

struct Expression {
  enum class Kind { Number, Text, Name, List, Unary, Binary, Call };
  Kind kind = Kind::Number;
  double number = 0;
  std::string text;  // of a text, the name of a metric or function, the operator
  std::vector<Expression> parts;
};

/// Error: ValidationException.
Result<Expression> parse_expression(std::string_view text);

/// The names of other queries in it.
void names_in(const Expression& expression, std::vector<std::string>& out);

}  // namespace likeness::metrics
