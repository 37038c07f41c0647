#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.hpp"
#include "services/cloudwatch/common.hpp"

namespace likeness::metrics {

Result<std::vector<Dimension>> dimensions_of(const std::optional<std::vector<shapes::Dimension>>& given) {
  std::vector<Dimension> out;
  if (!given) return out;
  out.reserve(given->size());
  for (const auto& one : *given) out.push_back({one.name.value_or(""), one.value.value_or("")});
  std::ranges::sort(out);
  for (std::size_t i = 1; i < out.size(); ++i)
    if (out[i].name == out[i - 1].name)
      return invalid_value(fmt::format("The dimension {} is given more than once.", out[i].name));
  return out;
}

std::vector<shapes::Dimension> to_shapes(const std::vector<Dimension>& dimensions) {
  std::vector<shapes::Dimension> out;
  out.reserve(dimensions.size());
  for (const auto& one : dimensions) out.push_back({.name = one.name, .value = one.value});
  return out;
}

Result<std::vector<MetricQuery>> queries_of(const std::vector<shapes::MetricDataQuery>& given) {
  std::vector<MetricQuery> out;
  out.reserve(given.size());
  for (const auto& one : given) {
    MetricQuery query;
    query.id = one.id.value_or("");
    query.expression = one.expression.value_or("");
    query.label = one.label.value_or("");
    query.return_data = one.return_data.value_or(true);
    query.period = one.period.value_or(0);
    if (one.metric_stat) {
      MetricStat stat;
      if (one.metric_stat->metric) {
        const auto& metric = *one.metric_stat->metric;
        auto dimensions = dimensions_of(metric.dimensions);
        if (!dimensions) return fail(dimensions);
        stat.series = {metric.namespace_.value_or(""), metric.metric_name.value_or(""), std::move(*dimensions)};
      }
      stat.period = one.metric_stat->period.value_or(60);
      stat.stat = one.metric_stat->stat.value_or("");
      if (one.metric_stat->unit) stat.unit = unit_of(*one.metric_stat->unit);
      query.stat = std::move(stat);
    }
    out.push_back(std::move(query));
  }
  return out;
}

std::vector<shapes::MetricDataQuery> to_shapes(const std::vector<MetricQuery>& queries) {
  std::vector<shapes::MetricDataQuery> out;
  out.reserve(queries.size());
  for (const auto& query : queries) {
    shapes::MetricDataQuery one;
    one.id = query.id;
    if (!query.expression.empty()) one.expression = query.expression;
    if (!query.label.empty()) one.label = query.label;
    one.return_data = query.return_data;
    if (query.period > 0) one.period = static_cast<std::int32_t>(query.period);
    if (query.stat) {
      shapes::MetricStat stat;
      stat.metric = shapes::Metric{.namespace_ = query.stat->series.name_space,
                                   .metric_name = query.stat->series.name,
                                   .dimensions = to_shapes(query.stat->series.dimensions)};
      stat.period = static_cast<std::int32_t>(query.stat->period);
      stat.stat = query.stat->stat;
      if (query.stat->unit) stat.unit = to_shape(*query.stat->unit);
      one.metric_stat = std::move(stat);
    }
    out.push_back(std::move(one));
  }
  return out;
}

std::string alarm_arn(const aws::RequestContext& context, std::string_view name) {
  return fmt::format("arn:aws:cloudwatch:{}:{}:alarm:{}", context.region, context.account, name);
}

std::string page_token(std::string_view position) { return to_base64(as_bytes("1" + std::string(position))); }

Result<std::string> page_position(const std::optional<std::string>& token, const char* code) {
  if (!token) return std::string();
  const auto bytes = from_base64(*token);
  if (!bytes || bytes->size() < 2 || bytes->front() != '1')
    return client_error(code, "The service cannot process the request because the NextToken is invalid.");
  return std::string(as_text(*bytes).substr(1));
}

}  // namespace likeness::metrics
