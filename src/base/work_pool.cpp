#include "base/work_pool.hpp"

#include <pthread.h>

#include <exception>

#include "base/log.hpp"

namespace likeness {

WorkPool::WorkPool(const std::string& name, std::size_t threads, std::size_t queue_limit) : queue_limit_(queue_limit) {
  for (std::size_t i = 0; i < threads; ++i) {
    workers_.emplace_back([this, &place = places_.emplace_back()] { run(place); });
    pthread_setname_np(workers_.back().native_handle(), (name.substr(0, 12) + "-" + std::to_string(i)).c_str());
  }
}

WorkPool::~WorkPool() { stop(); }

bool WorkPool::submit(std::function<void()> job, Wake wake) {
  std::unique_lock lock(mutex_);
  if (stopping_ || jobs_.size() >= queue_limit_) return false;
  jobs_.push_back(std::move(job));
  wake_one(std::move(lock), wake);
  return true;
}

void WorkPool::wake_one(std::unique_lock<std::mutex> lock, Wake wake) {
  if (waking_ || sleepers_.empty() || jobs_.empty()) return;
  waking_ = true;
  Sleeper& sleeper = wake == Wake::LastAsleep ? *sleepers_.back() : *sleepers_.front();
  if (wake == Wake::LastAsleep)
    sleepers_.pop_back();
  else
    sleepers_.pop_front();
  sleeper.is_woken = true;
  lock.unlock();
  sleeper.woken.notify_one();
}

void WorkPool::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (Sleeper* sleeper : sleepers_) {
      sleeper->is_woken = true;
      sleeper->woken.notify_one();
    }
    sleepers_.clear();
  }
  for (auto& worker : workers_)
    if (worker.joinable()) worker.join();
}

std::size_t WorkPool::queued() const {
  const std::lock_guard lock(mutex_);
  return jobs_.size();
}

void WorkPool::run(Sleeper& self) {
  while (true) {
    std::function<void()> job;
    {
      std::unique_lock lock(mutex_);
      while (jobs_.empty()) {
        if (stopping_) return;
        self.is_woken = false;
        sleepers_.push_back(&self);
        self.woken.wait(lock, [&] { return self.is_woken; });
        waking_ = false;
      }
      job = std::move(jobs_.front());
      jobs_.pop_front();
      wake_one(std::move(lock));
    }
    // A job answers for its own errors; what still escapes must not end the server.
    try {
      job();
    } catch (const std::exception& e) {
      log::error("a job ended with an exception: {}", e.what());
    }
  }
}

}  // namespace likeness
