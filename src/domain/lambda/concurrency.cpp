#include "domain/lambda/concurrency.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "domain/lambda/errors.hpp"

namespace likeness::lambda {

Result<Concurrency::Slot> Concurrency::enter(const Function& function) {
  const std::lock_guard lock(mutex_);
  auto& running = by_function_[function.id];
  if (function.reserved) {
    if (running >= *function.reserved) {
      if (running == 0) by_function_.erase(function.id);
      return throttled("ReservedFunctionConcurrentInvocationLimitExceeded");
    }
  } else {
    if (shared_running_ >= limit_ - reserved_) {
      if (running == 0) by_function_.erase(function.id);
      return throttled("ConcurrentInvocationLimitExceeded");
    }
    ++shared_running_;
  }
  ++running;
  ++running_;
  return Slot(this, function.id, function.reserved.has_value());
}

void Concurrency::release(const std::string& id, bool reserved) {
  const std::lock_guard lock(mutex_);
  if (!reserved) --shared_running_;
  --running_;
  if (const auto at = by_function_.find(id); at != by_function_.end() && --at->second == 0) by_function_.erase(at);
}

std::int32_t Concurrency::running() const {
  const std::lock_guard lock(mutex_);
  return running_;
}

std::int32_t Concurrency::running(const std::string& function_id) const {
  const std::lock_guard lock(mutex_);
  const auto at = by_function_.find(function_id);
  return at == by_function_.end() ? 0 : at->second;
}

void Concurrency::set_reserved(std::int32_t total) {
  const std::lock_guard lock(mutex_);
  reserved_ = total;
}

std::int32_t Concurrency::unreserved() const {
  const std::lock_guard lock(mutex_);
  return limit_ - reserved_;
}

Result<void> Concurrency::check_reserved(std::int32_t total) const {
  // With a small limit (a setting) at least one call must be left.
  const auto least = std::min(kLeastUnreserved, std::max(1, limit_ / 10));
  if (limit_ - total < least)
    return invalid(
        fmt::format("Specified ReservedConcurrentExecutions for function decreases account's "
                    "UnreservedConcurrentExecution below its minimum value of [{}].",
                    least));
  return {};
}

}  // namespace likeness::lambda
