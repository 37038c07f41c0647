#include "index/encoding.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <random>

#include "index/kernels.hpp"
#include "index/testing.hpp"

namespace likeness::index {
namespace {

constexpr Isa kAll[] = {Isa::Portable, Isa::Avx2, Isa::AvxVnni, Isa::Avx512, Isa::Avx512Vnni};

double coarse_cosine(const EncodedVector& v, const EncodedQuery& q) {
  const auto dot = kPortableKernels.coarse(v.codes.data(), q.codes.data(), v.codes.size()) - q.code_sum;
  return double{q.code_scale} * v.scale * 65536 * dot;
}

TEST(Encoding, DecodingGivesTheVectorBack) {
  std::mt19937 random(1);
  for (const std::size_t dimensions : {1u, 3u, 64u, 128u, 500u, 512u}) {
    const Encoder encoder(dimensions);
    auto vector = random_vector(random, dimensions);
    const auto encoded = encoder.encode(vector);
    ASSERT_TRUE(encoded);
    const auto back = encoder.decode(encoded->codes.data(), encoded->fine.data(), encoded->scale);
    for (std::size_t i = 0; i < dimensions; ++i) EXPECT_NEAR(back[i], vector[i], 1e-7);
  }
}

TEST(Encoding, TheCoarseCosineIsWithinItsBoundAndTheExactOneWithinATenMillionth) {
  std::mt19937 random(2);
  for (const std::size_t dimensions : {5u, 128u, 512u}) {
    const Encoder encoder(dimensions);
    for (int i = 0; i < 500; ++i) {
      const auto query = random_vector(random, dimensions);
      // Also vectors with nearly all of their length in one value: the worst case for 8 bits.
      auto vector = i % 3 == 0 ? near(random, query) : random_vector(random, dimensions);
      if (i % 5 == 0) vector[0] += 20;
      to_length_one(vector);
      const auto q = encoder.encode_query(query);
      const auto v = encoder.encode(vector);
      const double truth = cosine(query, vector);
      EXPECT_LE(std::abs(coarse_cosine(*v, *q) - truth),
                v->coarse_error + q->code_error * (1 + double{v->coarse_error}) + 1e-6);
      const double exact =
          v->scale * kPortableKernels.exact(v->codes.data(), v->fine.data(), q->values.data(), encoder.width());
      EXPECT_NEAR(exact, truth, 1e-7);
    }
  }
}

TEST(Encoding, TheFilterEstimateIsUnbiasedAndItsErrorIsAsForetold) {
  std::mt19937 random(3);
  const Encoder encoder(512);
  double sum = 0, squares = 0;
  constexpr int kPairs = 4000;
  for (int i = 0; i < kPairs; ++i) {
    const auto query = random_vector(random, 512);
    const auto vector = random_vector(random, 512);
    const auto q = encoder.encode_query(query);
    const auto v = encoder.encode(vector);
    int count = 0, weighted = 0;
    for (std::size_t w = 0; w < encoder.words(); ++w) {
      count += __builtin_popcountll(v->signs[w]);
      for (std::size_t p = 0; p < 4; ++p) weighted += __builtin_popcountll(v->signs[w] & q->planes[4 * w + p]) << p;
    }
    const double estimate =
        (double{q->filter.per_sign} * count + double{q->filter.per_weight} * weighted + q->filter.offset) *
        v->inverse_l1;
    const double error = estimate - cosine(query, vector);
    sum += error;
    squares += error * error;
  }
  EXPECT_NEAR(sum / kPairs, 0, 0.002);
  const double deviation = std::sqrt(squares / kPairs);
  EXPECT_LT(deviation, encoder.filter_deviation());
  EXPECT_GT(deviation, 0.8 * encoder.filter_deviation());
}

TEST(Encoding, EveryInstructionSetGivesTheSameBits) {
  std::mt19937 random(4);
  for (const std::size_t width : {64u, 128u, 512u, 1024u}) {
    std::vector<std::uint64_t> signs(kBlock * width / 64), planes(width / 64 * 4);
    std::vector<float> inverse_l1(kBlock), query(width);
    std::vector<std::uint8_t> codes(width);
    std::vector<std::int8_t> query_codes(width);
    std::vector<std::int16_t> fine(width);
    for (int round = 0; round < 50; ++round) {
      for (auto& x : signs) x = std::uint64_t{random()} << 32 | random();
      for (auto& x : planes) x = std::uint64_t{random()} << 32 | random();
      for (auto& x : inverse_l1) x = 0.04f + 0.0001f * static_cast<float>(random() % 100);
      for (auto& x : query) x = static_cast<float>(random() % 20001) * 1e-4f - 1;
      // The largest values too, where narrow sums would overflow.
      for (auto& x : codes) x = round == 0 ? 255 : static_cast<std::uint8_t>(random());
      for (auto& x : query_codes)
        x = static_cast<std::int8_t>(round == 0 ? 127 : static_cast<int>(random() % 255) - 127);
      for (auto& x : fine) x = static_cast<std::int16_t>(random());
      const FilterQuery filter{planes.data(), width / 64, -0.11f, 0.014f, 0.3f};
      // A cut that about half of them reach.
      const float cut = (-0.11f * static_cast<float>(width) / 2 + 0.014f * static_cast<float>(width) * 15 / 4) * 0.045f;
      for (const Isa isa : kAll) {
        if (!has_isa(isa)) continue;
        const Kernels& kernels = kernels_for(isa);
        std::array<float, kBlock> estimates{}, expected{};
        EXPECT_EQ(kernels.filter(signs.data(), inverse_l1.data(), filter, cut, estimates.data()),
                  kPortableKernels.filter(signs.data(), inverse_l1.data(), filter, cut, expected.data()));
        EXPECT_EQ(estimates, expected);
        EXPECT_EQ(kernels.coarse(codes.data(), query_codes.data(), width),
                  kPortableKernels.coarse(codes.data(), query_codes.data(), width));
        EXPECT_EQ(kernels.exact(codes.data(), fine.data(), query.data(), width),
                  kPortableKernels.exact(codes.data(), fine.data(), query.data(), width));
      }
    }
  }
}

TEST(Encoding, WhatHasNoDirectionIsRefused) {
  const Encoder encoder(4);
  EXPECT_FALSE(encoder.encode(std::vector<float>{0, 0, 0, 0}));
  EXPECT_FALSE(encoder.encode(std::vector<float>{1, 0, 0}));
  EXPECT_FALSE(encoder.encode(std::vector<float>{1, 0, 0, std::numeric_limits<float>::quiet_NaN()}));
  EXPECT_FALSE(encoder.encode(std::vector<float>{1, 0, 0, std::numeric_limits<float>::infinity()}));
  EXPECT_TRUE(encoder.encode(std::vector<float>{1e-30f, 0, 0, 0}));
  EXPECT_TRUE(encoder.encode(std::vector<float>{3e38f, 3e38f, 3e38f, 3e38f}));
}

}  // namespace
}  // namespace likeness::index
