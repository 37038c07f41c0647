#include "states/elastic_pool.hpp"

#include <pthread.h>

#include <chrono>
#include <utility>

namespace likeness::states {

void ElasticPool::submit(std::function<void()> job) {
  std::vector<std::thread> ended;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    jobs_.push_back(std::move(job));
    if (idle_ < jobs_.size() && threads_.size() < limit_) {
      const auto id = next_id_++;
      threads_.emplace(id, std::thread([this, id] { run(id); }));
    }
    ended.swap(ended_);
  }
  ready_.notify_one();
  for (auto& thread : ended) thread.join();
}

void ElasticPool::run(std::size_t id) {
  pthread_setname_np(pthread_self(), name_.substr(0, 15).c_str());
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    const bool woken = ready_.wait_for(lock, std::chrono::seconds(10), [&] { return stopping_ || !jobs_.empty(); });
    --idle_;
    if (stopping_ || !woken) break;
    auto job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
    job = nullptr;
    lock.lock();
  }
  if (stopping_) return;  // `stop` joins
  const auto at = threads_.find(id);
  ended_.push_back(std::move(at->second));
  threads_.erase(at);
}

void ElasticPool::stop() {
  std::vector<std::thread> all;
  std::deque<std::function<void()>> dropped;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (auto& [id, thread] : threads_) all.push_back(std::move(thread));
    threads_.clear();
    for (auto& thread : ended_) all.push_back(std::move(thread));
    ended_.clear();
    dropped.swap(jobs_);
  }
  ready_.notify_all();
  for (auto& thread : all) thread.join();
}

}  // namespace likeness::states
