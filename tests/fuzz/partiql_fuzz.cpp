// PartiQL: any bytes as a statement, planned on a small table. What parses must have a plan or a clear error, and what
// is planned must be applicable to an item.

#include <cstdint>
#include <string_view>
#include <vector>

#include "domain/dynamodb/partiql_parser.hpp"
#include "domain/dynamodb/partiql_plan.hpp"

namespace dynamodb = likeness::dynamodb;
namespace partiql = likeness::dynamodb::partiql;

namespace {

dynamodb::Table make_table() {
  dynamodb::Table table;
  table.name = "Photos";
  table.id = "id";
  table.keys.partition = {"pk", dynamodb::Type::S};
  table.keys.sort = dynamodb::KeyAttribute{"sk", dynamodb::Type::N};
  dynamodb::Index index;
  index.name = "byG";
  index.keys.partition = {"g", dynamodb::Type::S};
  index.projection = dynamodb::Projection::KeysOnly;
  table.indexes.push_back(index);
  index.name = "byMore";
  index.keys.sort = dynamodb::KeyAttribute{"a", dynamodb::Type::N};
  index.keys.more_partition = {{"b", dynamodb::Type::S}, {"c", dynamodb::Type::B}};
  index.keys.more_sort = {{"d", dynamodb::Type::S}, {"e", dynamodb::Type::N}};
  table.indexes.push_back(index);
  return table;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > partiql::kMaxStatementBytes) return 0;
  static const dynamodb::Table table = make_table();
  static const std::vector<dynamodb::Value> parameters{
      {std::string("a")}, {dynamodb::Number::of(1)}, {dynamodb::StringSet{{"x"}}}, {dynamodb::Null{}}};
  static const dynamodb::Attributes item{{"pk", {std::string("a")}},
                                         {"sk", {dynamodb::Number::of(1)}},
                                         {"l", {dynamodb::List{{dynamodb::Number::of(2)}}}},
                                         {"m", {dynamodb::Attributes{{"k", {true}}}}}};
  const auto statement = partiql::parse({reinterpret_cast<const char*>(data), size});
  if (!statement) return 0;
  const auto target = partiql::target_of(*statement);
  if (!target) return 0;
  if (statement->reads()) {
    const auto plan = partiql::plan_read(*statement, *target, table, parameters);
    if (!plan) return 0;
    if (plan->filter) (void)dynamodb::holds(*plan->filter, item);
    (void)partiql::pick(plan->columns, item);
  } else {
    const auto plan = partiql::plan_write(*statement, table, parameters);
    if (!plan) return 0;
    if (plan->condition) (void)dynamodb::holds(*plan->condition, item);
    if (plan->update) (void)dynamodb::apply(*plan->update, item);
  }
  return 0;
}
