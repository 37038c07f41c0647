#include "domain/logs/group_cursor.hpp"

#include <algorithm>
#include <utility>

namespace likeness::logs {

GroupCursor::GroupCursor(const Logs& logs, std::vector<Source> sources, EventRange range, bool backward)
    : logs_(logs), range_(range), backward_(backward), sources_(std::move(sources)) {
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    const auto& stream = sources_[i].stream;
    if (stream.first_event && *stream.first_event <= range.last.time && *stream.last_event >= range.first.time)
      waiting_.push_back(i);
  }
  std::ranges::sort(waiting_, [&](std::size_t a, std::size_t b) {
    return backward_ ? *sources_[a].stream.last_event < *sources_[b].stream.last_event
                     : *sources_[a].stream.first_event > *sources_[b].stream.first_event;
  });
}

/// Puts `open` into the heap at its next event, if it has one.
Result<void> GroupCursor::advance(Open open) {
  auto more = open.cursor->next();
  if (!more) return fail(more);
  if (!*more) return {};
  open_.push_back(std::move(open));
  std::push_heap(open_.begin(), open_.end(), [this](const Open& a, const Open& b) { return later(a, b); });
  return {};
}

Result<bool> GroupCursor::next() {
  if (has_current_) {
    Open current = std::move(open_.back());
    open_.pop_back();
    has_current_ = false;
    if (auto advanced = advance(std::move(current)); !advanced) return fail(advanced);
  }
  const auto due = [&] {
    if (waiting_.empty()) return false;
    if (open_.empty()) return true;
    const auto& stream = sources_[waiting_.back()].stream;
    const Millis head = open_.front().cursor->event().id.time;
    return backward_ ? *stream.last_event >= head : *stream.first_event <= head;
  };
  while (due()) {
    const auto source = waiting_.back();
    waiting_.pop_back();
    const auto& one = sources_[source];
    auto cursor = std::make_unique<Cursor>(logs_.cursor(*one.group, one.stream, range_, backward_));
    if (auto advanced = advance({source, std::move(cursor)}); !advanced) return fail(advanced);
  }
  if (open_.empty()) return false;
  std::pop_heap(open_.begin(), open_.end(), [this](const Open& a, const Open& b) { return later(a, b); });
  has_current_ = true;
  return true;
}

}  // namespace likeness::logs
