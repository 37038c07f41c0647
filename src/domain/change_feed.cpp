#include "domain/change_feed.hpp"

#include <utility>

#include "domain/record.hpp"

namespace likeness::domain {

namespace {

constexpr std::string_view kTable = "changes";
constexpr std::size_t kTrimAtOnce = storage::kMaxWritesInCommit - 1;

constexpr std::uint8_t kTime = 1, kKind = 2, kResource = 3, kBody = 4;

std::string sort_of(std::uint64_t position) {
  std::string sort(8, '\0');
  for (int i = 7; i >= 0; --i, position >>= 8) sort[static_cast<std::size_t>(i)] = static_cast<char>(position & 0xff);
  return sort;
}

std::uint64_t position_of(std::string_view sort) {
  std::uint64_t position = 0;
  for (const char byte : sort) position = position << 8 | static_cast<std::uint8_t>(byte);
  return position;
}

/// Remembers where the next entry goes when all were trimmed.
std::string floor_partition(const std::string& name) { return name + "/floor"; }

std::int64_t milliseconds(TimePoint time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

Result<Change> decode(const storage::Item& item) {
  Change change{.position = position_of(item.key.sort), .time = {}, .kind = {}, .resource = {}, .body = {}};
  RecordReader reader(item.value);
  while (reader.next()) {
    switch (reader.field()) {
      case kTime: change.time = TimePoint(std::chrono::milliseconds(static_cast<std::int64_t>(reader.number()))); break;
      case kKind: change.kind = reader.text(); break;
      case kResource: change.resource = reader.text(); break;
      case kBody: change.body = reader.text(); break;
      default: break;
    }
  }
  if (!reader.ok()) return server_error("StorageFailure", "an entry of the change feed is damaged");
  return change;
}

}  // namespace

ChangeFeed::Entry::Entry(Entry&& other) noexcept
    : feed_(std::exchange(other.feed_, nullptr)), position_(other.position_), write_(std::move(other.write_)) {}

ChangeFeed::Entry::~Entry() {
  if (feed_ != nullptr) feed_->finish(position_);
}

Result<std::unique_ptr<ChangeFeed>> ChangeFeed::open(storage::Store& store, std::string name, const Clock& clock) {
  auto last = store.range(kTable, name, {.first = {}, .last = {}, .limit = 1, .reverse = true});
  if (!last) return fail(last);
  auto floor = store.get(kTable, {floor_partition(name), {}});
  if (!floor) return fail(floor);
  std::uint64_t next = 1;
  if (*floor) next = position_of(**floor);
  if (!last->items.empty()) next = std::max(next, position_of(last->items[0].key.sort) + 1);
  return std::unique_ptr<ChangeFeed>(new ChangeFeed(store, std::move(name), clock, next));
}

ChangeFeed::Entry ChangeFeed::begin(const std::string& kind, const std::string& resource, const std::string& body) {
  RecordWriter record;
  record.number(kTime, static_cast<std::uint64_t>(milliseconds(clock_.now())));
  record.text(kKind, kind);
  record.text(kResource, resource);
  record.text(kBody, body);
  const std::lock_guard lock(mutex_);
  const std::uint64_t position = next_++;
  open_.insert(position);
  return {this, position,
          storage::Write{.table = std::string(kTable),
                         .key = {name_, sort_of(position)},
                         .value = record.take(),
                         .expect = storage::Write::Expect::Anything,
                         .expected_value = {}}};
}

void ChangeFeed::finish(std::uint64_t position) {
  {
    const std::lock_guard lock(mutex_);
    open_.erase(position);
  }
  finished_.notify_all();
}

std::uint64_t ChangeFeed::readable_end() const { return open_.empty() ? next_ : *open_.begin(); }

std::uint64_t ChangeFeed::end() const {
  const std::lock_guard lock(mutex_);
  return readable_end();
}

bool ChangeFeed::wait(std::uint64_t from, std::chrono::milliseconds timeout) const {
  std::unique_lock lock(mutex_);
  return finished_.wait_for(lock, timeout, [&] { return readable_end() > from; });
}

Result<ChangeFeed::Page> ChangeFeed::read(std::uint64_t from, std::size_t limit) const {
  const std::uint64_t end = this->end();
  Page page{.changes = {}, .next = std::max(from, end)};
  if (from >= end) {
    page.next = from;
    return page;
  }
  auto found =
      store_.range(kTable, name_, {.first = sort_of(from), .last = sort_of(end), .limit = limit, .reverse = false});
  if (!found) return fail(found);
  page.changes.reserve(found->items.size());
  for (const auto& item : found->items) {
    auto change = decode(item);
    if (!change) return fail(change);
    page.changes.push_back(std::move(*change));
  }
  if (found->next) page.next = page.changes.back().position + 1;
  return page;
}

Result<std::size_t> ChangeFeed::trim(std::uint64_t position) {
  position = std::min(position, end());
  std::size_t removed = 0;
  while (true) {
    auto found =
        store_.range(kTable, name_, {.first = {}, .last = sort_of(position), .limit = kTrimAtOnce, .reverse = false});
    if (!found) return fail(found);
    if (found->items.empty()) return removed;
    std::vector<storage::Write> writes;
    writes.reserve(found->items.size() + 1);
    for (auto& item : found->items)
      writes.push_back({.table = std::string(kTable), .key = std::move(item.key), .value = {}, .expected_value = {}});
    const std::uint64_t floor = position_of(writes.back().key.sort) + 1;
    writes.push_back({.table = std::string(kTable),
                      .key = {floor_partition(name_), {}},
                      .value = sort_of(floor),
                      .expected_value = {}});
    removed += found->items.size();
    if (auto done = store_.commit(std::move(writes)); !done) return fail(done);
  }
}

Result<std::size_t> ChangeFeed::trim_before(TimePoint time) {
  std::uint64_t position = 0;
  while (true) {
    auto page = read(position, 1000);
    if (!page) return fail(page);
    for (const auto& change : page->changes) {
      if (change.time >= time) return trim(change.position);
      position = change.position + 1;
    }
    if (page->changes.empty()) return trim(position);
  }
}

}  // namespace likeness::domain
