// Processors with AVX-512 (F, BW, DQ, VL), and those that add 8-bit dot products (VNNI) and bit counts (VPOPCNTDQ).

#include <immintrin.h>

#include "index/kernels.hpp"

#define LIKENESS_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,popcnt")))
#define LIKENESS_AVX512_VNNI \
  __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vpopcntdq,popcnt")))

namespace likeness::index {
namespace {

/// Eight slots of 64-bit sums to a mask of the estimates that reach `cut`.
LIKENESS_AVX512 inline std::uint64_t compare(__m512i counts, __m512i weighted, const float* inverse_l1,
                                             const FilterQuery& query, float cut, float* estimates) {
  const __m256 count = _mm256_cvtepi32_ps(_mm512_cvtepi64_epi32(counts));
  const __m256 weight = _mm256_cvtepi32_ps(_mm512_cvtepi64_epi32(weighted));
  const __m256 sum = _mm256_add_ps(_mm256_add_ps(_mm256_mul_ps(_mm256_set1_ps(query.per_sign), count),
                                                 _mm256_mul_ps(_mm256_set1_ps(query.per_weight), weight)),
                                   _mm256_set1_ps(query.offset));
  const __m256 estimate = _mm256_mul_ps(sum, _mm256_loadu_ps(inverse_l1));
  _mm256_storeu_ps(estimates, estimate);
  return _mm256_cmp_ps_mask(estimate, _mm256_set1_ps(cut), _CMP_GE_OQ);
}

LIKENESS_AVX512 inline __m512i broadcast(std::uint64_t word) { return _mm512_set1_epi64(static_cast<long long>(word)); }

LIKENESS_AVX512_VNNI LIKENESS_READS_UNPUBLISHED_SLOTS std::uint64_t filter_popcnt(const std::uint64_t* signs,
                                                                                  const float* inverse_l1,
                                                                                  const FilterQuery& query, float cut,
                                                                                  float* estimates) {
  std::uint64_t passed = 0;
  for (std::size_t slot = 0; slot < kBlock; slot += kLanes) {
    const std::uint64_t* plane = query.planes;
    __m512i counts = _mm512_setzero_si512();
    __m512i sums[4] = {counts, counts, counts, counts};
    for (std::size_t w = 0; w < query.words; ++w, signs += kLanes, plane += 4) {
      const __m512i bits = _mm512_loadu_si512(signs);
      counts = _mm512_add_epi64(counts, _mm512_popcnt_epi64(bits));
      for (std::size_t weight = 0; weight < 4; ++weight)
        sums[weight] =
            _mm512_add_epi64(sums[weight], _mm512_popcnt_epi64(_mm512_and_si512(bits, broadcast(plane[weight]))));
    }
    const __m512i low = _mm512_add_epi64(sums[0], _mm512_slli_epi64(sums[1], 1));
    const __m512i high = _mm512_add_epi64(sums[2], _mm512_slli_epi64(sums[3], 1));
    const __m512i weighted = _mm512_add_epi64(low, _mm512_slli_epi64(high, 2));
    passed |= compare(counts, weighted, inverse_l1 + slot, query, cut, estimates + slot) << slot;
  }
  return passed;
}

/// As in kernels_avx2.cpp, twice as wide.
LIKENESS_AVX512 inline __m512i byte_counts(__m512i bits) {
  const __m512i table = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
  const __m512i low = _mm512_set1_epi8(15);
  return _mm512_add_epi8(_mm512_shuffle_epi8(table, _mm512_and_si512(bits, low)),
                         _mm512_shuffle_epi8(table, _mm512_and_si512(_mm512_srli_epi16(bits, 4), low)));
}

LIKENESS_AVX512 LIKENESS_READS_UNPUBLISHED_SLOTS std::uint64_t filter(const std::uint64_t* signs,
                                                                      const float* inverse_l1, const FilterQuery& query,
                                                                      float cut, float* estimates) {
  const __m512i zero = _mm512_setzero_si512();
  std::uint64_t passed = 0;
  for (std::size_t slot = 0; slot < kBlock; slot += kLanes) {
    const std::uint64_t* plane = query.planes;
    __m512i counts = zero, weighted = zero;
    for (std::size_t w = 0; w < query.words; ++w, signs += kLanes, plane += 4) {
      const __m512i bits = _mm512_loadu_si512(signs);
      counts = _mm512_add_epi64(counts, _mm512_sad_epu8(byte_counts(bits), zero));
      __m512i sum = zero;
      for (unsigned weight = 0; weight < 4; ++weight)
        sum = _mm512_add_epi8(sum,
                              _mm512_slli_epi16(byte_counts(_mm512_and_si512(bits, broadcast(plane[weight]))), weight));
      weighted = _mm512_add_epi64(weighted, _mm512_sad_epu8(sum, zero));
    }
    passed |= compare(counts, weighted, inverse_l1 + slot, query, cut, estimates + slot) << slot;
  }
  return passed;
}

LIKENESS_AVX512_VNNI std::int32_t coarse_vnni(const std::uint8_t* codes, const std::int8_t* query, std::size_t width) {
  __m512i sums[2] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
  for (std::size_t i = 0; i < width; i += 64)
    sums[i / 64 % 2] =
        _mm512_dpbusd_epi32(sums[i / 64 % 2], _mm512_loadu_si512(codes + i), _mm512_loadu_si512(query + i));
  return _mm512_reduce_add_epi32(_mm512_add_epi32(sums[0], sums[1]));
}

LIKENESS_AVX512 std::int32_t coarse(const std::uint8_t* codes, const std::int8_t* query, std::size_t width) {
  __m512i sums[2] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
  for (std::size_t i = 0; i < width; i += 64)
    for (std::size_t part = 0; part < 2; ++part) {
      const auto* code = reinterpret_cast<const __m256i*>(codes + i + 32 * part);
      const auto* value = reinterpret_cast<const __m256i*>(query + i + 32 * part);
      sums[part] = _mm512_add_epi32(sums[part], _mm512_madd_epi16(_mm512_cvtepu8_epi16(_mm256_loadu_si256(code)),
                                                                  _mm512_cvtepi8_epi16(_mm256_loadu_si256(value))));
    }
  return _mm512_reduce_add_epi32(_mm512_add_epi32(sums[0], sums[1]));
}

LIKENESS_AVX512 double exact(const std::uint8_t* codes, const std::int16_t* fine, const float* query,
                             std::size_t width) {
  __m512d sums[2] = {_mm512_setzero_pd(), _mm512_setzero_pd()};
  const __m512i offset = _mm512_set1_epi32(128);
  for (std::size_t i = 0; i < width; i += 16) {
    const __m512i high =
        _mm512_sub_epi32(_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(codes + i))), offset);
    const __m512i low = _mm512_cvtepi16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(fine + i)));
    const __m512i value = _mm512_add_epi32(_mm512_slli_epi32(high, 16), low);
    sums[0] = _mm512_fmadd_pd(_mm512_cvtps_pd(_mm256_loadu_ps(query + i)),
                              _mm512_cvtepi32_pd(_mm512_castsi512_si256(value)), sums[0]);
    sums[1] = _mm512_fmadd_pd(_mm512_cvtps_pd(_mm256_loadu_ps(query + i + 8)),
                              _mm512_cvtepi32_pd(_mm512_extracti64x4_epi64(value, 1)), sums[1]);
  }
  const __m512d eight = _mm512_add_pd(sums[0], sums[1]);
  const __m256d four = _mm256_add_pd(_mm512_castpd512_pd256(eight), _mm512_extractf64x4_pd(eight, 1));
  const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
  return _mm_cvtsd_f64(two) + _mm_cvtsd_f64(_mm_unpackhi_pd(two, two));
}

}  // namespace

const Kernels kAvx512Kernels = {filter, coarse, exact};
const Kernels kAvx512VnniKernels = {filter_popcnt, coarse_vnni, exact};

}  // namespace likeness::index
