#include <bit>

#include "index/kernels.hpp"

namespace likeness::index {
namespace {

LIKENESS_READS_UNPUBLISHED_SLOTS
std::uint64_t filter(const std::uint64_t* signs, const float* inverse_l1, const FilterQuery& query, float cut,
                     float* estimates) {
  std::uint64_t passed = 0;
  for (std::size_t slot = 0; slot < kBlock; ++slot) {
    const std::uint64_t* word = signs + slot / kLanes * query.words * kLanes + slot % kLanes;
    const std::uint64_t* plane = query.planes;
    int count = 0, weighted = 0;
    for (std::size_t w = 0; w < query.words; ++w, word += kLanes, plane += 4) {
      count += std::popcount(*word);
      weighted += std::popcount(*word & plane[0]) + 2 * std::popcount(*word & plane[1]) +
                  4 * std::popcount(*word & plane[2]) + 8 * std::popcount(*word & plane[3]);
    }
    estimates[slot] =
        (query.per_sign * static_cast<float>(count) + query.per_weight * static_cast<float>(weighted) + query.offset) *
        inverse_l1[slot];
    passed |= std::uint64_t{estimates[slot] >= cut} << slot;
  }
  return passed;
}

std::int32_t coarse(const std::uint8_t* codes, const std::int8_t* query, std::size_t width) {
  std::int32_t sum = 0;
  for (std::size_t i = 0; i < width; ++i) sum += std::int32_t{codes[i]} * std::int32_t{query[i]};
  return sum;
}

double exact(const std::uint8_t* codes, const std::int16_t* fine, const float* query, std::size_t width) {
  double sums[16] = {};
  for (std::size_t i = 0; i < width; i += 16)
    for (std::size_t lane = 0; lane < 16; ++lane) {
      const std::int32_t value = (std::int32_t{codes[i + lane]} - 128) * 65536 + fine[i + lane];
      sums[lane] += static_cast<double>(query[i + lane]) * static_cast<double>(value);
    }
  for (std::size_t half = 8; half > 0; half /= 2)
    for (std::size_t lane = 0; lane < half; ++lane) sums[lane] += sums[lane + half];
  return sums[0];
}

}  // namespace

const Kernels kPortableKernels = {filter, coarse, exact};

}  // namespace likeness::index
