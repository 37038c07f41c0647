#include "services/dynamodb/describe.hpp"

#include <utility>

namespace likeness::dynamodb {

namespace {

shapes::TableStatus status_of(Status status) {
  switch (status) {
    case Status::Creating: return shapes::TableStatus::Creating;
    case Status::Deleting: return shapes::TableStatus::Deleting;
    case Status::Updating: return shapes::TableStatus::Updating;
    case Status::Active: break;
  }
  return shapes::TableStatus::Active;
}

shapes::ScalarAttributeType type_of(Type type) {
  return type == Type::N   ? shapes::ScalarAttributeType::N
         : type == Type::B ? shapes::ScalarAttributeType::B
                           : shapes::ScalarAttributeType::S;
}

std::vector<shapes::KeySchemaElement> schema_of(const KeySchema& keys) {
  std::vector<shapes::KeySchemaElement> out;
  out.reserve(2 + keys.more_partition.size() + keys.more_sort.size());
  keys.all_of([&](const KeyAttribute& part, bool hash) {
    out.push_back({.attribute_name = part.name, .key_type = hash ? shapes::KeyType::Hash : shapes::KeyType::Range});
    return true;
  });
  return out;
}

shapes::ProvisionedThroughputDescription throughput_of(const Throughput& throughput) {
  shapes::ProvisionedThroughputDescription out;
  if (throughput.last_increase != TimePoint()) out.last_increase_date_time = throughput.last_increase;
  if (throughput.last_decrease != TimePoint()) out.last_decrease_date_time = throughput.last_decrease;
  out.number_of_decreases_today = throughput.decreases_today;
  out.read_capacity_units = throughput.read;
  out.write_capacity_units = throughput.write;
  return out;
}

shapes::Projection projection_of(const Index& index) {
  shapes::Projection out;
  out.projection_type = index.projection == Projection::All        ? shapes::ProjectionType::All
                        : index.projection == Projection::KeysOnly ? shapes::ProjectionType::KeysOnly
                                                                   : shapes::ProjectionType::Include;
  if (index.projection == Projection::Include) out.non_key_attributes = index.included;
  return out;
}

std::optional<shapes::OnDemandThroughput> limits_of(const OnDemandLimits& limits) {
  if (!limits.max_read && !limits.max_write) return std::nullopt;
  return shapes::OnDemandThroughput{.max_read_request_units = limits.max_read,
                                    .max_write_request_units = limits.max_write};
}

shapes::StreamViewType view_of(StreamView view) {
  switch (view) {
    case StreamView::KeysOnly: return shapes::StreamViewType::KeysOnly;
    case StreamView::NewImage: return shapes::StreamViewType::NewImage;
    case StreamView::OldImage: return shapes::StreamViewType::OldImage;
    case StreamView::NewAndOldImages: break;
  }
  return shapes::StreamViewType::NewAndOldImages;
}

Result<void> describe_index(Database& database, const Table& table, const Index& index, shapes::TableDescription& out) {
  auto counted = database.statistics(table, &index);
  if (!counted) return fail(counted);
  if (!index.global) {
    if (!out.local_secondary_indexes) out.local_secondary_indexes.emplace();
    out.local_secondary_indexes->push_back({.index_name = index.name,
                                            .key_schema = schema_of(index.keys),
                                            .projection = projection_of(index),
                                            .index_size_bytes = counted->bytes,
                                            .item_count = counted->items,
                                            .index_arn = table.index_arn(index.name)});
    return {};
  }
  shapes::GlobalSecondaryIndexDescription global;
  global.index_name = index.name;
  global.key_schema = schema_of(index.keys);
  global.projection = projection_of(index);
  global.index_status = index.status == Status::Creating   ? shapes::IndexStatus::Creating
                        : index.status == Status::Updating ? shapes::IndexStatus::Updating
                                                           : shapes::IndexStatus::Active;
  if (index.status == Status::Creating) global.backfilling = true;
  global.provisioned_throughput = throughput_of(index.throughput);
  global.index_size_bytes = counted->bytes;
  global.item_count = counted->items;
  global.index_arn = table.index_arn(index.name);
  global.on_demand_throughput = limits_of(index.on_demand);
  if (!out.global_secondary_indexes) out.global_secondary_indexes.emplace();
  out.global_secondary_indexes->push_back(std::move(global));
  return {};
}

}  // namespace

Result<shapes::TableDescription> describe(Database& database, const Table& table) {
  shapes::TableDescription out;
  auto& attributes = out.attribute_definitions.emplace();
  attributes.reserve(table.attributes.size());
  for (const auto& attribute : table.attributes)
    attributes.push_back({.attribute_name = attribute.name, .attribute_type = type_of(attribute.type)});
  out.table_name = table.name;
  out.key_schema = schema_of(table.keys);
  out.table_status = status_of(table.status);
  out.creation_date_time = table.created;
  out.provisioned_throughput = throughput_of(table.throughput);
  auto counted = database.statistics(table, nullptr);
  if (!counted) return fail(counted);
  out.table_size_bytes = counted->bytes;
  out.item_count = counted->items;
  out.table_arn = table.arn();
  out.table_id = table.id;
  if (!table.provisioned() || table.on_demand_since)
    out.billing_mode_summary = shapes::BillingModeSummary{
        .billing_mode = table.provisioned() ? shapes::BillingMode::Provisioned : shapes::BillingMode::PayPerRequest,
        .last_update_to_pay_per_request_date_time = table.on_demand_since};
  for (const auto& index : table.indexes)
    if (auto described = describe_index(database, table, index, out); !described) return fail(described);
  if (table.stream.enabled)
    out.stream_specification =
        shapes::StreamSpecification{.stream_enabled = true, .stream_view_type = view_of(table.stream.view)};
  if (!table.stream.label.empty()) {
    out.latest_stream_label = table.stream.label;
    out.latest_stream_arn = table.stream_arn();
  }
  if (table.kms_key) {
    auto& encryption = out.sse_description.emplace();
    encryption.status = shapes::SSEStatus::Enabled;
    encryption.sse_type = shapes::SSEType::Kms;
    encryption.kms_master_key_arn = *table.kms_key;
  }
  if (table.infrequent_access)
    out.table_class_summary.emplace().table_class = shapes::TableClass::StandardInfrequentAccess;
  out.deletion_protection_enabled = table.deletion_protection;
  out.on_demand_throughput = limits_of(table.on_demand);
  return out;
}

}  // namespace likeness::dynamodb
