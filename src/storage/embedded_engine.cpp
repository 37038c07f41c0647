#include "storage/embedded_engine.hpp"

#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/checkpoint.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <chrono>
#include <cstdarg>
#include <cstdio>
#include <span>
#include <system_error>
#include <thread>
#include <utility>

#include "base/log.hpp"
#include "storage/data_folder.hpp"

namespace likeness::storage {
namespace {

namespace fs = std::filesystem;
using rocksdb::Status;

/// Changes that one sync may carry: enough for any number of threads, little enough to answer the first one soon.
constexpr std::size_t kMaxGroupBytes = 4u << 20;

/// Keeps the engine from its own recovery, which looks for free room every few seconds and refuses ours meanwhile.
class RecoverWhenAsked final : public rocksdb::EventListener {
 public:
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, Status, bool* automatic) override { *automatic = false; }
};

/// The engine's own log file cannot be written on a full disk, which ends a build of it that has assertions: what it
/// has to say comes into our log.
class EngineLog final : public rocksdb::Logger {
 public:
  EngineLog() : rocksdb::Logger(rocksdb::WARN_LEVEL) {}
  using rocksdb::Logger::Logv;
  void Logv(const char* format, std::va_list arguments) override { Logv(rocksdb::WARN_LEVEL, format, arguments); }
  [[gnu::format(printf, 3, 0)]] void Logv(rocksdb::InfoLogLevel level, const char* format,
                                          std::va_list arguments) override {
    if (level < rocksdb::WARN_LEVEL || level >= rocksdb::HEADER_LEVEL) return;
    // What a copy of the tables says each time, at its own level of warning.
    if (std::string_view(format).find("File Deletions") != std::string_view::npos) return;
    char text[1000];
    std::vsnprintf(text, sizeof text, format, arguments);
    level == rocksdb::WARN_LEVEL ? log::warn("store: {}", text) : log::error("store: {}", text);
  }
};

rocksdb::DBOptions engine_options(const StoreOptions& options) {
  rocksdb::DBOptions engine;
  engine.create_if_missing = true;
  engine.create_missing_column_families = true;
  engine.listeners.push_back(std::make_shared<RecoverWhenAsked>());
  engine.track_and_verify_wals_in_manifest = true;  // a log file that is gone is an error, not silence
  engine.max_total_wal_size = 4 * options.write_buffer_bytes;
  engine.db_write_buffer_size = 3 * options.write_buffer_bytes;  // of all families together
  engine.max_open_files = 512;
  engine.max_background_jobs = 2;
  engine.bytes_per_sync = 1u << 20;
  engine.info_log = std::make_shared<EngineLog>();
  engine.stats_dump_period_sec = 0;
  engine.stats_persist_period_sec = 0;
  return engine;
}

rocksdb::ColumnFamilyOptions tables_options(const StoreOptions& options, std::shared_ptr<rocksdb::Cache> cache) {
  rocksdb::ColumnFamilyOptions family;
  family.write_buffer_size = options.write_buffer_bytes;
  family.max_write_buffer_number = 4;  // writers go on while one is written out
  family.level_compaction_dynamic_level_bytes = true;
  // What was removed leaves the files within a day, even if nothing else is ever written near it.
  family.periodic_compaction_seconds = 24 * 60 * 60;
  const auto codecs = rocksdb::GetSupportedCompressions();
  const bool lz4 = std::find(codecs.begin(), codecs.end(), rocksdb::kLZ4Compression) != codecs.end();
  family.compression = lz4 ? rocksdb::kLZ4Compression : rocksdb::kNoCompression;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = std::move(cache);
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.block_size = 16u << 10;
  table.format_version = 5;
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return family;
}

/// Photos and the like: they do not compress, and moving them through every level would write them many times over, so
/// the engine keeps the values in files of their own and only their keys in the levels.
rocksdb::ColumnFamilyOptions blobs_options(const StoreOptions& options, std::shared_ptr<rocksdb::Cache> cache) {
  rocksdb::ColumnFamilyOptions family = tables_options(options, std::move(cache));
  family.compression = rocksdb::kNoCompression;
  family.enable_blob_files = true;
  family.min_blob_size = 1024;
  family.blob_file_size = 64u << 20;
  family.enable_blob_garbage_collection = true;
  // Rewriting happens only where it gives back a quarter of the room, not every day for nothing.
  family.periodic_compaction_seconds = 0;
  family.blob_garbage_collection_age_cutoff = 1.0;
  family.blob_garbage_collection_force_threshold = 0.25;
  return family;
}

/// Written at the end, read from there, forgotten from the beginning.
rocksdb::ColumnFamilyOptions logs_options(const StoreOptions& options, std::shared_ptr<rocksdb::Cache> cache) {
  return tables_options(options, std::move(cache));
}

}  // namespace

