#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>

#include "base/result.hpp"
#include "storage/backup.hpp"
#include "storage/blobs.hpp"
#include "storage/embedded_store.hpp"
#include "storage/log.hpp"

namespace likeness::storage {

struct BlobOptions {
  /// Blobs of up to this size are kept by the engine, where many share one sync; larger ones get files of their own,
  /// which are written once instead of twice and do not make small commits wait.
  std::size_t inline_bytes = 64u << 10;
  /// Memory for small blobs that were read lately from their files, so that reading them again costs neither opening
  /// the file nor checking it; 0: none.
  std::size_t cache_bytes = 32u << 20;
};

struct EmbeddedOptions {
  StoreOptions store;
  BlobOptions blobs;
};

/// Everything that a data folder holds: tables, logs and small blobs in DATA/store, large blobs in DATA/blobs. The
/// parts share one engine, so that what they write at the same time shares one sync. One process at a time.
class EmbeddedStorage {
 public:
  /// Makes what is missing. Errors as open_embedded_store's.
  static Result<std::unique_ptr<EmbeddedStorage>> open(const std::filesystem::path& data,
                                                       const EmbeddedOptions& options = {});
  ~EmbeddedStorage();
  EmbeddedStorage(const EmbeddedStorage&) = delete;
  EmbeddedStorage& operator=(const EmbeddedStorage&) = delete;

  Store& store();
  Blobs& blobs();
  Log& log();

  /// Writes a backup (backup.hpp) of one moment into `destination` while everything goes on: tables, logs and every
  /// blob they name. Files that never change are linked where the disk allows it, else copied. One at a time. Errors:
  /// "NotEmpty", "StorageFull", "StorageFailure".
  Result<BackupReport> backup(const std::filesystem::path& destination);

  /// Reads all of the tables, logs and small blobs and checks their checksums.
  Result<void> verify() const;

 private:
  struct Parts;
  explicit EmbeddedStorage(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace likeness::storage
