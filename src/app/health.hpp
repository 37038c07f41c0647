#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace likeness::app {

/// What `GET /_likeness/health` tells: which parts of the server stand, and since when. Thread-safe.
class Health {
 public:
  enum class State { Starting, Ready, Failed };

  explicit Health(std::string version) : version_(std::move(version)) {}

  /// `detail` is for people and may be empty.
  void set(std::string_view part, State state, std::string detail = {});
  /// From now on the server takes no new work.
  void stopping();

  /// "ok", "starting", "degraded" (a part failed) or "stopping".
  std::string status() const;
  /// 200 while requests are taken, 503 when stopping or when a part failed.
  int http_status() const;
  std::string as_json() const;

 private:
  struct Part {
    State state = State::Starting;
    std::string detail;
  };
  std::string status_locked() const;

  const std::string version_;
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  mutable std::mutex mutex_;
  std::map<std::string, Part, std::less<>> parts_;
  bool stopping_ = false;
};

}  // namespace likeness::app
