#pragma once

#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "domain/logs/chunk.hpp"
#include "domain/logs/event.hpp"
#include "storage/store.hpp"

namespace likeness::logs {

/// Which events are wanted: from `first` to before `last`.
struct EventRange {
  EventId first;
  EventId last{.time = std::numeric_limits<Millis>::max() / 2, .chunk = 0, .index = 0};

  bool has(const EventId& id) const { return first <= id && id < last; }
};

/// Walks one stream's events in the order of their ids, or backwards. Chunks may overlap, by `span` at most, so it
/// merges them; it holds a page of chunks or two. Used by one thread at a time; each `next` may read.
class Cursor {
 public:
  Cursor(const storage::Store& store, std::string partition, Millis span, EventRange range, bool backward);

  /// Goes to the next event; false at the end.
  Result<bool> next();
  /// The event that `next` went to.
  const EventView& event() const { return current_; }

 private:
  struct OpenChunk {
    std::string bytes;
    std::uint64_t number = 0;
    std::vector<TimedMessage> events;
    std::size_t left = 0;  // how many of them are still to come
  };

  EventId head(const OpenChunk& chunk) const;
  bool comes_later(const std::unique_ptr<OpenChunk>& a, const std::unique_ptr<OpenChunk>& b) const;
  Result<void> read_page();
  bool may_be_preceded(const EventId& id) const;

  const storage::Store& store_;
  const std::string partition_;
  const Millis span_;
  const EventRange range_;
  const bool backward_;

  std::string from_;                // the page to come: forwards its first key, backwards where it ends
  bool finished_ = false;           // there is no further page
  std::optional<Millis> frontier_;  // first time of the last chunk that was read
  std::size_t page_size_ = 4;
  std::vector<std::unique_ptr<OpenChunk>> open_;  // a heap
  std::unique_ptr<OpenChunk> spent_;              // keeps the last event's bytes
  EventView current_;
};

}  // namespace likeness::logs
