#include "storage/embedded_store.hpp"

#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/iterator.h>
#include <rocksdb/listener.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <system_error>
#include <thread>
#include <unordered_map>
#include <utility>

#include "base/log.hpp"
#include "storage/data_folder.hpp"
#include "storage/key_encoding.hpp"

namespace likeness::storage {
namespace {

namespace fs = std::filesystem;
using rocksdb::Slice;
using rocksdb::Status;

/// Commits that one sync may carry: enough for any number of threads, little enough to answer the first one soon.
constexpr std::size_t kMaxGroupBytes = 4u << 20;

Failure storage_failure(const Status& status, std::string_view doing) {
  if (status.IsNoSpace())
    return server_error("StorageFull", "The disk is full; nothing was stored.", status.ToString());
  return server_error("StorageFailure", "The storage engine failed.", fmt::format("{}: {}", doing, status.ToString()));
}

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

/// A commit waiting for its turn; lives on the stack of the thread that commits.
struct Pending {
  std::vector<EncodedWrite> writes;
  std::size_t bytes = 0;
  bool only_removes = true;
  Result<void> result;
  bool done = false;
  std::condition_variable turn;
};

/// The writes of the group so far, as the next commit of the group must see them.
using Overlay = std::unordered_map<std::string_view, const std::optional<std::string>*>;

/// Keeps the engine from its own recovery, which looks for free room every few seconds and refuses ours meanwhile.
class RecoverWhenAsked final : public rocksdb::EventListener {
 public:
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, Status, bool* automatic) override { *automatic = false; }
};

rocksdb::Options engine_options(const StoreOptions& options) {
  rocksdb::Options engine;
  engine.create_if_missing = true;
  engine.listeners.push_back(std::make_shared<RecoverWhenAsked>());
  engine.track_and_verify_wals_in_manifest = true;  // a log file that is gone is an error, not silence
  engine.write_buffer_size = options.write_buffer_bytes;
  engine.max_total_wal_size = 4 * options.write_buffer_bytes;
  engine.max_open_files = 512;
  engine.max_background_jobs = 2;
  engine.bytes_per_sync = 1u << 20;
  engine.keep_log_file_num = 3;
  engine.max_log_file_size = 1u << 20;
  engine.info_log_level = rocksdb::WARN_LEVEL;
  engine.stats_dump_period_sec = 0;
  engine.stats_persist_period_sec = 0;
  engine.level_compaction_dynamic_level_bytes = true;
  // What was removed leaves the files within a day, even if nothing else is ever written near it.
  engine.periodic_compaction_seconds = 24 * 60 * 60;
  const auto codecs = rocksdb::GetSupportedCompressions();
  const bool lz4 = std::find(codecs.begin(), codecs.end(), rocksdb::kLZ4Compression) != codecs.end();
  engine.compression = lz4 ? rocksdb::kLZ4Compression : rocksdb::kNoCompression;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(options.cache_bytes);
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.block_size = 16u << 10;
  table.format_version = 5;
  engine.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return engine;
}

Status open_engine(const fs::path& path, const StoreOptions& options, std::unique_ptr<rocksdb::DB>& db) {
  rocksdb::DB* opened = nullptr;
  const Status status = rocksdb::DB::Open(engine_options(options), (path / "tables").string(), &opened);
  db.reset(opened);
  return status;
}

/// RocksDB under one key space. Reads go straight to it from any thread. Commits queue up; the first in the queue
/// leads: it takes all that wait, checks each one's expectations in order against the engine and the group so far, and
/// writes the group as one batch with one sync. So conditions need no locks, a much-written key does not slow the
/// others, and the cost of a sync is shared. Nothing is visible to readers before it is on the disk.
class EmbeddedStore final : public Store {
 public:
  EmbeddedStore(std::unique_ptr<rocksdb::DB> db, fs::path path, const StoreOptions& options)
      : path_(std::move(path)), options_(options), db_(std::move(db)) {}

  ~EmbeddedStore() override { close(); }

  Result<std::optional<std::string>> get(std::string_view table, const Key& key) const override {
    if (auto place = check_place(table, key.partition); !place) return fail(place);
    const std::shared_lock use(engine_mutex_);
    if (!db_) return closed();
    std::string value;
    const Status status = db_->Get({}, encode_key(table, key.partition, key.sort), &value);
    if (status.IsNotFound()) return std::nullopt;
    if (!status.ok()) return storage_failure(status, "reading");
    return value;
  }

  Result<Page> range(std::string_view table, std::string_view partition, const Range& range) const override;
  Result<void> scan(std::string_view table, std::string_view partition,
                    const std::function<bool(std::string_view, std::string_view)>& visit) const override;
  Result<void> commit(std::vector<Write> writes) override;
  Result<void> purge(std::string_view table, std::string_view partition) override;

 private:
  Result<void> encode(const std::vector<Write>& writes, Pending& pending) const;
  /// Reads what the conditions will need, so that the leader finds it in memory.
  void warm(const Pending& pending) const;

