#include "functions/native.hpp"

#include <mutex>
#include <utility>

namespace likeness::functions {

void NativeRegistry::add(std::string name, NativeFunction function) {
  auto held = std::make_shared<const NativeFunction>(std::move(function));
  const std::unique_lock lock(mutex_);
  functions_[std::move(name)] = std::move(held);
}

std::shared_ptr<const NativeFunction> NativeRegistry::find(const std::string& name) const {
  const std::shared_lock lock(mutex_);
  const auto found = functions_.find(name);
  return found == functions_.end() ? nullptr : found->second;
}

std::vector<std::string> NativeRegistry::names() const {
  const std::shared_lock lock(mutex_);
  std::vector<std::string> names;
  names.reserve(functions_.size());
  for (const auto& [name, function] : functions_) names.push_back(name);
  return names;
}

}  // namespace likeness::functions
