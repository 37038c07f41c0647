#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "domain/metrics/recorder.hpp"

/// What is known of one metric in one stretch of time.
namespace likeness::metrics {

/// Seconds since 1970: no metric is finer.
using Seconds = std::int64_t;

/// Namespace, name and dimensions: a metric.
struct SeriesKey {
  std::string name_space, name;
  std::vector<Dimension> dimensions;  // by name

  auto operator<=>(const SeriesKey&) const = default;
  /// 16 bytes under which its data lie: a digest, so that no table of numbers has to be kept.
  std::string id() const;
};

/// How often which values were seen. Few different ones are kept as they are; of many those that differ by a percent or
/// two become one.
class Distribution {
 public:
  void add(double value, double count);
  void add(const Distribution& other);
  /// By value.
  const std::vector<std::pair<double, double>>& points() const { return points_; }
  /// Of values that a reader took from the store, by value.
  static Distribution of(std::vector<std::pair<double, double>> points);

 private:
  void compress();
  std::vector<std::pair<double, double>> points_;
};

/// Values of one unit, together.
struct Aggregate {
  double sum = 0, minimum = 0, maximum = 0, count = 0;
  Distribution values;
  bool complete = true;  // `values` has them all; statistic sets say only what is above

  void add(double value, double times = 1);
  void add_set(double samples, double total, double least, double most);
  void add(const Aggregate& other);
  bool empty() const { return count == 0; }
};

std::string encode(const Aggregate& aggregate, Unit unit, bool high_resolution);
struct StoredAggregate {
  Aggregate aggregate;
  Unit unit = Unit::None;
  bool high_resolution = false;
};
Result<StoredAggregate> decode_aggregate(std::string_view bytes);

}  // namespace likeness::metrics
