#include "domain/queues/upkeep.hpp"

#include "base/log.hpp"

namespace likeness::queues {

Upkeep::Upkeep(Queues& queues, Pace pace) : queues_(queues), pace_(pace), thread_([this] { run(); }) {}

void Upkeep::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stopped_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Upkeep::run() {
  using Steady = std::chrono::steady_clock;
  const auto report = [](std::string_view what, const Result<void>& done) {
    if (!done) log::warn("{}: {} {}", what, done.error().message, done.error().detail);
  };
  auto tend_at = Steady::now() + pace_.tending;
  auto measure_at = Steady::now() + pace_.measuring;
  auto before = Steady::now();
  while (true) {
    {
      std::unique_lock lock(mutex_);
      if (stopped_.wait_for(lock, pace_.moving, [this] { return stopping_; })) return;
    }
    const auto now = Steady::now();
    if (queues_.move_tasks().any_active())
      report("messages could not be moved",
             queues_.move_tasks().step(std::chrono::duration<double>(now - before).count()));
    before = now;
    if (now >= tend_at) {
      report("queues could not be tended", queues_.tend());
      tend_at = Steady::now() + pace_.tending;
    }
    if (now >= measure_at) {
      queues_.measure();
      measure_at += pace_.measuring;
    }
  }
}

}  // namespace likeness::queues
