#include "domain/timetable.hpp"

#include <algorithm>
#include <chrono>

namespace likeness::domain {

namespace {
/// The clock on the wall can be set: it is looked at this often.
constexpr std::chrono::seconds kLongestSleep{1};
}  // namespace

void Timetable::start() {
  const std::lock_guard lock(mutex_);
  if (!thread_.joinable() && !stopping_) thread_ = std::thread([this] { run(); });
}

void Timetable::stop() {
  std::thread thread;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    thread = std::move(thread_);
  }
  changed_.notify_all();
  if (thread.joinable()) thread.join();
}

void Timetable::set(const std::string& name, TimePoint due) {
  {
    const std::lock_guard lock(mutex_);
    const auto [at, added] = due_.try_emplace(name, due);
    if (!added) {
      order_.erase({at->second, name});
      at->second = due;
    }
    order_.emplace(due, name);
  }
  changed_.notify_all();
}

void Timetable::remove(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto at = due_.find(name);
  if (at == due_.end()) return;
  order_.erase({at->second, name});
  due_.erase(at);
}

std::size_t Timetable::size() const {
  const std::lock_guard lock(mutex_);
  return due_.size();
}

void Timetable::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (order_.empty()) {
      changed_.wait(lock);
      continue;
    }
    const TimePoint now = clock_.now();
    const auto [due, name] = *order_.begin();
    if (due > now) {
      changed_.wait_for(lock, std::min<std::chrono::nanoseconds>(due - now, kLongestSleep));
      continue;
    }
    order_.erase(order_.begin());
    due_.erase(name);
    lock.unlock();
    callback_(name, due);
    lock.lock();
  }
}

}  // namespace likeness::domain
