#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace likeness::functions {

/// What a native function is given beside its event. Good until the function returns; used by its thread only.
class NativeContext {
 public:
  virtual ~NativeContext() = default;

  /// A call of an AWS operation as the function's role: "dynamodb", "PutItem", the SDK's JSON. Errors carry AWS's
  /// exception name in `code`.
  virtual Result<std::string> call(std::string_view service, std::string_view operation, std::string_view json) = 0;
  /// One line of the function's log.
  virtual void log(std::string_view line) = 0;
  /// Until the function's time is up. It cannot be ended from outside: long work asks from time to time.
  virtual std::chrono::milliseconds remaining() const = 0;

  virtual const std::string& request_id() const = 0;
  virtual const std::string& function_name() const = 0;
  virtual const std::string& invoked_arn() const = 0;
  /// "" where there is no such variable.
  virtual std::string environment(const std::string& name) const = 0;
};

/// A function written in C++ that lives in the server: gets the event as JSON, answers JSON. An Error is the function's
/// error: `code` becomes its errorType, `message` its errorMessage. Called from many threads at once. An exception that
/// escapes is an error of the function too.
using NativeFunction = std::function<Result<std::string>(NativeContext&, std::string_view event)>;

/// Native functions by name. Thread-safe.
class NativeRegistry {
 public:
  /// Replaces what had the name.
  void add(std::string name, NativeFunction function);
  /// Null if there is none. Stays good when it is replaced.
  std::shared_ptr<const NativeFunction> find(const std::string& name) const;
  bool contains(const std::string& name) const { return find(name) != nullptr; }
  std::vector<std::string> names() const;

 private:
  mutable std::shared_mutex mutex_;
  std::map<std::string, std::shared_ptr<const NativeFunction>> functions_;
};

}  // namespace likeness::functions
