#include "storage/embedded_store.hpp"

#include <fmt/format.h>
#include <rocksdb/db.h>
#include <rocksdb/iterator.h>
#include <rocksdb/options.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "storage/embedded_engine.hpp"
#include "storage/key_encoding.hpp"

namespace likeness::storage {
namespace {

using rocksdb::Slice;
using rocksdb::Status;

/// A guard against mistakes, not a limit of the engine: a commit of this many small writes takes milliseconds.
constexpr std::size_t kMaxWrites = 10'000;

/// What a commit may add for each item that it removes and still count as one that makes room: who removes something
/// often writes down that it did.
constexpr std::size_t kNoteBytes = 4096;

bool valid_table_name(std::string_view name) {
  return !name.empty() && name.size() <= 255 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
           c == '-';
  });
}

Result<void> check_place(std::string_view table, std::string_view partition) {
  if (!valid_table_name(table)) return client_error("InvalidWrite", fmt::format("'{}' cannot name a table.", table));
  if (partition.empty() || partition.size() > kMaxPartitionBytes)
    return client_error("InvalidWrite", fmt::format("A partition key has 1 to {} bytes, not {}.", kMaxPartitionBytes,
                                                    partition.size()));
  return {};
}

/// A write with its key encoded; the other parts are borrowed from the caller's Write.
struct EncodedWrite {
  std::string key;
  const Write* write;
};

class Commit final : public EmbeddedEngine::Change {
 public:
  std::vector<EncodedWrite> writes;

  Result<void> apply(EmbeddedEngine::Group& group) override {
    if (auto holds = check(group); !holds) return holds;
    for (const auto& [key, write] : writes) {
      group.items[key] = &write->value;
      const Status status =
          write->value ? group.batch.Put(group.tables, key, *write->value) : group.batch.Delete(group.tables, key);
      if (!status.ok())
        return storage_failure(status, "preparing a commit");  // keys and values are of a size that fits
    }
    return {};
  }

 private:
  Result<void> check(const EmbeddedEngine::Group& group) const {
    rocksdb::PinnableSlice stored;
    for (const auto& [key, write] : writes) {
      if (write->expect == Write::Expect::Anything) continue;
      std::optional<std::string_view> current;
      if (const auto earlier = group.items.find(key); earlier != group.items.end()) {
        if (*earlier->second) current = **earlier->second;
      } else {
        stored.Reset();
        const Status status = group.db.Get({}, group.tables, key, &stored);
        if (status.ok())
          current = stored.ToStringView();
        else if (!status.IsNotFound())
          return storage_failure(status, "checking a condition");
      }
      const bool holds = write->expect == Write::Expect::Absent    ? !current.has_value()
                         : write->expect == Write::Expect::Present ? current.has_value()
                                                                   : current == std::string_view(write->expected_value);
      if (!holds)
        return client_error("ConditionFailed", fmt::format("An item of {} is not as expected.", write->table));
    }
    return {};
  }
};

class EmbeddedStore final : public Store {
 public:
  explicit EmbeddedStore(std::shared_ptr<EmbeddedEngine> engine) : engine_(std::move(engine)) {}

  Result<std::optional<std::string>> get(std::string_view table, const Key& key) const override;
  Result<Page> range(std::string_view table, std::string_view partition, const Range& range) const override;
  Result<void> scan(std::string_view table, std::string_view partition,
                    const std::function<bool(std::string_view, std::string_view)>& visit) const override;
  Result<void> commit(std::vector<Write> writes) override;
  Result<void> purge(std::string_view table, std::string_view partition) override;
  std::size_t max_writes() const override { return kMaxWrites; }

 private:
  Result<void> encode(const std::vector<Write>& writes, Commit& commit) const;
  /// Reads what the conditions will need, so that the leader finds it in memory.
  void warm(const Commit& commit) const;

  const std::shared_ptr<EmbeddedEngine> engine_;
};

Result<std::optional<std::string>> EmbeddedStore::get(std::string_view table, const Key& key) const {
  if (auto place = check_place(table, key.partition); !place) return fail(place);
  auto db = engine_->use();
  if (!db) return fail(db);
  std::string value;
  const Status status = (*db)->Get({}, db->family(Family::Tables), encode_key(table, key.partition, key.sort), &value);
  if (status.IsNotFound()) return std::nullopt;
  if (!status.ok()) return storage_failure(status, "reading");
  return value;
}

Result<Page> EmbeddedStore::range(std::string_view table, std::string_view partition, const Range& range) const {
  if (auto place = check_place(table, partition); !place) return fail(place);
  if (range.limit == 0) return client_error("InvalidWrite", "A range read needs a limit of at least 1.");

  const std::string prefix = encode_partition(table, partition);
  const std::string lower = prefix + range.first;
  // An encoded partition ends in 00 01, so a key after it always exists.
  const std::string upper = range.last ? prefix + *range.last : *end_of_prefix(prefix);
  Page page;
  if (lower >= upper) return page;
  auto db = engine_->use();
  if (!db) return fail(db);

  const Slice lower_bound(lower), upper_bound(upper);
  rocksdb::ReadOptions options;
  options.iterate_lower_bound = &lower_bound;
  options.iterate_upper_bound = &upper_bound;
  const std::unique_ptr<rocksdb::Iterator> it((*db)->NewIterator(options, db->family(Family::Tables)));
  range.reverse ? it->SeekToLast() : it->SeekToFirst();
  while (it->Valid()) {
    const std::string_view sort = it->key().ToStringView().substr(prefix.size());
    if (page.items.size() == range.limit) {
      // Reverse reads exclude `last`, so they go on from the item before this one.
      page.next = range.reverse ? page.items.back().key.sort : std::string(sort);
      break;
    }
    page.items.push_back({{std::string(partition), std::string(sort)}, it->value().ToString()});
    range.reverse ? it->Prev() : it->Next();
  }
  if (!it->status().ok()) return storage_failure(it->status(), "reading a range");
  return page;
}

