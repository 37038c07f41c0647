#include "services/iam/usage.hpp"

namespace likeness::iam {
namespace {

/// More than there can be keys and roles at one time: what is over stems from those that are gone.
constexpr std::size_t kMostKept = 20'000;

}  // namespace

void Usage::note(std::string_view id, TimePoint time, std::string_view service, std::string_view region) {
  const std::lock_guard lock(mutex_);
  if (const auto at = last_.find(id); at != last_.end()) {
    at->second.time = time;
    if (at->second.service != service) at->second.service = service;
    if (at->second.region != region) at->second.region = region;
    return;
  }
  if (last_.size() >= kMostKept) last_.clear();
  last_.emplace(id, Last{time, std::string(service), std::string(region)});
}

std::optional<Usage::Last> Usage::find(std::string_view id) const {
  const std::lock_guard lock(mutex_);
  const auto at = last_.find(id);
  if (at == last_.end()) return std::nullopt;
  return at->second;
}

}  // namespace likeness::iam
