#include "index_vectors.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <thread>

namespace likeness::bench {
namespace {

/// SplitMix64 (Steele, Lea, Flood 2014): a stream of its own for each face, so that any face can be made alone.
class Random {
 public:
  explicit Random(std::uint64_t state) : state_(state) {}
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  double uniform() { return (static_cast<double>(next() >> 11) + 0.5) * 0x1p-53; }
  /// Box and Muller's method.
  double normal() {
    if (has_spare_) {
      has_spare_ = false;
      return spare_;
    }
    const double radius = std::sqrt(-2 * std::log(uniform()));
    const double angle = 2 * std::numbers::pi * uniform();
    spare_ = radius * std::sin(angle);
    has_spare_ = true;
    return radius * std::cos(angle);
  }

 private:
  std::uint64_t state_;
  double spare_ = 0;
  bool has_spare_ = false;
};

std::uint64_t mix(std::uint64_t a, std::uint64_t b) { return Random(a * 0x9E3779B97F4A7C15u + b).next(); }

void scale_to(float* v, std::size_t n, double length) {
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += double{v[i]} * double{v[i]};
  const auto factor = static_cast<float>(length / std::sqrt(sum));
  for (std::size_t i = 0; i < n; ++i) v[i] *= factor;
}

}  // namespace

FaceLikeVectors::FaceLikeVectors(std::size_t dimensions, std::size_t count, std::uint64_t seed)
    : dimensions_(dimensions), count_(count), seed_(seed) {
  Random random(seed);
  for (std::size_t i = 0; i < dimensions; ++i) {
    deviation_.push_back(static_cast<float>(std::pow(static_cast<double>(i + 1), -0.25)));
    signs_.push_back(random.next() % 2 == 0 ? 1.0f : -1.0f);
  }
  first_.push_back(0);
  while (first_.back() < count)
    first_.push_back(static_cast<std::uint32_t>(std::min<std::size_t>(count, first_.back() + 2 + random.next() % 17)));
}

void FaceLikeVectors::make(std::uint64_t identity, std::uint64_t face, float* out) const {
  const std::size_t n = dimensions_;
  Random center(mix(seed_ + 1, identity));
  Random own(mix(mix(seed_ + 2, identity), face));
  std::vector<float> noise(n);
  for (std::size_t i = 0; i < n; ++i) out[i] = deviation_[i] * static_cast<float>(center.normal());
  for (std::size_t i = 0; i < n; ++i) noise[i] = deviation_[i] * static_cast<float>(own.normal());
  // cos of two faces = share * share: .775 squared is .6, and the spread of .091 gives it +- .1.
  const double share = std::clamp(0.775 + 0.091 * own.normal(), 0.4, 0.97);
  scale_to(out, n, share);
  scale_to(noise.data(), n, std::sqrt(1 - share * share));
  for (std::size_t i = 0; i < n; ++i) out[i] = signs_[i] * (out[i] + noise[i]);
  // A Hadamard transform (n is a power of two) spreads the directions over the coordinates.
  for (std::size_t step = 1; step < n; step *= 2)
    for (std::size_t i = 0; i < n; i += 2 * step)
      for (std::size_t j = i; j < i + step; ++j) {
        const float a = out[j], b = out[j + step];
        out[j] = a + b;
        out[j + step] = a - b;
      }
  scale_to(out, n, 1);
}

std::vector<float> FaceLikeVectors::vectors(int threads) const {
  std::vector<float> out(count_ * dimensions_);
  // A fixed odd multiplier walks through all places once: neighbours in the array are of different identities.
  std::uint64_t stride = static_cast<std::uint64_t>(static_cast<double>(count_) * 0.618) | 1;
  while (std::gcd(stride, count_) != 1) stride += 2;
  std::vector<std::thread> workers;
  for (int t = 0; t < threads; ++t)
    workers.emplace_back([&, t] {
      for (std::size_t identity = static_cast<std::size_t>(t); identity + 1 < first_.size();
           identity += static_cast<std::size_t>(threads))
        for (std::size_t i = first_[identity]; i < first_[identity + 1]; ++i)
          make(identity, i - first_[identity], &out[(i * stride % count_) * dimensions_]);
    });
  for (auto& worker : workers) worker.join();
  return out;
}

std::vector<float> FaceLikeVectors::queries(std::size_t count) const {
  std::vector<float> out(count * dimensions_);
  Random random(seed_ + 3);
  for (std::size_t i = 0; i < count; ++i) make(random.next() % identities(), 1000 + i, &out[i * dimensions_]);
  return out;
}

}  // namespace likeness::bench
