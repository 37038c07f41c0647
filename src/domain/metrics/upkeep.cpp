#include "domain/metrics/upkeep.hpp"

#include "base/log.hpp"

namespace likeness::metrics {

Upkeep::Upkeep(MetricStore& store, std::chrono::seconds interval)
    : store_(store), interval_(interval), thread_([this] { run(); }) {}

Upkeep::~Upkeep() { stop(); }

void Upkeep::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Upkeep::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    wake_.wait_for(lock, interval_, [&] { return stopping_; });
    if (stopping_) return;
    lock.unlock();
    if (auto done = store_.compact(); !done)
      log::warn("old metrics cannot be joined: {} {}", done.error().message, done.error().detail);
    lock.lock();
  }
}

}  // namespace likeness::metrics
