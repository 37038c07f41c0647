#include <algorithm>
#include <array>
#include <bit>
#include <functional>
#include <limits>
#include <mutex>
#include <utility>

#include "index/encoding.hpp"
#include "index/face_index.hpp"
#include "index/kernels.hpp"
#include "index/reader_gate.hpp"
#include "index/slot_table.hpp"

namespace likeness::index {
namespace {

bool better(const Match& a, const Match& b) { return a.cosine != b.cosine ? a.cosine > b.cosine : a.id < b.id; }

/// The best `count` matches so far: a heap with the worst on top.
class BestMatches {
 public:
  BestMatches(std::size_t count, float min_cosine) : count_(count), floor_(min_cosine) {}

  /// What a cosine must reach to get in.
  float floor() const { return floor_; }

  void offer(const Match& match) {
    if (match.cosine < floor_) return;
    if (heap_.size() == count_) {
      if (!better(match, heap_.front())) return;
      std::pop_heap(heap_.begin(), heap_.end(), better);
      heap_.back() = match;
    } else {
      heap_.push_back(match);
    }
    std::push_heap(heap_.begin(), heap_.end(), better);
    if (heap_.size() == count_) floor_ = std::max(floor_, heap_.front().cosine);
  }

  std::vector<Match> take_sorted() {
    std::sort_heap(heap_.begin(), heap_.end(), better);
    return std::move(heap_);
  }

 private:
  std::size_t count_;
  float floor_;
  std::vector<Match> heap_;
};

/// The highest numbers seen so far, and the least of them.
class Leaders {
 public:
  explicit Leaders(std::size_t count) : heap_(count, -2.0f) {}
  /// Whether the number is among them now.
  bool enter(float number) {
    if (number <= heap_.front()) return false;
    std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
    heap_.back() = number;
    std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
    return true;
  }

 private:
  std::vector<float> heap_;
};

/// A vector that passed the filter and may be looked at later.
struct Candidate {
  Slot slot;
  float estimate;
};

/// A search looks at vectors in up to three steps, each with more bytes and fewer vectors than the one before:
/// 1. the filter (above `exact_up_to`): sign bits, 1/8 byte a dimension; keeps what may be within the margin. The best
///    estimates are followed up at once, so that the bar is soon high; the rest waits until it is at its highest;
/// 2. coarse: 8 bits a dimension and a strict bound of the error; keeps what can still get into the result;
/// 3. exact: 24 bits a dimension.
/// docs/decisions/face_index.md tells why this and not a graph.
class FlatFaceIndex final : public FaceIndex {
 public:
  explicit FlatFaceIndex(const FaceIndexOptions& options)
      : options_(options),
        encoder_(options.dimensions),
        kernels_(kernels_for(options.isa)),
        slots_(encoder_.width()),
        by_id_(slots_) {}

  Result<void> add(const VectorId& id, std::span<const float> vector) override;
  bool remove(const VectorId& id) override { return remove(std::span(&id, 1)) == 1; }
  std::size_t remove(std::span<const VectorId> ids) override;

  bool contains(const VectorId& id) const override {
    const std::lock_guard lock(mutex_);
    return by_id_.find(id).has_value();
  }

  std::optional<std::vector<float>> vector(const VectorId& id) const override {
    // A slot that the map names is not erased before the lock was held once more.
    const std::lock_guard lock(mutex_);
    const auto slot = by_id_.find(id);
    if (!slot) return std::nullopt;
    const Chunk& chunk = slots_.chunk_of(*slot);
    const std::size_t at = *slot % Chunk::kSlots;
    return encoder_.decode(chunk.codes(at), chunk.fine(at), chunk.scale(at));
  }

  std::vector<Match> search(std::span<const float> query, std::size_t count, float min_cosine) const override;

  std::size_t size() const override {
    const std::lock_guard lock(mutex_);
    return by_id_.size();
  }
  std::size_t dimensions() const override { return options_.dimensions; }
  std::size_t memory_bytes() const override {
    const std::lock_guard lock(mutex_);
    return sizeof(*this) + slots_.memory_bytes() + by_id_.memory_bytes();
  }

