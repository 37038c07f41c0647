#include "index/face_index.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include "index/testing.hpp"

namespace likeness::index {
namespace {

constexpr Isa kAll[] = {Isa::Portable, Isa::Avx2, Isa::AvxVnni, Isa::Avx512, Isa::Avx512Vnni};
#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
constexpr std::size_t kScale = 1;  // sanitizers are slow
#else
constexpr std::size_t kScale = 4;
#endif

FaceIndexOptions options_for(std::size_t dimensions, Isa isa = best_isa()) {
  FaceIndexOptions options;
  options.dimensions = dimensions;
  options.isa = isa;
  return options;
}

/// Identities with eight faces each, as vectors(i) for i from 0 on.
std::vector<std::vector<float>> people(std::size_t count, std::size_t dimensions, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<std::vector<float>> out;
  std::vector<float> center;
  for (std::size_t i = 0; i < count; ++i) {
    if (i % 8 == 0) center = random_vector(random, dimensions);
    out.push_back(near(random, center));
  }
  return out;
}

/// All matches of a query by brute force, best first.
std::vector<std::pair<double, std::uint64_t>> brute_force(const std::vector<std::vector<float>>& vectors,
                                                          const std::vector<float>& query) {
  std::vector<std::pair<double, std::uint64_t>> all;
  for (std::size_t i = 0; i < vectors.size(); ++i) all.emplace_back(-cosine(vectors[i], query), i);
  std::sort(all.begin(), all.end());
  for (auto& entry : all) entry.first = -entry.first;
  return all;
}

TEST(FaceIndex, WithinTheExactRangeEveryInstructionSetFindsWhatBruteForceFinds) {
  const std::size_t count = 500 * kScale;
  for (const std::size_t dimensions : {128u, 512u}) {
    const auto vectors = people(count, dimensions, 5);
    for (const Isa isa : kAll) {
      if (!has_isa(isa)) continue;
      const auto index = make_face_index(options_for(dimensions, isa));
      for (std::size_t i = 0; i < count; ++i) ASSERT_TRUE(index->add(test_id(i), vectors[i]));
      std::mt19937 random(6);
      for (int q = 0; q < 20; ++q) {
        const auto query = near(random, vectors[random() % count]);
        const auto truth = brute_force(vectors, query);
        for (const std::size_t wanted : {1u, 10u, 300u}) {
          const auto found = index->search(query, wanted, -1);
          ASSERT_EQ(found.size(), wanted);
          for (std::size_t i = 0; i < wanted; ++i) {
            EXPECT_NEAR(found[i].cosine, truth[i].first, 1e-6);
            // The same face, unless the next one is as good to the seventh digit.
            if (number_of(found[i].id) != truth[i].second)
              EXPECT_NEAR(cosine(vectors[number_of(found[i].id)], query), truth[i].first, 2e-7);
          }
        }
        const auto above = index->search(query, 4096, 0.3f);
        const auto end = std::find_if(truth.begin(), truth.end(), [](const auto& t) { return t.first < 0.3f; });
        EXPECT_EQ(above.size(), static_cast<std::size_t>(end - truth.begin()));
      }
    }
  }
}

TEST(FaceIndex, WithTheFilterNearlyAllOfTheTenBestAreFoundByEveryInstructionSet) {
  const std::size_t count = 3000 * kScale;
  const auto vectors = people(count, 512, 7);
  constexpr std::size_t kQueries = 30;
  std::mt19937 random(8);
  std::vector<std::vector<float>> queries;
  std::vector<std::vector<std::pair<double, std::uint64_t>>> truths;
  for (std::size_t q = 0; q < kQueries; ++q) {
    queries.push_back(near(random, vectors[random() % count]));
    truths.push_back(brute_force(vectors, queries.back()));
  }
  std::vector<std::vector<Match>> reference;
  for (const Isa isa : kAll) {
    if (!has_isa(isa)) continue;
    auto options = options_for(512, isa);
    options.exact_up_to = 0;
    const auto index = make_face_index(options);
    for (std::size_t i = 0; i < count; ++i) ASSERT_TRUE(index->add(test_id(i), vectors[i]));
    std::size_t hits = 0;
    for (std::size_t q = 0; q < kQueries; ++q) {
      const auto found = index->search(queries[q], 10, -1);
      ASSERT_EQ(found.size(), 10u);
      if (isa == Isa::Portable) reference.push_back(found);
      std::set<std::uint64_t> ids;
      for (const Match& match : found) ids.insert(number_of(match.id));
      for (std::size_t i = 0; i < 10; ++i) hits += ids.count(truths[q][i].second);
      ASSERT_EQ(reference[q].size(), found.size());
      for (std::size_t i = 0; i < 10; ++i) {
        EXPECT_EQ(found[i].id, reference[q][i].id);
        EXPECT_EQ(found[i].cosine, reference[q][i].cosine);
      }
    }
    EXPECT_GE(static_cast<double>(hits) / static_cast<double>(10 * kQueries), 0.99);
  }
}

TEST(FaceIndex, ManyThreadsOnOneSearchFindWhatOneFinds) {
  const std::size_t count = 4000;
  const auto vectors = people(count, 128, 14);
  auto options = options_for(128);
  options.exact_up_to = 0;
  options.filter_margin = 20;
  options.search_threads = 1;
  const auto alone = make_face_index(options);
  options.search_threads = 5;
  options.vectors_per_thread = 700;
  const auto together = make_face_index(options);
  for (std::size_t i = 0; i < count; ++i) {
    ASSERT_TRUE(alone->add(test_id(i), vectors[i]));
    ASSERT_TRUE(together->add(test_id(i), vectors[i]));
  }
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 2; ++t)
    threads.emplace_back([&, t] {
      for (std::size_t q = t; q < 40; q += 2)
        for (const std::size_t wanted : {1u, 10u, 3000u, 5000u}) {
          const auto one = alone->search(vectors[q * 97 % count], wanted, -1);
          const auto many = together->search(vectors[q * 97 % count], wanted, -1);
          ASSERT_EQ(one.size(), std::min(wanted, count));
          ASSERT_EQ(one.size(), many.size());
          for (std::size_t i = 0; i < one.size(); ++i) ASSERT_EQ(one[i].id, many[i].id);
        }
    });
  for (auto& thread : threads) thread.join();
}

TEST(FaceIndex, OneIdHasOneVectorAndAddingAgainReplacesIt) {
  std::mt19937 random(9);
  const auto index = make_face_index(options_for(64));
  const auto first = random_vector(random, 64), second = random_vector(random, 64);
  ASSERT_TRUE(index->add(test_id(1), first));
  ASSERT_TRUE(index->add(test_id(1), second));
  EXPECT_EQ(index->size(), 1u);
  const auto found = index->search(second, 10, -1);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_NEAR(found[0].cosine, 1, 1e-6);
  const auto kept = index->vector(test_id(1));
  ASSERT_TRUE(kept);
  EXPECT_NEAR(cosine(*kept, second), 1, 1e-6);
  EXPECT_FALSE(index->vector(test_id(2)));
}

TEST(FaceIndex, RemovedVectorsAreNeverFoundAndTheirPlacesAreUsedAgain) {
  const std::size_t count = 500;
  const auto vectors = people(count, 128, 10);
  const auto index = make_face_index(options_for(128));
  for (std::size_t i = 0; i < count; ++i) ASSERT_TRUE(index->add(test_id(i), vectors[i]));
  const auto full = index->memory_bytes();
  std::vector<VectorId> gone;
  for (std::size_t i = 0; i < count; i += 2) gone.push_back(test_id(i));
  EXPECT_EQ(index->remove(gone), gone.size());
  EXPECT_EQ(index->remove(gone), 0u);
  EXPECT_FALSE(index->remove(test_id(0)));
  EXPECT_EQ(index->size(), count - gone.size());
  for (const auto& query : vectors)
    for (const Match& match : index->search(query, 10, -1)) EXPECT_EQ(number_of(match.id) % 2, 1u);
  EXPECT_FALSE(index->contains(test_id(0)));
  EXPECT_TRUE(index->contains(test_id(1)));
  for (std::size_t i = 0; i < count; i += 2) ASSERT_TRUE(index->add(test_id(i), vectors[i]));
  EXPECT_LE(index->memory_bytes(), full + 4 * gone.size() + 4096);
  for (std::size_t i = 0; i < count; ++i) EXPECT_EQ(number_of(index->search(vectors[i], 1, -1).at(0).id), i);
}

TEST(FaceIndex, BadVectorsAndQueriesAreRefused) {
  const auto index = make_face_index(options_for(4));
  const std::vector<float> good = {1, 0, 0, 0}, zero = {0, 0, 0, 0}, small = {1, 0, 0};
  const std::vector<float> nan = {1, 0, 0, std::numeric_limits<float>::quiet_NaN()};
  EXPECT_TRUE(index->search(good, 10, -1).empty());
  ASSERT_TRUE(index->add(test_id(1), good));
  for (const auto& bad : {zero, small, nan}) {
    const auto added = index->add(test_id(1), bad);
    ASSERT_FALSE(added);
    EXPECT_EQ(added.error().code, "InvalidVector");
    EXPECT_TRUE(index->search(bad, 10, -1).empty());
  }
  EXPECT_TRUE(index->search(good, 0, -1).empty());
  ASSERT_EQ(index->search(good, std::numeric_limits<std::size_t>::max() - 1, -1).size(), 1u);
  EXPECT_NEAR(index->search(std::vector<float>{5, 0, 0, 0}, 1, -1)[0].cosine, 1, 1e-6);
}

TEST(FaceIndex, ManyMoreVectorsThanOneChunkHoldsAreAllFound) {
  const std::size_t count = 20'000;
  auto options = options_for(8);
  options.exact_up_to = 0;
  const auto index = make_face_index(options);
  std::mt19937 random(11);
  std::vector<std::vector<float>> vectors;
  for (std::size_t i = 0; i < count; ++i) {
    vectors.push_back(random_vector(random, 8));
    ASSERT_TRUE(index->add(test_id(i), vectors.back()));
  }
  EXPECT_EQ(index->size(), count);
  for (std::size_t i = 0; i < count; i += 997) EXPECT_EQ(number_of(index->search(vectors[i], 1, 0.9f).at(0).id), i);
}

// A model of what a client may rely on, run against many threads: under ThreadSanitizer this also proves that nothing
// is read while it is overwritten.
TEST(FaceIndex, SearchesDuringAddsAndRemovalsSeeWhatTheyMustAndNothingThatIsGone) {
  constexpr std::size_t kDimensions = 64, kEach = 40;
  auto options = options_for(kDimensions);
  for (const std::size_t exact_up_to : {std::size_t{0}, std::size_t{20'000}}) {
    options.exact_up_to = exact_up_to;
    // Few dimensions give the filter's estimate a wide error; here no vector may be missed.
    options.filter_margin = 20;
    options.search_threads = 2;
    options.vectors_per_thread = 100;
    const auto index = make_face_index(options);
    std::mt19937 random(12);
    std::vector<std::vector<float>> fixed, changing;
    for (std::size_t i = 0; i < 200; ++i) {
      fixed.push_back(random_vector(random, kDimensions));
      ASSERT_TRUE(index->add(test_id(i), fixed.back()));
    }
    for (std::size_t i = 0; i < 2 * kEach; ++i) changing.push_back(random_vector(random, kDimensions));

    std::atomic<bool> stop = false;
    std::atomic<int> failures = 0, searches = 0;
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < 2; ++t)
      threads.emplace_back([&, t] {
        std::mt19937 own(t);
        while (!stop) {
          const std::size_t i = own() % fixed.size();
          const auto found = index->search(fixed[i], 5, 0.5f);
          // What stays is always found, with its own vector, and once.
          if (found.empty() || number_of(found[0].id) != i || std::abs(found[0].cosine - 1) > 1e-6f) ++failures;
          std::set<VectorId> ids;
          for (const Match& match : found) ids.insert(match.id);
          if (ids.size() != found.size()) ++failures;
          ++searches;
        }
      });
    // An id whose vector is replaced all the time is found all the time, and once.
    ASSERT_TRUE(index->add(test_id(999), fixed[0]));
    threads.emplace_back([&] {
      while (!stop) {
        int seen = 0;
        for (const Match& match : index->search(fixed[0], 1000, -1)) seen += number_of(match.id) == 999 ? 1 : 0;
        if (seen != 1) ++failures;
      }
    });
    for (unsigned t = 0; t < 2; ++t)
      threads.emplace_back([&, t] {
        for (std::size_t round = 0; round < 5; ++round) {
          for (std::size_t i = 0; i < kEach; ++i) {
            const std::size_t number = 1000 + t * kEach + i;
            if (!index->add(test_id(number), changing[t * kEach + i])) ++failures;
            const auto found = index->search(changing[t * kEach + i], 1, 0.9f);
            if (found.empty() || number_of(found[0].id) != number) ++failures;
          }
          if (t == 0 && !index->add(test_id(999), fixed[round % 200])) ++failures;
          std::vector<VectorId> ids;
          for (std::size_t i = 0; i < kEach; ++i) ids.push_back(test_id(1000 + t * kEach + i));
          // All at once, or one by one in pairs with searches.
          if (t == 1 && index->remove(ids) != kEach) ++failures;
          for (std::size_t i = 0; i < kEach; ++i) {
            const std::size_t number = 1000 + t * kEach + i;
            if (t == 0 && !index->remove(test_id(number))) ++failures;
            for (const Match& match : index->search(changing[t * kEach + i], 3, 0.5f))
              if (number_of(match.id) == number) ++failures;
          }
        }
      });
    threads[3].join();
    threads[4].join();
    stop = true;
    for (std::size_t t = 0; t < 3; ++t) threads[t].join();
    EXPECT_EQ(failures, 0);
    EXPECT_GT(searches, 0);
    EXPECT_EQ(index->size(), 201u);
  }
}

TEST(FaceIndex, RemovalsAndReplacementsOfOneIdAtOnceLeaveOneOrNone) {
  const auto index = make_face_index(options_for(64));
  std::mt19937 random(13);
  const auto vector = random_vector(random, 64);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 300; ++i) {
        if (t % 2 == 0)
          (void)index->add(test_id(1), vector);
        else
          index->remove(test_id(1));
      }
    });
  for (auto& thread : threads) thread.join();
  const bool there = index->contains(test_id(1));
  EXPECT_EQ(index->size(), there ? 1u : 0u);
  EXPECT_EQ(index->search(vector, 10, -1).size(), there ? 1u : 0u);
  index->remove(test_id(1));
  EXPECT_TRUE(index->search(vector, 10, -1).empty());
}

}  // namespace
}  // namespace likeness::index
