#include "index/slot_table.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <new>

namespace likeness::index {
namespace {

constexpr std::size_t kPage = 4096;

std::size_t whole_pages(std::size_t bytes) { return (bytes + kPage - 1) / kPage * kPage; }

}  // namespace

LazyMemory::LazyMemory(std::size_t bytes, bool huge_pages) : bytes_(whole_pages(bytes)) {
  void* memory = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  // Advice only: what the system makes of it changes speed, never results.
  ::madvise(memory, bytes_, huge_pages ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
  // Faces do not belong into core dumps.
  ::madvise(memory, bytes_, MADV_DONTDUMP);
  data_ = static_cast<std::byte*>(memory);
}

LazyMemory::~LazyMemory() { ::munmap(data_, bytes_); }

std::size_t Chunk::bytes_per_slot(std::size_t width) {
  return width / 8 + width + 2 * width + 3 * sizeof(float) + sizeof(VectorId);
}

Chunk::Chunk(std::size_t width, bool huge_pages)
    : width_(width), memory_(kSlots * bytes_per_slot(width) + kSlots / 8, huge_pages) {
  std::byte* at = memory_.data();
  const auto take = [&at](std::size_t bytes) {
    std::byte* const part = at;
    at += bytes;
    return part;
  };
  // Each part is a whole number of pages: kSlots is a multiple of the page size.
  signs_ = reinterpret_cast<std::uint64_t*>(take(kSlots * width / 8));
  codes_ = reinterpret_cast<std::uint8_t*>(take(kSlots * width));
  fine_ = reinterpret_cast<std::int16_t*>(take(kSlots * width * 2));
  scale_ = reinterpret_cast<float*>(take(kSlots * sizeof(float)));
  coarse_error_ = reinterpret_cast<float*>(take(kSlots * sizeof(float)));
  inverse_l1_ = reinterpret_cast<float*>(take(kSlots * sizeof(float)));
  ids_ = reinterpret_cast<VectorId*>(take(kSlots * sizeof(VectorId)));
  // Zeroed memory is a valid atomic of zero; the standard only has no way to say so of mapped memory.
  live_ = reinterpret_cast<std::atomic<std::uint64_t>*>(take(kSlots / 8));
}

void Chunk::write_signs(std::size_t slot, const std::uint64_t* words) {
  const std::size_t count = width_ / 64;
  std::uint64_t* to = signs_ + slot / kLanes * kLanes * count + slot % kLanes;
  for (std::size_t w = 0; w < count; ++w) to[w * kLanes] = words == nullptr ? 0 : words[w];
}

void Chunk::write(std::size_t slot, const VectorId& id, const EncodedVector& vector) {
  write_signs(slot, vector.signs.data());
  std::memcpy(codes_ + slot * width_, vector.codes.data(), width_);
  std::memcpy(fine_ + slot * width_, vector.fine.data(), 2 * width_);
  scale_[slot] = vector.scale;
  coarse_error_[slot] = vector.coarse_error;
  inverse_l1_[slot] = vector.inverse_l1;
  ids_[slot] = id;
}

void Chunk::erase(std::size_t slot) {
  write_signs(slot, nullptr);
  std::memset(codes_ + slot * width_, 0, width_);
  std::memset(fine_ + slot * width_, 0, 2 * width_);
  scale_[slot] = coarse_error_[slot] = inverse_l1_[slot] = 0;
  ids_[slot] = {};
}

SlotTable::SlotTable(std::size_t width)
    : width_(width),
      directory_(kChunks * sizeof(std::atomic<Chunk*>), false),
      chunks_(reinterpret_cast<std::atomic<Chunk*>*>(directory_.data())) {}

SlotTable::~SlotTable() {
  for (std::size_t i = 0; i * Chunk::kSlots < end_; ++i) delete chunks_[i].load();
}

std::optional<Slot> SlotTable::take() {
  if (!free_.empty()) {
    const Slot slot = free_.back();
    free_.pop_back();
    return slot;
  }
  const std::size_t slot = end_.load(std::memory_order_relaxed);
  if (slot == kMaxVectors) return std::nullopt;
  // Small pages for the first chunk: most collections end within it.
  if (slot % Chunk::kSlots == 0)
    chunks_[slot / Chunk::kSlots].store(new Chunk(width_, slot > 0), std::memory_order_release);
  end_.store(slot + 1);
  return static_cast<Slot>(slot);
}

void SlotTable::write(Slot slot, const VectorId& id, const EncodedVector& vector) {
  writable(slot).write(slot % Chunk::kSlots, id, vector);
}

void SlotTable::publish(Slot slot) {
  const std::size_t at = slot % Chunk::kSlots;
  writable(slot).live(at / kBlock).fetch_or(std::uint64_t{1} << (at % kBlock));
}

void SlotTable::hide(Slot slot) {
  const std::size_t at = slot % Chunk::kSlots;
  writable(slot).live(at / kBlock).fetch_and(~(std::uint64_t{1} << (at % kBlock)));
}

void SlotTable::erase(Slot slot) {
  writable(slot).erase(slot % Chunk::kSlots);
  free_.push_back(slot);
}

std::size_t SlotTable::memory_bytes() const {
  return end() * Chunk::bytes_per_slot(width_) + free_.capacity() * sizeof(Slot);
}

std::size_t IdMap::home(const VectorId& id) const {
  // Ids may be of any origin (also time-ordered), so all of their bits count.
  std::uint64_t a = 0, b = 0;
  std::memcpy(&a, id.data(), 8);
  std::memcpy(&b, id.data() + 8, 8);
  std::uint64_t z = (a ^ (b << 32 | b >> 32)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 29)) * 0x94D049BB133111EBu;
  return (z ^ (z >> 32)) & (places_.size() - 1);
}

std::size_t IdMap::place_of(const VectorId& id) const {
  std::size_t at = home(id);
  while (places_[at] != 0 && slots_.id(places_[at] - 1) != id) at = (at + 1) & (places_.size() - 1);
  return at;
}

std::optional<Slot> IdMap::find(const VectorId& id) const {
  if (places_.empty()) return std::nullopt;
  const std::uint32_t found = places_[place_of(id)];
  if (found == 0) return std::nullopt;
  return found - 1;
}

void IdMap::put(const VectorId& id, Slot slot) {
  if ((size_ + 1) * 4 > places_.size() * 3) grow();
  std::uint32_t& place = places_[place_of(id)];
  if (place == 0) ++size_;
  place = slot + 1;
}

void IdMap::remove(const VectorId& id) {
  if (places_.empty()) return;
  std::size_t hole = place_of(id);
  if (places_[hole] == 0) return;
  places_[hole] = 0;
  --size_;
  // Those behind it that could not be at home because of it move up.
  const std::size_t mask = places_.size() - 1;
  for (std::size_t at = (hole + 1) & mask; places_[at] != 0; at = (at + 1) & mask) {
    const std::size_t wanted = home(slots_.id(places_[at] - 1));
    if (((at - wanted) & mask) < ((at - hole) & mask)) continue;
    places_[hole] = places_[at];
    places_[at] = 0;
    hole = at;
  }
}

void IdMap::grow() {
  std::vector<std::uint32_t> old(std::max<std::size_t>(16, places_.size() * 2), 0);
  old.swap(places_);
  for (const std::uint32_t entry : old)
    if (entry != 0) places_[place_of(slots_.id(entry - 1))] = entry;
}

}  // namespace likeness::index
