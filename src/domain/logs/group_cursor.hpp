#pragma once

#include <memory>
#include <string>
#include <vector>

#include "domain/logs/logs.hpp"

namespace likeness::logs {

/// Walks the events of many streams, of one group or several, in the order of their ids, or backwards. A stream is
/// opened only when its time comes, so that it holds few of them at once where they follow one another, as a function's
/// do.
class GroupCursor {
 public:
  struct Source {
    std::shared_ptr<const Group> group;
    Stream stream;
  };

  GroupCursor(const Logs& logs, std::vector<Source> sources, EventRange range, bool backward);

  Result<bool> next();
  const EventView& event() const { return open_.back().cursor->event(); }
  const Source& source() const { return sources_[open_.back().source]; }

 private:
  struct Open {
    std::size_t source;
    std::unique_ptr<Cursor> cursor;
  };
  bool later(const Open& a, const Open& b) const {
    return backward_ ? a.cursor->event().id < b.cursor->event().id : b.cursor->event().id < a.cursor->event().id;
  }
  Result<void> advance(Open open);

  const Logs& logs_;
  const EventRange range_;
  const bool backward_;
  std::vector<Source> sources_;       // by their first time, or backwards by their last, the next at the end
  std::vector<std::size_t> waiting_;  // indexes into them
  std::vector<Open> open_;            // a heap, but for its last: that is the current one
  bool has_current_ = false;
};

}  // namespace likeness::logs