Failure storage_failure(const Status& status, std::string_view doing) {
  if (status.IsNoSpace())
    return server_error("StorageFull", "The disk is full; nothing was stored.", status.ToString());
  return server_error("StorageFailure", "The storage engine failed.", fmt::format("{}: {}", doing, status.ToString()));
}

EmbeddedEngine::EmbeddedEngine(fs::path path, const StoreOptions& options)
    : path_(std::move(path)), options_(options) {}

Status EmbeddedEngine::open_db() {
  const std::shared_ptr<rocksdb::Cache> cache = rocksdb::NewLRUCache(options_.cache_bytes);
  const std::vector<rocksdb::ColumnFamilyDescriptor> families = {
      {rocksdb::kDefaultColumnFamilyName, tables_options(options_, cache)},
      {"blobs", blobs_options(options_, cache)},
      {"logs", logs_options(options_, cache)}};
  std::error_code ignored;  // the engine says it better
  fs::create_directory(path_ / "tables", ignored);
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* opened = nullptr;
  const Status status =
      rocksdb::DB::Open(engine_options(options_), (path_ / "tables").string(), families, &handles, &opened);
  db_.reset(opened);
  if (status.ok()) std::copy(handles.begin(), handles.end(), families_.begin());
  return status;
}

Result<std::unique_ptr<EmbeddedEngine>> EmbeddedEngine::open(const fs::path& path, const StoreOptions& options) {
  if (auto prepared = prepare_data_folder(path); !prepared) return fail(prepared);
  std::unique_ptr<EmbeddedEngine> engine(new EmbeddedEngine(path, options));
  const Status status = engine->open_db();
  if (status.IsIOError() && status.ToString().find("/LOCK") != std::string::npos)
    return server_error("StorageInUse", "The data folder is in use by another process.", status.ToString());
  if (!status.ok()) return storage_failure(status, "opening");
  return engine;
}

EmbeddedEngine::~EmbeddedEngine() { close(); }

void EmbeddedEngine::close() {
  if (!db_) return;
  for (auto*& family : families_) {
    db_->DestroyColumnFamilyHandle(family).PermitUncheckedError();
    family = nullptr;
  }
  const Status status = db_->Close();
  if (!status.ok()) log::warn("closing the store: {}", status.ToString());
  db_.reset();
}

Result<EmbeddedEngine::Use> EmbeddedEngine::use() const {
  Use use(*this);
  if (!db_) return server_error("StorageFailure", "The storage engine failed.", "it could not be opened again");
  return use;
}

EmbeddedEngine::Change::State EmbeddedEngine::Change::wait() {
  std::unique_lock lock(mutex_);
  woken_.wait(lock, [&] { return state_ != State::Waiting; });
  return state_;
}

/// Notifies with the lock held: the change is gone as soon as its thread gets on.
void EmbeddedEngine::Change::wake(State state) {
  const std::lock_guard lock(mutex_);
  state_ = state;
  woken_.notify_one();
}

