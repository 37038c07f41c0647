#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "domain/key_latches.hpp"
#include "domain/logs/chunk.hpp"
#include "domain/logs/cursor.hpp"
#include "domain/logs/event.hpp"
#include "domain/logs/records.hpp"
#include "storage/store.hpp"

namespace likeness::logs {

/// What comes in by one call, numbered: its group, its stream, and those of its events that are kept.
struct Arrival {
  const Group& group;
  const std::string& stream;
  std::span<const EventView> events;
};

/// Sees what is put. `prepare` is called before the commit and may add to it; what it returns is given back to `done`
/// after the commit, or dropped if that failed. Called by many threads at once; neither may block for long.
class Follower {
 public:
  virtual ~Follower() = default;
  virtual std::shared_ptr<void> prepare(const Arrival& arrival, std::vector<storage::Write>& writes) = 0;
  virtual void done(const Arrival& arrival, const std::shared_ptr<void>& prepared) = 0;
};

struct PutResult {
  std::uint64_t last_chunk = 0;  // what the next sequence token is made of
  // Indexes into the events of the call; none: nothing was refused for that reason.
  std::optional<int> too_new_from, too_old_until, expired_until;
};

struct Streams {
  std::vector<Stream> streams;
  bool more = false;
};

struct EventsQuery {
  std::optional<Millis> start, end;  // end is not included
  std::string token;                 // of an earlier page
  std::size_t limit = 10000;
  bool from_head = false;
};

struct StoredEvent {
  EventId id;
  std::string stream;
  std::string message;
};

struct EventsPage {
  std::vector<StoredEvent> events;  // by time
  std::string forward, backward;    // tokens
};

/// Log groups, their streams and the events in them. Groups are held in memory, streams and events are not. An event
/// that was answered survives a crash. Lives as long as the server; thread-safe; all but `find` and `groups` block.
class Logs {
 public:
  static Result<std::unique_ptr<Logs>> open(storage::Store& store, const Clock& clock);

  /// Before the first call of anything else; borrowed.
  void follow(Follower& follower) { followers_.push_back(&follower); }

  // -- groups

  /// Name, class, key, tags, retention and protection are taken from `group`.
  Result<void> create_group(Group group);
  Result<void> delete_group(const std::string& name);
  /// Null if there is none.
  std::shared_ptr<const Group> find(std::string_view name) const;
  /// With the error that AWS has for one that is not there.
  Result<std::shared_ptr<const Group>> group(std::string_view name) const;
  /// By name, from `first` on, until `visit` returns false.
  void groups(const std::string& first, const std::function<bool(const Group&)>& visit) const;
  /// All or nothing of what `change` does; its error ends it.
  Result<void> change_group(const std::string& name, const std::function<Result<void>(Group&)>& change);

  // -- streams

  Result<void> create_stream(const std::string& group, const std::string& name);
  Result<void> delete_stream(const std::string& group, const std::string& name);
  Result<Stream> stream(const Group& group, const std::string& name) const;
  /// By name, those that begin with `prefix`; `from` is the first name (or the last, descending), included.
  Result<Streams> streams_by_name(const Group& group, const std::string& prefix, const std::string& from,
                                  bool descending, std::size_t limit) const;
  /// All of them that begin with `prefix`.
  Result<std::vector<Stream>> all_streams(const Group& group, const std::string& prefix = {}) const;

  // -- events

  /// Error: InvalidParameterException for events out of order, spanning more than a day, or too many bytes.
  Result<PutResult> put(const std::string& group, const std::string& stream, const std::vector<TimedMessage>& events);
  Result<EventsPage> get(const std::string& group, const std::string& stream, const EventsQuery& query) const;
  /// The events of a stream, or of streams; what retention has taken away is not among them.
  Cursor cursor(const Group& group, const Stream& stream, EventRange range, bool backward) const;
  /// The time before which `group` keeps nothing.
  Millis kept_from(const Group& group) const;

  // -- for the server's own parts

  /// Events of one stream from inside: by time, not empty, at most 512 KiB.
  struct Lines {
    std::string group, stream;
    std::vector<TimedMessage> events;
  };
  /// Makes groups and streams as needed. All or none of the lines of a call.
  Result<void> write(const std::vector<Lines>& lines);

  /// Erases what was deleted and what is past its retention; returns how many chunks that took.
  Result<std::size_t> sweep();
  /// Whether there is something for `sweep` to do at once.
  bool has_erasures() const { return erasures_; }

  Millis now() const;
  const storage::Store& store() const { return store_; }

 private:
  Logs(storage::Store& store, const Clock& clock) : store_(store), clock_(clock) {}

  std::uint64_t next_chunk();
  Result<void> create_missing(const std::string& group, const std::string& stream);
  void add_chunks(const Stream& stream, const std::vector<TimedMessage>& events, std::vector<EventView>& ids,
                  Stream& updated, std::vector<storage::Write>& writes);
  Result<bool> erase_chunks(const std::string& uid, std::optional<Millis> before, Millis span, std::size_t& count);
  Result<void> erase_group(const std::string& uid, std::size_t& count);
  Result<void> expire_group(const Group& group, std::size_t& count);

  storage::Store& store_;
  const Clock& clock_;
  std::vector<Follower*> followers_;
  domain::KeyLatches latches_;  // "group/NAME", "stream/UID"
  mutable std::shared_mutex mutex_;
  std::map<std::string, std::shared_ptr<const Group>, std::less<>> groups_;
  std::atomic<std::uint64_t> last_chunk_ = 0;
  std::atomic<bool> erasures_ = false;
};

/// Millis of a TimePoint and back.
Millis to_millis(TimePoint time);
TimePoint from_millis(Millis time);

}  // namespace likeness::logs
