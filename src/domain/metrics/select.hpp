#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "domain/metrics/series.hpp"

namespace likeness::metrics {

/// A query of Metrics Insights: `SELECT AVG(Duration) FROM SCHEMA("AWS/Lambda", FunctionName) WHERE FunctionName != 'a'
/// GROUP BY FunctionName ORDER BY MAX() DESC LIMIT 5`.
struct Select {
  std::string statistic;  // "Average"
  std::string metric, name_space;
  std::optional<std::vector<std::string>> schema;  // exactly these dimensions, by name
  struct Test {
    std::string dimension, value;
    bool equal = true;
  };
  std::vector<Test> where;  // all of them
  std::vector<std::string> group_by;
  std::string order_by;  // a statistic; empty: none
  bool descending = false;
  std::size_t limit = 500;

  /// Whether `text` is one at all.
  static bool is_one(std::string_view text);
  /// Error: ValidationException.
  static Result<Select> parse(std::string_view text);
  bool matches(const SeriesKey& key) const;
  /// The group's values, by which it is called; nullopt if the metric lacks one of its dimensions.
  std::optional<std::string> group_of(const SeriesKey& key) const;
};

}  // namespace likeness::metrics
