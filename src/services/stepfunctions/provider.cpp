#include "services/stepfunctions/provider.hpp"

#include "services/stepfunctions/common.hpp"

namespace likeness::stepfunctions {

std::unique_ptr<aws::Service> make_stepfunctions(const Parts& parts) {
  auto service = std::make_unique<aws::Service>(shapes::model());
  add_machines(*service, parts);
  add_versions(*service, parts);
  add_map_runs(*service, parts);
  add_executions(*service, parts);
  add_tasks(*service, parts);
  add_test_state(*service, parts);
  return service;
}

}  // namespace likeness::stepfunctions
