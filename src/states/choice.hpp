#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "base/clock.hpp"
#include "states/definition.hpp"
#include "states/scope.hpp"

namespace likeness::states {

/// Whether `op` ("NumericLessThan") is a comparison of Choice; without "Path".
bool is_choice_operator(std::string_view op);
/// Whether it compares with something that may be found at a path too ("NumericLessThanPath").
bool choice_operator_takes_path(std::string_view op);
/// Whether the literal has the type that the operator asks for.
bool choice_literal_fits(std::string_view op, const Value& literal);

/// Whether the test holds. A path that finds nothing is a Problem (but for IsPresent).
Outcome<bool> holds(const ChoiceTest& test, const Scope& scope);

/// "2016-03-14T01:59:00Z", with a fraction or an offset; RFC 3339 as Step Functions takes it.
std::optional<TimePoint> parse_timestamp(std::string_view text);

}  // namespace likeness::states
