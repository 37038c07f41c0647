#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace likeness::index {

/// 16 bytes of a UUID: what the index knows a vector by.
using VectorId = std::array<std::uint8_t, 16>;

struct Match {
  VectorId id{};
  float cosine = 0;  // of the float32 vectors, exact
};

/// Vectors of one collection, L2-normalised, found by cosine. Exact scan while small, graph above; which of the two is
/// in use does not show in the results of the exact range and only as recall (>= .99 at 10) above it.
///
/// Thread-safe: searches run while vectors are added and removed; a search that starts after `add` returned sees the
/// vector, one that starts after `remove` returned does not. Removal overwrites the vector in memory.
class FaceIndex {
 public:
  virtual ~FaceIndex() = default;

  /// Adds, or replaces the vector of an id that is there. `vector` has dimensions() floats of length 1.
  virtual void add(const VectorId& id, std::span<const float> vector) = 0;
  /// False if the id is not there.
  virtual bool remove(const VectorId& id) = 0;

  /// At most `count` matches with cosine >= `min_cosine`, best first; equal cosines by id.
  virtual std::vector<Match> search(std::span<const float> query, std::size_t count, float min_cosine) const = 0;

  virtual std::size_t size() const = 0;
  virtual std::size_t dimensions() const = 0;
  virtual std::size_t memory_bytes() const = 0;
};

}  // namespace likeness::index
