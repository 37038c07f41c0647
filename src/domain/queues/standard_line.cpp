#include <algorithm>

#include "domain/queues/errors.hpp"
#include "domain/queues/line.hpp"
#include "domain/queues/sequences.hpp"

namespace likeness::queues {
namespace {

constexpr std::size_t kBatch = 500;

/// The index of times is in the store alone. `ready_` holds a piece of its front; everything before `cursor_` is in it
/// or was taken. What is written before the cursor later (a commit that was under way while a reader passed, a
/// visibility of 0) is told by `added` and `moved` and goes into `ready_` directly. So a reader never walks over what
/// earlier ones have removed.
class StandardLine final : public Line {
 public:
  StandardLine(const storage::Store& store, std::string partition, Sequence last)
      : store_(store), partition_(std::move(partition)), sequences_(last) {}

  Sequence expect(const std::string&) override { return sequences_.next(); }
  void dropped(Sequence) override {}
  void removed(Sequence) override {}

  void added(const Place& place) override {
    const std::lock_guard lock(mutex_);
    if (place < cursor_) {
      ready_.insert(place);
    } else if (place < reading_until_) {
      ready_.insert(place);
      early_.insert(place);
    }
  }
  void moved(const Place& to, bool) override { added(to); }
  void put_back(const Place& place) override {
    const std::lock_guard lock(mutex_);
    ready_.insert(place);
  }

  Result<std::vector<Place>> take(std::size_t limit, Millis now) override {
    std::vector<Place> out;
    if (pop(limit, now, out)) return out;
    const std::lock_guard reading(reading_);
    if (pop(limit, now, out)) return out;  // another has read on meanwhile
    const Place until{now + 1, 0};
    while (out.size() < limit) {
      Place from;
      {
        const std::lock_guard lock(mutex_);
        from = cursor_;
        // What is added from here on may be in what is read below, or missing from it.
        reading_until_ = until;
        early_.clear();
      }
      if (until <= from) break;
      auto page = store_.range(kTimes, partition_, {.first = time_key(from), .last = time_key(until), .limit = kBatch});
      if (!page) {
        const std::lock_guard lock(mutex_);
        for (const auto& place : early_) ready_.erase(place);  // the next reader finds them
        reading_until_ = {};
        ready_.insert(out.begin(), out.end());
        return fail(page);
      }
      {
        const std::lock_guard lock(mutex_);
        for (const auto& item : page->items)
          if (const Place place = place_of(item.key.sort); !early_.contains(place)) ready_.insert(ready_.end(), place);
        reading_until_ = {};
        cursor_ = page->next ? place_of(*page->next) : until;
      }
      const bool more = page->next.has_value();
      if (pop(limit, now, out) || !more) break;
    }
    return out;
  }

  Result<std::optional<Millis>> next_due(Millis) override {
    Place from;
    {
      const std::lock_guard lock(mutex_);
      if (!ready_.empty()) return std::optional(ready_.begin()->at);
      from = cursor_;
    }
    auto page = store_.range(kTimes, partition_, {.first = time_key(from), .last = {}, .limit = 1});
    if (!page) return fail(page);
    if (page->items.empty()) return std::optional<Millis>();
    return std::optional(place_of(page->items.front().key.sort).at);
  }

 private:
  /// True if `out` has all that was asked for.
  bool pop(std::size_t limit, Millis now, std::vector<Place>& out) {
    const std::lock_guard lock(mutex_);
    while (out.size() < limit && !ready_.empty() && ready_.begin()->at <= now) {
      out.push_back(*ready_.begin());
      ready_.erase(ready_.begin());
    }
    return out.size() == limit;
  }

  const storage::Store& store_;
  const std::string partition_;
  Sequences sequences_;
  std::mutex reading_;  // one reader of the index at a time; taken before mutex_
  std::mutex mutex_;
  std::set<Place> ready_;
  Place cursor_;
  Place reading_until_;    // how far the reader that is under way may move the cursor
  std::set<Place> early_;  // added since it began, and before that place
};

}  // namespace

std::string sequence_key(Sequence sequence) {
  std::string key;
  append_number(key, sequence);
  return key;
}

std::string time_key(const Place& place) {
  std::string key;
  append_number(key, static_cast<std::uint64_t>(place.at));
  append_number(key, place.sequence);
  return key;
}

Place place_of(std::string_view key) { return {static_cast<Millis>(read_number(key)), read_number(key.substr(8))}; }

std::unique_ptr<Line> make_standard_line(const storage::Store& store, std::string partition, Sequence last) {
  return std::make_unique<StandardLine>(store, std::move(partition), last);
}

}  // namespace likeness::queues
