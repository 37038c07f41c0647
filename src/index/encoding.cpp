#include "index/encoding.hpp"

#include <emmintrin.h>

#include <algorithm>
#include <bit>
#include <cmath>

namespace likeness::index {
namespace {

/// SplitMix64 (Steele, Lea, Flood 2014): signs that are the same everywhere.
std::vector<double> fixed_signs(std::size_t count, std::uint64_t state) {
  std::vector<double> signs(count);
  for (double& sign : signs) {
    std::uint64_t z = (state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    sign = ((z ^ (z >> 31)) & 1) != 0 ? 1 : -1;
  }
  return signs;
}

/// In place; its own inverse but for a factor of the size, which is at least 4.
void hadamard(std::vector<double>& v) {
  // The two innermost steps at once: the compiler makes vectors of the loops of the others only.
  for (std::size_t i = 0; i < v.size(); i += 4) {
    const double a = v[i] + v[i + 1], b = v[i] - v[i + 1], c = v[i + 2] + v[i + 3], d = v[i + 2] - v[i + 3];
    v[i] = a + c;
    v[i + 1] = b + d;
    v[i + 2] = a - c;
    v[i + 3] = b - d;
  }
  for (std::size_t step = 4; step < v.size(); step *= 2)
    for (std::size_t i = 0; i < v.size(); i += 2 * step) {
      double* const low = &v[i];
      double* const high = &v[i + step];
      for (std::size_t j = 0; j < step; ++j) {
        const double a = low[j], b = high[j];
        low[j] = a + b;
        high[j] = a - b;
      }
    }
}

/// Bit `bit` of each byte, 64 bytes to a word.
std::uint64_t bits_of(const std::uint8_t* bytes, int bit) {
  std::uint64_t word = 0;
  for (int part = 0; part < 4; ++part) {
    const __m128i sixteen = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes + 16 * part));
    const int mask = _mm_movemask_epi8(_mm_slli_epi16(sixteen, 7 - bit));
    word |= static_cast<std::uint64_t>(static_cast<std::uint32_t>(mask)) << (16 * part);
  }
  return word;
}

void multiply(std::vector<double>& v, const std::vector<double>& by) {
  for (std::size_t i = 0; i < v.size(); ++i) v[i] *= by[i];
}

double largest(const std::vector<double>& v) {
  double most = 0;
  for (const double x : v) most = std::max(most, std::abs(x));
  return most;
}

}  // namespace

Encoder::Encoder(std::size_t dimensions)
    : dimensions_(dimensions),
      width_(std::max<std::size_t>(64, std::bit_ceil(dimensions))),
      first_signs_(fixed_signs(width_, 1)),
      second_signs_(fixed_signs(width_, 2)) {}

float Encoder::filter_deviation() const {
  // The deviation is sqrt(1 / c^2 - 1) / sqrt(width - 1), c the cosine of a vector and its signs: sqrt(2 / pi) on
  // average. Rounding the query to 4 bits adds a little.
  constexpr double kCosine = 0.79;
  return static_cast<float>(std::sqrt((1 / (kCosine * kCosine) - 1) / static_cast<double>(width_ - 1)));
}

std::optional<std::vector<double>> Encoder::rotated(std::span<const float> vector) const {
  if (vector.size() != dimensions_) return std::nullopt;
  std::vector<double> out(width_, 0.0);
  std::copy(vector.begin(), vector.end(), out.begin());
  double sum = 0;
  for (const double x : out) sum += x * x;
  // Squares of floats neither overflow nor vanish in double; only values that are not finite make the sum so.
  if (!std::isfinite(sum) || sum == 0) return std::nullopt;
  multiply(out, first_signs_);
  hadamard(out);
  multiply(out, second_signs_);
  hadamard(out);
  const double factor = 1 / (std::sqrt(sum) * static_cast<double>(width_));
  for (double& x : out) x *= factor;
  return out;
}