  void lead(std::unique_lock<std::mutex>& lock);
  void write_group(const std::vector<Pending*>& group);
  Result<void> check(const Pending& pending, const Overlay& overlay) const;
  Result<void> check_room(const Pending& pending, std::uint64_t free_bytes) const;
  /// Closes and opens the engine: after a failed write it takes no more until then. Its own way to resume can wait
  /// for ever if the disk fills up once more meanwhile.
  Status reopen(std::uint64_t free_bytes);
  void close();
  static Failure closed() {
    return server_error("StorageFailure", "The storage engine failed.", "it could not be opened again");
  }

  const fs::path path_;
  const StoreOptions options_;
  mutable std::shared_mutex engine_mutex_;  // shared: db_ is in use; alone: db_ is being replaced
  std::unique_ptr<rocksdb::DB> db_;         // null after a reopen that failed

  std::mutex queue_mutex_;
  std::deque<Pending*> queue_;
  bool leading_ = false;
  bool failed_ = false;  // the leader's only
};

Result<Page> EmbeddedStore::range(std::string_view table, std::string_view partition, const Range& range) const {
  if (auto place = check_place(table, partition); !place) return fail(place);
  if (range.limit == 0) return client_error("InvalidWrite", "A range read needs a limit of at least 1.");

  const std::string prefix = encode_partition(table, partition);
  const std::string lower = prefix + range.first;
  // An encoded partition ends in 00 01, so a key after it always exists.
  const std::string upper = range.last ? prefix + *range.last : *end_of_prefix(prefix);
  Page page;
  if (lower >= upper) return page;
  const std::shared_lock use(engine_mutex_);
  if (!db_) return closed();

  const Slice lower_bound(lower), upper_bound(upper);
  rocksdb::ReadOptions options;
  options.iterate_lower_bound = &lower_bound;
  options.iterate_upper_bound = &upper_bound;
  const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(options));
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
  const std::shared_lock use(engine_mutex_);
  if (!db_) return closed();
  const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(options));
  for (it->SeekToFirst(); it->Valid(); it->Next())
    if (!visit(it->key().ToStringView().substr(prefix.size()), it->value().ToStringView())) break;
  if (!it->status().ok()) return storage_failure(it->status(), "scanning");
  return {};
}

Result<void> EmbeddedStore::purge(std::string_view table, std::string_view partition) {
  if (auto place = check_place(table, partition); !place) return fail(place);
  const std::string first = encode_partition(table, partition);
  const std::string last = *end_of_prefix(first);
  const std::shared_lock use(engine_mutex_);
  if (!db_) return closed();
  // The flush lets go of the log that still holds the removed values, the compaction of the table files that do.
  Status status = db_->Flush({});
  if (!status.ok()) return storage_failure(status, "flushing");
  rocksdb::CompactRangeOptions options;
  options.exclusive_manual_compaction = false;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
  const Slice begin(first), end(last);
  status = db_->CompactRange(options, &begin, &end);
  if (!status.ok()) return storage_failure(status, "compacting");
  return {};
}

Result<void> EmbeddedStore::encode(const std::vector<Write>& writes, Pending& pending) const {
  if (writes.size() > kMaxWritesInCommit)
    return client_error("InvalidWrite",
                        fmt::format("A commit has at most {} writes, not {}.", kMaxWritesInCommit, writes.size()));
  pending.writes.reserve(writes.size());
  for (const Write& write : writes) {
    if (auto place = check_place(write.table, write.key.partition); !place) return fail(place);
    if (write.key.sort.size() > kMaxSortBytes)
      return client_error("InvalidWrite", fmt::format("A sort key has at most {} bytes, not {}.", kMaxSortBytes,
                                                      write.key.sort.size()));
    if (write.value && write.value->size() > kMaxValueBytes)
      return client_error("InvalidWrite",
                          fmt::format("A value has at most {} bytes, not {}.", kMaxValueBytes, write.value->size()));
    pending.writes.push_back({encode_key(write.table, write.key.partition, write.key.sort), &write});
    pending.bytes += pending.writes.back().key.size() + (write.value ? write.value->size() : 0);
    pending.only_removes = pending.only_removes && !write.value;
  }
  std::vector<std::string_view> keys;
  keys.reserve(writes.size());
  for (const EncodedWrite& write : pending.writes) keys.push_back(write.key);
  std::sort(keys.begin(), keys.end());
  if (std::adjacent_find(keys.begin(), keys.end()) != keys.end())
    return client_error("InvalidWrite", "A commit may write an item only once.");
  return {};
}

void EmbeddedStore::warm(const Pending& pending) const {
  const std::shared_lock use(engine_mutex_);
  if (!db_) return;
  rocksdb::PinnableSlice value;
  for (const EncodedWrite& write : pending.writes) {
    if (write.write->expect == Write::Expect::Anything) continue;
    db_->Get({}, db_->DefaultColumnFamily(), write.key, &value).PermitUncheckedError();
    value.Reset();
  }
}

Result<void> EmbeddedStore::commit(std::vector<Write> writes) {
  if (writes.empty()) return {};
  Pending pending;
  if (auto encoded = encode(writes, pending); !encoded) return encoded;
  warm(pending);

  std::unique_lock lock(queue_mutex_);
  queue_.push_back(&pending);
  pending.turn.wait(lock, [&] { return pending.done || (!leading_ && queue_.front() == &pending); });
  if (!pending.done) lead(lock);
  return std::move(pending.result);
}

