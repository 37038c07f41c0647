#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/gen/cloudwatch.hpp"
#include "aws/service.hpp"
#include "domain/metrics/alarms.hpp"
#include "domain/metrics/metric_store.hpp"
#include "domain/metrics/query.hpp"
#include "services/cloudwatch/dashboards.hpp"

namespace likeness::metrics {

namespace shapes = aws::cloudwatch;

/// What the operations work on.
struct Parts {
  MetricStore& metrics;
  Alarms& alarms;
  Dashboards& dashboards;
};

void add_data(aws::Service& service, const Parts& parts);
void add_alarms(aws::Service& service, const Parts& parts);
void add_dashboards(aws::Service& service, const Parts& parts);
void add_permissions(aws::Service& service);

// -- between AWS's shapes and ours

/// Sorted by name. Error: InvalidParameterValueException for a name given twice.
Result<std::vector<Dimension>> dimensions_of(const std::optional<std::vector<shapes::Dimension>>& given);
std::vector<shapes::Dimension> to_shapes(const std::vector<Dimension>& dimensions);
inline Unit unit_of(shapes::StandardUnit unit) { return static_cast<Unit>(unit); }
inline shapes::StandardUnit to_shape(Unit unit) { return static_cast<shapes::StandardUnit>(unit); }
static_assert(static_cast<int>(shapes::StandardUnit::None) == static_cast<int>(Unit::None));

Result<std::vector<MetricQuery>> queries_of(const std::vector<shapes::MetricDataQuery>& given);
std::vector<shapes::MetricDataQuery> to_shapes(const std::vector<MetricQuery>& queries);

inline Seconds seconds_of(TimePoint time) {
  return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
}
inline TimePoint time_of(Seconds seconds) { return TimePoint(std::chrono::seconds(seconds)); }
inline TimePoint time_of_millis(Millis millis) { return TimePoint(std::chrono::milliseconds(millis)); }

std::string alarm_arn(const aws::RequestContext& context, std::string_view name);
/// Tokens of listings: where to go on.
std::string page_token(std::string_view position);
/// Error: `code`.
Result<std::string> page_position(const std::optional<std::string>& token, const char* code);

/// A provider function with the parts bound.
template <class Function>
auto with(const Parts& parts, Function function) {
  return [parts, function](const aws::RequestContext& context, const auto& in) { return function(parts, context, in); };
}

}  // namespace likeness::metrics
