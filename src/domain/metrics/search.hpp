#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "domain/metrics/series.hpp"

namespace likeness::metrics {

/// The first argument of SEARCH: `{AWS/Lambda,FunctionName} MetricName="Errors" photo`.
class Search {
 public:
  /// Error: ValidationException.
  static Result<Search> parse(std::string_view text);

  bool matches(const SeriesKey& key) const;

 private:
  struct Term {
    std::string property;  // "MetricName", a dimension's name; empty: anywhere
    std::string text;
    bool exact = false;
    bool negated = false;
    bool alternative = false;  // OR with the one before
  };
  std::string name_space_;
  std::vector<std::string> dimensions_;
  bool schema_ = false;
  std::vector<Term> terms_;
};

}  // namespace likeness::metrics
