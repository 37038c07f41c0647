#pragma once

#include <memory>

#include "aws/service.hpp"
#include "domain/logs/insights/queries.hpp"
#include "domain/logs/logs.hpp"
#include "services/logs/live_tail.hpp"
#include "services/logs/policies.hpp"
#include "services/logs/subscriptions.hpp"

namespace likeness::logs {

/// Amazon CloudWatch Logs. Borrows.
std::unique_ptr<aws::Service> make_logs(Logs& logs, ResourcePolicies& policies, insights::Queries& queries,
                                        const Subscriptions& subscriptions, LiveTail& live_tail);

}  // namespace likeness::logs
