#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

namespace likeness::functions {

/// Measures what workers and all that they started use, ten times a second while they are busy. Thread-safe.
class MemoryWatch {
 public:
  /// `over` is called from a thread of our own when a process and its children use more than their limit.
  explicit MemoryWatch(std::function<void(pid_t)> over);
  ~MemoryWatch();
  MemoryWatch(const MemoryWatch&) = delete;
  MemoryWatch& operator=(const MemoryWatch&) = delete;

  void add(pid_t process, int limit_mb);
  void set_busy(pid_t process, bool busy);
  void remove(pid_t process);

 private:
  struct Watched {
    int limit_mb;
    bool busy;
  };
  void run();

  const std::function<void(pid_t)> over_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<pid_t, Watched> watched_;
  bool stopping_ = false;
  std::thread thread_;
};

/// Private memory of a process and its descendants, in kB. What they share since a fork counts for each of them, but
/// with `exact` once; that takes much longer.
std::uint64_t tree_memory_kb(pid_t process, bool exact);

}  // namespace likeness::functions
