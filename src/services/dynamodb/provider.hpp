#pragma once

#include <memory>

#include "aws/service.hpp"
#include "domain/dynamodb/database.hpp"

namespace likeness::dynamodb {

/// DynamoDB on `database`, which is borrowed.
std::unique_ptr<aws::Service> make_dynamodb(Database& database);

}  // namespace likeness::dynamodb
