#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>

#include "states/engine.hpp"

namespace likeness::states {

/// One value on its way from a thread of the engine to the one that waits for it.
template <class T>
class Reply {
 public:
  void give(T value) {
    const std::lock_guard lock(mutex_);
    value_ = std::move(value);
    given_.notify_all();
  }
  T wait() {
    std::unique_lock lock(mutex_);
    given_.wait(lock, [&] { return value_.has_value(); });
    return std::move(*value_);
  }
  /// nullopt if nobody is there any more to be told.
  std::optional<T> wait(const std::stop_token& gone) {
    const std::stop_callback wake(gone, [this] {
      const std::lock_guard lock(mutex_);
      given_.notify_all();
    });
    std::unique_lock lock(mutex_);
    given_.wait(lock, [&] { return value_.has_value() || gone.stop_requested(); });
    return std::exchange(value_, std::nullopt);
  }

 private:
  std::mutex mutex_;
  std::condition_variable given_;
  std::optional<T> value_;
};

/// An execution that is in memory. `execution` belongs to the worker that runs it; the rest is under the engine's
/// mutex.
struct Engine::Live {
  std::string arn;
  bool durable = true;
  bool loaded = false;
  Execution execution;
  std::string running;       // what the store says of it among the running ones
  bool synchronous = false;  // express: somebody waits for the end

  bool scheduled = false;  // in the queue or with a worker
  bool over = false;
  std::size_t calls = 0;  // under way
  std::deque<Message> mailbox;
  std::function<void(const Execution&)> on_end;
};

namespace tables {
inline constexpr auto kExecutions = "sfn.executions";
inline constexpr auto kByTime = "sfn.executions.time";
inline constexpr auto kRunning = "sfn.running";
inline constexpr auto kFibers = "sfn.fibers";
inline constexpr auto kHistory = "sfn.history";
inline constexpr auto kExpress = "sfn.express";
inline constexpr auto kClosed = "sfn.closed";  // those that are over, by when
}  // namespace tables

inline constexpr auto kRunningPartition = "running";
inline constexpr auto kClosedPartition = "closed";
inline constexpr std::uint8_t kRedriveToBegin = 2;     // a field of what the store says of a running one
inline constexpr std::size_t kPartBytes = 512u << 10;  // of a fiber; a value of the store holds 1 MiB

/// A write of no condition; nullopt removes.
storage::Write put_item(const char* table, storage::Key key, std::optional<std::string> value);
/// An execution's line in the list of its state machine or map run.
storage::Key listed_key(const ExecutionInfo& info);
storage::Write listed(const ExecutionRecord& record);
storage::Key closed_key(const ExecutionRecord& record);
/// All items of it, some at a time.
Result<void> remove_partition(storage::Store& store, const char* table, const std::string& partition);

}  // namespace likeness::states
