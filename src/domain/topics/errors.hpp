#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

/// The errors of SNS in AWS's names and words.
namespace likeness::topics {

/// "Invalid parameter: ..."
Failure invalid_parameter(std::string_view what);
Failure invalid_attribute_value(std::string message);  // ParameterValueInvalid
Failure topic_not_found();
Failure subscription_not_found();
Failure from_store(const Error& error);

}  // namespace likeness::topics
