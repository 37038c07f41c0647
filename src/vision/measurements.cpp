#include "vision/measurements.hpp"

#include <algorithm>

namespace likeness::vision {
namespace {

template <class Entries>
auto entry_of(Entries& entries, std::string_view name) {
  return std::find_if(entries.begin(), entries.end(), [&](const auto& entry) { return entry.first == name; });
}

}  // namespace

void Measurements::set(std::string_view name, double value) {
  if (const auto at = entry_of(values_, name); at != values_.end())
    at->second = value;
  else
    values_.emplace_back(name, value);
}

void Measurements::set_vector(std::string_view name, std::span<const float> values) {
  if (const auto at = entry_of(vectors_, name); at != vectors_.end())
    at->second.assign(values.begin(), values.end());
  else
    vectors_.emplace_back(name, std::vector<float>(values.begin(), values.end()));
}

std::optional<double> Measurements::get(std::string_view name) const {
  const auto at = entry_of(values_, name);
  return at == values_.end() ? std::nullopt : std::optional<double>(at->second);
}

std::span<const float> Measurements::vector(std::string_view name) const {
  const auto at = entry_of(vectors_, name);
  return at == vectors_.end() ? std::span<const float>() : std::span<const float>(at->second);
}

void Measurements::add(const Measurements& other) {
  for (const auto& [name, value] : other.values_) set(name, value);
  for (const auto& [name, values] : other.vectors_) set_vector(name, values);
}

}  // namespace likeness::vision