void EmbeddedStore::lead(std::unique_lock<std::mutex>& lock) {
  leading_ = true;
  std::vector<Pending*> group;
  for (std::size_t bytes = 0; !queue_.empty() && (group.empty() || bytes < kMaxGroupBytes); queue_.pop_front()) {
    group.push_back(queue_.front());
    bytes += queue_.front()->bytes;
  }
  lock.unlock();
  write_group(group);
  lock.lock();
  for (Pending* pending : group) {
    pending->done = true;
    pending->turn.notify_one();
  }
  leading_ = false;
  if (!queue_.empty()) queue_.front()->turn.notify_one();
}

void EmbeddedStore::write_group(const std::vector<Pending*>& group) {
  std::error_code ignored;
  const std::uint64_t free_bytes = fs::space(path_, ignored).available;
  Status status = failed_ ? reopen(free_bytes) : Status::OK();
  rocksdb::WriteBatch batch;
  if (status.ok()) {
    Overlay overlay;
    for (Pending* pending : group) {
      pending->result = check_room(*pending, free_bytes);
      if (pending->result) pending->result = check(*pending, overlay);
      if (!pending->result) continue;
      for (const auto& [key, write] : pending->writes) {
        overlay[key] = &write->value;
        status = write->value ? batch.Put(key, *write->value) : batch.Delete(key);
        if (!status.ok()) break;
      }
    }
    if (status.ok() && batch.Count() > 0) {
      rocksdb::WriteOptions options;
      options.sync = options_.sync;
      status = db_->Write(options, &batch);
    }
  }
  if (status.ok()) return;
  failed_ = true;
  log::error("commit failed: {}", status.ToString());
  // Also those whose condition failed: it may have failed because of a commit that is now undone.
  for (Pending* pending : group) pending->result = storage_failure(status, "committing");
}

Result<void> EmbeddedStore::check(const Pending& pending, const Overlay& overlay) const {
  rocksdb::PinnableSlice stored;
  for (const auto& [key, write] : pending.writes) {
    if (write->expect == Write::Expect::Anything) continue;
    std::optional<std::string_view> current;
    if (const auto earlier = overlay.find(key); earlier != overlay.end()) {
      if (*earlier->second) current = **earlier->second;
    } else {
      stored.Reset();
      const Status status = db_->Get({}, db_->DefaultColumnFamily(), key, &stored);
      if (status.ok())
        current = stored.ToStringView();
      else if (!status.IsNotFound())
        return storage_failure(status, "checking a condition");
    }
    const bool holds = write->expect == Write::Expect::Absent    ? !current.has_value()
                       : write->expect == Write::Expect::Present ? current.has_value()
                                                                 : current == std::string_view(write->expected_value);
    if (!holds) return client_error("ConditionFailed", fmt::format("An item of {} is not as expected.", write->table));
  }
  return {};
}

Result<void> EmbeddedStore::check_room(const Pending& pending, std::uint64_t free_bytes) const {
  const std::uint64_t needed = pending.only_removes ? options_.min_free_bytes / 4 : options_.min_free_bytes;
  if (free_bytes >= needed) return {};
  return server_error("StorageFull", "The disk is full; nothing was stored.",
                      fmt::format("{} bytes are free, {} are wanted", free_bytes, needed));
}

Status EmbeddedStore::reopen(std::uint64_t free_bytes) {
  // Opening writes what the log holds into table files.
  if (free_bytes < std::max(options_.min_free_bytes / 4, std::uint64_t{2} * options_.write_buffer_bytes))
    return Status::NoSpace();
  std::unique_lock alone(engine_mutex_, std::defer_lock);
  // A long scan may itself wait for this commit: better to refuse the commit than to wait for each other.
  for (int tries = 0; !alone.try_lock(); ++tries) {
    if (tries == 200) return Status::Busy("in use while it has to be opened again");
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  if (db_) close();
  const Status status = open_engine(path_, options_, db_);
  if (status.ok()) {
    failed_ = false;
    log::info("the store takes writes again");
  }
  return status;
}

void EmbeddedStore::close() {
  if (!db_) return;
  const Status status = db_->Close();
  if (!status.ok()) log::warn("closing the store: {}", status.ToString());
  db_.reset();
}

}  // namespace

Result<std::unique_ptr<Store>> open_embedded_store(const fs::path& path, const StoreOptions& options) {
  if (auto prepared = prepare_data_folder(path); !prepared) return fail(prepared);
  std::unique_ptr<rocksdb::DB> db;
  const Status status = open_engine(path, options, db);
  if (status.IsIOError() && status.ToString().find("/LOCK") != std::string::npos)
    return server_error("StorageInUse", "The data folder is in use by another process.", status.ToString());
  if (!status.ok()) return storage_failure(status, "opening");
  return std::make_unique<EmbeddedStore>(std::move(db), path, options);
}

}  // namespace likeness::storage
