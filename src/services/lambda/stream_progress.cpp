#include "services/lambda/stream_progress.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <utility>

#include "domain/lambda/errors.hpp"

namespace likeness::lambda {
namespace {

namespace json = boost::json;

// By mapping and shard: "s" or, at its end, "e", and the position. By mapping, shard and "#LANE": the lane. By that and
// "#state": the state of its window.
constexpr std::string_view kTable = "lambda-progress";

std::string lane_suffix(std::size_t lane) { return fmt::format("#{}", lane); }
std::string state_suffix(std::size_t lane) { return fmt::format("#{}#state", lane); }

Failure damaged() {
  return server_error("ServiceException", "Service encountered an error.",
                      "the stored position of an event source mapping is damaged");
}

}  // namespace

bool not_after(std::string_view sequence, std::string_view other) {
  const auto bare = [](std::string_view text) {
    while (text.size() > 1 && text.front() == '0') text.remove_prefix(1);
    return text;
  };
  sequence = bare(sequence);
  other = bare(other);
  return sequence.size() != other.size() ? sequence.size() < other.size() : sequence <= other;
}

Result<std::unique_ptr<StreamProgress>> StreamProgress::load(storage::Store& store, const std::string& mapping,
                                                             const std::string& shard, std::size_t lanes,
                                                             bool windows) {
  std::unique_ptr<StreamProgress> out(new StreamProgress(store, mapping, shard, lanes, windows));
  if (auto done = out->read(); !done) return fail(done);
  return out;
}

Result<void> StreamProgress::read() {
  const auto get = [&](const std::string& suffix) { return store_.get(kTable, {mapping_, shard_ + suffix}); };
  auto position = get("");
  if (!position) return fail(position);
  if (!*position) return {};
  ended_ = (*position)->starts_with('e');
  sequence_ = (*position)->substr(1);
  for (std::size_t at = 0; at < lanes_.size(); ++at) {
    auto stored = get(lane_suffix(at));
    if (!stored) return fail(stored);
    if (!*stored) continue;
    json::error_code failed;
    const auto value = json::parse(**stored, failed);
    if (failed || !value.is_object()) return damaged();
    const auto& object = value.as_object();
    const auto* count = object.if_contains("lanes");
    const auto* done = object.if_contains("done");
    if (count == nullptr || !count->is_int64() || done == nullptr || !done->is_string()) return damaged();
    if (static_cast<std::size_t>(count->as_int64()) != lanes_.size()) continue;
    lanes_[at].done = done->as_string();
    const auto* start = object.if_contains("window");
    if (!windows_ || start == nullptr || !start->is_int64()) continue;
    auto state = get(state_suffix(at));
    if (!state) return fail(state);
    lanes_[at].window = OpenWindow{start->as_int64(), (*state).value_or("{}")};
  }
  return {};
}

std::string StreamProgress::sequence() const {
  const std::lock_guard lock(mutex_);
  return sequence_;
}

bool StreamProgress::ended() const {
  const std::lock_guard lock(mutex_);
  return ended_;
}

std::optional<OpenWindow> StreamProgress::window(std::size_t lane) const {
  const std::lock_guard lock(mutex_);
  return lanes_[lane].window;
}

bool StreamProgress::take(StreamItem& item, std::size_t lane) {
  const std::lock_guard lock(mutex_);
  const auto& done = lanes_[lane].done;
  const bool is_done = !done.empty() && not_after(item.sequence, done);
  item.number = first_ + taken_.size();
  taken_.push_back({item.sequence, false});
  if (is_done) mark(item.number);
  return !is_done;
}

/// With the lock.
void StreamProgress::mark(std::uint64_t number) {
  if (number >= first_) taken_[number - first_].done = true;
  while (!taken_.empty() && taken_.front().done) {
    sequence_ = std::move(taken_.front().sequence);
    taken_.pop_front();
    ++first_;
  }
}

Result<void> StreamProgress::advance(std::size_t lane, std::span<const StreamItem> items,
                                     const std::optional<OpenWindow>& window) {
  std::vector<storage::Write> writes;
  {
    const std::lock_guard lock(mutex_);
    // What another lane is about to store does not count yet: its window has to be stored with it.
    std::string position = sequence_;
    auto next = items.begin();
    for (std::size_t at = 0; at < taken_.size(); ++at) {
      while (next != items.end() && next->number < first_ + at) ++next;
      const bool is_ours = next != items.end() && next->number == first_ + at;
      if (!is_ours && !taken_[at].done) break;
      position = taken_[at].sequence;
    }
    writes.push_back(put("", "s" + position));
    if (lanes_.size() > 1 || windows_) {
      json::object stored{{"lanes", lanes_.size()},
                          {"done", items.empty() ? lanes_[lane].done : items.back().sequence}};
      if (window) stored["window"] = window->start;
      writes.push_back(put(lane_suffix(lane), json::serialize(stored)));
    }
    if (windows_) writes.push_back(put(state_suffix(lane), window ? std::optional(window->state) : std::nullopt));
  }
  if (auto done = store_.commit(std::move(writes)); !done) return done;
  const std::lock_guard lock(mutex_);
  for (const auto& item : items) mark(item.number);
  if (!items.empty()) lanes_[lane].done = items.back().sequence;
  lanes_[lane].window = window;
  return {};
}

Result<void> StreamProgress::end() {
  std::string position;
  {
    const std::lock_guard lock(mutex_);
    position = sequence_;
  }
  if (auto done = store_.commit({put("", "e" + position)}); !done) return done;
  const std::lock_guard lock(mutex_);
  ended_ = true;
  return {};
}

storage::Write StreamProgress::put(const std::string& suffix, std::optional<std::string> value) const {
  return {.table = std::string(kTable),
          .key = {mapping_, shard_ + suffix},
          .value = std::move(value),
          .expected_value = {}};
}

Result<void> forget_progress(storage::Store& store, const std::string& mapping) {
  while (true) {
    auto page = store.range(kTable, mapping, {.first = {}, .last = {}, .limit = 90, .reverse = false});
    if (!page) return fail(page);
    if (page->items.empty()) return {};
    std::vector<storage::Write> writes;
    writes.reserve(page->items.size());
    for (auto& item : page->items)
      writes.push_back({.table = std::string(kTable), .key = std::move(item.key), .value = {}, .expected_value = {}});
    if (auto done = store.commit(std::move(writes)); !done) return done;
  }
}

}  // namespace likeness::lambda
