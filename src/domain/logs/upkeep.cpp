#include "domain/logs/upkeep.hpp"

#include "base/log.hpp"

namespace likeness::logs {

Upkeep::Upkeep(Logs& logs, std::chrono::seconds interval)
    : logs_(logs), interval_(interval), thread_([this] { run(); }) {}

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
  auto due = std::chrono::steady_clock::now();
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const auto time = std::chrono::steady_clock::now();
    if (time >= due || logs_.has_erasures()) {
      lock.unlock();
      if (auto swept = logs_.sweep(); !swept)
        log::warn("log events cannot be erased: {} {}", swept.error().message, swept.error().detail);
      due = time + interval_;
      lock.lock();
    }
    wake_.wait_for(lock, std::chrono::seconds(1), [&] { return stopping_; });
  }
}

}  // namespace likeness::logs
