#pragma once

#include <memory>

#include "app/area.hpp"
#include "base/result.hpp"

namespace likeness::app {

/// CloudWatch Logs and CloudWatch, and where all other parts leave log lines and measurements (`Wiring::log_sink`,
/// `Wiring::recorder`): opened first, stopped last. Lines and measurements are still taken after `stop`, while the last
/// requests are answered, and written when the area goes.
Result<std::unique_ptr<Area>> open_logs_area(Wiring& wiring);

}  // namespace likeness::app
