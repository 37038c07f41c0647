#include "base/work_pool.hpp"

#include <pthread.h>

#include <exception>

#include "base/log.hpp"

namespace likeness {

WorkPool::WorkPool(const std::string& name, std::size_t threads, std::size_t queue_limit) : queue_limit_(queue_limit) {
  for (std::size_t i = 0; i < threads; ++i) {
    workers_.emplace_back([this] { run(); });
    pthread_setname_np(workers_.back().native_handle(), (name.substr(0, 12) + "-" + std::to_string(i)).c_str());
  }
}

WorkPool::~WorkPool() { stop(); }

bool WorkPool::submit(std::function<void()> job) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || jobs_.size() >= queue_limit_) return false;
    jobs_.push_back(std::move(job));
    wake = begin_waking();
  }
  if (wake) ready_.notify_one();
  return true;
}

bool WorkPool::begin_waking() {
  if (waking_ || idle_ == 0 || jobs_.empty()) return false;
  waking_ = true;
  return true;
}

void WorkPool::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  ready_.notify_all();
  for (auto& worker : workers_)
    if (worker.joinable()) worker.join();
}

std::size_t WorkPool::queued() const {
  const std::lock_guard lock(mutex_);
  return jobs_.size();
}

void WorkPool::run() {
  while (true) {
    std::function<void()> job;
    bool wake = false;
    {
      std::unique_lock lock(mutex_);
      while (jobs_.empty()) {
        if (stopping_) return;
        ++idle_;
        ready_.wait(lock);
        --idle_;
        waking_ = false;
      }
      job = std::move(jobs_.front());
      jobs_.pop_front();
      wake = begin_waking();
    }
    if (wake) ready_.notify_one();
    // A job answers for its own errors; what still escapes must not end the server.
    try {
      job();
    } catch (const std::exception& e) {
      log::error("a job ended with an exception: {}", e.what());
    }
  }
}

}  // namespace likeness
