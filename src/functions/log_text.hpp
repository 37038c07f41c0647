#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "functions/runner.hpp"

namespace likeness::functions {

/// Cuts what a worker prints into lines. A carriage return inside a line becomes a line feed, as Lambda does it (that
/// is how runtimes write one event of several lines). A line that is too long is cut. Keeps at most one line.
class LineSplitter {
 public:
  explicit LineSplitter(std::size_t max_line) : max_line_(max_line) {}

  void feed(std::string_view bytes, std::vector<std::string>& lines);
  /// What has no end yet, as a line.
  void flush(std::vector<std::string>& lines);

 private:
  std::size_t max_line_;
  std::string line_;
};

/// Takes the frames apart in which runtimes write messages to _LAMBDA_TELEMETRY_LOG_FD: type (4 bytes, 0xA55A....),
/// length (4), time in microseconds (8), message. Keeps at most one message.
class FrameReader {
 public:
  explicit FrameReader(std::size_t max_message) : max_message_(max_message) {}

  /// False when the bytes are no frames (any more): nothing further can be read then.
  bool feed(std::string_view bytes, std::vector<LogLine>& lines);

 private:
  std::size_t max_message_;
  std::string head_;
  std::string message_;
  std::uint64_t left_ = 0;  // of the message at hand
  TimePoint time_{};
  bool failed_ = false;
};

/// What AWS's own lines about an invocation tell.
struct Report {
  std::string request_id{};
  std::chrono::microseconds duration{0};
  std::chrono::milliseconds billed{0};
  std::chrono::microseconds init{0};  // 0 = not told
  int memory_mb = 128;
  int max_memory_mb = 0;
  std::string status{};      // "" (went well), "timeout", "error"
  std::string error_type{};  // with "error"
};

/// AWS's own lines, in text or as JSON. An empty string: this line is not written in that format or at that level.
class PlatformLines {
 public:
  PlatformLines(LogFormat format, std::string_view system_level);

  std::string init_start(const FunctionSpec& function, const std::string& version, const std::string& version_arn,
                         TimePoint now) const;
  /// After an initialisation that failed. `status` is "timeout" or "error".
  std::string init_report(std::chrono::microseconds init, const std::string& status, const std::string& error_type,
                          TimePoint now) const;
  std::string start(const std::string& request_id, const std::string& version, TimePoint now) const;
  std::string end(const std::string& request_id, const std::string& status, TimePoint now) const;
  std::string report(const Report& report, TimePoint now) const;

 private:
  bool json_;
  int level_;  // 0 DEBUG, 1 INFO, 2 WARN
};

/// The JSON that a caller gets for an error: {"errorType": ..., "errorMessage": ...}.
std::string error_json(std::string_view type, std::string_view message);
/// The errorType of such a JSON; "" if there is none.
std::string error_type_in(std::string_view json);
/// A string with its quotes.
std::string json_string(std::string_view text);
/// "2026-11-21T10:15:30.123Z".
std::string iso8601_milliseconds(TimePoint time);
/// What an invocation of this length is billed: whole milliseconds, rounded up.
std::chrono::milliseconds billed(std::chrono::microseconds duration);
/// "2026/11/21/[$LATEST]0123456789abcdef0123456789abcdef".
std::string log_stream_name(const std::string& version, TimePoint now);

/// The end of a log.
class LogTail {
 public:
  void add(std::string_view line);
  /// The last 4 KB.
  std::string text() const;

 private:
  std::string text_;
};

}  // namespace likeness::functions
