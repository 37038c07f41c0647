#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace likeness::bench {

/// Synthetic embeddings, clustered as those of face networks are: identities of 2 to 18 faces; two faces of one
/// identity have a cosine of about .6 +- .1, of two identities 0 +- .06. As in real embeddings the directions do not
/// carry equal variance (it falls as 1/sqrt(rank), which is what gives .06 at 512 dimensions); a rotation spreads it
/// over all coordinates. The same seed gives the same vectors.
class FaceLikeVectors {
 public:
  FaceLikeVectors(std::size_t dimensions, std::size_t count, std::uint64_t seed);

  std::size_t dimensions() const { return dimensions_; }
  std::size_t size() const { return count_; }
  std::size_t identities() const { return first_.size() - 1; }

  /// `count` x dimensions floats of length 1, in an order that mixes the identities.
  std::vector<float> vectors(int threads) const;
  /// New faces of identities that `vectors` holds.
  std::vector<float> queries(std::size_t count) const;

 private:
  /// Face `face` of identity `identity` into `out`.
  void make(std::uint64_t identity, std::uint64_t face, float* out) const;

  std::size_t dimensions_;
  std::size_t count_;
  std::uint64_t seed_;
  std::vector<float> deviation_;      // of each direction
  std::vector<float> signs_;          // of the rotation
  std::vector<std::uint32_t> first_;  // index of the first face of each identity
};

}  // namespace likeness::bench
