#pragma once

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "storage/blob_cache.hpp"
#include "storage/blobs.hpp"
#include "storage/directory_syncer.hpp"
#include "storage/embedded.hpp"

namespace likeness::storage {

class EmbeddedEngine;

/// Small blobs in the engine, large ones in files DATA/blobs/xx/ID. The id says which, and when it was committed:
///   i or f, then 12 hex digits of milliseconds since 1970, then 16 random ones; xx are two of the time.
/// So blobs sort by age in the engine, and `sweep` need not look at young ones.
///
/// A file is written without a name (in DATA/blobs/incoming, where that needs one), gets it and is then synced. A crash
/// may leave a file of that name that is not whole, but nobody has heard of its id: garbage that `sweep` takes.
class EmbeddedBlobs final : public Blobs {
 public:
  EmbeddedBlobs(std::shared_ptr<EmbeddedEngine> engine, std::filesystem::path folder, const BlobOptions& options);
  ~EmbeddedBlobs() override;

  Result<std::unique_ptr<BlobWriter>> create(std::optional<std::uint64_t> expected_size) override;
  Result<std::unique_ptr<BlobReader>> open(std::string_view id, std::uint64_t offset,
                                           std::uint64_t length) const override;
  Result<void> remove(std::string_view id) override;
  Result<std::size_t> sweep(TimePoint older_than, const std::function<bool(std::string_view id)>& in_use) override;

  /// While one lives, files of removed blobs stay.
  class HeldRemovals {
   public:
    explicit HeldRemovals(EmbeddedBlobs& blobs);
    ~HeldRemovals();
    HeldRemovals(const HeldRemovals&) = delete;
    HeldRemovals& operator=(const HeldRemovals&) = delete;

   private:
    EmbeddedBlobs& blobs_;
  };

  /// Links or copies the file of every blob into a folder of the same layout. Returns those that are not whole.
  Result<std::vector<std::string>> link_all(const std::filesystem::path& folder) const;

 private:
  class Writer;
  std::filesystem::path path_of(std::string_view id) const;
  Result<void> check_room(std::uint64_t wanted) const;
  Result<std::unique_ptr<BlobReader>> open_file(std::string_view id, std::uint64_t offset, std::uint64_t length) const;
  Result<std::size_t> sweep_engine(std::string_view before, const std::function<bool(std::string_view id)>& in_use);
  Result<std::size_t> sweep_files(std::string_view before, const std::function<bool(std::string_view id)>& in_use);

  const std::shared_ptr<EmbeddedEngine> engine_;
  const std::filesystem::path folder_;
  const BlobOptions options_;
  std::mutex held_mutex_;
  int holders_ = 0;
  std::vector<std::string> held_;  // what is to be removed when nobody holds any more
  mutable BlobCache cache_;
  DirectorySyncer directories_;
};

}  // namespace likeness::storage
