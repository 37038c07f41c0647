#pragma once

#include <cstddef>
#include <cstdint>

#include "index/face_index.hpp"

/// The inner loops of a search, one set for each instruction set. All sets give the same numbers, bit for bit.
/// `width` is the padded number of dimensions: a multiple of 64.
namespace likeness::index {

inline constexpr std::size_t kBlock = 64;  // slots that one call of the filter looks at
inline constexpr std::size_t kLanes = 8;   // slots whose sign bits are interleaved word by word

/// A query as the filter wants it: each value as 4 bits, the bits of one weight together.
struct FilterQuery {
  const std::uint64_t* planes;  // [width / 64][4]: for each word of sign bits the query bits of weight 1, 2, 4, 8
  std::size_t words;            // width / 64
  // estimate of the cosine = (per_sign * popcount + per_weight * weighted popcount + offset) * inverse_l1
  float per_sign;
  float per_weight;
  float offset;
};

struct Kernels {
  /// The estimates of 64 slots, and which of them are >= cut. `signs`: 8 groups of [words][kLanes] 64-bit words. Slots
  /// that are just being written may be read; what comes out for them means nothing and the caller masks it off.
  std::uint64_t (*filter)(const std::uint64_t* signs, const float* inverse_l1, const FilterQuery& query, float cut,
                          float* estimates);

  /// Sum of codes[i] * query[i], codes with their offset of 128 in.
  std::int32_t (*coarse)(const std::uint8_t* codes, const std::int8_t* query, std::size_t width);

  /// Sum of query[i] * (65536 * (codes[i] - 128) + fine[i]). Each product is exact in double, and the sixteen partial
  /// sums and the order they are put together in are fixed: every instruction set rounds alike.
  double (*exact)(const std::uint8_t* codes, const std::int16_t* fine, const float* query, std::size_t width);
};

const Kernels& kernels_for(Isa isa);

extern const Kernels kPortableKernels;
extern const Kernels kAvx2Kernels;
extern const Kernels kAvxVnniKernels;
extern const Kernels kAvx512Kernels;
extern const Kernels kAvx512VnniKernels;

// ThreadSanitizer cannot know that the slots just being written are masked off, so the filters are not instrumented.
#if defined(__clang__)
#define LIKENESS_READS_UNPUBLISHED_SLOTS __attribute__((no_sanitize("thread")))
#else
#define LIKENESS_READS_UNPUBLISHED_SLOTS
#endif

}  // namespace likeness::index
