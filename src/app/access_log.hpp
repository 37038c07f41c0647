#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace likeness::app {

/// What one line of the access log says. Empty texts are left out.
struct AccessEntry {
  TimePoint time;  // when the head of the request was in
  std::string request_id;
  std::string peer;
  std::string caller;  // access key id
  std::string service;
  std::string operation;
  std::string method;
  std::string path;  // only where there is no operation
  int status = 0;
  std::string error;
  std::string detail;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  double wait_ms = 0;   // receiving the body and waiting for a thread
  double work_ms = 0;   // answering
  double total_ms = 0;  // until the last byte was handed to the system
  bool complete = true;
};

enum class AccessFormat { Logfmt, Json };

/// One line without its line feed.
std::string format_access(const AccessEntry& entry, AccessFormat format);

/// Writes lines from a thread of its own, so that a slow disk or terminal holds up no request. When it cannot keep up,
/// lines are dropped and counted. Thread-safe.
class AccessLog {
 public:
  /// `target`: "off", "stderr" or a file that is appended to. Error "InvalidSetting".
  static Result<std::unique_ptr<AccessLog>> open(const std::string& target, AccessFormat format);
  /// Writes what is queued.
  ~AccessLog();
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;

  void add(const AccessEntry& entry);
  /// Opens the file anew: after log rotation has moved it away.
  void reopen();
  std::uint64_t dropped() const;

 private:
  AccessLog(std::string file, int descriptor, AccessFormat format);
  void run();

  const std::string file_;  // "" = stderr, or off
  const AccessFormat format_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::string queued_;
  bool reopen_ = false, stopping_ = false;
  std::uint64_t dropped_ = 0;
  int descriptor_;  // -1 = off; used by the thread only
  std::thread thread_;
};

}  // namespace likeness::app
