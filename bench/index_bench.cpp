// Face search against faiss and hnswlib at equal recall.
//
//     index_bench [--sizes 10000,100000,1000000] [--queries 500] [--build-effort 200] [--engines
//     likeness,flat,hnswlib,faiss]
//
// For each size: builds each engine over the same vectors (two threads), raises the effort of those that have one until
// recall@10 over the queries is at least .99, then times the queries one by one on one thread and on two.

#include <malloc.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <thread>

#include "base/cpu.hpp"
#include "index/face_index.hpp"
#include "index_engines.hpp"
#include "index_vectors.hpp"

namespace likeness::bench {
namespace {

constexpr std::size_t kDimensions = 512;
constexpr std::size_t kNearest = 10;
constexpr double kRecall = 0.99;

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/// What the calling thread has used of a processor: unlike the wall clock it does not count what other programs took.
double thread_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

double resident_mib() {
  std::ifstream file("/proc/self/statm");
  double size = 0, resident = 0;
  file >> size >> resident;
  return resident * 4096 / (1 << 20);
}

class Likeness final : public Engine {
 public:
  std::string name() const override { return "Likeness"; }
  void build(const float* vectors, std::size_t count, std::size_t dimensions, int threads) override {
    index::FaceIndexOptions options;
    options.dimensions = dimensions;
    options.search_threads = 1;  // as the peers
    index_ = index::make_face_index(options);
    std::vector<std::thread> workers;
    for (int t = 0; t < threads; ++t)
      workers.emplace_back([&, t] {
        for (std::size_t i = static_cast<std::size_t>(t); i < count; i += static_cast<std::size_t>(threads)) {
          index::VectorId id{};
          const auto number = static_cast<std::uint32_t>(i);
          std::memcpy(id.data(), &number, sizeof number);
          (void)index_->add(id, {vectors + i * dimensions, dimensions});
        }
      });
    for (auto& worker : workers) worker.join();
  }
  bool has_effort() const override { return false; }
  void set_effort(std::size_t) override {}
  std::vector<std::uint32_t> search(const float* query, std::size_t k) const override {
    std::vector<std::uint32_t> out;
    for (const auto& match : index_->search({query, index_->dimensions()}, k, -1)) {
      std::uint32_t number = 0;
      std::memcpy(&number, match.id.data(), sizeof number);
      out.push_back(number);
    }
    return out;
  }

