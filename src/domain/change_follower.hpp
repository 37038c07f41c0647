#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/result.hpp"
#include "domain/change_feed.hpp"
#include "storage/store.hpp"

namespace likeness::domain {

/// The one reader of a feed: a thread that tells of the changes, in their order, keeps in the store how far it got, and
/// trims the feed behind that. What is told twice after a crash is what had not been committed with `write_of`.
///
/// Lives as long as its feed; `start` and `stop` are called by one thread, `write_of` and `committed` by `tell` only.
class ChangeFollower {
 public:
  /// Tells of the changes; `next` is where the reading goes on after them. What it commits for them goes into one
  /// commit with `write_of` the position behind them, after which it calls `committed`: as often as it likes. On an
  /// error, the changes behind the position that was committed last come again. May block, must not throw.
  using Tell = std::function<Result<void>(const std::vector<Change>& changes, std::uint64_t next)>;

  struct Parts {
    storage::Store& store;
    ChangeFeed& feed;
    std::string table;  // where the position is kept, and the key's partition
    std::string name;
    std::string trouble;  // what the log says where it fails: "the changes of buckets wait"
  };

  /// A follower that is new to the feed begins at its end: what happened before there was anybody to tell is not told.
  static Result<std::unique_ptr<ChangeFollower>> open(Parts parts);
  ~ChangeFollower() { stop(); }
  ChangeFollower(const ChangeFollower&) = delete;
  ChangeFollower& operator=(const ChangeFollower&) = delete;

  void start(Tell tell);
  /// Waits for the `tell` that runs. Safe to call twice.
  void stop();

  /// Says that everything before `position` was told.
  storage::Write write_of(std::uint64_t position) const;
  void committed(std::uint64_t position) { position_ = kept_ = position; }

 private:
  explicit ChangeFollower(Parts parts) : parts_(std::move(parts)) {}

  void run();
  Result<void> keep_and_trim();

  const Parts parts_;
  Tell tell_;
  std::uint64_t position_ = 0;  // of the next entry to be read
  std::uint64_t kept_ = 0;      // on disk
  std::uint64_t trimmed_ = 0;
  std::chrono::steady_clock::time_point last_kept_{};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace likeness::domain
