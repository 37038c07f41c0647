#include "storage/blob_cache.hpp"

#include <utility>

namespace likeness::storage {

std::optional<HeldBytes> BlobCache::find(std::string_view id) {
  const std::lock_guard lock(mutex_);
  const auto at = by_id_.find(id);
  if (at == by_id_.end()) return std::nullopt;
  entries_.splice(entries_.begin(), entries_, at->second);
  return at->second->bytes;
}

std::uint64_t BlobCache::removals() const {
  const std::lock_guard lock(mutex_);
  return removals_;
}

void BlobCache::add(std::string_view id, const HeldBytes& bytes, std::uint64_t removals) {
  if (!takes(bytes.bytes.size())) return;
  // What is evicted is freed after the lock is let go.
  std::list<Entry> evicted;
  const std::lock_guard lock(mutex_);
  if (removals != removals_ || by_id_.contains(id)) return;
  entries_.push_front({std::string(id), bytes});
  by_id_.emplace(entries_.front().id, entries_.begin());
  size_ += bytes.bytes.size();
  while (size_ > capacity_) {
    size_ -= entries_.back().bytes.bytes.size();
    by_id_.erase(entries_.back().id);
    evicted.splice(evicted.begin(), entries_, std::prev(entries_.end()));
  }
}

void BlobCache::remove(std::string_view id) {
  std::list<Entry> removed;
  const std::lock_guard lock(mutex_);
  ++removals_;
  const auto at = by_id_.find(id);
  if (at == by_id_.end()) return;
  const auto entry = at->second;
  size_ -= entry->bytes.bytes.size();
  by_id_.erase(at);
  removed.splice(removed.begin(), entries_, entry);
}

std::size_t BlobCache::size() const {
  const std::lock_guard lock(mutex_);
  return size_;
}

}  // namespace likeness::storage
