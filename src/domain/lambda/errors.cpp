#include "domain/lambda/errors.hpp"

#include <fmt/format.h>

namespace likeness::lambda {

Failure not_found(std::string message) { return client_error("ResourceNotFoundException", std::move(message)); }
Failure function_not_found(std::string_view arn) { return not_found(fmt::format("Function not found: {}", arn)); }
Failure invalid(std::string message) { return client_error("InvalidParameterValueException", std::move(message)); }
Failure conflict(std::string message) { return client_error("ResourceConflictException", std::move(message)); }

Failure revision_mismatch(std::string_view what) {
  return client_error("PreconditionFailedException",
                      fmt::format("The RevisionId provided does not match the latest RevisionId. Call the Get{} API to "
                                  "retrieve the latest RevisionId",
                                  what));
}

Failure validation(std::string_view value, std::string_view member, std::string_view requirement) {
  return client_error("ValidationException",
                      fmt::format("1 validation error detected: Value '{}' at '{}' failed to satisfy constraint: {}",
                                  value, member, requirement));
}

Failure throttled(std::string reason) {
  Error error{"TooManyRequestsException", "Rate Exceeded.", Error::Fault::Client, std::move(reason)};
  return Failure(std::move(error));
}

Failure internal(const Error& cause) {
  return server_error("ServiceException", "Service encountered an error.",
                      cause.code + ": " + cause.message + " " + cause.detail);
}

}  // namespace likeness::lambda
