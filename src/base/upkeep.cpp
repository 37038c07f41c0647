#include "base/upkeep.hpp"

#include <algorithm>
#include <utility>

#include "base/log.hpp"

namespace likeness {

Upkeep::Upkeep(std::vector<Chore> chores) : chores_(std::move(chores)), thread_([this] { run(); }) {}

void Upkeep::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stopped_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Upkeep::run() {
  using Steady = std::chrono::steady_clock;
  const Chore::GoOn go_on = [this] { return !stopping_.load(); };
  std::vector<Steady::time_point> due;
  due.reserve(chores_.size());
  for (const auto& chore : chores_)
    due.push_back(Steady::now() + (chore.at_once ? std::chrono::milliseconds(0) : chore.interval));
  while (!due.empty()) {
    {
      std::unique_lock lock(mutex_);
      if (stopped_.wait_until(lock, std::ranges::min(due), [this] { return stopping_.load(); })) return;
    }
    for (std::size_t i = 0; i < chores_.size(); ++i) {
      if (stopping_) return;
      const auto& chore = chores_[i];
      if (Steady::now() < due[i]) continue;
      if (auto done = chore.run(go_on); !done)
        log::warn("{}: {} {}", chore.trouble, done.error().message, done.error().detail);
      due[i] += chore.interval;
      if (due[i] < Steady::now()) due[i] = Steady::now() + chore.interval;
    }
  }
}

}  // namespace likeness
