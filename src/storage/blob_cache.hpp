#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "storage/blobs.hpp"

namespace likeness::storage {

/// The small blobs that were read last, whole and checked against their checksums when they came from the disk. A blob
/// never changes, so one that is here is right until it is removed. Bounded by bytes; whoever reads keeps what it has
/// got. Thread-safe; no call waits for more than the others.
class BlobCache {
 public:
  /// `capacity` 0: holds nothing.
  explicit BlobCache(std::size_t capacity) : capacity_(capacity) {}

  /// Whether a blob of this size is one to be held: many of them have to fit.
  bool takes(std::uint64_t size) const { return size > 0 && size <= kMostOfOne && size <= capacity_ / 8; }

  std::optional<HeldBytes> find(std::string_view id);

  /// For add(): before the blob is opened.
  std::uint64_t removals() const;
  /// Not if anything was removed since `removals`: it may have been this one, which must not come back.
  void add(std::string_view id, const HeldBytes& bytes, std::uint64_t removals);
  void remove(std::string_view id);

  std::size_t size() const;

 private:
  static constexpr std::uint64_t kMostOfOne = 256u << 10;

  struct Entry {
    std::string id;
    HeldBytes bytes;
  };

  const std::size_t capacity_;
  mutable std::mutex mutex_;
  std::list<Entry> entries_;                                                // the one used last is the first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> by_id_;  // keys are the entries' own
  std::size_t size_ = 0;
  std::uint64_t removals_ = 0;
};

}  // namespace likeness::storage
