#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

/// Lambda's errors in AWS's names and words: of its API reference and of answers that others have recorded.
namespace likeness::lambda {

Failure not_found(std::string message);
Failure function_not_found(std::string_view arn);
Failure invalid(std::string message);              // InvalidParameterValueException
Failure conflict(std::string message);             // ResourceConflictException
Failure revision_mismatch(std::string_view what);  // "Function", "Alias", ...
Failure validation(std::string_view value, std::string_view member, std::string_view requirement);
Failure throttled(std::string reason);  // TooManyRequestsException
Failure internal(const Error& cause);

}  // namespace likeness::lambda
