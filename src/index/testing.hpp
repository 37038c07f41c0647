#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <span>
#include <vector>

#include "index/face_index.hpp"

namespace likeness::index {

/// The id number `number`.
inline VectorId test_id(std::uint64_t number) {
  VectorId id{};
  for (std::size_t i = 0; i < 8; ++i) id[15 - i] = static_cast<std::uint8_t>(number >> (8 * i));
  return id;
}

inline std::uint64_t number_of(const VectorId& id) {
  std::uint64_t number = 0;
  for (std::size_t i = 8; i < 16; ++i) number = number << 8 | id[i];
  return number;
}

inline void to_length_one(std::span<float> v) {
  double sum = 0;
  for (const float x : v) sum += double{x} * double{x};
  for (float& x : v) x = static_cast<float>(x / std::sqrt(sum));
}

inline std::vector<float> random_vector(std::mt19937& random, std::size_t dimensions) {
  std::normal_distribution<float> normal;
  std::vector<float> v(dimensions);
  for (float& x : v) x = normal(random);
  to_length_one(v);
  return v;
}

/// A vector whose cosine with `center` is about .775: two of them around one center have about .6, as two photos of one
/// person do.
inline std::vector<float> near(std::mt19937& random, std::span<const float> center) {
  std::vector<float> v = random_vector(random, center.size());
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = 0.775f * center[i] + 0.632f * v[i];
  to_length_one(v);
  return v;
}

inline double cosine(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += double{a[i]} * double{b[i]};
  return sum;
}

}  // namespace likeness::index
