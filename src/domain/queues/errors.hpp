#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

/// The errors of SQS in AWS's names and words; clients match on the texts.
namespace likeness::queues {

Failure queue_does_not_exist();
Failure invalid_parameter(std::string message);
/// "Value 901 for parameter DelaySeconds is invalid. Reason: ..."
Failure invalid_value(std::string_view value, std::string_view parameter, std::string_view reason);
Failure missing_parameter(std::string_view name);
Failure unknown_attribute(std::string_view name);
Failure invalid_attribute(std::string_view name);
Failure unsupported(std::string message);
Failure invalid_receipt(std::string_view receipt);
Failure message_not_in_flight();
/// Errors of the store below.
Failure from_store(Error error);

}  // namespace likeness::queues
