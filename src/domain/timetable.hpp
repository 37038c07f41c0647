#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>

#include "base/clock.hpp"

namespace likeness::domain {

/// Calls back when things are due, each under its name, on one thread of its own. What is due while the callback of
/// another runs waits for it. Kept in memory only: who uses it keeps the times on disk. Thread-safe.
class Timetable {
 public:
  /// Gets the name and when it was due; the name is off the timetable by then. May set it again.
  using Callback = std::function<void(const std::string& name, TimePoint due)>;

  Timetable(const Clock& clock, Callback callback) : clock_(clock), callback_(std::move(callback)) {}
  ~Timetable() { stop(); }
  Timetable(const Timetable&) = delete;
  Timetable& operator=(const Timetable&) = delete;

  void start();
  /// Waits for the callback that runs. Safe to call twice.
  void stop();

  /// Instead of the time that it had.
  void set(const std::string& name, TimePoint due);
  void remove(const std::string& name);
  std::size_t size() const;

 private:
  void run();

  const Clock& clock_;
  const Callback callback_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::map<std::string, TimePoint> due_;
  std::set<std::pair<TimePoint, std::string>> order_;
  std::thread thread_;
};

}  // namespace likeness::domain
