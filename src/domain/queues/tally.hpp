#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>

#include "domain/queues/message.hpp"

namespace likeness::queues {

struct Counts {
  std::uint64_t visible = 0;
  std::uint64_t in_flight = 0;
  std::uint64_t delayed = 0;
};

/// How many messages a queue has in which state, without looking at them: what is hidden is counted by the second in
/// which it comes back. Thread-safe.
class Tally {
 public:
  void add(const State& state) {
    const std::lock_guard lock(mutex_);
    ++total_;
    count(state, 1);
  }
  void remove(const State& state) {
    const std::lock_guard lock(mutex_);
    --total_;  // may be below 0 for a moment: who removes can be quicker than who has just added
    count(state, -1);
  }
  void change(const State& from, const State& to) {
    const std::lock_guard lock(mutex_);
    count(from, -1);
    count(to, 1);
  }
  void clear() {
    const std::lock_guard lock(mutex_);
    total_ = 0;
    in_flight_.clear();
    delayed_.clear();
  }
  Counts read(Millis now) {
    const std::lock_guard lock(mutex_);
    Counts out;
    out.in_flight = hidden(in_flight_, now);
    out.delayed = hidden(delayed_, now);
    const auto visible = total_ - static_cast<std::int64_t>(out.in_flight + out.delayed);
    out.visible = static_cast<std::uint64_t>(std::max<std::int64_t>(visible, 0));
    return out;
  }

 private:
  using Seconds = std::map<Millis, std::int64_t>;  // second -> messages hidden until then

  void count(const State& state, std::int64_t by) {
    if (state.receives == 0 && state.visible_at <= state.sent) return;
    auto& seconds = state.receives != 0 ? in_flight_ : delayed_;
    const auto second = (state.visible_at + 999) / 1000;
    const auto at = seconds.try_emplace(second, 0).first;
    at->second += by;
    if (at->second == 0) seconds.erase(at);
  }
  static std::uint64_t hidden(Seconds& seconds, Millis now) {
    seconds.erase(seconds.begin(), seconds.upper_bound(now / 1000));
    std::int64_t sum = 0;
    for (const auto& [second, count] : seconds) sum += count;
    return static_cast<std::uint64_t>(std::max<std::int64_t>(sum, 0));
  }

  std::mutex mutex_;
  std::int64_t total_ = 0;
  Seconds in_flight_, delayed_;
};

}  // namespace likeness::queues
