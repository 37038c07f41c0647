#include "measured_loop.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace likeness::bench {
namespace {

using std::chrono::steady_clock;

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

Measured measured_loop(int threads, double seconds, const std::function<bool(int thread, int turn)>& work) {
  std::vector<std::vector<float>> times(static_cast<std::size_t>(threads));
  std::atomic<bool> failed = false;
  const double cpu = cpu_seconds();
  const auto begin = steady_clock::now();
  const auto until = begin + std::chrono::duration<double>(seconds);
  {
    std::vector<std::jthread> workers;
    workers.reserve(static_cast<std::size_t>(threads));
    for (int thread = 0; thread < threads; ++thread)
      workers.emplace_back([&, thread] {
        auto& mine = times[static_cast<std::size_t>(thread)];
        for (int turn = 0;; ++turn) {
          const auto before = steady_clock::now();
          if (before >= until) return;
          if (!work(thread, turn)) failed = true;
          mine.push_back(std::chrono::duration<float, std::milli>(steady_clock::now() - before).count());
        }
      });
  }
  Measured out;
  out.seconds = std::chrono::duration<double>(steady_clock::now() - begin).count();
  out.cpu_seconds = cpu_seconds() - cpu;
  out.failed = failed;
  std::vector<float> all;
  for (const auto& some : times) all.insert(all.end(), some.begin(), some.end());
  out.turns = all.size();
  if (all.empty()) return out;
  std::sort(all.begin(), all.end());
  const auto at = [&](double part) {
    return all[static_cast<std::size_t>(part * static_cast<double>(all.size() - 1))];
  };
  out.p50_ms = at(0.5);
  out.p99_ms = at(0.99);
  return out;
}

}  // namespace likeness::bench
