#pragma once

#include "services/dynamodb/convert.hpp"

namespace likeness::dynamodb {

/// A table as DescribeTable shows it.
Result<shapes::TableDescription> describe(Database& database, const Table& table);

}  // namespace likeness::dynamodb