std::optional<EncodedVector> Encoder::encode(std::span<const float> vector) const {
  const auto values = rotated(vector);
  if (!values) return std::nullopt;
  EncodedVector out;
  out.codes.resize(width_);
  out.fine.resize(width_);
  out.signs.resize(words());
  out.scale = static_cast<float>(largest(*values) / (127.0 * 65536.0));
  const double per_step = 1 / double{out.scale}, coarse_step = double{out.scale} * 65536.0;
  std::vector<std::uint8_t> positive(width_);
  double l1 = 0, left_out = 0;
  for (std::size_t i = 0; i < width_; ++i) {
    const double value = (*values)[i];
    const auto steps = static_cast<std::int32_t>(std::nearbyint(value * per_step));
    const std::int32_t high = std::clamp((steps + 32768) >> 16, -127, 127);
    out.codes[i] = static_cast<std::uint8_t>(high + 128);
    out.fine[i] = static_cast<std::int16_t>(std::clamp(steps - high * 65536, -32768, 32767));
    const double error = value - coarse_step * high;
    left_out += error * error;
    l1 += std::abs(value);
    positive[i] = value > 0 ? 1 : 0;
  }
  for (std::size_t w = 0; w < words(); ++w) out.signs[w] = bits_of(&positive[64 * w], 0);
  out.coarse_error = static_cast<float>(std::sqrt(left_out) * (1 + 1e-6));
  out.inverse_l1 = static_cast<float>(1 / l1);
  return out;
}

std::optional<EncodedQuery> Encoder::encode_query(std::span<const float> vector) const {
  const auto values = rotated(vector);
  if (!values) return std::nullopt;
  EncodedQuery out;
  out.values.assign(width_, 0);
  out.codes.resize(width_);
  out.planes.resize(4 * words());
  const double code_scale = largest(*values) / 127;
  const auto [least, most] = std::minmax_element(values->begin(), values->end());
  const double step = (*most - *least) / 15;
  const double per_code = 1 / code_scale, per_level = step > 0 ? 1 / step : 0;
  std::vector<std::uint8_t> levels(width_);
  double left_out = 0, sum = 0;
  for (std::size_t i = 0; i < width_; ++i) {
    const double value = (*values)[i];
    out.values[i] = static_cast<float>(value);
    const auto code = static_cast<std::int32_t>(std::nearbyint(value * per_code));
    out.codes[i] = static_cast<std::int8_t>(code);
    out.code_sum += 128 * code;
    const double error = value - code_scale * code;
    left_out += error * error;
    const auto level = static_cast<std::int32_t>(std::nearbyint((value - *least) * per_level));
    levels[i] = static_cast<std::uint8_t>(level);
    sum += *least + step * level;
  }
  for (std::size_t w = 0; w < words(); ++w)
    for (int weight = 0; weight < 4; ++weight)
      out.planes[4 * w + static_cast<std::size_t>(weight)] = bits_of(&levels[64 * w], weight);
  out.code_scale = static_cast<float>(code_scale);
  out.code_error = static_cast<float>(std::sqrt(left_out) * (1 + 1e-6));
  // Sum of sign * value = 2 * (sum of the values where the sign is +) - (sum of all values).
  out.filter = {out.planes.data(), words(), static_cast<float>(2 * *least), static_cast<float>(2 * step),
                static_cast<float>(-sum)};
  return out;
}

std::vector<float> Encoder::decode(const std::uint8_t* codes, const std::int16_t* fine, float scale) const {
  std::vector<double> values(width_);
  for (std::size_t i = 0; i < width_; ++i)
    values[i] = double{scale} * ((std::int32_t{codes[i]} - 128) * 65536 + std::int32_t{fine[i]});
  hadamard(values);
  multiply(values, second_signs_);
  hadamard(values);
  multiply(values, first_signs_);
  std::vector<float> out(dimensions_);
  for (std::size_t i = 0; i < dimensions_; ++i) out[i] = static_cast<float>(values[i] / static_cast<double>(width_));
  return out;
}

}  // namespace likeness::index
