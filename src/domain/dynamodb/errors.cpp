#include "domain/dynamodb/errors.hpp"

#include <utility>

namespace likeness::dynamodb {

Failure resource_not_found() { return client_error("ResourceNotFoundException", "Requested resource not found"); }

Failure table_not_found(std::string_view name) {
  return client_error("ResourceNotFoundException",
                      "Requested resource not found: Table: " + std::string(name) + " not found");
}

Failure table_in_use(std::string_view name) {
  return client_error("ResourceInUseException", "Table already exists: " + std::string(name));
}

Failure limit_exceeded(std::string message) { return client_error("LimitExceededException", std::move(message)); }

Failure internal_error(std::string detail) {
  return server_error("InternalServerError", "Internal server error", std::move(detail));
}

Failure from_storage(const Error& error) {
  if (error.code == "StorageFull") return server_error("InternalServerError", "The disk is full; nothing was stored.");
  return internal_error(error.code + ": " + error.message + " " + error.detail);
}

}  // namespace likeness::dynamodb
