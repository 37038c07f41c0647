#pragma once

#include "aws/service.hpp"
#include "domain/dynamodb/tables.hpp"
#include "domain/dynamodb/ttl.hpp"

namespace likeness::dynamodb {

/// UpdateTimeToLive and DescribeTimeToLive. Borrows both.
void add_time_to_live(aws::Service& service, const Tables& tables, Expiry& expiry);

}  // namespace likeness::dynamodb
