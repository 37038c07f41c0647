#pragma once

#include <cstddef>
#include <functional>

namespace likeness::bench {

struct Measured {
  std::size_t turns = 0;
  double seconds = 0;
  double cpu_seconds = 0;  // of the whole process
  float p50_ms = 0, p99_ms = 0;
  bool failed = false;  // a turn did
};

/// Calls `work(thread, turn)` from many threads for a while. It returns whether it did what it should.
Measured measured_loop(int threads, double seconds, const std::function<bool(int thread, int turn)>& work);

}  // namespace likeness::bench
