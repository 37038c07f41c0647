#pragma once

#include <memory>
#include <string>

#include "base/result.hpp"
#include "domain/lambda/registry.hpp"

namespace likeness::lambda {

/// One asynchronous invoke as it waits: what is run is found anew at each attempt, as functions and aliases change.
struct AsyncEvent {
  FunctionName function;    // with the qualifier that was asked for
  std::string function_id;  // of the function at that time: one made anew under the name does not get it
  std::string request_id;
  std::shared_ptr<const std::string> payload;
  TimePoint accepted{};
};

/// Takes events for functions and sees to it that each is run. Thread-safe.
class AsyncInvokes {
 public:
  virtual ~AsyncInvokes() = default;
  /// When this returns the event survives a crash.
  virtual Result<void> submit(AsyncEvent event) = 0;
};

}  // namespace likeness::lambda
