#pragma once

#include <string>
#include <vector>

#include "base/clock.hpp"

namespace likeness::logs {

/// A line of a log stream. Milliseconds of `time` are kept.
struct LogEvent {
  TimePoint time;
  std::string message;
};

/// Where the server's own parts write log lines that belong to a log group: functions, state machines, deliveries.
/// Group and stream are made as they are needed, in the server's account and region. Thread-safe.
///
/// `put` never blocks for I/O and never fails: lines are buffered, written within 200 ms (and when the server stops),
/// and can be read by the API then; a crash loses what was not written yet. When lines come faster than the disk takes
/// them the oldest that wait are dropped, and the server's log and metrics say how many. Lines longer than AWS's
/// megabyte are cut. Lines of one caller to one stream keep their order; those of a call need not be sorted by time.
///
/// Whoever may work without takes a pointer; null is "no logs".
class Sink {
 public:
  virtual ~Sink() = default;
  virtual void put(const std::string& group, const std::string& stream, std::vector<LogEvent> events) = 0;
};

}  // namespace likeness::logs
