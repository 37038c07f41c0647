#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "functions/runner.hpp"

namespace likeness::functions {

/// What runs the functions of a runtime on this machine.
struct InstalledRuntime {
  enum class Kind { Python, Node, Provided };
  Kind kind = Kind::Provided;
  std::string interpreter{};        // "/usr/bin/python3.11"
  std::filesystem::path prefix{};   // the folder it needs to run, where that is not in /usr
  std::string minor{};              // of Python: "3.11"
  std::string version{};            // "python:3.11.2", as the log tells it
  std::filesystem::path folder{};   // becomes /var/runtime; empty = none
  std::filesystem::path modules{};  // of Node: becomes /var/runtime/node_modules
};

/// Where a worker sees its files.
struct View {
  std::string task = "/var/task";
  std::string opt = "/opt";
  std::string runtime = "/var/runtime";
  std::string modules = "/var/runtime/node_modules";
  std::string tmp = "/tmp";
};

/// Finds interpreters, each once. Thread-safe.
class Runtimes {
 public:
  /// `installed` is what scripts/fetch.py made; the files of our own are written below `own`.
  Runtimes(std::filesystem::path installed, std::filesystem::path own);
  /// Error "StorageFailure".
  Result<void> write_own_files() const;

  /// Errors: "RuntimeUnavailable", the message says what is missing.
  Result<InstalledRuntime> find(const std::string& runtime);

 private:
  Result<InstalledRuntime> find_python(int wanted);
  Result<InstalledRuntime> find_node(int wanted);

  const std::filesystem::path installed_, own_;
  std::mutex mutex_;
  std::map<std::string, Result<InstalledRuntime>> found_;  // guarded by mutex_
};

/// The program of a worker. Error: "RuntimeUnavailable" (a provided runtime without bootstrap is an outcome of the
/// start itself and not found here).
std::vector<std::string> command_of(const InstalledRuntime& runtime, const FunctionSpec& function, const View& view);

struct EnvironmentFacts {
  std::string api_address{};  // AWS_LAMBDA_RUNTIME_API
  std::string endpoint_url{};
  std::string region{};
  std::string log_stream{};
  std::string frames_descriptor{};  // _LAMBDA_TELEMETRY_LOG_FD
  RoleCredentials credentials{};
};
/// The environment of a worker: the function's own variables and those that Lambda reserves.
std::map<std::string, std::string> environment_of(const InstalledRuntime& runtime, const FunctionSpec& function,
                                                  const View& view, const EnvironmentFacts& facts);

/// The log group a function writes to.
std::string log_group_of(const FunctionSpec& function);

}  // namespace likeness::functions
