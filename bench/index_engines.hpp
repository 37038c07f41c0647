#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace likeness::bench {

/// One of the engines that are compared. `effort` is what the engine trades time for recall with; 0 where it has
/// nothing of the kind.
class Engine {
 public:
  virtual ~Engine() = default;
  virtual std::string name() const = 0;
  virtual void build(const float* vectors, std::size_t count, std::size_t dimensions, int threads) = 0;
  virtual bool has_effort() const = 0;
  virtual void set_effort(std::size_t effort) = 0;
  /// Places of the `k` nearest in `vectors`, best first. On the calling thread only; many threads may call at once.
  virtual std::vector<std::uint32_t> search(const float* query, std::size_t k) const = 0;
};

std::unique_ptr<Engine> make_likeness_engine();
/// Graphs have 16 links a node; `build_effort` is their efConstruction.
std::unique_ptr<Engine> make_faiss_flat_engine();
std::unique_ptr<Engine> make_faiss_hnsw_engine(std::size_t build_effort);
std::unique_ptr<Engine> make_hnswlib_engine(std::size_t build_effort);

/// The true `k` nearest of each query, all at once.
std::vector<std::vector<std::uint32_t>> nearest(const float* vectors, std::size_t count, std::size_t dimensions,
                                                const float* queries, std::size_t query_count, std::size_t k,
                                                int threads);

}  // namespace likeness::bench
