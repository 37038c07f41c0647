#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "domain/metrics/metric_store.hpp"
#include "domain/metrics/statistic.hpp"

/// What GetMetricData computes: statistics of metrics, and expressions over them ("metric math").
namespace likeness::metrics {

/// One statistic of one metric, period by period.
struct MetricStat {
  SeriesKey series;
  Seconds period = 60;
  std::string stat;
  std::optional<Unit> unit;
};

struct MetricQuery {
  std::string id;  // "m1": expressions call it by that
  std::optional<MetricStat> stat;
  std::string expression;
  std::string label;
  bool return_data = true;
  Seconds period = 0;  // of an expression; 0: that of what is in it
};

/// Values at multiples of the period; periods without data are not there.
struct TimeSeries {
  std::string id, label;
  Seconds period = 60;
  std::map<Seconds, double> values;
};

struct QueryOutput {
  std::vector<TimeSeries> series;  // in the order of the queries; an expression may give several
};

/// Runs queries for from <= time < to. Errors are ValidationException: a bad expression, a name that is not there.
Result<QueryOutput> run_queries(const MetricStore& store, const std::vector<MetricQuery>& queries, Seconds from,
                                Seconds to);
/// What can be said without any data.
Result<void> check_queries(const std::vector<MetricQuery>& queries);

/// A metric's data joined by period and unit. Periods begin at `origin` and at multiples of their length from there.
Result<std::map<std::pair<Seconds, Unit>, Aggregate>> read_periods(const MetricStore& store, const SeriesKey& series,
                                                                   Seconds period, Seconds origin, Seconds from,
                                                                   Seconds to);
/// One metric's statistic; all units together unless one is asked for.
Result<std::map<Seconds, double>> read_stat(const MetricStore& store, const MetricStat& stat, Seconds from, Seconds to);

/// Errors in CloudWatch's words.
Failure invalid_value(std::string message);
Failure validation(std::string message);

}  // namespace likeness::metrics
