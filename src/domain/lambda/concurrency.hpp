#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "domain/lambda/model.hpp"

namespace likeness::lambda {

/// How many invokes run at once: a function with reserved concurrency has that much for itself and no more, all others
/// share what is left of the account's. Nothing waits here: what is over the limit is throttled. Thread-safe.
class Concurrency {
 public:
  /// One running invoke.
  class Slot {
   public:
    Slot(Slot&& other) noexcept
        : owner_(std::exchange(other.owner_, nullptr)), id_(std::move(other.id_)), reserved_(other.reserved_) {}
    Slot& operator=(Slot&&) = delete;
    ~Slot() {
      if (owner_ != nullptr) owner_->release(id_, reserved_);
    }

   private:
    friend class Concurrency;
    Slot(Concurrency* owner, std::string id, bool reserved) : owner_(owner), id_(std::move(id)), reserved_(reserved) {}
    Concurrency* owner_;
    std::string id_;
    bool reserved_;
  };

  /// AWS leaves at least that much unreserved.
  static constexpr std::int32_t kLeastUnreserved = 100;

  explicit Concurrency(std::int32_t account_limit) : limit_(account_limit) {}

  /// Error: TooManyRequestsException; its detail is the reason, a value of AWS's ThrottleReason.
  Result<Slot> enter(const Function& function);

  std::int32_t limit() const { return limit_; }
  std::int32_t running() const;
  std::int32_t running(const std::string& function_id) const;

  /// The sum of all reservations has changed.
  void set_reserved(std::int32_t total);
  std::int32_t unreserved() const;
  /// That `total` may be reserved. Error: InvalidParameterValueException.
  Result<void> check_reserved(std::int32_t total) const;

 private:
  void release(const std::string& id, bool reserved);

  const std::int32_t limit_;
  mutable std::mutex mutex_;
  std::int32_t reserved_ = 0;
  std::int32_t shared_running_ = 0;  // of functions without a reservation
  std::int32_t running_ = 0;
  std::map<std::string, std::int32_t> by_function_;
};

}  // namespace likeness::lambda
