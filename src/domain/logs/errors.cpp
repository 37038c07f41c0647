#include "domain/logs/errors.hpp"

#include <fmt/format.h>

#include <utility>

namespace likeness::logs {

Failure invalid(std::string message) { return client_error("InvalidParameterException", std::move(message)); }
Failure not_found(std::string message) { return client_error("ResourceNotFoundException", std::move(message)); }
Failure limit_exceeded(std::string message) { return client_error("LimitExceededException", std::move(message)); }

Failure group_not_found() { return not_found("The specified log group does not exist."); }
Failure stream_not_found() { return not_found("The specified log stream does not exist."); }
Failure group_exists() {
  return client_error("ResourceAlreadyExistsException", "The specified log group already exists");
}
Failure stream_exists() {
  return client_error("ResourceAlreadyExistsException", "The specified log stream already exists");
}

Failure from_store(Error error) {
  const bool full = error.code == "StorageFull";
  return server_error("ServiceUnavailableException",
                      full ? "The disk is full; nothing was stored." : "The service cannot complete the request.",
                      fmt::format("{}: {} {}", error.code, error.message, error.detail));
}

}  // namespace likeness::logs
