#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include "services/cloudwatch/common.hpp"

/// Metrics in and out.
namespace likeness::metrics {
namespace {

constexpr std::size_t kMostData = 1000;        // of a PutMetricData
constexpr std::size_t kMostValues = 150;       // of a datum
constexpr std::size_t kMostDatapoints = 1440;  // of GetMetricStatistics
constexpr std::size_t kMostReturned = 100'800;
constexpr std::size_t kMostQueries = 500;
constexpr std::size_t kListPage = 500;
constexpr Seconds kDay = 24 * 3600;

bool fits(double value) {
  // AWS: -2^360 to 2^360, and no special values.
  return std::isfinite(value) && std::abs(value) <= std::ldexp(1.0, 360);
}

Failure bad_value(std::size_t index, std::string_view member, double value) {
  return invalid_value(
      fmt::format("The value {} for parameter MetricData.member.{}.{} is invalid.", value, index, member));
}

Result<Aggregate> aggregate_of(const shapes::MetricDatum& datum, std::size_t index) {
  Aggregate out;
  const int forms = (datum.value ? 1 : 0) + (datum.statistic_values ? 1 : 0) + (datum.values ? 1 : 0);
  if (forms > 1)
    return client_error(
        "InvalidParameterCombinationException",
        fmt::format("The parameters MetricData.member.{0}.Value, MetricData.member.{0}.Values and "
                    "MetricData.member.{0}.StatisticValues are mutually exclusive and you have specified "
                    "more than one.",
                    index));
  if (forms == 0)
    return client_error("MissingRequiredParameterException",
                        fmt::format("At least one of the parameters MetricData.member.{0}.Value, "
                                    "MetricData.member.{0}.Values or MetricData.member.{0}.StatisticValues must be "
                                    "specified.",
                                    index));
  if (datum.value) {
    if (!fits(*datum.value)) return bad_value(index, "Value", *datum.value);
    out.add(*datum.value);
    return out;
  }
  if (datum.statistic_values) {
    const auto& set = *datum.statistic_values;
    for (const auto& value : {set.sample_count, set.sum, set.minimum, set.maximum})
      if (!fits(value.value_or(0))) return bad_value(index, "StatisticValues", value.value_or(0));
    if (set.sample_count.value_or(0) <= 0)
      return bad_value(index, "StatisticValues.SampleCount", set.sample_count.value_or(0));
    if (set.minimum.value_or(0) > set.maximum.value_or(0))
      return invalid_value(
          fmt::format("The parameter MetricData.member.{}.StatisticValues.Maximum must be greater than "
                      "or equal to MetricData.member.{}.StatisticValues.Minimum.",
                      index, index));
    out.add_set(*set.sample_count, set.sum.value_or(0), set.minimum.value_or(0), set.maximum.value_or(0));
    return out;
  }
  const auto& values = *datum.values;
  if (values.empty() || values.size() > kMostValues)
    return invalid_value(fmt::format("The collection MetricData.member.{}.Values must not have a size greater than {}.",
                                     index, kMostValues));
  if (datum.counts && datum.counts->size() != values.size())
    return invalid_value(fmt::format(
        "The parameters MetricData.member.{0}.Values and MetricData.member.{0}.Counts must be of the same size.",
        index));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double count = datum.counts ? (*datum.counts)[i] : 1;
    if (!fits(values[i])) return bad_value(index, "Values", values[i]);
    if (!fits(count) || count <= 0) return bad_value(index, "Counts", count);
    out.add(values[i], count);
  }
  return out;
}

Result<aws::Empty> put_metric_data(const Parts& parts, const aws::RequestContext& context,
                                   const shapes::PutMetricDataInput& in) {
  if (context.principal.kind != policy::Principal::Kind::Service && in.namespace_->starts_with("AWS/"))
    return invalid_value(
        "The value AWS/ for parameter Namespace is invalid. Namespaces that begin with AWS/ are reserved.");
  if (in.entity_metric_data) return invalid_value("Metrics of entities are not available.");
  if (!in.metric_data || in.metric_data->empty())
    return client_error("MissingRequiredParameterException", "The parameter MetricData is required.");
  if (in.metric_data->size() > kMostData)
    return invalid_value(fmt::format("The collection MetricData must not have a size greater than {}.", kMostData));
  const Seconds now = seconds_of(context.time);
  // What belongs to one metric, unit and time is one value in the store.
  std::map<std::tuple<SeriesKey, Seconds, Unit>, Datum> data;
  for (std::size_t i = 0; i < in.metric_data->size(); ++i) {
    const auto& given = (*in.metric_data)[i];
    auto dimensions = dimensions_of(given.dimensions);
    if (!dimensions) return fail(dimensions);
    auto aggregate = aggregate_of(given, i + 1);
    if (!aggregate) return fail(aggregate);
    const auto resolution = given.storage_resolution.value_or(60);
    if (resolution != 1 && resolution != 60)
      return invalid_value(
          fmt::format("The value {} for parameter MetricData.member.{}.StorageResolution is invalid: 1 or "
                      "60.",
                      resolution, i + 1));
    const Seconds time = given.timestamp ? seconds_of(*given.timestamp) : now;
    if (time < now - 14 * kDay || time > now + 2 * 3600)
      return invalid_value(
          fmt::format("The parameter MetricData.member.{}.Timestamp must specify a time within the past "
                      "two weeks and at most two hours in the future.",
                      i + 1));
    Datum datum;
    datum.series = {*in.namespace_, *given.metric_name, std::move(*dimensions)};
    datum.high_resolution = resolution == 1;
    datum.time = datum.high_resolution ? time : time - time % 60;
    datum.unit = given.unit ? unit_of(*given.unit) : Unit::None;
    auto& at = data[{datum.series, datum.time, datum.unit}];
    auto joined = std::move(at.aggregate);
    joined.add(*aggregate);
    at = std::move(datum);
    at.aggregate = std::move(joined);
  }
  std::vector<Datum> list;
  list.reserve(data.size());
  for (auto& [key, datum] : data) list.push_back(std::move(datum));
  if (auto put = parts.metrics.put(list); !put) return fail(put);
  return aws::Empty{};
}

// -- GetMetricStatistics

Result<void> check_period(Seconds period) {
  constexpr std::array<Seconds, 5> kShort = {1, 5, 10, 20, 30};
  if (period % 60 == 0 || std::ranges::find(kShort, period) != kShort.end()) return {};
  return invalid_value("The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60.");
}

Result<shapes::GetMetricStatisticsOutput> get_metric_statistics(const Parts& parts, const aws::RequestContext&,
                                                                const shapes::GetMetricStatisticsInput& in) {
  const bool basic = in.statistics && !in.statistics->empty();
  const bool extended = in.extended_statistics && !in.extended_statistics->empty();
  if (!basic && !extended)
    return client_error("InvalidParameterCombinationException",
                        "At least one of the parameters Statistics and ExtendedStatistics must be specified.");
  const Seconds period = *in.period;
  if (auto checked = check_period(period); !checked) return fail(checked);
  Seconds from = seconds_of(*in.start_time);
  const Seconds to = seconds_of(*in.end_time);
  if (from >= to)
    return client_error("InvalidParameterValueException",
                        "The parameter StartTime must be less than the parameter EndTime.");
  from -= from % std::min<Seconds>(period, 60);
  const auto wanted = static_cast<std::size_t>((to - from + period - 1) / period);
  if (wanted > kMostDatapoints)
    return client_error(
        "InvalidParameterCombinationException",
        fmt::format("You have requested up to {} datapoints, which exceeds the limit of 1,440. You may "
                    "reduce the datapoints requested by increasing Period, or decreasing the time range.",
                    wanted));
  std::vector<std::pair<std::string, Statistic>> more;
  if (extended)
    for (const auto& name : *in.extended_statistics) {
      const auto statistic = Statistic::parse(name);
      if (!statistic || statistic->is_basic())
        return invalid_value(fmt::format("The value {} for parameter ExtendedStatistics is not supported.", name));
      more.emplace_back(name, *statistic);
    }
  auto dimensions = dimensions_of(in.dimensions);
  if (!dimensions) return fail(dimensions);
  auto periods = read_periods(parts.metrics, {*in.namespace_, *in.metric_name, std::move(*dimensions)}, period,
                              from % period, from, to);
  if (!periods) return fail(periods);
  shapes::GetMetricStatisticsOutput out;
  out.label = *in.metric_name;
  auto& list = out.datapoints.emplace();
  for (const auto& [key, aggregate] : *periods) {
    if (in.unit && unit_of(*in.unit) != key.second) continue;
    shapes::Datapoint point;
    point.timestamp = time_of(key.first);
    point.unit = to_shape(key.second);
    for (const auto statistic : in.statistics.value_or(std::vector<shapes::Statistic>())) {
      switch (statistic) {
        case shapes::Statistic::SampleCount: point.sample_count = aggregate.count; break;
        case shapes::Statistic::Average: point.average = aggregate.sum / aggregate.count; break;
        case shapes::Statistic::Sum: point.sum = aggregate.sum; break;
        case shapes::Statistic::Minimum: point.minimum = aggregate.minimum; break;
        case shapes::Statistic::Maximum: point.maximum = aggregate.maximum; break;
      }
    }
    bool any = basic;
    for (const auto& [name, statistic] : more) {
      const auto value = statistic.of(aggregate);
      if (!value) continue;
      if (!point.extended_statistics) point.extended_statistics.emplace();
      (*point.extended_statistics)[name] = *value;
      any = true;
    }
    if (any) list.push_back(std::move(point));
  }
  return out;
}

// -- GetMetricData

Result<shapes::GetMetricDataOutput> get_metric_data(const Parts& parts, const aws::RequestContext&,
                                                    const shapes::GetMetricDataInput& in) {
  if (in.metric_data_queries->empty() || in.metric_data_queries->size() > kMostQueries)
    return validation(fmt::format("The parameter MetricDataQueries must have 1 to {} items.", kMostQueries));
  auto queries = queries_of(*in.metric_data_queries);
  if (!queries) return fail(queries);
  const Seconds from = seconds_of(*in.start_time);
  const Seconds to = seconds_of(*in.end_time);
  if (from >= to) return validation("The parameter StartTime must be less than the parameter EndTime.");
  auto position = page_position(in.next_token, "InvalidNextToken");
  if (!position) return fail(position);
  std::size_t skip = 0;
  if (!position->empty() &&
      std::from_chars(position->data(), position->data() + position->size(), skip).ec != std::errc())
    return client_error("InvalidNextToken", "The next token is invalid.");
  const auto most =
      std::min<std::size_t>(static_cast<std::size_t>(std::max(in.max_datapoints.value_or(100'800), 1)), kMostReturned);
  // Periods from the whole minute on.
  auto output = run_queries(parts.metrics, *queries, from - from % 60, to);
  if (!output) return fail(output);
  shapes::GetMetricDataOutput out;
  out.messages.emplace();
  auto& list = out.metric_data_results.emplace();
  const bool descending =
      in.scan_by.value_or(shapes::ScanBy::TimestampDescending) == shapes::ScanBy::TimestampDescending;
  std::size_t seen = 0;
  std::size_t given = 0;
  for (const auto& series : output->series) {
    const std::size_t size = series.values.size();
    if (seen + size <= skip && size > 0) {
      seen += size;
      continue;
    }
    shapes::MetricDataResult result{.id = series.id, .label = series.label};
    auto& times = result.timestamps.emplace();
    auto& values = result.values.emplace();
    const auto take = [&](const std::pair<const Seconds, double>& point) {
      if (seen++ < skip) return true;
      if (given == most) return false;
      ++given;
      times.push_back(time_of(point.first));
      values.push_back(point.second);
      return true;
    };
    bool whole = true;
    if (descending)
      for (auto at = series.values.rbegin(); at != series.values.rend() && whole; ++at) whole = take(*at);
    else
      for (auto at = series.values.begin(); at != series.values.end() && whole; ++at) whole = take(*at);
    result.status_code = whole ? shapes::StatusCode::Complete : shapes::StatusCode::PartialData;
    list.push_back(std::move(result));
    if (!whole) {
      out.next_token = page_token(std::to_string(skip + given));
      break;
    }
  }
  return out;
}

// -- ListMetrics

bool matches(const shapes::DimensionFilter& filter, const SeriesKey& key) {
  return std::ranges::any_of(key.dimensions, [&](const Dimension& one) {
    return one.name == filter.name.value_or("") && (!filter.value || *filter.value == one.value);
  });
}

/// A key of the list as text, for a token. No part of a key has a line break.
std::string place_of(const SeriesKey& key) {
  std::string out = key.name_space + "\n" + key.name;
  for (const auto& dimension : key.dimensions) out += "\n" + dimension.name + "\n" + dimension.value;
  return out;
}
SeriesKey key_at(std::string_view place) {
  std::vector<std::string> parts;
  while (true) {
    const auto end = place.find('\n');
    parts.emplace_back(place.substr(0, end));
    if (end == std::string_view::npos) break;
    place.remove_prefix(end + 1);
  }
  SeriesKey out;
  out.name_space = parts[0];
  if (parts.size() > 1) out.name = parts[1];
  for (std::size_t i = 2; i + 1 < parts.size(); i += 2) out.dimensions.push_back({parts[i], parts[i + 1]});
  return out;
}

Result<shapes::ListMetricsOutput> list_metrics(const Parts& parts, const aws::RequestContext& context,
                                               const shapes::ListMetricsInput& in) {
  auto position = page_position(in.next_token, "InvalidParameterValueException");
  if (!position) return fail(position);
  SeriesKey first;
  if (in.namespace_) first.name_space = *in.namespace_;
  if (!position->empty()) first = key_at(*position);
  const Seconds active = in.recently_active ? seconds_of(context.time) - 3 * 3600 : 0;
  shapes::ListMetricsOutput out;
  auto& list = out.metrics.emplace();
  parts.metrics.list(first, [&](const SeriesInfo& info) {
    const auto& key = info.key;
    if (in.namespace_ && key.name_space != *in.namespace_) return false;
    if (in.metric_name && key.name != *in.metric_name) return true;
    if (info.last_active < active) return true;
    if (in.dimensions && !std::ranges::all_of(*in.dimensions, [&](const auto& one) { return matches(one, key); }))
      return true;
    if (list.size() == kListPage) {
      out.next_token = page_token(place_of(key));
      return false;
    }
    list.push_back({.namespace_ = key.name_space, .metric_name = key.name, .dimensions = to_shapes(key.dimensions)});
    return true;
  });
  return out;
}

}  // namespace

void add_data(aws::Service& service, const Parts& parts) {
  service.on<shapes::PutMetricData>(with(parts, put_metric_data), "Without entities.");
  service.on<shapes::GetMetricStatistics>(with(parts, get_metric_statistics));
  service.on<shapes::GetMetricData>(with(parts, get_metric_data),
                                    "Of one account. No anomaly detection, Metrics Insights queries or dynamic labels; "
                                    "of metric math the common functions.");
  service.on<shapes::ListMetrics>(with(parts, list_metrics), "Of one account.");
}

}  // namespace likeness::metrics
