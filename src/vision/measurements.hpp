#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace likeness::vision {

/// What was measured on one face, by name: the raw numbers from which the calibration makes probabilities. The names
/// are the contract between the two and with the tool that fits the calibration; README.md lists them. Names are
/// literals: they are not copied.
class Measurements {
 public:
  /// In place of an earlier value of that name.
  void set(std::string_view name, double value);
  void set_vector(std::string_view name, std::span<const float> values);

  std::optional<double> get(std::string_view name) const;
  /// Empty if there is none.
  std::span<const float> vector(std::string_view name) const;

  /// Takes over everything of `other`.
  void add(const Measurements& other);

  const std::vector<std::pair<std::string_view, double>>& values() const { return values_; }
  const std::vector<std::pair<std::string_view, std::vector<float>>>& vectors() const { return vectors_; }

 private:
  std::vector<std::pair<std::string_view, double>> values_;
  std::vector<std::pair<std::string_view, std::vector<float>>> vectors_;
};

}  // namespace likeness::vision
