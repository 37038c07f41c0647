#pragma once

#include <vector>

#include "aws/model.hpp"
#include "aws/violation.hpp"

namespace likeness::aws {

/// Checks what the model demands of `structure`: required members, lengths, ranges, patterns, of every member at any
/// depth. Appends at most ten violations; the message is no place for more.
void check_constraints(const Shape& shape, const void* structure, std::vector<Violation>& violations);

/// For the tests: every pattern of the model that RE2 cannot take.
std::vector<std::string_view> unusable_patterns(const ServiceModel& model);

}  // namespace likeness::aws
