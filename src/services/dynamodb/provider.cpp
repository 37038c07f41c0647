#include "services/dynamodb/provider.hpp"

#include "aws/gen/dynamodb.hpp"
#include "services/dynamodb/operations.hpp"

namespace likeness::dynamodb {

std::unique_ptr<aws::Service> make_dynamodb(Database& database) {
  auto service = std::make_unique<aws::Service>(aws::dynamodb::model());
  register_tables(*service, database);
  register_table_settings(*service, database);
  register_resource_policies(*service, database);
  register_items(*service, database);
  register_queries(*service, database);
  register_batches(*service, database);
  register_transactions(*service, database);
  register_permissions(*service, database);
  return service;
}

}  // namespace likeness::dynamodb