Result<void> EmbeddedStore::scan(std::string_view table, std::string_view partition,
                                 const std::function<bool(std::string_view, std::string_view)>& visit) const {
  if (auto place = check_place(table, partition); !place) return fail(place);
  const std::string prefix = encode_partition(table, partition);
  const std::string upper = *end_of_prefix(prefix);
  const Slice lower_bound(prefix), upper_bound(upper);
  rocksdb::ReadOptions options;
  options.iterate_lower_bound = &lower_bound;
  options.iterate_upper_bound = &upper_bound;
  options.fill_cache = false;  // a whole partition would push out what the point reads need
  options.readahead_size = 2u << 20;
  auto db = engine_->use();
  if (!db) return fail(db);
  const std::unique_ptr<rocksdb::Iterator> it((*db)->NewIterator(options, db->family(Family::Tables)));
  for (it->SeekToFirst(); it->Valid(); it->Next())
    if (!visit(it->key().ToStringView().substr(prefix.size()), it->value().ToStringView())) break;
  if (!it->status().ok()) return storage_failure(it->status(), "scanning");
  return {};
}

Result<void> EmbeddedStore::purge(std::string_view table, std::string_view partition) {
  if (auto place = check_place(table, partition); !place) return fail(place);
  const std::string first = encode_partition(table, partition);
  const std::string last = *end_of_prefix(first);
  auto db = engine_->use();
  if (!db) return fail(db);
  // The flush lets go of the log that still holds the removed values, the compaction of the table files that do.
  Status status = (*db)->Flush({}, db->family(Family::Tables));
  if (!status.ok()) return storage_failure(status, "flushing");
  rocksdb::CompactRangeOptions options;
  options.exclusive_manual_compaction = false;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
  const Slice begin(first), end(last);
  status = (*db)->CompactRange(options, db->family(Family::Tables), &begin, &end);
  if (!status.ok()) return storage_failure(status, "compacting");
  return {};
}

Result<void> EmbeddedStore::encode(const std::vector<Write>& writes, Commit& commit) const {
  if (writes.size() > kMaxWrites)
    return client_error("InvalidWrite",
                        fmt::format("A commit has at most {} writes, not {}.", kMaxWrites, writes.size()));
  commit.writes.reserve(writes.size());
  std::size_t removals = 0;
  std::size_t added = 0;
  for (const Write& write : writes) {
    if (auto place = check_place(write.table, write.key.partition); !place) return fail(place);
    if (write.key.sort.size() > kMaxSortBytes)
      return client_error("InvalidWrite", fmt::format("A sort key has at most {} bytes, not {}.", kMaxSortBytes,
                                                      write.key.sort.size()));
    if (write.value && write.value->size() > kMaxValueBytes)
      return client_error("InvalidWrite",
                          fmt::format("A value has at most {} bytes, not {}.", kMaxValueBytes, write.value->size()));
    commit.writes.push_back({encode_key(write.table, write.key.partition, write.key.sort), &write});
    const std::size_t key_bytes = commit.writes.back().key.size();
    commit.bytes += key_bytes;
    if (write.value) {
      commit.bytes += write.value->size();
      added += key_bytes + write.value->size();
    } else {
      ++removals;
    }
  }
  commit.makes_room = added <= removals * kNoteBytes;
  std::vector<std::string_view> keys;
  keys.reserve(writes.size());
  for (const EncodedWrite& write : commit.writes) keys.push_back(write.key);
  std::sort(keys.begin(), keys.end());
  if (std::adjacent_find(keys.begin(), keys.end()) != keys.end())
    return client_error("InvalidWrite", "A commit may write an item only once.");
  return {};
}

void EmbeddedStore::warm(const Commit& commit) const {
  auto db = engine_->use();
  if (!db) return;
  rocksdb::PinnableSlice value;
  for (const EncodedWrite& write : commit.writes) {
    if (write.write->expect == Write::Expect::Anything) continue;
    (*db)->Get({}, db->family(Family::Tables), write.key, &value).PermitUncheckedError();
    value.Reset();
  }
}

Result<void> EmbeddedStore::commit(std::vector<Write> writes) {
  if (writes.empty()) return {};
  Commit commit;
  if (auto encoded = encode(writes, commit); !encoded) return encoded;
  warm(commit);
  return engine_->commit(commit);
}

}  // namespace

std::unique_ptr<Store> make_embedded_store(std::shared_ptr<EmbeddedEngine> engine) {
  return std::make_unique<EmbeddedStore>(std::move(engine));
}

Result<std::unique_ptr<Store>> open_embedded_store(const std::filesystem::path& path, const StoreOptions& options) {
  auto engine = EmbeddedEngine::open(path, options);
  if (!engine) return fail(engine);
  return make_embedded_store(std::move(*engine));
}

}  // namespace likeness::storage
