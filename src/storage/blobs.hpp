#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"

/// Bytes too large for a table: written once as a stream, never changed, read in any range. What a blob is called is
/// the store's business: whoever writes one keeps the id in a table, and a blob that no table names is garbage.
namespace likeness::storage {

struct BlobInfo {
  std::string id;  // printable ASCII, at most 64 bytes
  std::uint64_t size = 0;
  std::uint32_t crc32c = 0;  // of all bytes: what reads are checked against
};

/// A blob on its way in. Used by one thread at a time. Destroyed without `commit`, it leaves nothing behind.
class BlobWriter {
 public:
  virtual ~BlobWriter() = default;
  /// Errors: "StorageFull", "StorageFailure"; the writer is of no use afterwards.
  virtual Result<void> write(BytesView bytes) = 0;
  /// The blob survives a crash of the process and of the machine when this returns; before, nobody can see it. Once.
  virtual Result<BlobInfo> commit() = 0;
};

/// Bytes in memory that several may read at once; nobody changes them.
struct HeldBytes {
  std::shared_ptr<const void> owner;
  BytesView bytes;
};

/// A blob, or a range of one, from first byte to last. Used by one thread at a time. Keeps what it reads readable, also
/// when the blob is removed meanwhile.
class BlobReader {
 public:
  virtual ~BlobReader() = default;
  /// Fills `into` in part or whole; 0 only at the end. Errors: "StorageFailure" (also when the bytes on the disk are
  /// not those that were written).
  virtual Result<std::size_t> read(std::span<std::uint8_t> into) = 0;

  /// All that `read` would give from here on, if it is in memory and checked already; nothing is read by this.
  virtual std::optional<HeldBytes> held() const { return std::nullopt; }
};

/// Thread-safe. Every call blocks: call it on the work pool.
class Blobs {
 public:
  virtual ~Blobs() = default;

  /// `expected_size`, where known, lets a disk that is too small refuse at once ("StorageFull").
  virtual Result<std::unique_ptr<BlobWriter>> create(std::optional<std::uint64_t> expected_size) = 0;

  /// Bytes `offset` to `offset + length` (cut at the blob's end). Errors: "NotFound", "StorageFailure".
  virtual Result<std::unique_ptr<BlobReader>> open(std::string_view id, std::uint64_t offset = 0,
                                                   std::uint64_t length = UINT64_MAX) const = 0;

  /// Nothing happens if there is none. The space is free when the last open reader is gone.
  virtual Result<void> remove(std::string_view id) = 0;

  /// Removes every blob written before `older_than` for which `in_use` says no: what writers left that crashed between
  /// a blob and its table. Returns how many.
  virtual Result<std::size_t> sweep(TimePoint older_than, const std::function<bool(std::string_view id)>& in_use) = 0;
};

}  // namespace likeness::storage
