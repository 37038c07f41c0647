#include "domain/logs/cursor.hpp"

#include <algorithm>
#include <utility>

#include "domain/logs/records.hpp"

namespace likeness::logs {
namespace {
constexpr std::size_t kPageBytes = 1 << 20;
constexpr std::size_t kMostChunks = 512;
}  // namespace

Cursor::Cursor(const storage::Store& store, std::string partition, Millis span, EventRange range, bool backward)
    : store_(store),
      partition_(std::move(partition)),
      span_(span),
      range_(range),
      backward_(backward),
      from_(backward ? chunk_key_from(range.last.time + 1) : chunk_key_from(range.first.time - span)) {
  if (range_.last <= range_.first) finished_ = true;
}

EventId Cursor::head(const OpenChunk& chunk) const {
  const std::size_t at = backward_ ? chunk.left - 1 : chunk.events.size() - chunk.left;
  return {chunk.events[at].time, chunk.number, static_cast<std::uint32_t>(at)};
}

bool Cursor::comes_later(const std::unique_ptr<OpenChunk>& a, const std::unique_ptr<OpenChunk>& b) const {
  return backward_ ? head(*a) < head(*b) : head(*b) < head(*a);
}

/// Could a chunk that was not read yet hold an event that belongs before this one?
bool Cursor::may_be_preceded(const EventId& id) const {
  if (finished_) return false;
  if (!frontier_) return true;
  return backward_ ? id.time <= *frontier_ + span_ : id.time >= *frontier_;
}

Result<void> Cursor::read_page() {
  storage::Range range;
  range.limit = page_size_;
  range.reverse = backward_;
  if (backward_) {
    range.first = chunk_key_from(range_.first.time - span_);
    range.last = from_;
  } else {
    range.first = from_;
    range.last = chunk_key_from(range_.last.time + 1);
  }
  auto page = store_.range(kEvents, partition_, range);
  if (!page) return fail(page);
  std::size_t bytes = 0;
  for (auto& item : page->items) {
    bytes += item.value.size();
    const auto name = read_chunk_key(item.key.sort);
    frontier_ = name.first;
    auto chunk = std::make_unique<OpenChunk>();
    chunk->bytes = std::move(item.value);
    chunk->number = name.chunk;
    auto events = decode_chunk(chunk->bytes);
    if (!events) return fail(events);
    chunk->events = std::move(*events);
    chunk->left = chunk->events.size();
    // What the range leaves out at the chunk's beginning (or end, going backwards) is skipped at once.
    while (chunk->left > 0 && (backward_ ? head(*chunk) >= range_.last : head(*chunk) < range_.first)) --chunk->left;
    if (chunk->left == 0) continue;
    open_.push_back(std::move(chunk));
    std::push_heap(open_.begin(), open_.end(), [this](const auto& a, const auto& b) { return comes_later(a, b); });
  }
  if (!page->items.empty()) {
    const std::size_t average = bytes / page->items.size() + 1;
    page_size_ = std::clamp<std::size_t>(kPageBytes / average, 2, std::min(kMostChunks, page_size_ * 4));
  }
  finished_ = !page->next.has_value();
  if (page->next) from_ = *page->next;
  return {};
}

Result<bool> Cursor::next() {
  const auto later = [this](const auto& a, const auto& b) { return comes_later(a, b); };
  spent_.reset();
  while (open_.empty() ? !finished_ : may_be_preceded(head(*open_.front())))
    if (auto read = read_page(); !read) return fail(read);
  if (open_.empty()) return false;
  std::pop_heap(open_.begin(), open_.end(), later);
  auto& chunk = open_.back();
  const EventId id = head(*chunk);
  if (!range_.has(id)) {  // beyond the range: nothing that comes is in it
    open_.clear();
    finished_ = true;
    return false;
  }
  current_ = {id, chunk->events[id.index].message};
  --chunk->left;
  if (chunk->left == 0) {
    spent_ = std::move(chunk);
    open_.pop_back();
  } else {
    std::push_heap(open_.begin(), open_.end(), later);
  }
  return true;
}

}  // namespace likeness::logs
