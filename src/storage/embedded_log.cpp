#include <fmt/format.h>
#include <rocksdb/db.h>
#include <rocksdb/iterator.h>
#include <rocksdb/options.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "storage/embedded_engine.hpp"
#include "storage/key_encoding.hpp"
#include "storage/log.hpp"

namespace likeness::storage {
namespace {

using rocksdb::Slice;
using rocksdb::Status;

constexpr std::size_t kMaxNameBytes = 1024;
constexpr std::size_t kMaxAppendBytes = 64u << 20;

// Two kinds of rows: each record under ("records", log, position), and per log, once something was trimmed or removed,
// its bounds at that time under ("bounds", log).
constexpr std::string_view kRecords = "records";
constexpr std::string_view kBounds = "bounds";

void append_number(std::string& out, std::uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(number >> shift));
}
std::uint64_t number_at(std::string_view text, std::size_t at) {
  std::uint64_t number = 0;
  for (std::size_t i = at; i < at + 8 && i < text.size(); ++i)
    number = number << 8 | static_cast<unsigned char>(text[i]);
  return number;
}

std::string record_key(std::string_view log, Position position) {
  std::string sort;
  append_number(sort, position);
  return encode_key(kRecords, log, sort);
}
std::string bounds_key(std::string_view log) { return encode_partition(kBounds, log); }

Result<void> check_name(std::string_view log) {
  if (!log.empty() && log.size() <= kMaxNameBytes) return {};
  return client_error("InvalidWrite", fmt::format("The name of a log has 1 to {} bytes.", kMaxNameBytes));
}

struct Bounds {
  Position first = 0;
  Position next = 0;
};

/// What the engine has. `records_too` false: only what was written down when something was last forgotten.
Result<Bounds> stored_bounds(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* logs, std::string_view log,
                             const rocksdb::Snapshot* snapshot, bool records_too) {
  rocksdb::ReadOptions options;
  options.snapshot = snapshot;
  Bounds bounds;
  std::string stored;
  const Status status = db.Get(options, logs, bounds_key(log), &stored);
  if (!status.ok() && !status.IsNotFound()) return storage_failure(status, "reading a log");
  if (status.ok()) bounds = {number_at(stored, 0), number_at(stored, 8)};
  if (!records_too) return bounds;
  const std::string lower = record_key(log, bounds.first);
  const std::string upper = *end_of_prefix(encode_partition(kRecords, log));
  const Slice lower_bound(lower), upper_bound(upper);
  options.iterate_lower_bound = &lower_bound;
  options.iterate_upper_bound = &upper_bound;
  const std::unique_ptr<rocksdb::Iterator> it(db.NewIterator(options, logs));
  it->SeekToLast();
  if (!it->status().ok()) return storage_failure(it->status(), "reading a log");
  if (it->Valid()) {
    const std::string_view key = it->key().ToStringView();
    bounds.next = std::max(bounds.next, number_at(key, key.size() - 8) + 1);
  }
  return bounds;
}

/// The next position of each log that was written to. Only the leader of a commit gives positions out, but it may be
/// any thread. A commit that fails leaves a gap: nobody minds.
class Positions {
 public:
  Result<Position> take(EmbeddedEngine::Group& group, std::string_view log, std::size_t count) {
    const std::lock_guard lock(mutex_);
    auto found = next_.find(std::string(log));
    if (found == next_.end()) {
      auto bounds = stored_bounds(group.db, group.logs, log, nullptr, true);
      if (!bounds) return fail(bounds);
      found = next_.emplace(log, bounds->next).first;
    }
    const Position first = found->second;
    found->second += count;
    return first;
  }

 private:
  std::mutex mutex_;
  std::unordered_map<std::string, Position> next_;
};

class Append final : public EmbeddedEngine::Change {
 public:
  Append(std::string_view log, const std::vector<std::string_view>& values, Positions& positions)
      : log_(log), values_(values), positions_(positions) {
    for (const std::string_view value : values) bytes += value.size();
  }
  Position first() const { return first_; }

  Result<void> apply(EmbeddedEngine::Group& group) override {
    auto first = positions_.take(group, log_, values_.size());
    if (!first) return fail(first);
    first_ = *first;
    // Taken here, so that the times of a log ascend with its positions as far as the clock does.
    std::string time;
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    append_number(time, static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(now).count()));
    Position position = first_;
    for (const std::string_view value : values_) {
      const std::string key = record_key(log_, position++);
      const Slice key_part(key);
      const std::array<Slice, 2> parts = {Slice(time), Slice(value)};
      const Status status = group.batch.Put(group.logs, rocksdb::SliceParts(&key_part, 1),
                                            rocksdb::SliceParts(parts.data(), static_cast<int>(parts.size())));
      if (!status.ok()) return storage_failure(status, "preparing an append");
    }
    return {};
  }

