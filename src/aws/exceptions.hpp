#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aws/model.hpp"
#include "base/result.hpp"
#include "net/http.hpp"

/// Errors that have more to tell than a code and a message.
namespace likeness::aws {

/// What an error of an HTTP API (S3) may carry besides.
struct HttpError {
  int status = 0;                                                  // instead of the model's; 0: the model's, or 400
  net::Headers headers = {};                                       // of the response
  std::vector<std::pair<std::string, std::string>> elements = {};  // of the error's XML, behind the message
};

/// What Error::exception points at, always.
struct Raised {
  const Shape* shape = nullptr;                // of `structure`
  std::shared_ptr<const void> structure = {};  // the modelled exception
  HttpError http = {};
};

/// Null for an error that is a code and a message only.
inline const Raised* raised(const Error& error) { return static_cast<const Raised*>(error.exception.get()); }

/// The text in the exception's member "message" or "Message"; empty if it has none.
std::string message_of(const Shape& shape, const void* structure);

/// An Error from a generated exception, its members included:
///
///     return aws::exception(dynamodb::ConditionalCheckFailedException{.item = item, .message = "The conditional
///     ..."});
///
/// `detail` goes to the log.
template <class Exception>
Failure exception(Exception value, std::string detail = {}) {
  const Shape& shape = shape_of(value);
  Error error;
  error.code = shape.error_code.empty() ? shape.name : shape.error_code;
  error.message = message_of(shape, &value);
  error.fault = shape.is_fault ? Error::Fault::Server : Error::Fault::Client;
  error.detail = std::move(detail);
  auto structure = std::make_shared<const Exception>(std::move(value));
  error.exception = std::make_shared<const Raised>(Raised{&shape, std::move(structure), {}});
  return Failure(std::move(error));
}

/// An Error that no model has, as S3's are: status and whatever else comes with it. Statuses from 500 on are ours.
inline Failure http_error(int status, std::string code, std::string message,
                          std::vector<std::pair<std::string, std::string>> elements = {}, net::Headers headers = {}) {
  Error error;
  error.code = std::move(code);
  error.message = std::move(message);
  error.fault = status >= 500 ? Error::Fault::Server : Error::Fault::Client;
  error.exception =
      std::make_shared<const Raised>(Raised{nullptr, {}, {status, std::move(headers), std::move(elements)}});
  return Failure(std::move(error));
}

}  // namespace likeness::aws
