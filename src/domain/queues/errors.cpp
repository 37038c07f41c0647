#include "domain/queues/errors.hpp"

#include <fmt/format.h>

namespace likeness::queues {

Failure queue_does_not_exist() { return client_error("QueueDoesNotExist", "The specified queue does not exist."); }

Failure invalid_parameter(std::string message) {
  return client_error("InvalidParameterValueException", std::move(message));
}

Failure invalid_value(std::string_view value, std::string_view parameter, std::string_view reason) {
  return invalid_parameter(
      fmt::format("Value {} for parameter {} is invalid. Reason: {}", value.substr(0, 256), parameter, reason));
}

Failure missing_parameter(std::string_view name) {
  return client_error("MissingRequiredParameterException",
                      fmt::format("The request must contain the parameter {}.", name));
}

Failure unknown_attribute(std::string_view name) {
  return client_error("InvalidAttributeName", fmt::format("Unknown Attribute {}.", name.substr(0, 256)));
}

Failure invalid_attribute(std::string_view name) {
  return client_error("InvalidAttributeValue", fmt::format("Invalid value for the parameter {}.", name));
}

Failure unsupported(std::string message) { return client_error("UnsupportedOperation", std::move(message)); }

Failure invalid_receipt(std::string_view receipt) {
  return client_error(
      "ReceiptHandleIsInvalid",
      fmt::format("The input receipt handle \"{}\" is not a valid receipt handle.", receipt.substr(0, 256)));
}

Failure message_not_in_flight() { return client_error("MessageNotInflight", "The specified message isn't in flight."); }

Failure from_store(Error error) {
  if (error.code == "StorageFull")
    return server_error("InternalError", "There is no room left to store messages.", std::move(error.message));
  return server_error("InternalError", "The messages cannot be stored or read.",
                      error.code + ": " + error.message + " " + error.detail);
}

}  // namespace likeness::queues
