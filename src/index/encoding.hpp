#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "index/kernels.hpp"

namespace likeness::index {

/// A vector as the index holds it, after the rotation: 3 1/8 bytes a dimension.
///
/// value[i] = scale * (256 * 256 * (codes[i] - 128) + fine[i]): 24 bits, so that each value is true to the largest
/// one's 2^-24 and a cosine to about 1e-8. `codes` alone is the coarse vector: the real one differs from it by a vector
/// of length `coarse_error`, which bounds the error of any cosine worked out from it (Cauchy and Schwarz). `signs` are
/// the sign bits: multiplied with a query and by inverse_l1 they estimate the cosine without bias, with a standard
/// deviation of about .75 / sqrt(width) (RaBitQ: Gao and Long 2024).
struct EncodedVector {
  std::vector<std::uint8_t> codes;
  std::vector<std::int16_t> fine;
  std::vector<std::uint64_t> signs;  // bit i % 64 of word i / 64
  float scale = 0;
  float coarse_error = 0;
  float inverse_l1 = 0;
};

struct EncodedQuery {
  std::vector<float> values;       // rotated, of length 1
  std::vector<std::int8_t> codes;  // values[i] is about code_scale * codes[i]
  std::vector<std::uint64_t> planes;
  float code_scale = 0;
  float code_error = 0;       // length of what the codes leave out
  std::int32_t code_sum = 0;  // of 128 * codes: what the offset of the stored codes adds to a dot product
  FilterQuery filter{};       // points into planes
};

/// Turns vectors into their stored form and back. A fixed rotation (random signs, then a Hadamard transform, twice)
/// spreads each vector evenly over all coordinates first: rounding errors get small, and the estimate from the signs
/// has the error that its theory says. The same for all indexes, so the same vectors give the same results anywhere.
class Encoder {
 public:
  explicit Encoder(std::size_t dimensions);

  std::size_t dimensions() const { return dimensions_; }
  /// Dimensions after the rotation: a power of two, at least 64.
  std::size_t width() const { return width_; }
  std::size_t words() const { return width_ / 64; }
  /// Standard deviation of the filter's estimate.
  float filter_deviation() const;

  /// nullopt if the vector has the wrong size, values that are not finite, or no direction.
  std::optional<EncodedVector> encode(std::span<const float> vector) const;
  std::optional<EncodedQuery> encode_query(std::span<const float> vector) const;
  std::vector<float> decode(const std::uint8_t* codes, const std::int16_t* fine, float scale) const;

 private:
  /// Of length 1 and rotated.
  std::optional<std::vector<double>> rotated(std::span<const float> vector) const;

  std::size_t dimensions_;
  std::size_t width_;
  std::vector<double> first_signs_;
  std::vector<double> second_signs_;
};

}  // namespace likeness::index
