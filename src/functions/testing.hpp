#pragma once

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "functions/native.hpp"
#include "functions/runner.hpp"

namespace likeness::functions::testing {

/// The rest of the server, for tests: remembers what was logged.
class FakeHost final : public RunnerHost {
 public:
  Result<RoleCredentials> credentials(const FunctionSpec& function) override {
    if (function.role_arn == "arn:aws:iam::000000000000:role/missing")
      return client_error("AccessDenied", "The role cannot be assumed.");
    return RoleCredentials{"ASIAEXAMPLE", "secret'with\"odd $signs", "token",
                           std::chrono::system_clock::now() + lifetime};
  }
  Result<std::string> call(const FunctionSpec&, std::string_view service, std::string_view operation,
                           std::string_view json) override {
    return std::string(service) + ":" + std::string(operation) + " " + std::string(json);
  }
  void log(const std::string& group, const std::string& stream, std::vector<LogLine> lines) override {
    const std::lock_guard lock(mutex_);
    for (auto& line : lines) lines_[fmt::format("{} {}", group, stream)].push_back(std::move(line.text));
  }

  /// All lines of a group, streams one after the other.
  std::vector<std::string> lines(const std::string& group) const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> all;
    for (const auto& [name, lines] : lines_)
      if (name.starts_with(group + " ")) all.insert(all.end(), lines.begin(), lines.end());
    return all;
  }
  std::string text(const std::string& group) const {
    std::string all;
    for (const auto& line : lines(group)) all += line + "\n";
    return all;
  }
  std::size_t streams() const {
    const std::lock_guard lock(mutex_);
    return lines_.size();
  }

  std::chrono::seconds lifetime{3600};

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::vector<std::string>> lines_;
};

/// A folder that goes with the test.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "functions-test-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  /// Writes files of a function's package and gives its folder.
  std::filesystem::path package(const std::string& name, const std::map<std::string, std::string>& files) const {
    const auto folder = path_ / name;
    for (const auto& [file, content] : files) {
      std::filesystem::create_directories((folder / file).parent_path());
      std::ofstream(folder / file) << content;
      if (file == "bootstrap" || file.starts_with("bin/"))
        std::filesystem::permissions(folder / file, std::filesystem::perms(0755));
    }
    return folder;
  }

 private:
  std::filesystem::path path_;
};

inline std::filesystem::path installed_runtimes() {
  const auto variable = [](const char* name) -> std::string {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
    return value != nullptr ? value : "";
  };
  if (!variable("LIKENESS_CACHE").empty()) return std::filesystem::path(variable("LIKENESS_CACHE")) / "functions";
  if (!variable("XDG_CACHE_HOME").empty())
    return std::filesystem::path(variable("XDG_CACHE_HOME")) / "likeness/functions";
  return std::filesystem::path(variable("HOME")) / ".cache/likeness/functions";
}

/// A runner with a host, in a folder of its own.
struct Setting {
  explicit Setting(RunnerOptions options = {}) {
    options.folder = folder.path() / "run";
    options.runtimes = installed_runtimes();
    if (options.endpoint_url.empty()) options.endpoint_url = "http://127.0.0.1:4600";
    auto opened = Runner::open(options, host, natives);
    if (!opened) throw std::runtime_error(opened.error().message + " " + opened.error().detail);
    runner = std::move(*opened);
  }

  FunctionSpec spec(const std::string& name, const std::string& runtime, const std::string& handler,
                    const std::map<std::string, std::string>& files) const {
    FunctionSpec spec;
    spec.key = name + "-1";
    spec.name = name;
    spec.arn = "arn:aws:lambda:us-east-1:000000000000:function:" + name;
    spec.runtime = runtime;
    spec.handler = handler;
    spec.memory_mb = 256;
    spec.timeout = std::chrono::seconds(20);
    spec.code = folder.package(name, files);
    return spec;
  }
  FunctionSpec python(const std::string& name, const std::string& code) const {
    return spec(name, "python3.11", "app.handler", {{"app.py", code}});
  }

  Result<Outcome> invoke(const FunctionSpec& function, std::string payload = "{}") const {
    Invocation invocation;
    invocation.request_id = uuid_v4();
    invocation.payload = std::make_shared<const std::string>(std::move(payload));
    invocation.tail = true;
    return runner->invoke(function, invocation);
  }

  Folder folder;
  FakeHost host;
  NativeRegistry natives;
  std::unique_ptr<Runner> runner;
};

}  // namespace likeness::functions::testing