Result<void> EmbeddedEngine::commit(Change& change) {
  bool leads = false;
  {
    const std::lock_guard lock(queue_mutex_);
    queue_.push_back(&change);
    leads = !std::exchange(led_, true);
  }
  if (leads || change.wait() == Change::State::Leading) lead();
  return std::move(change.result_);
}

Result<void> EmbeddedEngine::checkpoint(const fs::path& folder) const {
  auto db = use();
  if (!db) return fail(db);
  rocksdb::Checkpoint* made = nullptr;
  Status status = rocksdb::Checkpoint::Create(db_.get(), &made);
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
  if (status.ok()) status = checkpoint->CreateCheckpoint(folder.string());
  if (!status.ok()) return storage_failure(status, "copying the tables");
  return {};
}

Result<void> EmbeddedEngine::verify() const {
  auto db = use();
  if (!db) return fail(db);
  if (const Status status = (*db)->VerifyChecksum(); !status.ok())
    return storage_failure(status, "verifying the tables");
  // That looks at the table files; the values of blobs are in files of their own.
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  options.verify_checksums = true;
  const std::unique_ptr<rocksdb::Iterator> it((*db)->NewIterator(options, db->family(Family::Blobs)));
  it->SeekToFirst();
  while (it->Valid()) it->Next();
  if (!it->status().ok()) return storage_failure(it->status(), "verifying the blobs");
  return {};
}

/// The caller's change is the first in the queue.
void EmbeddedEngine::lead() {
  std::vector<Change*> group;
  {
    const std::lock_guard lock(queue_mutex_);
    for (std::size_t bytes = 0; !queue_.empty() && (group.empty() || bytes < kMaxGroupBytes); queue_.pop_front()) {
      group.push_back(queue_.front());
      bytes += queue_.front()->bytes;
    }
  }
  write_group(group);
  Change* next = nullptr;
  {
    const std::lock_guard lock(queue_mutex_);
    if (queue_.empty())
      led_ = false;
    else
      next = queue_.front();
  }
  // First who leads next, so that the disk is not idle while the others are woken.
  if (next != nullptr) next->wake(Change::State::Leading);
  for (Change* change : std::span(group).subspan(1)) change->wake(Change::State::Done);
}

void EmbeddedEngine::write_group(const std::vector<Change*>& changes) {
  std::error_code ignored;
  const std::uint64_t free_bytes = fs::space(path_, ignored).available;
  Status status = failed_ ? reopen(free_bytes) : Status::OK();
  if (status.ok()) {
    rocksdb::WriteBatch batch;
    Group group{*db_, families_[0], families_[1], families_[2], batch, {}, {}};
    bool durable = false;
    for (Change* change : changes) {
      change->result_ = check_room(*change, free_bytes);
      if (change->result_) change->result_ = change->apply(group);
      durable = durable || (change->result_ && change->durable);
    }
    if (batch.Count() > 0) {
      rocksdb::WriteOptions options;
      options.sync = options_.sync && durable;
      status = db_->Write(options, &batch);
    }
  }
  if (status.ok()) return;
  failed_ = true;
  log::error("commit failed: {}", status.ToString());
  // Also those whose condition failed: it may have failed because of a commit that is now undone.
  for (Change* change : changes) change->result_ = storage_failure(status, "committing");
}

Result<void> EmbeddedEngine::check_room(const Change& change, std::uint64_t free_bytes) const {
  const std::uint64_t needed = change.makes_room ? options_.min_free_bytes / 4 : options_.min_free_bytes;
  if (free_bytes >= needed) return {};
  return server_error("StorageFull", "The disk is full; nothing was stored.",
                      fmt::format("{} bytes are free, {} are wanted", free_bytes, needed));
}

Status EmbeddedEngine::reopen(std::uint64_t free_bytes) {
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
  const Status status = open_db();
  if (status.ok()) {
    failed_ = false;
    log::info("the store takes writes again");
  }
  return status;
}

}  // namespace likeness::storage
