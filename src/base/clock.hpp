#pragma once

#include <chrono>
#include <string>

namespace likeness {

using TimePoint = std::chrono::system_clock::time_point;

/// Wall-clock time, passed by reference to whoever needs it so that tests can set it. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimePoint now() const = 0;

  /// The machine's clock; lives as long as the program.
  static const Clock& system();
};

/// "2026-11-21T10:15:30Z" (whole seconds, UTC).
std::string iso8601(TimePoint time);
/// "20261121T101530Z", the form of X-Amz-Date.
std::string iso8601_basic(TimePoint time);
/// Seconds since 1970 with millisecond fraction, the form of JSON timestamps.
double epoch_seconds(TimePoint time);

}  // namespace likeness
