#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace likeness::app {

/// As many files at once as keep every core busy: reading and decoding of one overlaps with the models of others.
inline std::size_t default_jobs() { return std::clamp<std::size_t>(std::thread::hardware_concurrency() + 1, 2, 64); }

/// Calls `work(i)` for 0..count-1 on `jobs` threads and `take(i, result)` on the calling thread in the order of i. At
/// most `jobs * 8` results wait, so that memory stays bounded however many there are. `work` must not throw.
template <class Work, class Take>
void parallel_in_order(std::size_t count, std::size_t jobs, Work work, Take take) {
  using Answer = decltype(work(std::size_t{}));
  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::size_t, Answer> finished;
  std::size_t next = 0, taken = 0;
  const std::size_t window = jobs * 8;
  const auto run = [&] {
    for (;;) {
      std::size_t mine = 0;
      {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return next >= count || next < taken + window; });
        if (next >= count) return;
        mine = next++;
      }
      Answer result = work(mine);
      const std::lock_guard lock(mutex);
      finished.emplace(mine, std::move(result));
      changed.notify_all();
    }
  };
  std::vector<std::jthread> threads;
  threads.reserve(std::min(jobs, count));
  for (std::size_t i = 0; i < std::min(jobs, count); ++i) threads.emplace_back(run);
  for (std::size_t i = 0; i < count; ++i) {
    std::optional<Answer> result;
    {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return finished.contains(i); });
      result.emplace(std::move(finished.extract(i).mapped()));
      taken = i + 1;
      changed.notify_all();
    }
    take(i, std::move(*result));
  }
}

}  // namespace likeness::app
