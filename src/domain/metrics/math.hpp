#pragma once

#include <map>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "domain/metrics/expression.hpp"
#include "domain/metrics/query.hpp"

namespace likeness::metrics {

/// What an expression is worth: a number, a text, one time series or several.
using MathValue = std::variant<double, std::string, TimeSeries, std::vector<TimeSeries>>;

/// Computes queries and the expressions over them, each once. Used by one thread.
class Evaluator {
 public:
  Evaluator(const MetricStore& store, const std::vector<MetricQuery>& queries, Seconds from, Seconds to);

  /// The series of one query, labelled.
  Result<std::vector<TimeSeries>> result(const MetricQuery& query);

 private:
  Result<MathValue> value_of(const MetricQuery& query);
  Result<MathValue> select(const MetricQuery& query);
  Result<MathValue> evaluate(const Expression& expression);
  Result<MathValue> call(const Expression& expression);
  Result<MathValue> metrics(const Expression& expression);
  Result<MathValue> search(const Expression& expression);
  Result<MathValue> fill(const Expression& expression);
  Result<MathValue> condition(const Expression& expression);
  Result<MathValue> sort(const Expression& expression);
  Result<double> number(const Expression& expression);
  TimeSeries constant(double value) const;
  Seconds period_of(const MathValue& value) const;

  const MetricStore& store_;
  const std::vector<MetricQuery>& queries_;
  const Seconds from_, to_;
  std::map<std::string, MathValue> known_;
  std::set<std::string> under_way_;
  Seconds period_ = 60;  // of the expression that is being computed
  bool period_given_ = false;
};

}  // namespace likeness::metrics
