#include "domain/metrics/query.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "domain/metrics/expression.hpp"
#include "domain/metrics/math.hpp"
#include "domain/metrics/select.hpp"

namespace likeness::metrics {
namespace {

constexpr Seconds kMostPeriods = 200'000;

Seconds floor_to(Seconds time, Seconds step) { return time - time % step; }

bool is_id(const std::string& id) {
  if (id.empty() || std::islower(static_cast<unsigned char>(id.front())) == 0) return false;
  return std::ranges::all_of(id, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; });
}

}  // namespace

Failure invalid_value(std::string message) {
  return client_error("InvalidParameterValueException", std::move(message));
}
Failure validation(std::string message) { return client_error("ValidationException", std::move(message)); }

Result<std::map<std::pair<Seconds, Unit>, Aggregate>> read_periods(const MetricStore& store, const SeriesKey& series,
                                                                   Seconds period, Seconds origin, Seconds from,
                                                                   Seconds to) {
  std::map<std::pair<Seconds, Unit>, Aggregate> out;
  auto read = store.read(series, from, to, [&](const Sample& sample) {
    const Seconds since = sample.time - origin;
    const Seconds start = origin + (since >= 0 ? since / period : (since - period + 1) / period) * period;
    out[{start, sample.unit}].add(sample.aggregate);
  });
  if (!read) return fail(read);
  return out;
}

Result<std::map<Seconds, double>> read_stat(const MetricStore& store, const MetricStat& stat, Seconds from,
                                            Seconds to) {
  const auto statistic = Statistic::parse(stat.stat);
  if (!statistic) return validation(fmt::format("The value {} for parameter Stat is not supported.", stat.stat));
  auto periods = read_periods(store, stat.series, stat.period, 0, floor_to(from, stat.period), to);
  if (!periods) return fail(periods);
  std::map<Seconds, Aggregate> joined;
  for (const auto& [key, aggregate] : *periods)
    if (!stat.unit || *stat.unit == key.second) joined[key.first].add(aggregate);
  std::map<Seconds, double> out;
  for (const auto& [time, aggregate] : joined)
    if (const auto value = statistic->of(aggregate)) out[time] = *value;
  return out;
}

Result<void> check_queries(const std::vector<MetricQuery>& queries) {
  std::set<std::string> ids;
  for (const auto& query : queries) {
    if (!is_id(query.id))
      return validation(
          fmt::format("The value {} for parameter MetricDataQueries.member.Id is not matching the "
                      "expected pattern ^[a-z][a-zA-Z0-9_]*$.",
                      query.id));
    if (!ids.insert(query.id).second)
      return validation(fmt::format("The values for parameter id in parameter MetricDataQueries are not unique."));
    if (query.stat.has_value() == !query.expression.empty())
      return validation("Each MetricDataQuery has either a MetricStat or an Expression.");
    if (query.stat && !Statistic::parse(query.stat->stat))
      return validation(
          fmt::format("The value {} for parameter MetricDataQueries.member.MetricStat.Stat is not "
                      "supported.",
                      query.stat->stat));
    if (query.stat && query.stat->period % 60 != 0 && query.stat->period != 1 && query.stat->period != 5 &&
        query.stat->period != 10 && query.stat->period != 20 && query.stat->period != 30)
      return validation("Period must be 1, 5, 10, 20, 30 or a multiple of 60.");
  }
  for (const auto& query : queries) {
    if (query.expression.empty()) continue;
    if (Select::is_one(query.expression)) {
      if (auto parsed = Select::parse(query.expression); !parsed) return fail(parsed);
      continue;
    }
    auto parsed = parse_expression(query.expression);
    if (!parsed) return fail(parsed);
    std::vector<std::string> names;
    names_in(*parsed, names);
    for (const auto& name : names)
      if (!ids.contains(name))
        return validation(fmt::format("Error in expression '{}': Unknown identifier '{}'", query.id, name));
  }
  return {};
}

Result<QueryOutput> run_queries(const MetricStore& store, const std::vector<MetricQuery>& queries, Seconds from,
                                Seconds to) {
  if (auto checked = check_queries(queries); !checked) return fail(checked);
  for (const auto& query : queries) {
    const Seconds period = query.stat ? query.stat->period : std::max<Seconds>(query.period, 60);
    if ((to - from) / period > kMostPeriods) return validation("The time range has too many periods.");
  }
  Evaluator evaluator(store, queries, from, to);
  QueryOutput out;
  for (const auto& query : queries) {
    if (!query.return_data) continue;
    auto series = evaluator.result(query);
    if (!series) return fail(series);
    std::ranges::move(*series, std::back_inserter(out.series));
  }
  return out;
}

}  // namespace likeness::metrics
