#pragma once

#include <memory>

#include "aws/service.hpp"
#include "services/scheduler/schedules.hpp"

namespace likeness::scheduler {

/// The EventBridge Scheduler service. Borrows the schedules.
std::unique_ptr<aws::Service> make_scheduler(Schedules& schedules);

}  // namespace likeness::scheduler
