#include "domain/dynamodb/upkeep.hpp"

#include "base/log.hpp"

namespace likeness::dynamodb {

Upkeep::Upkeep(Expiry& expiry, Streams& streams, Pace pace)
    : expiry_(expiry), streams_(streams), pace_(pace), thread_([this] { run(); }) {}

Upkeep::~Upkeep() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stopped_.notify_all();
  thread_.join();
}

void Upkeep::run() {
  using Time = std::chrono::steady_clock::time_point;
  const auto go_on = [this] { return !stopping_.load(); };
  Time next_trimming = std::chrono::steady_clock::now() + pace_.trimming;
  while (true) {
    {
      std::unique_lock lock(mutex_);
      if (stopped_.wait_for(lock, pace_.expiry, [this] { return stopping_.load(); })) return;
    }
    if (auto swept = expiry_.sweep(go_on); !swept)
      log::warn("expired items could not be deleted: {} {}", swept.error().message, swept.error().detail);
    if (std::chrono::steady_clock::now() < next_trimming) continue;
    next_trimming = std::chrono::steady_clock::now() + pace_.trimming;
    if (auto trimmed = streams_.trim(go_on); !trimmed)
      log::warn("table streams could not be trimmed: {} {}", trimmed.error().message, trimmed.error().detail);
  }
}

}  // namespace likeness::dynamodb
