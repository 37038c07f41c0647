#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "domain/dynamodb/errors.hpp"
#include "services/dynamodb/bind.hpp"
#include "services/dynamodb/describe.hpp"
#include "services/dynamodb/operations.hpp"
#include "services/dynamodb/schema.hpp"

namespace likeness::dynamodb {

namespace {

constexpr std::size_t kMaxTables = 2500;
constexpr std::size_t kListed = 100;

/// Table operations name the table in their message, others do not.
Result<TablePtr> find_named(Database& database, const aws::RequestContext& context, const std::string& name) {
  auto table = database.tables().find(caller_of(context), name);
  if (!table) return table_not_found(name);
  return table;
}

Result<shapes::CreateTableOutput> create_table(Database& database, const aws::RequestContext& context,
                                               const shapes::CreateTableInput& in) {
  const auto caller = caller_of(context);
  auto table = table_from(in, caller, database.clock().now());
  if (!table) return fail(table);
  if (database.tables().count(caller) >= kMaxTables)
    return limit_exceeded(
        fmt::format("Subscriber limit exceeded: There is a limit of {} tables per subscriber", kMaxTables));
  auto created = database.tables().create(std::move(*table));
  if (!created) return fail(created);
  auto description = describe(database, **created);
  if (!description) return fail(description);
  // It takes requests already; callers expect to be told that it does not yet.
  description->table_status = shapes::TableStatus::Creating;
  return shapes::CreateTableOutput{.table_description = std::move(*description)};
}

Result<shapes::DescribeTableOutput> describe_table(Database& database, const aws::RequestContext& context,
                                                   const shapes::DescribeTableInput& in) {
  auto table = find_named(database, context, *in.table_name);
  if (!table) return fail(table);
  auto description = describe(database, **table);
  if (!description) return fail(description);
  return shapes::DescribeTableOutput{.table = std::move(*description)};
}

Result<shapes::ListTablesOutput> list_tables(Database& database, const aws::RequestContext& context,
                                             const shapes::ListTablesInput& in) {
  const std::size_t limit = in.limit ? static_cast<std::size_t>(*in.limit) : kListed;
  auto names = database.tables().names(caller_of(context), in.exclusive_start_table_name.value_or(""), limit + 1);
  shapes::ListTablesOutput out;
  if (names.size() > limit) {
    names.resize(limit);
    out.last_evaluated_table_name = names.back();
  }
  out.table_names = std::move(names);
  return out;
}

Result<shapes::DeleteTableOutput> delete_table(Database& database, const aws::RequestContext& context,
                                               const shapes::DeleteTableInput& in) {
  auto table = find_named(database, context, *in.table_name);
  if (!table) return fail(table);
  if ((*table)->deletion_protection)
    return validation(
        "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.");
  auto description = describe(database, **table);
  if (!description) return fail(description);
  if (auto removed = database.tables().remove(**table); !removed) return fail(removed);
  database.wake();
  shapes::TableDescription out;
  out.table_name = std::move(description->table_name);
  out.table_status = shapes::TableStatus::Deleting;
  out.provisioned_throughput = description->provisioned_throughput;
  out.table_size_bytes = description->table_size_bytes;
  out.item_count = description->item_count;
  out.table_arn = std::move(description->table_arn);
  out.table_id = std::move(description->table_id);
  out.billing_mode_summary = description->billing_mode_summary;
  out.deletion_protection_enabled = false;
  return shapes::DeleteTableOutput{.table_description = std::move(out)};
}

// -- UpdateTable

Result<void> check_index_updates(const std::vector<shapes::GlobalSecondaryIndexUpdate>& updates) {
  std::set<std::string> names;
  std::size_t created_or_deleted = 0;
  for (const auto& update : updates) {
    if (!update.update && !update.create && !update.delete_)
      return invalid_parameter(
          "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, "
          "GlobalSecondaryIndexUpdate.Delete must not be null");
    const std::string& name = update.update   ? *update.update->index_name
                              : update.create ? *update.create->index_name
                                              : *update.delete_->index_name;
    if (!names.insert(name).second)
      return invalid_parameter("Only one global secondary index update per index is allowed simultaneously. Index: " +
                               name);
    if (!update.update) ++created_or_deleted;
  }
  if (created_or_deleted > 1)
    return limit_exceeded(
        "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table");
  return {};
}

Result<void> change_throughput(Throughput& throughput, const shapes::ProvisionedThroughput& wire, TimePoint now) {
  if (*wire.read_capacity_units > throughput.read || *wire.write_capacity_units > throughput.write)
    throughput.last_increase = now;
  if (*wire.read_capacity_units < throughput.read || *wire.write_capacity_units < throughput.write) {
    throughput.last_decrease = now;
    ++throughput.decreases_today;
  }
  throughput.read = *wire.read_capacity_units;
  throughput.write = *wire.write_capacity_units;
  return {};
}

Result<void> create_index(const shapes::CreateGlobalSecondaryIndexAction& wire, Table& table) {
  if (table.find_index(*wire.index_name)) return validation("Attempting to create an index which already exists");
  Index index;
  index.name = *wire.index_name;
  index.global = true;
  auto keys = global_schema_from(*wire.key_schema, table.attributes);
  if (!keys) return fail(keys);
  index.keys = std::move(*keys);
  if (auto fine = read_projection(wire.projection, index); !fine) return fine;
  if (table.provisioned() && !wire.provisioned_throughput)
    return invalid_parameter("ProvisionedThroughput must be specified for index: " + index.name);
  if (!table.provisioned() && wire.provisioned_throughput)
    return invalid_parameter(fmt::format(
        "ProvisionedThroughput should not be specified for index: {} when BillingMode is PAY_PER_REQUEST", index.name));
  const auto global =
      std::count_if(table.indexes.begin(), table.indexes.end(), [](const Index& i) { return i.global; });
  if (static_cast<std::size_t>(global) >= kMaxGlobalIndexes)
    return invalid_parameter("GlobalSecondaryIndex count exceeds the per-table limit of 20");
  index.throughput = throughput_from(wire.provisioned_throughput);
  index.on_demand = limits_from(wire.on_demand_throughput);
  index.id = table.next_index_id++;
  index.status = Status::Creating;
  table.indexes.push_back(std::move(index));
  table.status = Status::Updating;
  return {};
}

/// Attributes that are still defined but no key of anything any more are forgotten.
void forget_unused_attributes(Table& table) {
  std::erase_if(table.attributes, [&](const KeyAttribute& attribute) {
    return !table.keys.has(attribute.name) &&
           std::none_of(table.indexes.begin(), table.indexes.end(),
                        [&](const Index& index) { return index.keys.has(attribute.name); });
  });
}

Result<void> change_indexes(const std::vector<shapes::GlobalSecondaryIndexUpdate>& updates, TimePoint now,
                            Table& table) {
  for (const auto& update : updates) {
    if (update.create) {
      if (auto fine = create_index(*update.create, table); !fine) return fine;
      continue;
    }
    const std::string& name = update.update ? *update.update->index_name : *update.delete_->index_name;
    const auto found = std::find_if(table.indexes.begin(), table.indexes.end(),
                                    [&](const Index& index) { return index.global && index.name == name; });
    if (found == table.indexes.end()) return client_error("ResourceNotFoundException", "Requested resource not found");
    if (update.update) {
      if (update.update->provisioned_throughput) {
        if (auto fine = change_throughput(found->throughput, *update.update->provisioned_throughput, now); !fine)
          return fine;
      }
      if (update.update->on_demand_throughput) found->on_demand = limits_from(update.update->on_demand_throughput);
    } else {
      table.indexes.erase(found);
      forget_unused_attributes(table);
    }
  }
  return {};
}

Result<void> change_billing(const shapes::UpdateTableInput& in, TimePoint now, Table& table) {
  if (in.billing_mode == shapes::BillingMode::PayPerRequest) {
    if (in.provisioned_throughput)
      return invalid_parameter(
          "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST");
    table.billing = Billing::OnDemand;
    table.on_demand_since = now;
    table.throughput.read = table.throughput.write = 0;
    for (auto& index : table.indexes) index.throughput.read = index.throughput.write = 0;
  } else if (in.billing_mode == shapes::BillingMode::Provisioned) {
    table.billing = Billing::Provisioned;
  }
  if (!in.provisioned_throughput) return {};
  if (!table.provisioned())
    return invalid_parameter(
        "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST");
  const auto& wanted = *in.provisioned_throughput;
  if (!in.billing_mode && *wanted.read_capacity_units == table.throughput.read &&
      *wanted.write_capacity_units == table.throughput.write && !in.global_secondary_index_updates)
    return validation(fmt::format(
        "The provisioned throughput for the table will not change. The requested value equals the current value. "
        "Current ReadCapacityUnits provisioned for the table: {}. Requested ReadCapacityUnits: {}. Current "
        "WriteCapacityUnits provisioned for the table: {}. Requested WriteCapacityUnits: {}. Refer to the Amazon "
        "DynamoDB Developer Guide for current limits and how to request higher limits.",
        table.throughput.read, *wanted.read_capacity_units, table.throughput.write, *wanted.write_capacity_units));
  return change_throughput(table.throughput, wanted, now);
}

Result<void> change_stream(const shapes::StreamSpecification& wire, TimePoint now, Table& table) {
  if (wire.stream_enabled.value_or(false) && table.stream.enabled)
    return client_error("ResourceInUseException", "Table already has an enabled stream: TableName: " + table.name);
  if (!wire.stream_enabled.value_or(false) && !table.stream.enabled)
    return validation("Table is already disabled for streams: TableName: " + table.name);
  return read_stream(wire, now, table.stream);
}

Result<shapes::UpdateTableOutput> update_table(Database& database, const aws::RequestContext& context,
                                               const shapes::UpdateTableInput& in) {
  for (const auto& [given, name] :
       {std::pair{in.replica_updates.has_value(), "ReplicaUpdates"},
        std::pair{in.vector_index_updates.has_value(), "VectorIndexUpdates"},
        std::pair{in.global_table_witness_updates.has_value(), "GlobalTableWitnessUpdates"}})
    if (given) return validation(fmt::format("{} are not implemented.", name));
  const bool indexes = in.global_secondary_index_updates && !in.global_secondary_index_updates->empty();
  if (!in.provisioned_throughput && !in.billing_mode && !in.stream_specification && !indexes && !in.sse_specification &&
      !in.table_class && !in.deletion_protection_enabled && !in.on_demand_throughput && !in.warm_throughput)
    return validation(
        "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or "
        "SSESpecification or ReplicaUpdates is required");
  if (in.billing_mode == shapes::BillingMode::Provisioned && !in.provisioned_throughput)
    return invalid_parameter("ProvisionedThroughput must be specified when BillingMode is PROVISIONED");
  if (in.provisioned_throughput)
    if (auto fine = check_throughput(*in.provisioned_throughput); !fine) return fail(fine);
  if (indexes)
    if (auto fine = check_index_updates(*in.global_secondary_index_updates); !fine) return fail(fine);
  auto table = find_named(database, context, *in.table_name);
  if (!table) return fail(table);
  const TimePoint now = database.clock().now();
  // What a removed index leaves behind is named in the same commit.
  std::vector<storage::Write> garbage;
  if (indexes)
    for (const auto& update : *in.global_secondary_index_updates)
      if (update.delete_)
        if (const auto* index = (*table)->find_index(*update.delete_->index_name); index && index->global)
          garbage.push_back(Tables::garbage_write(kIndexTable, (*table)->partition(*index)));
  const auto change = [&](Table& next) -> Result<void> {
    if (in.attribute_definitions) {
      for (auto& attribute : attributes_from(*in.attribute_definitions)) {
        const auto known = std::find_if(next.attributes.begin(), next.attributes.end(),
                                        [&](const KeyAttribute& a) { return a.name == attribute.name; });
        if (known == next.attributes.end())
          next.attributes.push_back(std::move(attribute));
        else if (known->type != attribute.type)
          return invalid_parameter(
              "Attributes cannot be redefined. Please check that your attribute has the same type "
              "as previously defined. Existing schema: Schema:[SchemaElement: key{" +
              known->name + ":" + std::string(name_of(known->type)) + "}]");
      }
    }
    if (auto fine = change_billing(in, now, next); !fine) return fine;
    if (in.stream_specification)
      if (auto fine = change_stream(*in.stream_specification, now, next); !fine) return fine;
    if (indexes)
      if (auto fine = change_indexes(*in.global_secondary_index_updates, now, next); !fine) return fine;
    if (in.attribute_definitions)
      if (auto fine = check_all_used(next); !fine) return fine;
    if (in.sse_specification) {
      next.kms_key.reset();
      if (in.sse_specification->enabled.value_or(false))
        next.kms_key = in.sse_specification->kms_master_key_id.value_or("alias/aws/dynamodb");
    }
    if (in.table_class) next.infrequent_access = *in.table_class == shapes::TableClass::StandardInfrequentAccess;
    if (in.deletion_protection_enabled) next.deletion_protection = *in.deletion_protection_enabled;
    if (in.on_demand_throughput) next.on_demand = limits_from(in.on_demand_throughput);
    return {};
  };
  auto changed = database.tables().change(**table, change, std::move(garbage));
  if (!changed) return fail(changed);
  auto description = describe(database, **changed);
  if (!description) return fail(description);
  description->table_status = shapes::TableStatus::Updating;
  if (indexes) database.wake();
  return shapes::UpdateTableOutput{.table_description = std::move(*description)};
}

}  // namespace

void register_tables(aws::Service& service, Database& database) {
  service.on<shapes::CreateTable>(bind(database, create_table));
  service.on<shapes::DescribeTable>(bind(database, describe_table));
  service.on<shapes::ListTables>(bind(database, list_tables));
  service.on<shapes::DeleteTable>(bind(database, delete_table));
  service.on<shapes::UpdateTable>(bind(database, update_table));
}

}  // namespace likeness::dynamodb
