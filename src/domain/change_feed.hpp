#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "storage/store.hpp"

namespace likeness::domain {

/// One change of a service's data, as its consumers will see it.
struct Change {
  std::uint64_t position = 0;
  TimePoint time;
  std::string kind;      // "ObjectCreated:Put"
  std::string resource;  // whose change it is: the bucket's name, the table's ARN
  std::string body;      // the rest, in the form of the service that wrote it
};

/// What happened to a service's data, in the order in which it happened: the one path from which notifications, streams
/// and replicas are fed. An entry is written in the commit that makes the change, so there is no change without its
/// entry and no entry without its change, whatever crashes when.
///
/// Writing: `begin` reserves a position; put the entry's `write()` into the commit and keep the entry until the commit
/// has returned. Reading: `read` from any position on; a reader keeps its own. A reader never sees a later entry before
/// an earlier one: entries behind one that is still being committed wait for it. A commit that fails leaves a gap.
///
/// Lives as long as the server; thread-safe. `begin` does not block, the rest does.
class ChangeFeed {
 public:
  class Entry {
   public:
    Entry(Entry&& other) noexcept;
    Entry& operator=(Entry&&) = delete;
    ~Entry();

    std::uint64_t position() const { return position_; }
    const storage::Write& write() const { return write_; }

   private:
    friend class ChangeFeed;
    Entry(ChangeFeed* feed, std::uint64_t position, storage::Write write)
        : feed_(feed), position_(position), write_(std::move(write)) {}
    ChangeFeed* feed_;
    std::uint64_t position_;
    storage::Write write_;
  };

  struct Page {
    std::vector<Change> changes;
    std::uint64_t next = 0;  // where to go on
  };

  /// `name` is that of the service ("s3"). One feed of a name in a store at a time.
  static Result<std::unique_ptr<ChangeFeed>> open(storage::Store& store, std::string name, const Clock& clock);

  Entry begin(const std::string& kind, const std::string& resource, const std::string& body);

  /// Up to `limit` entries from `from` on; empty at the end.
  Result<Page> read(std::uint64_t from, std::size_t limit = 100) const;
  /// The position that the next entry gets at the earliest: where a new reader begins.
  std::uint64_t end() const;
  /// Waits until there is something to read from `from` on. False if `timeout` passed first.
  bool wait(std::uint64_t from, std::chrono::milliseconds timeout) const;

  /// Forgets the entries before `position`, or those of before `time`. Returns how many.
  Result<std::size_t> trim(std::uint64_t position);
  Result<std::size_t> trim_before(TimePoint time);

 private:
  ChangeFeed(storage::Store& store, std::string name, const Clock& clock, std::uint64_t next)
      : store_(store), name_(std::move(name)), clock_(clock), next_(next) {}

  std::uint64_t readable_end() const;  // with mutex_ held
  void finish(std::uint64_t position);

  storage::Store& store_;
  const std::string name_;
  const Clock& clock_;

  mutable std::mutex mutex_;
  mutable std::condition_variable finished_;
  std::uint64_t next_;
  std::set<std::uint64_t> open_;  // positions of entries that are still being committed
};

}  // namespace likeness::domain
