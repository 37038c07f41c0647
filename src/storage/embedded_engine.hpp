#pragma once

#include <array>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.hpp"
#include "storage/embedded.hpp"
#include "storage/embedded_blobs.hpp"
#include "storage/embedded_store.hpp"

namespace rocksdb {
class ColumnFamilyHandle;
class DB;
class Status;
class WriteBatch;
}  // namespace rocksdb

/// RocksDB as tables, blobs and logs share it. For the .cpp files of this module only.
namespace likeness::storage {

/// Each kind of data has a key space of its own, tuned for it; commits across them are atomic.
enum class Family : std::uint8_t { Tables, Blobs, Logs };
inline constexpr std::size_t kFamilies = 3;

Failure storage_failure(const rocksdb::Status& status, std::string_view doing);

/// Reads go straight to RocksDB from any thread. Changes queue up; the first in the queue leads: it takes all that
/// wait, lets each check its conditions in order against the engine and the group so far, and writes the group as one
/// batch with one sync. So conditions need no locks, a much-written key does not slow the others, and the cost of a
/// sync is shared by everything that is written. Nothing is visible to readers before it is on the disk.
class EmbeddedEngine {
 public:
  /// A group being put together; the leader's.
  struct Group {
    rocksdb::DB& db;
    rocksdb::ColumnFamilyHandle* tables;
    rocksdb::ColumnFamilyHandle* blobs;
    rocksdb::ColumnFamilyHandle* logs;
    rocksdb::WriteBatch& batch;
    /// What the group so far makes of the items it writes, as the next change must see them.
    std::unordered_map<std::string_view, const std::optional<std::string>*> items;
    /// Where it lets logs begin.
    std::unordered_map<std::string, std::uint64_t> trimmed;
  };

  /// Something to be written; lives on the stack of the thread that commits it.
  class Change {
   public:
    Change() = default;
    Change(const Change&) = delete;
    Change& operator=(const Change&) = delete;
    virtual ~Change() = default;

    /// Puts the change into the batch, or says why not and leaves the group as it was. Called by the leading thread.
    virtual Result<void> apply(Group& group) = 0;

    std::size_t bytes = 0;
    /// It leaves less than there was, or little more: may take from the reserve of a disk that is nearly full.
    bool makes_room = false;
    /// False: may be lost in a crash, as what removes garbage may.
    bool durable = true;

   private:
    friend class EmbeddedEngine;
    enum class State : std::uint8_t { Waiting, Leading, Done };
    State wait();
    void wake(State state);

    Result<void> result_;
    // Its own, so that who is woken need not queue up for anything.
    std::mutex mutex_;
    std::condition_variable woken_;
    State state_ = State::Waiting;
  };

  /// RocksDB in use; it is not replaced while this lives. Do not hold one while waiting for a commit.
  class Use {
   public:
    rocksdb::DB* operator->() const { return engine_.db_.get(); }
    rocksdb::DB& operator*() const { return *engine_.db_; }
    rocksdb::ColumnFamilyHandle* family(Family family) const {
      return engine_.families_[static_cast<std::size_t>(family)];
    }

   private:
    friend class EmbeddedEngine;
    explicit Use(const EmbeddedEngine& engine) : engine_(engine), lock_(engine.engine_mutex_) {}
    const EmbeddedEngine& engine_;
    std::shared_lock<std::shared_mutex> lock_;
  };

  static Result<std::unique_ptr<EmbeddedEngine>> open(const std::filesystem::path& path, const StoreOptions& options);
  ~EmbeddedEngine();
  EmbeddedEngine(const EmbeddedEngine&) = delete;
  EmbeddedEngine& operator=(const EmbeddedEngine&) = delete;

  /// Errors: "StorageFailure" (a failed engine could not be opened again).
  Result<Use> use() const;
  Result<void> commit(Change& change);

  /// A copy of this moment in `folder`, which must not exist; links where it can.
  Result<void> checkpoint(const std::filesystem::path& folder) const;
  /// Checks the checksums of all files.
  Result<void> verify() const;

  const StoreOptions& options() const { return options_; }
  const std::filesystem::path& path() const { return path_; }

 private:
  EmbeddedEngine(std::filesystem::path path, const StoreOptions& options);

  rocksdb::Status open_db();
  void close();
  void lead();
  void write_group(const std::vector<Change*>& group);
  Result<void> check_room(const Change& change, std::uint64_t free_bytes) const;
  /// Closes and opens the engine: after a failed write it takes no more until then. Its own way to resume can wait
  /// for ever if the disk fills up once more meanwhile.
  rocksdb::Status reopen(std::uint64_t free_bytes);

  const std::filesystem::path path_;
  const StoreOptions options_;
  mutable std::shared_mutex engine_mutex_;  // shared: db_ is in use; alone: db_ is being replaced
  std::unique_ptr<rocksdb::DB> db_;         // null after a reopen that failed
  std::array<rocksdb::ColumnFamilyHandle*, kFamilies> families_{};

  std::mutex queue_mutex_;
  std::deque<Change*> queue_;
  bool led_ = false;     // somebody leads
  bool failed_ = false;  // the leader's only
};

std::unique_ptr<Store> make_embedded_store(std::shared_ptr<EmbeddedEngine> engine);
std::unique_ptr<Log> make_embedded_log(std::shared_ptr<EmbeddedEngine> engine);

/// `folder` holds what is too large for the engine.
Result<std::unique_ptr<EmbeddedBlobs>> open_embedded_blobs(std::shared_ptr<EmbeddedEngine> engine,
                                                           const std::filesystem::path& folder,
                                                           const BlobOptions& options);

}  // namespace likeness::storage
