#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "domain/lambda/model.hpp"

/// Resource policies of functions and layers.
namespace likeness::lambda {

/// What AddPermission is asked for.
struct Grant {
  std::string sid;
  std::string action;     // "lambda:InvokeFunction"
  std::string principal;  // service, account, ARN or "*"
  std::string resource;   // ARN of what the policy belongs to
  std::string source_arn{}, source_account{}, event_source_token{}, organization{}, url_auth{};
  std::optional<bool> via_url{};
};

/// Adds a statement and gives its JSON. Errors: ResourceConflictException (the sid is taken),
/// InvalidParameterValueException (the principal), PolicyLengthExceededException.
Result<std::string> add_statement(Policy& policy, const Grant& grant);
/// Error: ResourceNotFoundException.
Result<void> remove_statement(Policy& policy, std::string_view sid);

/// Sets `document` from the statements.
Result<void> parse_policy(Policy& policy);

}  // namespace likeness::lambda
