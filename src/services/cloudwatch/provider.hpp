#pragma once

#include <memory>

#include "aws/service.hpp"
#include "domain/metrics/alarms.hpp"
#include "domain/metrics/metric_store.hpp"
#include "services/cloudwatch/dashboards.hpp"

namespace likeness::metrics {

/// Amazon CloudWatch. Borrows.
std::unique_ptr<aws::Service> make_cloudwatch(MetricStore& metrics, Alarms& alarms, Dashboards& dashboards);

}  // namespace likeness::metrics
