#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "storage/store.hpp"

namespace likeness::lambda {

/// A record of a stream on its way to a function.
struct StreamItem {
  std::string json;  // as the function sees it
  std::string sequence;
  std::string key;  // records of one key keep their order
  TimePoint created{};
  std::uint64_t number = 0;  // its place among those taken from the shard
};

/// Whether a sequence number, decimal and of any length, is not after another.
bool not_after(std::string_view sequence, std::string_view other);

/// What a lane has gathered in a tumbling window that is not over.
struct OpenWindow {
  std::int64_t start = 0;    // seconds since 1970
  std::string state = "{}";  // JSON
};

/// How far a shard is done. A shard is run in lanes, so that its records are done out of order: its position is the
/// last record before which all are done, and each lane has one of its own beyond that, with its open window. All of it
/// is in the store after each batch, so that a restart repeats only what was not done. Thread-safe; what stores blocks.
class StreamProgress {
 public:
  static constexpr std::size_t kMaxState = 1 << 20;

  /// `windows`: lanes have windows. What was stored for another number of lanes counts only as far as all was done.
  static Result<std::unique_ptr<StreamProgress>> load(storage::Store& store, const std::string& mapping,
                                                      const std::string& shard, std::size_t lanes, bool windows);

  std::string sequence() const;  // from where to read on; empty: from the beginning
  bool ended() const;
  std::optional<OpenWindow> window(std::size_t lane) const;

  /// Tells of a record that was taken from the shard, in order, and gives it its number. False if it is done already.
  bool take(StreamItem& item, std::size_t lane);
  /// These records of a lane are done, and its window is this. Only with windows may there be no records.
  Result<void> advance(std::size_t lane, std::span<const StreamItem> items, const std::optional<OpenWindow>& window);
  /// All of the shard is done.
  Result<void> end();

 private:
  struct Lane {
    std::string done;  // the last record
    std::optional<OpenWindow> window;
  };
  StreamProgress(storage::Store& store, std::string mapping, std::string shard, std::size_t lanes, bool windows)
      : store_(store), mapping_(std::move(mapping)), shard_(std::move(shard)), windows_(windows), lanes_(lanes) {}
  Result<void> read();
  storage::Write put(const std::string& suffix, std::optional<std::string> value) const;
  void mark(std::uint64_t number);

  storage::Store& store_;
  const std::string mapping_, shard_;
  const bool windows_;

  mutable std::mutex mutex_;
  std::vector<Lane> lanes_;
  std::string sequence_;
  bool ended_ = false;
  struct Taken {
    std::string sequence;
    bool done = false;
  };
  std::deque<Taken> taken_;  // from the first that is not done on
  std::uint64_t first_ = 0;  // the number of the first of them
};

/// What a mapping that is gone leaves in the store.
Result<void> forget_progress(storage::Store& store, const std::string& mapping);

}  // namespace likeness::lambda
