#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>

#include "base/result.hpp"
#include "storage/store.hpp"

namespace likeness::storage {

struct StoreOptions {
  /// False gives up power-loss safety (not kill -9 safety) for speed: tests and scratch data only.
  bool sync = true;
  /// Memory for blocks read from the files; each store has its own.
  std::size_t cache_bytes = 64u << 20;
  /// Memory for writes before they go to a file.
  std::size_t write_buffer_bytes = 32u << 20;
  /// With less room than this on the disk, commits that add answer "StorageFull"; those that remove, and add no more
  /// than a note of it (4 KiB a removal), go on until only a quarter of it is left.
  std::uint64_t min_free_bytes = 64u << 20;
};

/// Opens the store in the folder `path`, making it if needed (0700). One process at a time.
/// Errors: "StorageInUse" (another process has it open), "DataFromNewerVersion", "StorageFull", "StorageFailure".
Result<std::unique_ptr<Store>> open_embedded_store(const std::filesystem::path& path, const StoreOptions& options = {});

}  // namespace likeness::storage
