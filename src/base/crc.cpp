#include "base/crc.hpp"

#include <nmmintrin.h>
#include <wmmintrin.h>

#include <array>
#include <cstddef>
#include <cstring>

namespace likeness {

namespace {

/// A CRC of `Width` bits in the usual reflected form: the lowest bit stands for the highest power. State and result are
/// inverted at both ends.
template <int Width, std::uint64_t Polynomial>
struct Crc {
  static constexpr std::uint64_t kOnes = Width == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << Width) - 1;

  static constexpr std::uint64_t times_x(std::uint64_t value) {
    return (value >> 1) ^ ((value & 1) != 0 ? Polynomial : 0);
  }
  static constexpr std::uint64_t times(std::uint64_t a, std::uint64_t b) {
    std::uint64_t product = 0;
    for (int bit = Width - 1; bit >= 0; --bit) {
      if ((a >> bit) & 1) product ^= b;
      b = times_x(b);
    }
    return product;
  }
  static constexpr std::uint64_t kOne = std::uint64_t{1} << (Width - 1);

  /// x to the power of `n`, at the upper end of 64 bits: what a fold over n + 1 bits multiplies with.
  static constexpr std::uint64_t power(int n) {
    std::uint64_t value = kOne;
    for (int i = 0; i < n; ++i) value = times_x(value);
    return value << (64 - Width);
  }

  using Tables = std::array<std::array<std::uint64_t, 256>, 8>;
  static constexpr Tables make_tables() {
    Tables tables{};
    for (std::uint64_t byte = 0; byte < 256; ++byte) {
      std::uint64_t value = byte;
      for (int i = 0; i < 8; ++i) value = times_x(value);
      tables[0][byte] = value;
    }
    for (std::size_t k = 1; k < 8; ++k)
      for (std::size_t byte = 0; byte < 256; ++byte) {
        const std::uint64_t before = tables[k - 1][byte];
        tables[k][byte] = tables[0][before & 0xff] ^ (before >> 8);
      }
    return tables;
  }
  static constexpr Tables kTables = make_tables();

  static std::uint64_t by_tables(std::uint64_t state, const std::uint8_t* data, std::size_t size) {
    for (; size >= 8; data += 8, size -= 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, data, 8);
      word ^= state;
      state = 0;
      for (unsigned i = 0; i < 8; ++i) state ^= kTables[7 - i][(word >> (8 * i)) & 0xff];
    }
    for (; size > 0; ++data, --size) state = kTables[0][(state ^ *data) & 0xff] ^ (state >> 8);
    return state;
  }

  /// Four lanes of 16 bytes, each carried over 64 bytes by two carry-less products; then the lanes into one. What is
  /// left is 16 bytes that have the same remainder as everything before.
  [[gnu::target("pclmul,sse4.2")]] static std::uint64_t by_folding(std::uint64_t state, const std::uint8_t*& data,
                                                                   std::size_t& size) {
    const auto load = [&](std::size_t at) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(data + at)); };
    __m128i a = _mm_xor_si128(load(0), _mm_set_epi64x(0, static_cast<long long>(state)));
    __m128i b = load(16);
    __m128i c = load(32);
    __m128i d = load(48);
    constexpr std::uint64_t kFarLow = power(512 + 64 - 1), kFarHigh = power(512 - 1);
    constexpr std::uint64_t kNearLow = power(128 + 64 - 1), kNearHigh = power(128 - 1);
    const __m128i far = _mm_set_epi64x(static_cast<long long>(kFarHigh), static_cast<long long>(kFarLow));
    const __m128i near = _mm_set_epi64x(static_cast<long long>(kNearHigh), static_cast<long long>(kNearLow));
    for (data += 64, size -= 64; size >= 64; data += 64, size -= 64) {
      a = fold(a, far, load(0));
      b = fold(b, far, load(16));
      c = fold(c, far, load(32));
      d = fold(d, far, load(48));
    }
    a = fold(fold(fold(a, near, b), near, c), near, d);
    std::array<std::uint8_t, 16> rest{};
    _mm_storeu_si128(reinterpret_cast<__m128i*>(rest.data()), a);
    return by_tables(0, rest.data(), rest.size());
  }
  [[gnu::target("pclmul,sse4.2")]] static __m128i fold(__m128i lane, __m128i by, __m128i next) {
    const __m128i low = _mm_clmulepi64_si128(lane, by, 0x00);
    const __m128i high = _mm_clmulepi64_si128(lane, by, 0x11);
    return _mm_xor_si128(_mm_xor_si128(low, high), next);
  }

  static std::uint64_t run(std::uint64_t so_far, BytesView bytes) {
    static const bool can_fold = __builtin_cpu_supports("pclmul") != 0;
    std::uint64_t state = ~so_far & kOnes;
    const std::uint8_t* data = bytes.data();
    std::size_t size = bytes.size();
    if (can_fold && size >= 128) state = by_folding(state, data, size);
    return ~by_tables(state, data, size) & kOnes;
  }

  static std::uint64_t combine(std::uint64_t a, std::uint64_t b, std::uint64_t length_of_b) {
    std::uint64_t shift = kOne;
    std::uint64_t square = times_x(kOne);
    for (int i = 0; i < 3; ++i) square = times(square, square);  // one byte
    for (; length_of_b > 0; length_of_b >>= 1) {
      if ((length_of_b & 1) != 0) shift = times(shift, square);
      square = times(square, square);
    }
    return times(a, shift) ^ b;
  }
};

using Crc32 = Crc<32, 0xEDB88320>;
using Crc32c = Crc<32, 0x82F63B78>;
using Crc64 = Crc<64, 0x9A6C9329AC4BC9B5>;

}  // namespace

std::uint32_t crc32(std::uint32_t so_far, BytesView bytes) {
  return static_cast<std::uint32_t>(Crc32::run(so_far, bytes));
}

std::uint32_t crc32c(std::uint32_t so_far, BytesView bytes) {
  std::uint64_t state = static_cast<std::uint32_t>(~so_far);
  const std::uint8_t* data = bytes.data();
  std::size_t size = bytes.size();
  for (; size >= 8; data += 8, size -= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, data, 8);
    state = _mm_crc32_u64(state, word);
  }
  auto narrow = static_cast<std::uint32_t>(state);
  for (; size > 0; ++data, --size) narrow = _mm_crc32_u8(narrow, *data);
  return ~narrow;
}

std::uint64_t crc64nvme(std::uint64_t so_far, BytesView bytes) { return Crc64::run(so_far, bytes); }

std::uint32_t combine_crc32(std::uint32_t a, std::uint32_t b, std::uint64_t length_of_b) {
  return static_cast<std::uint32_t>(Crc32::combine(a, b, length_of_b));
}
std::uint32_t combine_crc32c(std::uint32_t a, std::uint32_t b, std::uint64_t length_of_b) {
  return static_cast<std::uint32_t>(Crc32c::combine(a, b, length_of_b));
}
std::uint64_t combine_crc64nvme(std::uint64_t a, std::uint64_t b, std::uint64_t length_of_b) {
  return Crc64::combine(a, b, length_of_b);
}

}  // namespace likeness
