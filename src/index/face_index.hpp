#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/result.hpp"

namespace likeness::index {

/// 16 bytes of a UUID: what the index knows a vector by.
using VectorId = std::array<std::uint8_t, 16>;

struct Match {
  VectorId id{};
  float cosine = 0;  // of the float32 vectors, true to 1e-7
};

/// Vectors of one collection, found by cosine. Up to `exact_up_to` vectors a search finds exactly what comparing
/// float32 vectors one by one finds; above it a filter looks first, and each vector that belongs into the result is
/// missed with a probability of at most .005 (measured recall at 10: see docs/benchmarks.md). Everything is in memory;
/// the store is the truth, and filling an index from it costs a few microseconds a vector, so an index has no file of
/// its own.
///
/// Thread-safe, and nobody waits for searches but `remove` and replacing `add`: a search that starts after `add`
/// returned sees the vector, one that starts after `remove` returned does not, and then the vector is overwritten in
/// memory.
class FaceIndex {
 public:
  virtual ~FaceIndex() = default;

  /// Adds, or replaces the vector of an id that is there. `vector` has dimensions() finite floats, not all zero; it is
  /// brought to length 1. Error "InvalidVector" otherwise, "IndexFull" beyond kMaxVectors. Many threads may add at
  /// once.
  virtual Result<void> add(const VectorId& id, std::span<const float> vector) = 0;
  /// False if the id is not there.
  virtual bool remove(const VectorId& id) = 0;
  /// How many of the ids were there. One wait for running searches instead of one for each id.
  virtual std::size_t remove(std::span<const VectorId> ids) = 0;

  virtual bool contains(const VectorId& id) const = 0;
  /// The vector of an id (of length 1, each value true to 1e-8).
  virtual std::optional<std::vector<float>> vector(const VectorId& id) const = 0;

  /// At most `count` matches with cosine >= `min_cosine`, best first; equal cosines by id. The query needs no length of
  /// 1. A query of the wrong size, or without a direction, matches nothing.
  virtual std::vector<Match> search(std::span<const float> query, std::size_t count, float min_cosine) const = 0;

  virtual std::size_t size() const = 0;
  virtual std::size_t dimensions() const = 0;
  /// What it occupies; grows with the most vectors it ever held.
  virtual std::size_t memory_bytes() const = 0;
};

/// Instruction sets that searches are written for. `Portable` runs anywhere.
enum class Isa { Portable, Avx2, AvxVnni, Avx512, Avx512Vnni };

/// The best one this processor has, and whether it has a given one.
Isa best_isa();
bool has_isa(Isa isa);

inline constexpr std::size_t kMaxVectors = std::size_t{1} << 25;  // AWS's limit is 20 million faces a collection

struct FaceIndexOptions {
  std::size_t dimensions = 512;  // 1 to 4096
  /// From how many vectors on the filter is used.
  std::size_t exact_up_to = 5'000;
  /// How far below the wanted cosine the filter's estimate may lie, in standard deviations of its error.
  float filter_margin = 2.6f;
  /// A search of many vectors is spread over up to so many threads, one for each `vectors_per_thread`, as long as other
  /// searches leave some. 0: as many as the processor has cores.
  std::size_t search_threads = 0;
  std::size_t vectors_per_thread = 200'000;
  Isa isa = best_isa();
};

std::unique_ptr<FaceIndex> make_face_index(const FaceIndexOptions& options = {});

}  // namespace likeness::index
