// faiss and hnswlib behind the common interface. Compiled for the very processor it runs on, so that hnswlib gets all
// of its instructions; faiss is as Debian builds it.

#include <faiss/IndexFlat.h>
#include <faiss/IndexHNSW.h>
#include <hnswlib/hnswlib.h>
#include <omp.h>

#include <atomic>
#include <thread>

#include "index_engines.hpp"

namespace likeness::bench {
namespace {

constexpr int kLinks = 16;

class FaissFlat final : public Engine {
 public:
  std::string name() const override { return "faiss Flat"; }
  void build(const float* vectors, std::size_t count, std::size_t dimensions, int) override {
    index_ = std::make_unique<faiss::IndexFlatIP>(static_cast<faiss::Index::idx_t>(dimensions));
    index_->add(static_cast<faiss::Index::idx_t>(count), vectors);
  }
  bool has_effort() const override { return false; }
  void set_effort(std::size_t) override {}
  std::vector<std::uint32_t> search(const float* query, std::size_t k) const override {
    omp_set_num_threads(1);
    std::vector<float> distances(k);
    std::vector<faiss::Index::idx_t> labels(k);
    index_->search(1, query, static_cast<faiss::Index::idx_t>(k), distances.data(), labels.data());
    return {labels.begin(), labels.end()};
  }

 private:
  std::unique_ptr<faiss::IndexFlatIP> index_;
};

class FaissHnsw final : public Engine {
 public:
  explicit FaissHnsw(std::size_t build_effort) : build_effort_(build_effort) {}
  std::string name() const override { return "faiss HNSW"; }
  void build(const float* vectors, std::size_t count, std::size_t dimensions, int threads) override {
    omp_set_num_threads(threads);
    index_ = std::make_unique<faiss::IndexHNSWFlat>(static_cast<int>(dimensions), kLinks, faiss::METRIC_INNER_PRODUCT);
    index_->hnsw.efConstruction = static_cast<int>(build_effort_);
    index_->add(static_cast<faiss::Index::idx_t>(count), vectors);
  }
  bool has_effort() const override { return true; }
  void set_effort(std::size_t effort) override { index_->hnsw.efSearch = static_cast<int>(effort); }
  std::vector<std::uint32_t> search(const float* query, std::size_t k) const override {
    omp_set_num_threads(1);
    std::vector<float> distances(k);
    std::vector<faiss::Index::idx_t> labels(k);
    index_->search(1, query, static_cast<faiss::Index::idx_t>(k), distances.data(), labels.data());
    return {labels.begin(), labels.end()};
  }

 private:
  std::size_t build_effort_;
  std::unique_ptr<faiss::IndexHNSWFlat> index_;
};

class Hnswlib final : public Engine {
 public:
  explicit Hnswlib(std::size_t build_effort) : build_effort_(build_effort) {}
  std::string name() const override { return "hnswlib"; }
  void build(const float* vectors, std::size_t count, std::size_t dimensions, int threads) override {
    space_ = std::make_unique<hnswlib::InnerProductSpace>(dimensions);
    index_ = std::make_unique<hnswlib::HierarchicalNSW<float>>(space_.get(), count, kLinks, build_effort_);
    index_->addPoint(vectors, 0);
    std::atomic<std::size_t> next = 1;
    std::vector<std::thread> workers;
    for (int t = 0; t < threads; ++t)
      workers.emplace_back([&] {
        for (std::size_t i = next++; i < count; i = next++) index_->addPoint(vectors + i * dimensions, i);
      });
    for (auto& worker : workers) worker.join();
  }
  bool has_effort() const override { return true; }
  void set_effort(std::size_t effort) override { index_->setEf(effort); }
  std::vector<std::uint32_t> search(const float* query, std::size_t k) const override {
    auto found = index_->searchKnn(query, k);
    std::vector<std::uint32_t> out(found.size());
    for (std::size_t i = out.size(); i-- > 0; found.pop()) out[i] = static_cast<std::uint32_t>(found.top().second);
    return out;
  }

 private:
  std::size_t build_effort_;
  std::unique_ptr<hnswlib::InnerProductSpace> space_;
  std::unique_ptr<hnswlib::HierarchicalNSW<float>> index_;
};

}  // namespace

std::unique_ptr<Engine> make_faiss_flat_engine() { return std::make_unique<FaissFlat>(); }
std::unique_ptr<Engine> make_faiss_hnsw_engine(std::size_t build_effort) {
  return std::make_unique<FaissHnsw>(build_effort);
}
std::unique_ptr<Engine> make_hnswlib_engine(std::size_t build_effort) {
  return std::make_unique<Hnswlib>(build_effort);
}

std::vector<std::vector<std::uint32_t>> nearest(const float* vectors, std::size_t count, std::size_t dimensions,
                                                const float* queries, std::size_t query_count, std::size_t k,
                                                int threads) {
  omp_set_num_threads(threads);
  std::vector<std::vector<std::uint32_t>> out(query_count);
  // In parts, so that faiss's own copy stays small. The best of each part, then the best of all.
  constexpr std::size_t kPart = 100'000;
  std::vector<std::vector<std::pair<float, std::uint32_t>>> best(query_count);
  for (std::size_t first = 0; first < count; first += kPart) {
    const std::size_t size = std::min(kPart, count - first);
    faiss::IndexFlatIP part(static_cast<faiss::Index::idx_t>(dimensions));
    part.add(static_cast<faiss::Index::idx_t>(size), vectors + first * dimensions);
    std::vector<float> scores(query_count * k);
    std::vector<faiss::Index::idx_t> labels(query_count * k);
    part.search(static_cast<faiss::Index::idx_t>(query_count), queries, static_cast<faiss::Index::idx_t>(k),
                scores.data(), labels.data());
    for (std::size_t q = 0; q < query_count; ++q)
      for (std::size_t i = 0; i < k; ++i)
        best[q].emplace_back(-scores[q * k + i],
                             static_cast<std::uint32_t>(first + static_cast<std::size_t>(labels[q * k + i])));
  }
  for (std::size_t q = 0; q < query_count; ++q) {
    std::sort(best[q].begin(), best[q].end());
    for (std::size_t i = 0; i < k; ++i) out[q].push_back(best[q][i].second);
  }
  return out;
}

}  // namespace likeness::bench