 private:
  void search_all(std::size_t end, const EncodedQuery& query, BestMatches& best) const;
  void search_filtered(std::size_t end, const EncodedQuery& query, std::size_t count, BestMatches& best) const;
  /// Looks at those that the bar has not left behind.
  void look_at(const std::vector<Candidate>& candidates, float margin, const EncodedQuery& query,
               BestMatches& best) const;
  void look(Slot slot, const EncodedQuery& query, BestMatches& best) const;

  const FaceIndexOptions options_;
  const Encoder encoder_;
  const Kernels& kernels_;
  ReaderGate gate_;

  mutable std::mutex mutex_;  // writers; searches take none
  SlotTable slots_;
  IdMap by_id_;
  std::mutex replacing_;  // one replacement at a time, see search; taken before mutex_
};

Result<void> FlatFaceIndex::add(const VectorId& id, std::span<const float> vector) {
  const auto encoded = encoder_.encode(vector);
  if (!encoded)
    return client_error("InvalidVector", "The vector has the wrong size, values that are not finite, or no direction.");
  const auto put = [&]() -> Result<void> {
    const auto slot = slots_.take();
    if (!slot) return client_error("IndexFull", "The index holds as many vectors as it can.");
    slots_.write(*slot, id, *encoded);
    slots_.publish(*slot);
    by_id_.put(id, *slot);
    return {};
  };
  {
    const std::lock_guard lock(mutex_);
    if (!by_id_.find(id)) return put();
  }
  const std::lock_guard one_replacement(replacing_);
  std::optional<Slot> old;
  {
    const std::lock_guard lock(mutex_);
    old = by_id_.find(id);
    if (auto done = put(); !done || !old) return done;
  }
  // Searches that were under way when the new one came may have passed its place already: they still need the old one.
  gate_.wait_for_readers();
  slots_.hide(*old);
  gate_.wait_for_readers();
  const std::lock_guard lock(mutex_);
  slots_.erase(*old);
  return {};
}

std::size_t FlatFaceIndex::remove(std::span<const VectorId> ids) {
  std::vector<Slot> hidden;
  {
    // Not amid a replacement of one of them, when its old vector is still seen.
    const std::scoped_lock lock(replacing_, mutex_);
    for (const VectorId& id : ids) {
      const auto slot = by_id_.find(id);
      if (!slot) continue;
      slots_.hide(*slot);
      by_id_.remove(id);
      hidden.push_back(*slot);
    }
  }
  if (hidden.empty()) return 0;
  gate_.wait_for_readers();
  const std::lock_guard lock(mutex_);
  for (const Slot slot : hidden) slots_.erase(slot);
  return hidden.size();
}

std::vector<Match> FlatFaceIndex::search(std::span<const float> query, std::size_t count, float min_cosine) const {
  const auto encoded = encoder_.encode_query(query);
  if (!encoded || count == 0) return {};

  const ReaderGate::Visit visit(gate_);
  const std::size_t end = slots_.end();
  // While an id gets a new vector both are there for a moment: one more match, so that one can go. There is never more
  // than one such id in a search, because a replacement ends by waiting for the searches that may see it.
  BestMatches best(std::min(count, end) + 1, min_cosine);
  if (end > options_.exact_up_to)
    search_filtered(end, *encoded, std::min(count, end) + 1, best);
  else
    search_all(end, *encoded, best);

  std::vector<Match> found = best.take_sorted();
  std::vector<std::pair<VectorId, std::size_t>> ids;
  ids.reserve(found.size());
  for (std::size_t i = 0; i < found.size(); ++i) ids.emplace_back(found[i].id, i);
  std::sort(ids.begin(), ids.end());
  const auto twice =
      std::adjacent_find(ids.begin(), ids.end(), [](const auto& a, const auto& b) { return a.first == b.first; });
  if (twice != ids.end()) found.erase(found.begin() + static_cast<std::ptrdiff_t>(std::next(twice)->second));
  if (found.size() > count) found.resize(count);
  return found;
}

void FlatFaceIndex::search_all(std::size_t end, const EncodedQuery& query, BestMatches& best) const {
  for (std::size_t slot = 0; slot < end; slot += kBlock) {
    // Reading the bits before the vectors is what makes a published vector's bytes visible here.
    std::uint64_t wanted = slots_.chunk_of(static_cast<Slot>(slot)).live(slot % Chunk::kSlots / kBlock).load();
    for (; wanted != 0; wanted &= wanted - 1)
      look(static_cast<Slot>(slot + static_cast<std::size_t>(std::countr_zero(wanted))), query, best);
  }
}

void FlatFaceIndex::search_filtered(std::size_t end, const EncodedQuery& query, std::size_t count,
                                    BestMatches& best) const {
  constexpr std::size_t kMaxWaiting = 1u << 18;
  const float margin = options_.filter_margin * encoder_.filter_deviation();
  Leaders leaders(count + 16);
  std::vector<Candidate> waiting;
  alignas(64) std::array<float, kBlock> estimates;
  for (std::size_t first = 0; first < end; first += kBlock) {
    const Chunk& chunk = slots_.chunk_of(static_cast<Slot>(first));
    const std::size_t block = first % Chunk::kSlots / kBlock;
    std::uint64_t wanted = chunk.live(block).load();
    if (wanted == 0) continue;
    wanted &= kernels_.filter(chunk.signs(block), chunk.inverse_l1(block), query.filter, best.floor() - margin,
                              estimates.data());
    for (; wanted != 0; wanted &= wanted - 1) {
      const auto at = static_cast<std::size_t>(std::countr_zero(wanted));
      const auto slot = static_cast<Slot>(first + at);
      if (leaders.enter(estimates[at]))
        look(slot, query, best);
      else
        waiting.push_back({slot, estimates[at]});
    }
    if (waiting.size() > kMaxWaiting) {
      look_at(waiting, margin, query, best);
      waiting.clear();
    }
  }
  look_at(waiting, margin, query, best);
}

void FlatFaceIndex::look_at(const std::vector<Candidate>& candidates, float margin, const EncodedQuery& query,
                            BestMatches& best) const {
  // Each waits a moment while its codes come from memory.
  constexpr std::size_t kAhead = 12;
  std::array<Slot, kAhead> coming{};
  std::size_t first = 0, last = 0;
  for (const Candidate& candidate : candidates) {
    if (candidate.estimate < best.floor() - margin) continue;
    const std::uint8_t* const codes = slots_.chunk_of(candidate.slot).codes(candidate.slot % Chunk::kSlots);
    for (std::size_t at = 0; at < encoder_.width(); at += 64) __builtin_prefetch(codes + at);
    if (last - first == kAhead) look(coming[first++ % kAhead], query, best);
    coming[last++ % kAhead] = candidate.slot;
  }
  while (first != last) look(coming[first++ % kAhead], query, best);
}

void FlatFaceIndex::look(Slot number, const EncodedQuery& query, BestMatches& best) const {
  const Chunk& chunk = slots_.chunk_of(number);
  const std::size_t slot = number % Chunk::kSlots;
  const std::size_t width = encoder_.width();
  const std::int32_t dot = kernels_.coarse(chunk.codes(slot), query.codes.data(), width) - query.code_sum;
  const float scale = chunk.scale(slot);
  const float error = chunk.coarse_error(slot);
  const float coarse = query.code_scale * scale * 65536.0f * static_cast<float>(dot);
  // |q.x - q'.x'| <= |q| |x - x'| + |q - q'| |x'|, plus what floats round away here.
  const float most = coarse + error + query.code_error * (1 + error) + 2e-6f;
  if (most < best.floor()) return;
  const double exact = double{scale} * kernels_.exact(chunk.codes(slot), chunk.fine(slot), query.values.data(), width);
  best.offer({chunk.id(slot), static_cast<float>(exact)});
}

}  // namespace

std::unique_ptr<FaceIndex> make_face_index(const FaceIndexOptions& options) {
  return std::make_unique<FlatFaceIndex>(options);
}

}  // namespace likeness::index
