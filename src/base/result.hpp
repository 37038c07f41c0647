#pragma once

#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace likeness {

/// What went wrong, as a value: whoever cannot recover returns it one level up. Never thrown.
///
/// `code` is a short UpperCamel term. Modules below `domain` use plain terms ("NotFound", "InvalidImageFormat");
/// `domain` and above use AWS's own exception names ("ResourceNotFoundException").
/// `message` may be shown to the caller: no paths, no image data. `detail` goes to the log only.
struct Error {
  enum class Fault { Client, Server };

  std::string code;
  std::string message;
  Fault fault = Fault::Client;
  std::string detail;
  /// The modelled exception's struct, where it has more to tell than a message (aws/exceptions.hpp).
  std::shared_ptr<const void> exception = nullptr;
};

template <class T>
using Result = tl::expected<T, Error>;

using Failure = tl::unexpected<Error>;

/// The caller asked for something that cannot be had; asking again unchanged will not help.
inline Failure client_error(std::string code, std::string message) {
  return Failure(Error{std::move(code), std::move(message), Error::Fault::Client, {}});
}

/// We failed, the caller did not. `detail` says why, for the log.
inline Failure server_error(std::string code, std::string message, std::string detail = {}) {
  return Failure(Error{std::move(code), std::move(message), Error::Fault::Server, std::move(detail)});
}

/// Passes the error of `result` on, for `if (!r) return fail(r);`.
template <class T>
Failure fail(tl::expected<T, Error>& result) {
  return Failure(std::move(result.error()));
}
template <class T>
Failure fail(tl::expected<T, Error>&& result) {
  return Failure(std::move(result.error()));
}

}  // namespace likeness
