#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

/// DynamoDB's errors in AWS's names and words; clients match on the texts.
namespace likeness::dynamodb {

inline Failure validation(std::string message) { return client_error("ValidationException", std::move(message)); }
/// "One or more parameter values were invalid: ..."
inline Failure invalid_parameter(std::string what) {
  return validation("One or more parameter values were invalid: " + std::move(what));
}
Failure resource_not_found();
Failure table_not_found(std::string_view name);
Failure table_in_use(std::string_view name);
Failure limit_exceeded(std::string message);
Failure internal_error(std::string detail);
/// Errors of storage in AWS's terms.
Failure from_storage(const Error& error);

}  // namespace likeness::dynamodb
