#pragma once

#include "aws/service.hpp"
#include "domain/dynamodb/database.hpp"

/// The operations in groups; `make_dynamodb` calls each once.
namespace likeness::dynamodb {

void register_tables(aws::Service& service, Database& database);
void register_table_settings(aws::Service& service, Database& database);
void register_resource_policies(aws::Service& service, Database& database);
void register_items(aws::Service& service, Database& database);
void register_queries(aws::Service& service, Database& database);
void register_batches(aws::Service& service, Database& database);
void register_transactions(aws::Service& service, Database& database);
/// What each operation asks of the caller's policies.
void register_permissions(aws::Service& service, Database& database);

}  // namespace likeness::dynamodb
