#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "index/encoding.hpp"
#include "index/face_index.hpp"

namespace likeness::index {

using Slot = std::uint32_t;

/// Memory of zeros that the system hands out page by page as it is touched, so that room for many costs a small
/// collection nothing.
class LazyMemory {
 public:
  /// Throws std::bad_alloc.
  LazyMemory(std::size_t bytes, bool huge_pages);
  ~LazyMemory();
  LazyMemory(const LazyMemory&) = delete;
  LazyMemory& operator=(const LazyMemory&) = delete;

  std::byte* data() const { return data_; }

 private:
  std::byte* data_;
  std::size_t bytes_;
};

/// 16,384 slots; each part of the vectors in an array of its own, so that a search reads no more than it needs.
class Chunk {
 public:
  static constexpr std::size_t kSlots = 1u << 14;
  static constexpr std::size_t kBlocks = kSlots / kBlock;

  Chunk(std::size_t width, bool huge_pages);

  /// 64 slots: a bit is set while the slot holds a vector that searches may see.
  std::atomic<std::uint64_t>& live(std::size_t block) const { return live_[block]; }
  const std::uint64_t* signs(std::size_t block) const { return signs_ + block * kBlock * (width_ / 64); }
  const float* inverse_l1(std::size_t block) const { return inverse_l1_ + block * kBlock; }
  const std::uint8_t* codes(std::size_t slot) const { return codes_ + slot * width_; }
  const std::int16_t* fine(std::size_t slot) const { return fine_ + slot * width_; }
  float scale(std::size_t slot) const { return scale_[slot]; }
  float coarse_error(std::size_t slot) const { return coarse_error_[slot]; }
  const VectorId& id(std::size_t slot) const { return ids_[slot]; }

  /// Only on a slot that is not live and that no reader can still look at.
  void write(std::size_t slot, const VectorId& id, const EncodedVector& vector);
  /// Overwrites all that `write` wrote with zeros.
  void erase(std::size_t slot);

  static std::size_t bytes_per_slot(std::size_t width);

 private:
  void write_signs(std::size_t slot, const std::uint64_t* words);

  std::size_t width_;
  LazyMemory memory_;
  std::uint64_t* signs_;
  std::uint8_t* codes_;
  std::int16_t* fine_;
  float* scale_;
  float* coarse_error_;
  float* inverse_l1_;
  VectorId* ids_;
  std::atomic<std::uint64_t>* live_;
};

/// All chunks of an index. One writer at a time (the index's lock); readers at any time, under a ReaderGate visit.
class SlotTable {
 public:
  explicit SlotTable(std::size_t width);
  ~SlotTable();
  SlotTable(const SlotTable&) = delete;
  SlotTable& operator=(const SlotTable&) = delete;

  /// For readers: all slots that were ever in use lie below this, in chunks that are there.
  std::size_t end() const { return end_.load(); }
  const Chunk& chunk(std::size_t number) const { return *chunks_[number].load(std::memory_order_acquire); }
  const Chunk& chunk_of(Slot slot) const { return chunk(slot / Chunk::kSlots); }

  /// A free slot, of those erased before the ones never used; nothing if kMaxVectors are in use.
  std::optional<Slot> take();
  void write(Slot slot, const VectorId& id, const EncodedVector& vector);
  void publish(Slot slot);
  void hide(Slot slot);
  /// Makes a hidden slot free again. No reader may still look at it.
  void erase(Slot slot);

  const VectorId& id(Slot slot) const { return chunk_of(slot).id(slot % Chunk::kSlots); }
  std::size_t memory_bytes() const;

 private:
  static constexpr std::size_t kChunks = kMaxVectors / Chunk::kSlots;

  Chunk& writable(Slot slot) { return *chunks_[slot / Chunk::kSlots].load(std::memory_order_relaxed); }

  const std::size_t width_;
  LazyMemory directory_;
  std::atomic<Chunk*>* chunks_;
  std::atomic<std::size_t> end_{0};
  std::vector<Slot> free_;
};

/// Which slot an id is in. Open addressing over slot numbers: the ids themselves are in the slots.
class IdMap {
 public:
  explicit IdMap(const SlotTable& slots) : slots_(slots) {}

  std::optional<Slot> find(const VectorId& id) const;
  /// The id is not there yet, or is there and gets a new slot.
  void put(const VectorId& id, Slot slot);
  void remove(const VectorId& id);
  std::size_t size() const { return size_; }
  std::size_t memory_bytes() const { return places_.capacity() * sizeof(std::uint32_t); }

 private:
  std::size_t home(const VectorId& id) const;
  /// Where the id is, or the empty place where it would go.
  std::size_t place_of(const VectorId& id) const;
  void grow();

  const SlotTable& slots_;
  std::vector<std::uint32_t> places_;  // slot + 1; 0 is empty
  std::size_t size_ = 0;
};

}  // namespace likeness::index
