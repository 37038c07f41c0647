#include "functions/native_run.hpp"

#include <fmt/format.h>

#include <chrono>
#include <exception>
#include <optional>
#include <utility>
#include <vector>

#include "functions/installed.hpp"
#include "functions/log_text.hpp"

namespace likeness::functions {
namespace {

constexpr std::size_t kLinesAtOnce = 64;

/// The log of one invocation; handed on in few pieces.
class InvocationLog {
 public:
  InvocationLog(RunnerHost& host, std::string group, std::string stream, bool tail)
      : host_(host), group_(std::move(group)), stream_(std::move(stream)) {
    if (tail) tail_.emplace();
  }

  void add(TimePoint time, std::string text) {
    if (text.empty()) return;
    if (tail_) tail_->add(text);
    lines_.push_back({time, std::move(text)});
    if (lines_.size() >= kLinesAtOnce) flush();
  }
  void flush() {
    if (!lines_.empty()) host_.log(group_, stream_, std::exchange(lines_, {}));
  }
  std::string tail() const { return tail_ ? tail_->text() : ""; }
  const std::string& stream() const { return stream_; }

 private:
  RunnerHost& host_;
  std::string group_, stream_;
  std::vector<LogLine> lines_;
  std::optional<LogTail> tail_;
};

class Context final : public NativeContext {
 public:
  Context(RunnerHost& host, const FunctionSpec& function, const Invocation& invocation, InvocationLog& log,
          const Clock& clock, std::chrono::steady_clock::time_point deadline)
      : host_(host), function_(function), invocation_(invocation), log_(log), clock_(clock), deadline_(deadline) {}

  Result<std::string> call(std::string_view service, std::string_view operation, std::string_view json) override {
    return host_.call(function_, service, operation, json);
  }
  void log(std::string_view line) override { log_.add(clock_.now(), std::string(line)); }
  std::chrono::milliseconds remaining() const override {
    const auto left = deadline_ - std::chrono::steady_clock::now();
    return std::max(std::chrono::milliseconds(0), std::chrono::duration_cast<std::chrono::milliseconds>(left));
  }
  const std::string& request_id() const override { return invocation_.request_id; }
  const std::string& function_name() const override { return function_.name; }
  const std::string& invoked_arn() const override {
    return invocation_.invoked_arn.empty() ? function_.arn : invocation_.invoked_arn;
  }
  std::string environment(const std::string& name) const override {
    const auto found = function_.environment.find(name);
    return found == function_.environment.end() ? "" : found->second;
  }

 private:
  RunnerHost& host_;
  const FunctionSpec& function_;
  const Invocation& invocation_;
  InvocationLog& log_;
  const Clock& clock_;
  const std::chrono::steady_clock::time_point deadline_;
};

Result<std::string> run_guarded(const NativeFunction& function, NativeContext& context, std::string_view event) {
  try {
    return function(context, event);
  } catch (const std::exception& thrown) {
    return server_error("Runtime.UnhandledException", thrown.what());
  } catch (...) {
    return server_error("Runtime.UnhandledException", "An exception of an unknown type.");
  }
}

}  // namespace

std::string NativeRunner::stream_of(const FunctionSpec& function, TimePoint now) {
  const std::lock_guard lock(mutex_);
  auto& stream = streams_[function.key];
  if (stream.empty()) stream = log_stream_name(function.version, now);
  return stream;
}

void NativeRunner::retire(const std::string& key) {
  const std::lock_guard lock(mutex_);
  streams_.erase(key);
}

Result<Outcome> NativeRunner::invoke(const FunctionSpec& function, const Invocation& invocation) {
  const auto native = registry_.find(function.native);
  if (native == nullptr)
    return client_error("NativeFunctionUnknown",
                        fmt::format("This server has no native function named {}.", function.native));
  const TimePoint now = clock_.now();
  const std::string& id = invocation.request_id;
  const PlatformLines lines(function.log_format, function.system_log_level);
  InvocationLog log(host_, log_group_of(function), stream_of(function, now), invocation.tail);
  log.add(now, lines.start(id, function.version, now));

  const auto begun = std::chrono::steady_clock::now();
  Context context(host_, function, invocation, log, clock_, begun + function.timeout);
  auto answer =
      run_guarded(*native, context, invocation.payload != nullptr ? std::string_view(*invocation.payload) : "{}");

  Outcome outcome;
  outcome.duration = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begun);
  outcome.log_stream = log.stream();
  Report report{.request_id = id, .memory_mb = function.memory_mb};
  const TimePoint ended = clock_.now();
  if (outcome.duration > function.timeout) {
    // Nobody could end it; whoever called was promised that it would be.
    const std::string words = fmt::format("Task timed out after {}.00 seconds", function.timeout.count());
    outcome.duration = function.timeout;
    outcome.error_type = "Sandbox.Timedout";
    outcome.payload = error_json(outcome.error_type, fmt::format("RequestId: {} Error: {}", id, words));
    report.status = "timeout";
    if (function.log_format == LogFormat::Text)
      log.add(ended, fmt::format("{} {} {}\n", iso8601_milliseconds(ended), id, words));
  } else if (!answer) {
    outcome.error_type = answer.error().code;
    outcome.payload =
        fmt::format(R"({{"errorMessage":{},"errorType":{},"requestId":{},"stackTrace":[]}})",
                    json_string(answer.error().message), json_string(answer.error().code), json_string(id));
    log.add(ended, fmt::format("[ERROR] {}: {}{}", answer.error().code, answer.error().message,
                               answer.error().detail.empty() ? "" : " (" + answer.error().detail + ")"));
  } else {
    outcome.payload = std::move(*answer);
  }
  if (!outcome.error_type.empty()) outcome.function_error = "Unhandled";
  outcome.billed = report.billed = billed(outcome.duration);
  report.duration = outcome.duration;
  log.add(ended, lines.end(id, report.status, ended));
  log.add(ended, lines.report(report, ended));
  log.flush();
  outcome.log_tail = log.tail();
  if (invocation.on_chunk && outcome.function_error.empty()) {
    if (invocation.on_start) invocation.on_start("application/octet-stream");
    invocation.on_chunk(outcome.payload);
    outcome.payload.clear();
  }
  return outcome;
}

}  // namespace likeness::functions
