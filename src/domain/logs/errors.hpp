#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

/// The errors of CloudWatch Logs, in AWS's names and, where they are known, words.
namespace likeness::logs {

Failure invalid(std::string message);
Failure group_not_found();
Failure group_exists();
Failure stream_not_found();
Failure stream_exists();
Failure not_found(std::string message);
Failure limit_exceeded(std::string message);
/// What the store could not do.
Failure from_store(Error error);
template <class T>
Failure from_store(const Result<T>& result) {
  return from_store(result.error());
}

}  // namespace likeness::logs
