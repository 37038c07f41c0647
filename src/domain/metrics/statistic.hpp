#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "domain/metrics/series.hpp"

namespace likeness::metrics {

/// A statistic over values: "Average", "p99.9", "tm90", "TM(10%:90%)", "PR(0:300)", "IQM". Immutable.
class Statistic {
 public:
  /// Nullopt for a name that is none.
  static std::optional<Statistic> parse(std::string_view name);

  /// Nullopt where it cannot be told: percentiles and the like of statistic sets.
  std::optional<double> of(const Aggregate& aggregate) const;

  bool is_basic() const { return kind_ <= Kind::Maximum; }

 private:
  enum class Kind {
    SampleCount,
    Average,
    Sum,
    Minimum,
    Maximum,
    Percentile,
    TrimmedMean,
    WinsorizedMean,
    TrimmedCount,
    TrimmedSum,
    PercentileRank
  };
  Kind kind_ = Kind::Average;
  // The part of the values that counts: by share (0 to 1), or by value.
  std::optional<double> low_, high_;
  bool by_share_ = true;
};

}  // namespace likeness::metrics
