#include "services/cloudwatch/provider.hpp"

#include "services/cloudwatch/common.hpp"

namespace likeness::metrics {

std::unique_ptr<aws::Service> make_cloudwatch(MetricStore& metrics, Alarms& alarms, Dashboards& dashboards) {
  auto service = std::make_unique<aws::Service>(shapes::model());
  const Parts parts{metrics, alarms, dashboards};
  add_data(*service, parts);
  add_alarms(*service, parts);
  add_dashboards(*service, parts);
  add_permissions(*service);
  return service;
}

}  // namespace likeness::metrics
