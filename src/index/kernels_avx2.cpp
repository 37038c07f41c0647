// Processors with AVX2 and FMA (2013 on), and those that add 8-bit dot products in 256 bits (AVX-VNNI).

#include <immintrin.h>

#include "index/kernels.hpp"

#define LIKENESS_AVX2 __attribute__((target("avx2,fma,popcnt")))
#define LIKENESS_AVX_VNNI __attribute__((target("avx2,fma,popcnt,avxvnni")))

namespace likeness::index {
namespace {

/// Bytes of bit counts, by a table of the counts of 4 bits (Mula, Kurz, Lemire 2018).
LIKENESS_AVX2 inline __m256i byte_counts(__m256i bits) {
  const __m256i table =
      _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
  const __m256i low = _mm256_set1_epi8(15);
  return _mm256_add_epi8(_mm256_shuffle_epi8(table, _mm256_and_si256(bits, low)),
                         _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(bits, 4), low)));
}

LIKENESS_AVX2 inline __m256i add_weighted(__m256i counts, __m256i bits, int weight_shift) {
  // Counts are at most 8 a byte, so a shift by 3 stays in the byte.
  return _mm256_add_epi8(counts, _mm256_slli_epi16(byte_counts(bits), weight_shift));
}

LIKENESS_AVX2 LIKENESS_READS_UNPUBLISHED_SLOTS std::uint64_t filter(const std::uint64_t* signs, const float* inverse_l1,
                                                                    const FilterQuery& query, float cut,
                                                                    float* estimates) {
  const __m256i zero = _mm256_setzero_si256();
  const __m256i to_low_halves = _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6);
  std::uint64_t passed = 0;
  for (std::size_t slot = 0; slot < kBlock; slot += 4) {
    const std::uint64_t* word = signs + slot / kLanes * query.words * kLanes + slot % kLanes;
    const std::uint64_t* plane = query.planes;
    __m256i counts = zero, weighted = zero;  // four 64-bit sums, one a slot
    for (std::size_t w = 0; w < query.words; ++w, word += kLanes, plane += 4) {
      const __m256i bits = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(word));
      counts = _mm256_add_epi64(counts, _mm256_sad_epu8(byte_counts(bits), zero));
      __m256i sum = byte_counts(_mm256_and_si256(bits, _mm256_set1_epi64x(static_cast<long long>(plane[0]))));
      sum = add_weighted(sum, _mm256_and_si256(bits, _mm256_set1_epi64x(static_cast<long long>(plane[1]))), 1);
      sum = add_weighted(sum, _mm256_and_si256(bits, _mm256_set1_epi64x(static_cast<long long>(plane[2]))), 2);
      sum = add_weighted(sum, _mm256_and_si256(bits, _mm256_set1_epi64x(static_cast<long long>(plane[3]))), 3);
      weighted = _mm256_add_epi64(weighted, _mm256_sad_epu8(sum, zero));
    }
    const __m128 count = _mm_cvtepi32_ps(_mm256_castsi256_si128(_mm256_permutevar8x32_epi32(counts, to_low_halves)));
    const __m128 weight = _mm_cvtepi32_ps(_mm256_castsi256_si128(_mm256_permutevar8x32_epi32(weighted, to_low_halves)));
    const __m128 sum = _mm_add_ps(
        _mm_add_ps(_mm_mul_ps(_mm_set1_ps(query.per_sign), count), _mm_mul_ps(_mm_set1_ps(query.per_weight), weight)),
        _mm_set1_ps(query.offset));
    const __m128 estimate = _mm_mul_ps(sum, _mm_loadu_ps(inverse_l1 + slot));
    _mm_storeu_ps(estimates + slot, estimate);
    const int mask = _mm_movemask_ps(_mm_cmpge_ps(estimate, _mm_set1_ps(cut)));
    passed |= static_cast<std::uint64_t>(mask) << slot;
  }
  return passed;
}

LIKENESS_AVX2 inline std::int32_t sum_of(__m256i sums) {
  __m128i half = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
  half = _mm_add_epi32(half, _mm_shuffle_epi32(half, _MM_SHUFFLE(1, 0, 3, 2)));
  half = _mm_add_epi32(half, _mm_shuffle_epi32(half, _MM_SHUFFLE(2, 3, 0, 1)));
  return _mm_cvtsi128_si32(half);
}

LIKENESS_AVX2 std::int32_t coarse(const std::uint8_t* codes, const std::int8_t* query, std::size_t width) {
  // Widened to 16 bits: the 8-bit multiply-add of AVX2 saturates.
  __m256i sums[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
  for (std::size_t i = 0; i < width; i += 32)
    for (std::size_t part = 0; part < 2; ++part) {
      const auto* code = reinterpret_cast<const __m128i*>(codes + i + 16 * part);
      const auto* value = reinterpret_cast<const __m128i*>(query + i + 16 * part);
      sums[part] = _mm256_add_epi32(sums[part], _mm256_madd_epi16(_mm256_cvtepu8_epi16(_mm_loadu_si128(code)),
                                                                  _mm256_cvtepi8_epi16(_mm_loadu_si128(value))));
    }
  return sum_of(_mm256_add_epi32(sums[0], sums[1]));
}

LIKENESS_AVX_VNNI std::int32_t coarse_vnni(const std::uint8_t* codes, const std::int8_t* query, std::size_t width) {
  __m256i sums[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
  for (std::size_t i = 0; i < width; i += 64)
    for (std::size_t part = 0; part < 2; ++part)
      sums[part] = _mm256_dpbusd_avx_epi32(sums[part],
                                           _mm256_loadu_si256(reinterpret_cast<const __m256i*>(codes + i + 32 * part)),
                                           _mm256_loadu_si256(reinterpret_cast<const __m256i*>(query + i + 32 * part)));
  return sum_of(_mm256_add_epi32(sums[0], sums[1]));
}

LIKENESS_AVX2 double exact(const std::uint8_t* codes, const std::int16_t* fine, const float* query, std::size_t width) {
  __m256d sums[4] = {};
  const __m256i offset = _mm256_set1_epi32(128);
  for (std::size_t i = 0; i < width; i += 16)
    for (std::size_t part = 0; part < 2; ++part) {
      const std::size_t at = i + 8 * part;
      const __m256i high =
          _mm256_sub_epi32(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(codes + at))), offset);
      const __m256i low = _mm256_cvtepi16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(fine + at)));
      const __m256i value = _mm256_add_epi32(_mm256_slli_epi32(high, 16), low);
      sums[2 * part] = _mm256_fmadd_pd(_mm256_cvtps_pd(_mm_loadu_ps(query + at)),
                                       _mm256_cvtepi32_pd(_mm256_castsi256_si128(value)), sums[2 * part]);
      sums[2 * part + 1] = _mm256_fmadd_pd(_mm256_cvtps_pd(_mm_loadu_ps(query + at + 4)),
                                           _mm256_cvtepi32_pd(_mm256_extracti128_si256(value, 1)), sums[2 * part + 1]);
    }
  const __m256d eight[2] = {_mm256_add_pd(sums[0], sums[2]), _mm256_add_pd(sums[1], sums[3])};
  const __m256d four = _mm256_add_pd(eight[0], eight[1]);
  const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
  return _mm_cvtsd_f64(two) + _mm_cvtsd_f64(_mm_unpackhi_pd(two, two));
}

}  // namespace

const Kernels kAvx2Kernels = {filter, coarse, exact};
const Kernels kAvxVnniKernels = {filter, coarse_vnni, exact};

}  // namespace likeness::index
