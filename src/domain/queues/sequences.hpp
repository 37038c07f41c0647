#pragma once

#include <algorithm>
#include <chrono>
#include <mutex>

#include "domain/queues/message.hpp"

namespace likeness::queues {

/// Numbers for messages: ascending, also over restarts, as they are microseconds unless several come in one.
/// Thread-safe.
class Sequences {
 public:
  explicit Sequences(Sequence last) : last_(last) {}

  Sequence next() {
    using std::chrono::duration_cast, std::chrono::microseconds, std::chrono::system_clock;
    const auto now = duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
    const std::lock_guard lock(mutex_);
    return last_ = std::max(last_ + 1, static_cast<Sequence>(now));
  }
  Sequence last() const {
    const std::lock_guard lock(mutex_);
    return last_;
  }

 private:
  mutable std::mutex mutex_;
  Sequence last_;
};

}  // namespace likeness::queues
