#include "domain/topics/errors.hpp"

#include <utility>

namespace likeness::topics {

Failure invalid_parameter(std::string_view what) {
  return client_error("InvalidParameterException", "Invalid parameter: " + std::string(what));
}
Failure invalid_attribute_value(std::string message) {
  return client_error("InvalidParameterValueException", std::move(message));
}
Failure topic_not_found() { return client_error("NotFoundException", "Topic does not exist"); }
Failure subscription_not_found() { return client_error("NotFoundException", "Subscription does not exist"); }

Failure from_store(const Error& error) {
  return server_error("InternalErrorException", "Topics cannot be stored or read.",
                      error.code + ": " + error.message + " " + error.detail);
}

}  // namespace likeness::topics
