#include "base/elastic_pool.hpp"

#include <pthread.h>

#include <exception>
#include <system_error>
#include <utility>

#include "base/log.hpp"

namespace likeness {

ElasticPool::ElasticPool(std::string name, std::size_t max_threads, std::chrono::milliseconds linger)
    : name_(std::move(name)), max_threads_(max_threads), linger_(linger) {}

ElasticPool::~ElasticPool() { stop(); }

bool ElasticPool::submit(std::function<void()> job) {
  std::unique_lock lock(mutex_);
  join_ended(lock);
  if (stopping_) return false;
  if (free_ > jobs_.size()) {
    jobs_.push_back(std::move(job));
    ready_.notify_one();
    return true;
  }
  if (running_.size() >= max_threads_) return false;
  running_.emplace_back();
  const auto self = std::prev(running_.end());
  jobs_.push_back(std::move(job));
  ++free_;  // the thread that starts now; it waits for the lock before it looks at anything
  try {
    *self = std::thread([this, self] { run(self); });
  } catch (const std::system_error& failure) {  // the system has no more threads
    log::error("no thread for {}: {}", name_, failure.what());
    running_.erase(self);
    jobs_.pop_back();
    --free_;
    return false;
  }
  pthread_setname_np(self->native_handle(), name_.substr(0, 12).c_str());
  return true;
}

void ElasticPool::run(std::list<std::thread>::iterator self) {
  std::unique_lock lock(mutex_);
  while (true) {
    ready_.wait_for(lock, linger_, [this] { return stopping_ || !jobs_.empty(); });
    if (jobs_.empty()) break;
    auto job = std::move(jobs_.front());
    jobs_.pop_front();
    --free_;
    lock.unlock();
    // A job answers for its own errors; what still escapes must not end the server.
    try {
      job();
    } catch (const std::exception& e) {
      log::error("a job ended with an exception: {}", e.what());
    }
    job = nullptr;
    lock.lock();
    ++free_;
    if (stopping_ && jobs_.empty()) break;
  }
  --free_;
  ended_.splice(ended_.end(), running_, self);
  changed_.notify_all();
}

void ElasticPool::join_ended(std::unique_lock<std::mutex>& lock) {
  std::list<std::thread> ended = std::move(ended_);
  ended_.clear();
  if (ended.empty()) return;
  lock.unlock();
  for (auto& thread : ended) thread.join();
  lock.lock();
}

void ElasticPool::stop() {
  std::unique_lock lock(mutex_);
  stopping_ = true;
  ready_.notify_all();
  changed_.wait(lock, [this] { return running_.empty(); });
  join_ended(lock);
}

std::size_t ElasticPool::busy() const {
  const std::lock_guard lock(mutex_);
  return running_.size() - free_ + jobs_.size();
}

std::size_t ElasticPool::threads() const {
  const std::lock_guard lock(mutex_);
  return running_.size();
}

}  // namespace likeness
