#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace likeness::functions {

class NativeRegistry;

enum class LogFormat { Text, Json };

/// Everything that is needed to run one version of one function.
struct FunctionSpec {
  /// Workers with the same key are alike. Must change whenever anything below changes (code, configuration, role).
  std::string key{};
  std::string name{};
  std::string version = "$LATEST";
  std::string arn{};      // without a qualifier
  std::string runtime{};  // "python3.12", "nodejs20.x", "provided.al2023"; "" with `native`
  std::string handler{};
  std::filesystem::path code{};                 // the unpacked package: becomes /var/task, read-only
  std::vector<std::filesystem::path> layers{};  // unpacked, in the order of the function: become /opt
  std::map<std::string, std::string> environment{};
  int memory_mb = 128;
  std::chrono::seconds timeout{3};
  int ephemeral_mb = 512;  // size of /tmp
  std::string role_arn{};
  std::string log_group{};  // "" = /aws/lambda/NAME
  LogFormat log_format = LogFormat::Text;
  /// With LogFormat::Json: lines of these levels and above are kept ("TRACE" ... "FATAL"; system: "DEBUG", "INFO",
  /// "WARN").
  std::string application_log_level = "INFO";
  std::string system_log_level = "INFO";
  std::string native{};  // the name of a native function; then runtime, handler, code and layers are not used
};

struct Invocation {
  std::string request_id{};                      // the same again for each attempt of an async invocation
  std::shared_ptr<const std::string> payload{};  // JSON; null = "{}"
  std::string client_context{};                  // JSON, already decoded from base64
  std::string cognito_identity{};                // JSON
  std::string invoked_arn{};                     // as it was called: with the qualifier if there was one
  std::string trace_id{};
  bool tail = false;  // fill Outcome::log_tail
  /// Response streaming. `on_start` is told the content type before the first piece; then `on_chunk` gets every piece,
  /// as it comes, in the thread of invoke(); false (the client has gone) stops further calls, not the function. What a
  /// function without streaming answers comes as one piece. Outcome::payload stays empty unless the function failed
  /// before it began to answer.
  std::function<void(std::string_view content_type)> on_start{};
  std::function<bool(std::string_view piece)> on_chunk{};
};

struct Outcome {
  std::string payload{};         // the answer, or with function_error AWS's JSON of an error
  std::string function_error{};  // "" or "Unhandled"
  std::string error_type{};      // "Sandbox.Timedout", "Runtime.ExitError", the function's own, or ""
  std::string log_tail{};        // the last 4 KB of the log, not yet base64
  std::string log_stream{};
  std::chrono::microseconds duration{0};
  std::chrono::milliseconds billed{0};
  std::chrono::microseconds init{0};  // 0 unless this invocation started its worker
  int max_memory_mb = 0;
  /// The response stream ended with an error of the function (its trailers): code and details.
  std::string stream_error_type{};
  std::string stream_error_body{};
};

/// Credentials of a role, given to a worker as its environment.
struct RoleCredentials {
  std::string access_key_id{};
  std::string secret_access_key{};
  std::string session_token{};
  TimePoint expires{};
};

struct LogLine {
  TimePoint time{};
  std::string text{};  // without the line's end
};

/// What a Runner needs of the rest of the server. Thread-safe; calls come from its threads and those of invoke().
class RunnerHost {
 public:
  virtual ~RunnerHost() = default;

  /// Credentials that workers of this function get; asked when a worker starts. A worker is replaced before they end.
  virtual Result<RoleCredentials> credentials(const FunctionSpec& function) = 0;
  /// A call that a native function makes as its role.
  virtual Result<std::string> call(const FunctionSpec& function, std::string_view service, std::string_view operation,
                                   std::string_view json) = 0;
  /// Log lines in order; must not block.
  virtual void log(const std::string& group, const std::string& stream, std::vector<LogLine> lines) = 0;
};

enum class Isolation {
  Automatic,   // the best that works here
  Bubblewrap,  // namespaces: own view of files and processes
  User,        // resource limits and a user of its own (needs root)
  Limits,      // resource limits only: for code that is trusted
};

struct RunnerOptions {
  std::filesystem::path folder{};    // for what workers need while they run; emptied at the start
  std::filesystem::path runtimes{};  // where scripts/fetch.py put the runtimes' own files ("CACHE/functions")
  std::string endpoint_url{};        // what workers see as AWS_ENDPOINT_URL
  std::string region = "us-east-1";
  std::string account = "000000000000";
  Isolation isolation = Isolation::Automatic;
  std::size_t max_workers = 256;                 // of all functions together
  std::chrono::milliseconds max_wait{10'000};    // of an invocation for a free worker
  std::chrono::milliseconds idle_time{300'000};  // after which a worker that has nothing to do is ended
  std::chrono::milliseconds init_timeout{10'000};
  std::size_t max_response_bytes = 6 * 1024 * 1024 + 100;
  std::size_t max_streamed_bytes = 200 * 1024 * 1024;
  std::size_t max_log_line_bytes = 256 * 1024;
  std::size_t max_log_bytes_per_second = 1024 * 1024;  // of one worker, after 4 MB; who prints more waits
  bool limit_cpu = false;                              // to what Lambda gives for the memory, where groups can be made
  int max_processes = 1024;                            // of one worker, threads included
  int max_files = 1024;
};

struct RunnerStats {
  std::size_t workers = 0;
  std::size_t busy = 0;
  std::uint64_t started = 0;
  std::uint64_t invocations = 0;
  std::uint64_t killed = 0;  // workers ended for time, memory or misbehaviour
};

/// Runs functions: native ones in the caller's thread, all others in worker processes that speak the Lambda Runtime API
/// to us. Keeps warm workers for each FunctionSpec::key. Thread-safe.
class Runner {
 public:
  /// `host` and `natives` must outlive the Runner. Errors: "StorageFailure", "NetworkFailure", "IsolationUnavailable"
  /// (when asked for by name).
  static Result<std::unique_ptr<Runner>> open(RunnerOptions options, RunnerHost& host, const NativeRegistry& natives,
                                              const Clock& clock = Clock::system());
  virtual ~Runner() = default;

  /// Runs the function once and blocks until it has answered, failed, or run out of time. What the function did wrong
  /// is an Outcome with function_error. Errors are ours: "RuntimeUnavailable" (nothing installed here runs it; the
  /// message says what is missing), "NativeFunctionUnknown", "TooManyWorkers" (no worker became free in max_wait),
  /// those of RunnerHost::credentials, "WorkerStartFailed", "Stopping".
  virtual Result<Outcome> invoke(const FunctionSpec& function, const Invocation& invocation) = 0;

  /// Nothing with this key is started again: idle workers end at once, busy ones after what they do. The code's folder
  /// may be removed when this returns true; false: workers are still busy with it, ask again.
  virtual bool retire(const std::string& key) = 0;

  /// Whether functions of this runtime can run here: nothing, or "RuntimeUnavailable" with what is missing.
  virtual Result<void> check_runtime(const std::string& runtime) const = 0;

  virtual RunnerStats stats() const = 0;
  /// "bubblewrap", "user" or "limits"; for the log.
  virtual std::string isolation() const = 0;

  /// Ends all workers; running invocations answer "Stopping". No call may follow but the destructor.
  virtual void stop() = 0;
};

}  // namespace likeness::functions
