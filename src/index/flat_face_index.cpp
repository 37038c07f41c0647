#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <functional>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "index/encoding.hpp"
#include "index/face_index.hpp"
#include "index/kernels.hpp"
#include "index/reader_gate.hpp"
#include "index/slot_table.hpp"

namespace likeness::index {
namespace {

bool better(const Match& a, const Match& b) { return a.cosine != b.cosine ? a.cosine > b.cosine : a.id < b.id; }

/// The highest bar that any part of a search has reached: what each part may leave out.
class Bar {
 public:
  explicit Bar(float height) : height_(height) {}
  float height() const { return height_.load(std::memory_order_relaxed); }
  void raise(float height) {
    float old = height_.load(std::memory_order_relaxed);
    while (old < height && !height_.compare_exchange_weak(old, height, std::memory_order_relaxed)) {
    }
  }

 private:
  std::atomic<float> height_;
};

/// The best `count` matches so far: a heap with the worst on top.
class BestMatches {
 public:
  BestMatches(std::size_t count, Bar& bar) : count_(count), bar_(bar) {}

  std::size_t count() const { return count_; }
  /// What a cosine must reach to get in.
  float floor() const { return bar_.height(); }

  void offer(const Match& match) {
    if (match.cosine < floor()) return;
    if (heap_.size() == count_) {
      if (!better(match, heap_.front())) return;
      std::pop_heap(heap_.begin(), heap_.end(), better);
      heap_.back() = match;
    } else {
      heap_.push_back(match);
    }
    std::push_heap(heap_.begin(), heap_.end(), better);
    if (heap_.size() == count_) bar_.raise(heap_.front().cosine);
  }

  std::vector<Match> take_sorted() {
    std::sort_heap(heap_.begin(), heap_.end(), better);
    return std::move(heap_);
  }

 private:
  std::size_t count_;
  Bar& bar_;
  std::vector<Match> heap_;
};

/// At most so many estimates are followed up at once.
constexpr std::size_t kLeaders = 128;

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
        margin_(options.filter_margin * encoder_.filter_deviation()),
        kernels_(kernels_for(options.isa)),
        slots_(encoder_.width()),
        by_id_(slots_),
        idle_helpers_(static_cast<int>(options.search_threads != 0
                                           ? options.search_threads
                                           : std::max(1u, std::thread::hardware_concurrency())) -
                      1) {}

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
  /// The slots from `first` up to `end`, both whole blocks but for the last.
  void search_filtered(std::size_t first, std::size_t end, const EncodedQuery& query, BestMatches& best) const;
  /// Looks at those that the bar has not left behind. Reorders them.
  void look_at(std::vector<Candidate>& candidates, const EncodedQuery& query, BestMatches& best) const;
  void look(Slot slot, const EncodedQuery& query, BestMatches& best) const;

  /// How many threads besides the caller's this search may use; they are given back by the second.
  std::size_t take_helpers(std::size_t vectors) const;
  void give_back(std::size_t helpers) const { idle_helpers_ += static_cast<int>(helpers); }
  std::vector<Match> search_slots(std::size_t end, const EncodedQuery& query, std::size_t count,
                                  float min_cosine) const;

  const FaceIndexOptions options_;
  const Encoder encoder_;
  const float margin_;
  const Kernels& kernels_;
  ReaderGate gate_;

  mutable std::mutex mutex_;  // writers; searches take none
  SlotTable slots_;
  IdMap by_id_;
  mutable std::atomic<int> idle_helpers_;
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
  std::vector<Match> found = search_slots(end, *encoded, std::min(count, end) + 1, min_cosine);
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

std::size_t FlatFaceIndex::take_helpers(std::size_t vectors) const {
  const auto useful = static_cast<int>(std::min<std::size_t>(vectors / options_.vectors_per_thread, 256)) - 1;
  int idle = idle_helpers_.load();
  while (idle > 0 && useful > 0) {
    const int taken = std::min(idle, useful);
    if (idle_helpers_.compare_exchange_weak(idle, idle - taken)) return static_cast<std::size_t>(taken);
  }
  return 0;
}

std::vector<Match> FlatFaceIndex::search_slots(std::size_t end, const EncodedQuery& query, std::size_t count,
                                               float min_cosine) const {
  Bar bar(min_cosine);
  BestMatches best(count, bar);
  if (end <= options_.exact_up_to) {
    search_all(end, query, best);
    return best.take_sorted();
  }
  const std::size_t helpers = take_helpers(end);
  if (helpers == 0) {
    search_filtered(0, end, query, best);
    return best.take_sorted();
  }
  const std::size_t part = (end / (helpers + 1) + kBlock) / kBlock * kBlock;
  std::vector<BestMatches> others(helpers, BestMatches(count, bar));
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < helpers; ++i) {
      const auto search_part = [&, i] {
        search_filtered(std::min(end, (i + 1) * part), std::min(end, (i + 2) * part), query, others[i]);
      };
      try {
        threads.emplace_back(search_part);
      } catch (const std::system_error&) {  // the system gives no more threads
        search_part();
      }
    }
    search_filtered(0, std::min(end, part), query, best);
  }
  give_back(helpers);
  for (BestMatches& other : others)
    for (const Match& match : other.take_sorted()) best.offer(match);
  return best.take_sorted();
}

void FlatFaceIndex::search_all(std::size_t end, const EncodedQuery& query, BestMatches& best) const {
  for (std::size_t slot = 0; slot < end; slot += kBlock) {
    // Reading the bits before the vectors is what makes a published vector's bytes visible here.
    std::uint64_t wanted = slots_.chunk_of(static_cast<Slot>(slot)).live(slot % Chunk::kSlots / kBlock).load();
    for (; wanted != 0; wanted &= wanted - 1)
      look(static_cast<Slot>(slot + static_cast<std::size_t>(std::countr_zero(wanted))), query, best);
  }
}

void FlatFaceIndex::search_filtered(std::size_t first, std::size_t end, const EncodedQuery& query,
                                    BestMatches& best) const {
  constexpr std::size_t kMaxWaiting = 1u << 18;
  Leaders leaders(std::min<std::size_t>(best.count() + 16, kLeaders));
  std::vector<Candidate> waiting;
  alignas(64) std::array<float, kBlock> estimates;
  for (; first < end; first += kBlock) {
    const Chunk& chunk = slots_.chunk_of(static_cast<Slot>(first));
    const std::size_t block = first % Chunk::kSlots / kBlock;
    std::uint64_t wanted = chunk.live(block).load();
    if (wanted == 0) continue;
    wanted &= kernels_.filter(chunk.signs(block), chunk.inverse_l1(block), query.filter, best.floor() - margin_,
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
      look_at(waiting, query, best);
      waiting.clear();
    }
  }
  look_at(waiting, query, best);
}

void FlatFaceIndex::look_at(std::vector<Candidate>& candidates, const EncodedQuery& query, BestMatches& best) const {
  // If more are wanted than were followed up at once: the likely ones first, they raise the bar for the rest.
  if (best.count() > kLeaders && candidates.size() > best.count())
    std::nth_element(candidates.begin(), candidates.begin() + static_cast<std::ptrdiff_t>(best.count()),
                     candidates.end(), [](const Candidate& a, const Candidate& b) { return a.estimate > b.estimate; });
  // Each waits a moment while its codes come from memory.
  constexpr std::size_t kAhead = 12;
  std::array<Slot, kAhead> coming{};
  std::size_t first = 0, last = 0;
  for (const Candidate& candidate : candidates) {
    if (candidate.estimate < best.floor() - margin_) continue;
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
