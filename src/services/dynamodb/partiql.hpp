#pragma once

#include "aws/service.hpp"
#include "domain/dynamodb/database.hpp"

namespace likeness::dynamodb {

/// ExecuteStatement, BatchExecuteStatement and ExecuteTransaction. Borrows `database`.
void add_partiql(aws::Service& service, Database& database);

}  // namespace likeness::dynamodb
