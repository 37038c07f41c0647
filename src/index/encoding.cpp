#include "index/encoding.hpp"

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

/// In place; its own inverse but for a factor of the size.
void hadamard(std::vector<double>& v) {
  for (std::size_t step = 1; step < v.size(); step *= 2)
    for (std::size_t i = 0; i < v.size(); i += 2 * step)
      for (std::size_t j = i; j < i + step; ++j) {
        const double a = v[j], b = v[j + step];
        v[j] = a + b;
        v[j + step] = a - b;
      }
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
  // The deviation is sqrt(1 / c^2 - 1) / sqrt(width - 1), c the cosine of a vector and its signs: .798 on average; a
  // deviation of c below that (.77) covers nearly all.
  constexpr double kCosine = 0.77;
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
  const double per_step = 1 / double{out.scale};
  double l1 = 0, left_out = 0;
  for (std::size_t i = 0; i < width_; ++i) {
    const double value = (*values)[i];
    const auto steps = static_cast<std::int32_t>(std::lround(value * per_step));
    const std::int32_t high = std::clamp((steps + 32768) >> 16, -127, 127);
    out.codes[i] = static_cast<std::uint8_t>(high + 128);
    out.fine[i] = static_cast<std::int16_t>(std::clamp(steps - high * 65536, -32768, 32767));
    const double error = value - double{out.scale} * 65536.0 * high;
    left_out += error * error;
    l1 += std::abs(value);
    if (value > 0) out.signs[i / 64] |= std::uint64_t{1} << (i % 64);
  }
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
  double left_out = 0, sum = 0;
  for (std::size_t i = 0; i < width_; ++i) {
    const double value = (*values)[i];
    out.values[i] = static_cast<float>(value);
    const long code = std::lround(value / code_scale);
    out.codes[i] = static_cast<std::int8_t>(code);
    out.code_sum += 128 * static_cast<std::int32_t>(code);
    const double error = value - code_scale * static_cast<double>(code);
    left_out += error * error;
    const auto level = static_cast<std::uint64_t>(step > 0 ? std::lround((value - *least) / step) : 0);
    sum += *least + step * static_cast<double>(level);
    for (std::size_t weight = 0; weight < 4; ++weight)
      if ((level >> weight & 1) != 0) out.planes[i / 64 * 4 + weight] |= std::uint64_t{1} << (i % 64);
  }
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
