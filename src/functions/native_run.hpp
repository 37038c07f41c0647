#pragma once

#include <map>
#include <mutex>
#include <string>

#include "base/clock.hpp"
#include "functions/native.hpp"
#include "functions/runner.hpp"

namespace likeness::functions {

/// Runs native functions in the caller's thread, with the log lines and the errors of any other function. Thread-safe.
class NativeRunner {
 public:
  NativeRunner(RunnerHost& host, const NativeRegistry& registry, const Clock& clock)
      : host_(host), registry_(registry), clock_(clock) {}

  /// Error: "NativeFunctionUnknown".
  Result<Outcome> invoke(const FunctionSpec& function, const Invocation& invocation);
  void retire(const std::string& key);

 private:
  std::string stream_of(const FunctionSpec& function, TimePoint now);

  RunnerHost& host_;
  const NativeRegistry& registry_;
  const Clock& clock_;
  std::mutex mutex_;
  std::map<std::string, std::string> streams_;  // by key; guarded by mutex_
};

}  // namespace likeness::functions
