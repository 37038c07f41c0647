#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "services/lambda/pollers.hpp"
#include "services/lambda/stream_progress.hpp"

namespace likeness::lambda {

/// The batches of one lane of a shard: runs one after the other until each of its records is done or given up. Used by
/// one thread at a time; blocks as long as its function runs and while it waits between attempts.
class StreamLane {
 public:
  /// Borrows all.
  StreamLane(const PollerParts& parts, const Mapping& mapping, const BatchFilter& filter, const Stopper& stopper,
             StreamProgress& progress, std::string shard, std::size_t number)
      : parts_(parts),
        mapping_(mapping),
        filter_(filter),
        stopper_(stopper),
        progress_(progress),
        shard_(std::move(shard)),
        number_(number),
        window_(progress.window(number)) {}

  /// Returns when every item is done or given up, or when it was stopped. Of one window, where there are windows.
  void run(std::vector<StreamItem> items);
  /// Ends the window that is open.
  void finish_window();

  /// The start of the window that is open, in seconds since 1970.
  std::optional<std::int64_t> open_window() const { return window_ ? std::optional(window_->start) : std::nullopt; }
  /// Of the window that a record belongs to.
  std::int64_t window_of(const StreamItem& item) const;

 private:
  struct Part {
    std::vector<StreamItem> items;
    int attempts = 0;
  };
  using Parts = std::deque<Part>;
  enum class Final { No, Yes, Early };

  bool step(Parts& parts);
  bool drop_old(Part& part);
  bool failed(Parts& parts, const BatchRun& run);
  bool finish_window(Final how);
  std::string event_of(const std::vector<StreamItem>& items, Final final) const;
  bool advance(std::span<const StreamItem> items);
  void give_up(std::span<const StreamItem> items, const std::string& condition, int attempts, const BatchRun* run);
  bool sleep_after(int attempts) const;

  const PollerParts& parts_;
  const Mapping& mapping_;
  const BatchFilter& filter_;
  const Stopper& stopper_;
  StreamProgress& progress_;
  const std::string shard_;
  const std::size_t number_;
  std::optional<OpenWindow> window_;
  int waits_ = 0;
};

/// "2026-11-21T10:15:30.123Z".
std::string record_time(TimePoint time);

}  // namespace likeness::lambda
