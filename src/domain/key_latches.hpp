#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

namespace likeness::domain {

/// Lets one request at a time work on a thing that has a name, over its reads, its commit and its change of the index,
/// while requests for other things go on: no mutex is held meanwhile. All names of a request are taken at once, so two
/// requests cannot wait for each other in a circle. Thread-safe.
class KeyLatches {
 public:
  class Held {
   public:
    Held(Held&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)), keys_(std::move(other.keys_)) {}
    Held& operator=(Held&&) = delete;
    ~Held() {
      if (owner_) owner_->release(keys_);
    }

   private:
    friend class KeyLatches;
    Held(KeyLatches* owner, std::vector<std::string> keys) : owner_(owner), keys_(std::move(keys)) {}
    KeyLatches* owner_;
    std::vector<std::string> keys_;
  };

  /// Waits until none of `keys` is held, then holds them all until the result is gone. Doubled keys are fine.
  [[nodiscard]] Held acquire(std::vector<std::string> keys) {
    std::unique_lock lock(mutex_);
    released_.wait(lock, [&] {
      for (const auto& key : keys)
        if (held_.contains(key)) return false;
      return true;
    });
    for (const auto& key : keys) held_.insert(key);
    return Held(this, std::move(keys));
  }

 private:
  void release(const std::vector<std::string>& keys) {
    {
      const std::lock_guard lock(mutex_);
      for (const auto& key : keys) held_.erase(key);
    }
    released_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable released_;
  std::unordered_set<std::string> held_;
};

}  // namespace likeness::domain
