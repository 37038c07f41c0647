#include "domain/logs/logs.hpp"

#include <algorithm>
#include <utility>

#include "base/bytes.hpp"
#include "domain/logs/errors.hpp"

namespace likeness::logs {
namespace {

using storage::Write;

constexpr const char* kAllGroups = "groups";
constexpr const char* kErasedGroups = "groups";
constexpr const char* kErasedStreams = "streams";

std::string new_uid() { return to_hex(random_bytes(12)); }

/// The first text after all that begin with `prefix`; none if there is no such text.
std::optional<std::string> after_prefix(std::string prefix) {
  while (!prefix.empty()) {
    if (static_cast<unsigned char>(prefix.back()) != 0xff) {
      prefix.back() = static_cast<char>(prefix.back() + 1);
      return prefix;
    }
    prefix.pop_back();
  }
  return std::nullopt;
}

}  // namespace

Millis to_millis(TimePoint time) {
  return std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count();
}
TimePoint from_millis(Millis time) { return TimePoint(std::chrono::milliseconds(time)); }

Result<std::unique_ptr<Logs>> Logs::open(storage::Store& store, const Clock& clock) {
  std::unique_ptr<Logs> logs(new Logs(store, clock));
  Error damaged;
  auto read = store.scan(kGroups, kAllGroups, [&](std::string_view name, std::string_view value) {
    auto group = decode_group(name, value);
    if (!group) {
      damaged = std::move(group.error());
      return false;
    }
    logs->groups_.emplace(std::string(name), std::make_shared<const Group>(std::move(*group)));
    return true;
  });
  if (!read) return from_store(read);
  if (!damaged.code.empty()) return Failure(std::move(damaged));
  logs->erasures_ = true;  // perhaps of before
  return logs;
}

Millis Logs::now() const { return to_millis(clock_.now()); }

/// Microseconds of now, but never the same twice and never going back.
std::uint64_t Logs::next_chunk() {
  const auto time = static_cast<std::uint64_t>(
      std::chrono::floor<std::chrono::microseconds>(clock_.now().time_since_epoch()).count());
  std::uint64_t last = last_chunk_;
  while (!last_chunk_.compare_exchange_weak(last, std::max(time, last + 1))) {
  }
  return std::max(time, last + 1);
}

// -- groups

std::shared_ptr<const Group> Logs::find(std::string_view name) const {
  const std::shared_lock lock(mutex_);
  const auto at = groups_.find(name);
  return at == groups_.end() ? nullptr : at->second;
}

Result<std::shared_ptr<const Group>> Logs::group(std::string_view name) const {
  auto found = find(name);
  if (found == nullptr) return group_not_found();
  return found;
}

void Logs::groups(const std::string& first, const std::function<bool(const Group&)>& visit) const {
  const std::shared_lock lock(mutex_);
  for (auto at = groups_.lower_bound(first); at != groups_.end(); ++at)
    if (!visit(*at->second)) return;
}

Result<void> Logs::create_group(Group group) {
  const auto held = latches_.acquire({"group/" + group.name});
  if (find(group.name) != nullptr) return group_exists();
  group.uid = new_uid();
  group.created = now();
  auto committed = store_.commit({{.table = kGroups,
                                   .key = {kAllGroups, group.name},
                                   .value = encode(group),
                                   .expect = Write::Expect::Absent,
                                   .expected_value = {}}});
  if (!committed) return from_store(committed);
  const std::unique_lock lock(mutex_);
  auto name = group.name;
  groups_.emplace(std::move(name), std::make_shared<const Group>(std::move(group)));
  return {};
}

Result<void> Logs::delete_group(const std::string& name) {
  const auto held = latches_.acquire({"group/" + name});
  const auto group = find(name);
  if (group == nullptr) return group_not_found();
  if (group->deletion_protected)
    return client_error("ValidationException",
                        "The log group is protected from deletion. Disable deletion protection first.");
  auto committed = store_.commit({{.table = kGroups, .key = {kAllGroups, name}, .value = std::nullopt},
                                  {.table = kErasures, .key = {kErasedGroups, group->uid}, .value = ""}});
  if (!committed) return from_store(committed);
  {
    const std::unique_lock lock(mutex_);
    groups_.erase(name);
  }
  erasures_ = true;
  return {};
}

Result<void> Logs::change_group(const std::string& name, const std::function<Result<void>(Group&)>& change) {
  const auto held = latches_.acquire({"group/" + name});
  const auto group = find(name);
  if (group == nullptr) return group_not_found();
  auto changed = std::make_shared<Group>(*group);
  if (auto made = change(*changed); !made) return fail(made);
  auto bytes = encode(*changed);
  if (bytes.size() > storage::kMaxValueBytes) return limit_exceeded("Resource limit exceeded.");
  auto committed = store_.commit({{.table = kGroups, .key = {kAllGroups, name}, .value = std::move(bytes)}});
  if (!committed) return from_store(committed);
  const std::unique_lock lock(mutex_);
  groups_[name] = std::move(changed);
  return {};
}

// -- streams

Result<void> Logs::create_stream(const std::string& group, const std::string& name) {
  const auto held = latches_.acquire({"group/" + group});
  const auto owner = find(group);
  if (owner == nullptr) return group_not_found();
  Stream stream;
  stream.name = name;
  stream.uid = new_uid();
  stream.created = now();
  auto committed = store_.commit({{.table = kStreams,
                                   .key = {owner->uid, name},
                                   .value = encode(stream),
                                   .expect = Write::Expect::Absent,
                                   .expected_value = {}}});
  if (committed) return {};
  if (committed.error().code == "ConditionFailed") return stream_exists();
  return from_store(committed);
}

Result<Stream> Logs::stream(const Group& group, const std::string& name) const {
  auto value = store_.get(kStreams, {group.uid, name});
  if (!value) return from_store(value);
  if (!*value) return stream_not_found();
  return decode_stream(name, **value);
}

Result<void> Logs::delete_stream(const std::string& group, const std::string& name) {
  const auto owner = find(group);
  if (owner == nullptr) return group_not_found();
  auto found = stream(*owner, name);
  if (!found) return fail(found);
  const auto held = latches_.acquire({"stream/" + found->uid});
  auto committed = store_.commit({{.table = kStreams,
                                   .key = {owner->uid, name},
                                   .value = std::nullopt,
                                   .expect = Write::Expect::Present,
                                   .expected_value = {}},
                                  {.table = kErasures, .key = {kErasedStreams, found->uid}, .value = ""}});
  if (!committed) {
    if (committed.error().code == "ConditionFailed") return stream_not_found();
    return from_store(committed);
  }
  erasures_ = true;
  return {};
}

Result<Streams> Logs::streams_by_name(const Group& group, const std::string& prefix, const std::string& from,
                                      bool descending, std::size_t limit) const {
  storage::Range range;
  range.reverse = descending;
  range.limit = limit;
  range.first = prefix;
  range.last = after_prefix(prefix);
  if (!from.empty()) {
    if (descending)
      range.last = from + '\0';
    else
      range.first = std::max(from, prefix);
  }
  auto page = store_.range(kStreams, group.uid, range);
  if (!page) return from_store(page);
  Streams out;
  for (const auto& item : page->items) {
    auto one = decode_stream(item.key.sort, item.value);
    if (!one) return fail(one);
    out.streams.push_back(std::move(*one));
  }
  out.more = page->next.has_value();
  return out;
}

Result<std::vector<Stream>> Logs::all_streams(const Group& group, const std::string& prefix) const {
  std::vector<Stream> out;
  std::string from;
  while (true) {
    auto page = streams_by_name(group, prefix, from, false, 1000);
    if (!page) return fail(page);
    std::ranges::move(page->streams, std::back_inserter(out));
    if (!page->more || page->streams.empty()) return out;
    from = out.back().name + '\0';
  }
}

// -- what is deleted or too old

Millis Logs::kept_from(const Group& group) const {
  if (group.retention_days <= 0) return 0;
  return now() - Millis{group.retention_days} * 24 * 3600 * 1000;
}

/// Erases a stream's chunks, up to those that end before `before`; false if there are more than one commit takes.
Result<bool> Logs::erase_chunks(const std::string& uid, std::optional<Millis> before, Millis span, std::size_t& count) {
  std::vector<Write> writes;
  const std::size_t most = std::min<std::size_t>(store_.max_writes(), 1000);
  bool all = true;
  auto read = store_.scan(kEvents, uid, [&](std::string_view key, std::string_view value) {
    if (before) {
      const Millis first = read_chunk_key(key).first;
      if (first >= *before) return false;
      if (first + span >= *before) {
        const auto events = decode_chunk(value);
        if (events && !events->empty() && events->back().time >= *before) return true;
      }
    }
    if (writes.size() == most) {
      all = false;
      return false;
    }
    writes.push_back({.table = kEvents, .key = {uid, std::string(key)}, .value = std::nullopt});
    return true;
  });
  if (!read) return from_store(read);
  count += writes.size();
  if (!writes.empty())
    if (auto committed = store_.commit(std::move(writes)); !committed) return from_store(committed);
  return all;
}

Result<void> Logs::erase_group(const std::string& uid, std::size_t& count) {
  while (true) {
    auto page = store_.range(kStreams, uid, {.first = {}, .last = std::nullopt, .limit = 100});
    if (!page) return from_store(page);
    if (page->items.empty()) break;
    for (const auto& item : page->items) {
      auto stream = decode_stream(item.key.sort, item.value);
      if (!stream) return fail(stream);
      // A put that is under way finds the stream gone and fails, or is erased with it.
      const auto held = latches_.acquire({"stream/" + stream->uid});
      while (true) {
        auto all = erase_chunks(stream->uid, std::nullopt, 0, count);
        if (!all) return fail(all);
        if (*all) break;
      }
      auto removed = store_.commit({{.table = kStreams, .key = item.key, .value = std::nullopt}});
      if (!removed) return from_store(removed);
    }
  }
  auto done = store_.commit({{.table = kErasures, .key = {kErasedGroups, uid}, .value = std::nullopt}});
  if (!done) return from_store(done);
  return {};
}

Result<void> Logs::expire_group(const Group& group, std::size_t& count) {
  const Millis before = kept_from(group);
  auto streams = all_streams(group);
  if (!streams) return fail(streams);
  for (const auto& stream : *streams) {
    if (!stream.first_event || *stream.first_event >= before) continue;
    while (true) {
      auto all = erase_chunks(stream.uid, before, stream.span, count);
      if (!all) return fail(all);
      if (*all) break;
    }
  }
  return {};
}

Result<std::size_t> Logs::sweep() {
  std::size_t count = 0;
  erasures_ = false;
  auto erased = store_.range(kErasures, kErasedGroups, {.first = {}, .last = std::nullopt, .limit = 1000});
  if (!erased) return from_store(erased);
  for (const auto& item : erased->items)
    if (auto done = erase_group(item.key.sort, count); !done) return fail(done);
  erased = store_.range(kErasures, kErasedStreams, {.first = {}, .last = std::nullopt, .limit = 1000});
  if (!erased) return from_store(erased);
  for (const auto& item : erased->items) {
    while (true) {
      auto all = erase_chunks(item.key.sort, std::nullopt, 0, count);
      if (!all) return fail(all);
      if (*all) break;
    }
    auto done = store_.commit({{.table = kErasures, .key = item.key, .value = std::nullopt}});
    if (!done) return from_store(done);
  }
  std::vector<std::shared_ptr<const Group>> limited;
  {
    const std::shared_lock lock(mutex_);
    for (const auto& [name, group] : groups_)
      if (group->retention_days > 0) limited.push_back(group);
  }
  for (const auto& group : limited)
    if (auto done = expire_group(*group, count); !done) return fail(done);
  return count;
}

}  // namespace likeness::logs
