#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "base/result.hpp"
#include "functions/runner.hpp"

namespace likeness::functions {

/// An invocation on its way: the loop's thread fills it, the thread of invoke() takes out what comes. Function and
/// invocation belong to the latter and may be used until finish().
class Job {
 public:
  Job(const FunctionSpec& function, const Invocation& invocation) : function_(&function), invocation_(&invocation) {}

  const FunctionSpec& function() const { return *function_; }
  const Invocation& invocation() const { return *invocation_; }
  bool streams() const { return static_cast<bool>(invocation_->on_chunk); }

  // The loop's side.
  void start(std::string content_type) {
    const std::lock_guard lock(mutex_);
    content_type_ = std::move(content_type);
    changed_.notify_one();
  }
  /// False when enough is waiting to be taken: `on_room` is called, from the other thread, when there is room again.
  bool piece(std::string_view piece, std::function<void()> on_room) {
    const std::lock_guard lock(mutex_);
    pieces_.emplace_back(piece);
    waiting_ += piece.size();
    changed_.notify_one();
    if (waiting_ < kEnough) return true;
    on_room_ = std::move(on_room);
    return false;
  }
  void finish(Result<Outcome> outcome) {
    const std::lock_guard lock(mutex_);
    if (!outcome_) outcome_ = std::move(outcome);
    changed_.notify_one();
  }

  /// The other side: blocks until finish().
  Result<Outcome> wait() {
    bool gone = false;
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [&] { return outcome_ || !pieces_.empty() || content_type_; });
      const auto content_type = std::exchange(content_type_, std::nullopt);
      std::deque<std::string> pieces;
      pieces.swap(pieces_);
      waiting_ = 0;
      const auto on_room = std::exchange(on_room_, nullptr);
      if (!content_type && pieces.empty()) return std::move(*outcome_);
      lock.unlock();
      if (content_type && invocation_->on_start) invocation_->on_start(*content_type);
      for (const auto& piece : pieces)
        if (!gone) gone = !invocation_->on_chunk(piece);
      if (on_room) on_room();
      lock.lock();
    }
  }

 private:
  static constexpr std::size_t kEnough = 1024 * 1024;

  const FunctionSpec* function_;
  const Invocation* invocation_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<std::string> content_type_;
  std::deque<std::string> pieces_;
  std::size_t waiting_ = 0;
  std::function<void()> on_room_;
  std::optional<Result<Outcome>> outcome_;
};

}  // namespace likeness::functions