 private:
  std::unique_ptr<index::FaceIndex> index_;
};

struct Row {
  std::string engine;
  std::size_t effort = 0;
  double recall = 0, insert_rate = 0, mib = 0, rate[2] = {}, p50_ms[2] = {}, p99_ms[2] = {}, cpu_ms = 0;
};

double recall_of(const Engine& engine, const std::vector<float>& queries,
                 const std::vector<std::vector<std::uint32_t>>& truth) {
  std::size_t hits = 0;
  std::vector<std::thread> workers;
  std::vector<std::size_t> part(2, 0);
  for (std::size_t t = 0; t < 2; ++t)
    workers.emplace_back([&, t] {
      for (std::size_t q = t; q < truth.size(); q += 2) {
        const auto found = engine.search(&queries[q * kDimensions], kNearest);
        const std::set<std::uint32_t> ids(found.begin(), found.end());
        for (const std::uint32_t wanted : truth[q]) part[t] += ids.count(wanted);
      }
    });
  for (auto& worker : workers) worker.join();
  hits = part[0] + part[1];
  return static_cast<double>(hits) / static_cast<double>(truth.size() * kNearest);
}

void time_queries(const Engine& engine, const std::vector<float>& queries, std::size_t count, std::size_t threads,
                  Row& row) {
  std::vector<std::vector<double>> times(threads);
  std::vector<double> used(threads);
  const double start = now();
  std::vector<std::thread> workers;
  for (std::size_t t = 0; t < threads; ++t)
    workers.emplace_back([&, t] {
      const double used_before = thread_seconds();
      for (std::size_t q = t; q < count; q += threads) {
        const double began = now();
        (void)engine.search(&queries[q * kDimensions], kNearest);
        times[t].push_back(now() - began);
      }
      used[t] = thread_seconds() - used_before;
    });
  for (auto& worker : workers) worker.join();
  row.rate[threads - 1] = static_cast<double>(count) / (now() - start);
  if (threads == 1) row.cpu_ms = used[0] / static_cast<double>(count) * 1e3;
  std::vector<double> all;
  for (const auto& some : times) all.insert(all.end(), some.begin(), some.end());
  std::sort(all.begin(), all.end());
  row.p50_ms[threads - 1] = all[all.size() / 2] * 1e3;
  row.p99_ms[threads - 1] = all[all.size() * 99 / 100] * 1e3;
}

Row measure(Engine& engine, const std::vector<float>& vectors, const std::vector<float>& queries,
            const std::vector<std::vector<std::uint32_t>>& truth) {
  Row row;
  row.engine = engine.name();
  const std::size_t count = vectors.size() / kDimensions;
  malloc_trim(0);
  const double before = resident_mib();
  const double start = now();
  engine.build(vectors.data(), count, kDimensions, 2);
  row.insert_rate = static_cast<double>(count) / (now() - start);
  row.mib = resident_mib() - before;
  for (std::size_t effort = 16; effort < 1 << 20; effort += std::max<std::size_t>(8, effort / 5)) {
    row.effort = engine.has_effort() ? effort : 0;
    engine.set_effort(effort);
    row.recall = recall_of(engine, queries, truth);
    if (row.recall >= kRecall || !engine.has_effort()) break;
  }
  for (const std::size_t threads : {1u, 2u}) time_queries(engine, queries, truth.size(), threads, row);
  return row;
}

void print(std::size_t count, const std::vector<Row>& rows) {
  std::printf("\n%zu vectors of %zu dimensions, recall@10 >= %.2f\n\n", count, kDimensions, kRecall);
  std::printf(
      "| engine | ef | recall@10 | CPU ms a query | queries/s, 1 thread | p50 ms | p99 ms | queries/s, 2 threads | p50 "
      "ms "
      "| p99 ms | inserts/s, 2 threads | MiB | CPU time over ours "
      "|\n|---|---|---|---|---|---|---|---|---|---|---|---|---|\n");
  for (const Row& row : rows)
    std::printf("| %s | %s | %.4f | %.3f | %.0f | %.3f | %.3f | %.0f | %.3f | %.3f | %.0f | %.0f | %.1f |\n",
                row.engine.c_str(), row.effort == 0 ? "-" : std::to_string(row.effort).c_str(), row.recall, row.cpu_ms,
                row.rate[0], row.p50_ms[0], row.p99_ms[0], row.rate[1], row.p50_ms[1], row.p99_ms[1], row.insert_rate,
                row.mib, row.cpu_ms / rows[0].cpu_ms);
  std::fflush(stdout);
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> out;
  std::stringstream stream(text);
  for (std::string part; std::getline(stream, part, ',');) out.push_back(part);
  return out;
}

int run(int argc, char** argv) {
  std::string sizes = "10000,100000", engines = "likeness,flat,hnswlib,faiss";
  std::size_t query_count = 500, build_effort = 200;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    if (name == "--sizes")
      sizes = argv[i + 1];
    else if (name == "--engines")
      engines = argv[i + 1];
    else if (name == "--queries")
      query_count = std::stoul(argv[i + 1]);
    else if (name == "--build-effort")
      build_effort = std::stoul(argv[i + 1]);
    else
      return std::fprintf(stderr, "unknown option %s\n", argv[i]), 2;
  }
  std::printf("%s; graphs: 16 links, efConstruction %zu\n", cpu_name().c_str(), build_effort);
  for (const std::string& size : split(sizes)) {
    const FaceLikeVectors source(kDimensions, std::stoul(size), 42);
    const auto vectors = source.vectors(2);
    const auto queries = source.queries(query_count);
    const auto truth = nearest(vectors.data(), source.size(), kDimensions, queries.data(), query_count, kNearest, 2);
    std::vector<Row> rows;
    for (const std::string& name : split(engines)) {
      const std::unique_ptr<Engine> engine = name == "likeness"  ? make_likeness_engine()
                                             : name == "flat"    ? make_faiss_flat_engine()
                                             : name == "hnswlib" ? make_hnswlib_engine(build_effort)
                                             : name == "faiss"   ? make_faiss_hnsw_engine(build_effort)
                                                                 : nullptr;
      if (!engine) return std::fprintf(stderr, "unknown engine %s\n", name.c_str()), 2;
      rows.push_back(measure(*engine, vectors, queries, truth));
      // As they come: graphs of a million vectors take their time.
      print(source.size(), {rows.back()});
    }
    std::printf("\nAll together:\n");
    print(source.size(), rows);
  }
  return 0;
}

}  // namespace

std::unique_ptr<Engine> make_likeness_engine() { return std::make_unique<Likeness>(); }

}  // namespace likeness::bench

int main(int argc, char** argv) { return likeness::bench::run(argc, argv); }