 private:
  const std::string_view log_;
  const std::vector<std::string_view>& values_;
  Positions& positions_;
  Position first_ = 0;
};

class Trim final : public EmbeddedEngine::Change {
 public:
  /// All there is before `position`.
  Trim(std::string_view log, Position position, Positions& positions)
      : log_(log), position_(position), positions_(positions) {
    makes_room = true;
  }

  Result<void> apply(EmbeddedEngine::Group& group) override {
    // The next position counts what the group has appended so far.
    auto next = positions_.take(group, log_, 0);
    if (!next) return fail(next);
    auto bounds = stored_bounds(group.db, group.logs, log_, nullptr, false);
    if (!bounds) return fail(bounds);
    const Position first = std::min(position_, *next);
    Position& of_group = group.trimmed.try_emplace(std::string(log_), bounds->first).first->second;
    if (first <= of_group) return {};
    of_group = first;
    std::string value;
    append_number(value, first);
    append_number(value, *next);
    Status status = group.batch.Put(group.logs, bounds_key(log_), value);
    if (status.ok())
      status = group.batch.DeleteRange(group.logs, record_key(log_, bounds->first), record_key(log_, first));
    if (!status.ok()) return storage_failure(status, "trimming a log");
    return {};
  }

 private:
  const std::string_view log_;
  const Position position_;
  Positions& positions_;
};

class EmbeddedLog final : public Log {
 public:
  explicit EmbeddedLog(std::shared_ptr<EmbeddedEngine> engine) : engine_(std::move(engine)) {}

  Result<Position> append(std::string_view log, const std::vector<std::string_view>& values) override {
    if (auto name = check_name(log); !name) return fail(name);
    Append change(log, values, positions_);
    if (change.bytes > kMaxAppendBytes)
      return client_error("InvalidWrite", fmt::format("One append takes at most {} bytes.", kMaxAppendBytes));
    if (values.empty()) {
      auto ends = bounds(log);
      if (!ends) return fail(ends);
      return ends->second;
    }
    if (auto done = engine_->commit(change); !done) return fail(done);
    return change.first();
  }

  Result<LogPage> read(std::string_view log, Position from, std::size_t limit, std::size_t max_bytes) const override {
    if (auto name = check_name(log); !name) return fail(name);
    auto db = engine_->use();
    if (!db) return fail(db);
    auto* logs = db->family(Family::Logs);
    rocksdb::ManagedSnapshot snapshot(&**db);
    auto bounds = stored_bounds(**db, logs, log, snapshot.snapshot(), false);
    if (!bounds) return fail(bounds);
    LogPage page;
    page.next = std::max(from, bounds->first);
    const std::string lower = record_key(log, page.next);
    const std::string upper = *end_of_prefix(encode_partition(kRecords, log));
    const Slice lower_bound(lower), upper_bound(upper);
    rocksdb::ReadOptions options;
    options.snapshot = snapshot.snapshot();
    options.iterate_lower_bound = &lower_bound;
    options.iterate_upper_bound = &upper_bound;
    const std::unique_ptr<rocksdb::Iterator> it((*db)->NewIterator(options, logs));
    std::size_t bytes = 0;
    for (it->SeekToFirst(); it->Valid() && page.records.size() < limit; it->Next()) {
      const std::string_view key = it->key().ToStringView();
      const std::string_view value = it->value().ToStringView();
      bytes += value.size() - 8;
      if (!page.records.empty() && bytes > max_bytes) break;
      const Position position = number_at(key, key.size() - 8);
      const TimePoint written{std::chrono::microseconds(number_at(value, 0))};
      page.records.push_back({position, written, std::string(value.substr(8))});
      page.next = position + 1;
    }
    if (!it->status().ok()) return storage_failure(it->status(), "reading a log");
    return page;
  }

  Result<std::pair<Position, Position>> bounds(std::string_view log) const override {
    if (auto name = check_name(log); !name) return fail(name);
    auto db = engine_->use();
    if (!db) return fail(db);
    rocksdb::ManagedSnapshot snapshot(&**db);
    auto bounds = stored_bounds(**db, db->family(Family::Logs), log, snapshot.snapshot(), true);
    if (!bounds) return fail(bounds);
    return std::pair(bounds->first, bounds->next);
  }

  Result<void> trim(std::string_view log, Position position) override {
    if (auto name = check_name(log); !name) return fail(name);
    Trim change(log, position, positions_);
    return engine_->commit(change);
  }

  Result<void> remove(std::string_view log) override { return trim(log, std::numeric_limits<Position>::max()); }

 private:
  const std::shared_ptr<EmbeddedEngine> engine_;
  Positions positions_;
};

}  // namespace

std::unique_ptr<Log> make_embedded_log(std::shared_ptr<EmbeddedEngine> engine) {
  return std::make_unique<EmbeddedLog>(std::move(engine));
}

}  // namespace likeness::storage
