#include "services/dynamodb/schema.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include "base/bytes.hpp"
#include "domain/dynamodb/errors.hpp"
#include "domain/dynamodb/resource_policy.hpp"
#include "services/dynamodb/bind.hpp"

namespace likeness::dynamodb {

namespace {

constexpr std::int64_t kMaxUnits = 1'000'000'000'000;

template <class T, class F>
std::string joined(const std::vector<T>& values, F name) {
  std::string out;
  for (const auto& value : values) {
    if (!out.empty()) out += ", ";
    out += name(value);
  }
  return out;
}

std::string names_of(const WireSchema& schema) {
  return joined(schema, [](const auto& element) { return *element.attribute_name; });
}
std::string names_of(const std::vector<KeyAttribute>& attributes) {
  return joined(attributes, [](const auto& attribute) { return attribute.name; });
}

const KeyAttribute* find(const std::vector<KeyAttribute>& attributes, const std::string& name) {
  for (const auto& attribute : attributes)
    if (attribute.name == name) return &attribute;
  return nullptr;
}

template <class Wire>
Result<Index> index_from(const Wire& wire, bool global, Table& table) {
  Index index;
  index.name = *wire.index_name;
  index.global = global;
  index.id = table.next_index_id++;
  auto keys =
      global ? global_schema_from(*wire.key_schema, table.attributes) : schema_from(*wire.key_schema, table.attributes);
  if (!keys) return fail(keys);
  index.keys = std::move(*keys);
  if (!global) {
    if (!index.keys.sort)
      return invalid_parameter("Index KeySchema does not have a range key for index: " + index.name);
    if (!(index.keys.partition == table.keys.partition))
      return invalid_parameter(
          fmt::format("Index KeySchema does not have the same leading hash key as table KeySchema for index: {}. index "
                      "hash key: {}, table hash key: {}",
                      index.name, index.keys.partition.name, table.keys.partition.name));
  }
  if (auto fine = read_projection(wire.projection, index); !fine) return fail(fine);
  return index;
}

Result<void> check_billing(const shapes::CreateTableInput& in) {
  if (in.billing_mode == shapes::BillingMode::PayPerRequest) {
    if (in.provisioned_throughput)
      return invalid_parameter(
          "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST");
    return {};
  }
  if (!in.provisioned_throughput)
    return invalid_parameter(
        "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED");
  return check_throughput(*in.provisioned_throughput);
}

}  // namespace

Result<void> check_table_name(std::string_view name) {
  if (name.starts_with("arn:")) return {};
  if (name.size() < 3 || name.size() > 255)
    return validation("TableName must be at least 3 characters long and at most 255 characters long");
  const bool fine = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
           c == '-';
  });
  if (!fine)
    return validation(
        fmt::format("1 validation error detected: Value '{}' at 'tableName' failed to satisfy constraint: "
                    "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
                    name));
  return {};
}

std::vector<KeyAttribute> attributes_from(const WireDefinitions& definitions) {
  std::vector<KeyAttribute> out;
  out.reserve(definitions.size());
  for (const auto& definition : definitions) {
    const Type type = *definition.attribute_type == shapes::ScalarAttributeType::N   ? Type::N
                      : *definition.attribute_type == shapes::ScalarAttributeType::B ? Type::B
                                                                                     : Type::S;
    out.push_back({*definition.attribute_name, type});
  }
  return out;
}

namespace {

Result<void> check_defined(const WireSchema& schema, const std::vector<KeyAttribute>& attributes) {
  for (const auto& element : schema)
    if (!find(attributes, *element.attribute_name))
      return invalid_parameter(
          fmt::format("Some index key attributes are not defined in AttributeDefinitions. Keys: [{}], "
                      "AttributeDefinitions: [{}]",
                      names_of(schema), names_of(attributes)));
  return {};
}

Failure too_many_elements(const WireSchema& schema, std::size_t limit) {
  return validation(
      fmt::format("1 validation error detected: Value '[{}]' at 'keySchema' failed to satisfy constraint: Member must "
                  "have length less than or equal to {}",
                  names_of(schema), limit));
}

}  // namespace

Result<KeySchema> global_schema_from(const WireSchema& schema, const std::vector<KeyAttribute>& attributes) {
  if (schema.size() < 2) return schema_from(schema, attributes);
  if (auto fine = check_defined(schema, attributes); !fine) return fail(fine);
  if (schema.size() > 2 * kMaxKeyAttributes) return too_many_elements(schema, 2 * kMaxKeyAttributes);
  std::set<std::string_view> names;
  for (const auto& element : schema)
    if (!names.insert(*element.attribute_name).second)
      return validation(schema.size() == 2
                            ? "Both the Hash Key and the Range Key element in the KeySchema have the same name"
                            : "Invalid KeySchema: Several KeySchemaElements have the same name: " +
                                  *element.attribute_name);
  if (*schema[0].key_type != shapes::KeyType::Hash)
    return validation("Invalid KeySchema: The first KeySchemaElement is not a HASH key type");
  std::vector<KeyAttribute> partition, sort;
  for (const auto& element : schema) {
    const bool hash = *element.key_type == shapes::KeyType::Hash;
    if (hash && !sort.empty())
      return validation("Invalid KeySchema: HASH key attributes must come before RANGE key attributes");
    (hash ? partition : sort).push_back(*find(attributes, *element.attribute_name));
  }
  for (const auto& [parts, kind] : {std::pair(&partition, "HASH"), std::pair(&sort, "RANGE")})
    if (parts->size() > kMaxKeyAttributes)
      return validation(fmt::format("Invalid KeySchema: The number of {} key attributes exceeds the limit of {}", kind,
                                    kMaxKeyAttributes));
  KeySchema out{partition.front(), std::nullopt};
  out.more_partition.assign(partition.begin() + 1, partition.end());
  if (sort.empty()) return out;
  out.sort = sort.front();
  out.more_sort.assign(sort.begin() + 1, sort.end());
  return out;
}

Result<KeySchema> schema_from(const WireSchema& schema, const std::vector<KeyAttribute>& attributes) {
  if (auto fine = check_defined(schema, attributes); !fine) return fail(fine);
  if (schema.size() > 2) return too_many_elements(schema, 2);
  if (schema.size() == 2 && *schema[0].attribute_name == *schema[1].attribute_name)
    return validation("Both the Hash Key and the Range Key element in the KeySchema have the same name");
  if (*schema[0].key_type != shapes::KeyType::Hash)
    return validation("Invalid KeySchema: The first KeySchemaElement is not a HASH key type");
  if (schema.size() == 2 && *schema[1].key_type != shapes::KeyType::Range)
    return validation("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type");
  KeySchema out{*find(attributes, *schema[0].attribute_name), std::nullopt};
  if (schema.size() == 2) out.sort = *find(attributes, *schema[1].attribute_name);
  return out;
}

Result<void> read_projection(const std::optional<shapes::Projection>& wire, Index& index) {
  if (!wire || !wire->projection_type) return invalid_parameter("Unknown ProjectionType: null");
  const auto type = *wire->projection_type;
  if (wire->non_key_attributes && type != shapes::ProjectionType::Include)
    return invalid_parameter(
        fmt::format("ProjectionType is {}, but NonKeyAttributes is specified", shapes::to_text(type)));
  if (!wire->non_key_attributes && type == shapes::ProjectionType::Include)
    return invalid_parameter("ProjectionType is INCLUDE, but NonKeyAttributes is not specified");
  index.projection = type == shapes::ProjectionType::All        ? Projection::All
                     : type == shapes::ProjectionType::KeysOnly ? Projection::KeysOnly
                                                                : Projection::Include;
  if (wire->non_key_attributes) index.included = *wire->non_key_attributes;
  return {};
}

Result<void> check_throughput(const shapes::ProvisionedThroughput& throughput) {
  if (*throughput.read_capacity_units > kMaxUnits)
    return validation(
        fmt::format("Given value {} for ReadCapacityUnits is out of bounds", *throughput.read_capacity_units));
  if (*throughput.write_capacity_units > kMaxUnits)
    return validation(
        fmt::format("Given value {} for WriteCapacityUnits is out of bounds", *throughput.write_capacity_units));
  return {};
}

Throughput throughput_from(const std::optional<shapes::ProvisionedThroughput>& wire) {
  Throughput out;
  if (wire) {
    out.read = *wire->read_capacity_units;
    out.write = *wire->write_capacity_units;
  }
  return out;
}

OnDemandLimits limits_from(const std::optional<shapes::OnDemandThroughput>& wire) {
  OnDemandLimits out;
  if (!wire) return out;
  // -1 takes a limit away.
  if (wire->max_read_request_units && *wire->max_read_request_units >= 0) out.max_read = wire->max_read_request_units;
  if (wire->max_write_request_units && *wire->max_write_request_units >= 0)
    out.max_write = wire->max_write_request_units;
  return out;
}

Result<void> read_stream(const shapes::StreamSpecification& wire, TimePoint now, StreamSettings& out) {
  if (!*wire.stream_enabled) {
    if (wire.stream_view_type)
      return invalid_parameter("Table StreamViewType can not be specified when StreamEnabled is false");
    out.enabled = false;
    return {};
  }
  if (!wire.stream_view_type) return invalid_parameter("StreamViewType is required when StreamEnabled is true");
  switch (*wire.stream_view_type) {
    case shapes::StreamViewType::KeysOnly: out.view = StreamView::KeysOnly; break;
    case shapes::StreamViewType::NewImage: out.view = StreamView::NewImage; break;
    case shapes::StreamViewType::OldImage: out.view = StreamView::OldImage; break;
    case shapes::StreamViewType::NewAndOldImages: out.view = StreamView::NewAndOldImages; break;
  }
  out.enabled = true;
  const auto milliseconds =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
  std::string seconds = iso8601(now);  // "...T10:15:30Z"
  seconds.pop_back();
  out.label = fmt::format("{}.{:03}", seconds, milliseconds);
  return {};
}

Result<void> check_all_used(const Table& table) {
  std::vector<std::string> used;
  const auto use = [&](const KeySchema& keys) {
    keys.all_of([&](const KeyAttribute& part, bool) {
      if (std::find(used.begin(), used.end(), part.name) == used.end()) used.push_back(part.name);
      return true;
    });
  };
  use(table.keys);
  for (const auto& index : table.indexes) use(index.keys);
  if (used.size() == table.attributes.size()) return {};
  if (table.indexes.empty())
    return invalid_parameter(
        "Number of attributes in KeySchema does not exactly match number of attributes defined in "
        "AttributeDefinitions");
  return invalid_parameter(
      fmt::format("Some AttributeDefinitions are not used. AttributeDefinitions: [{}], keys used: [{}]",
                  names_of(table.attributes), joined(used, [](const auto& name) { return name; })));
}

Result<Table> table_from(const shapes::CreateTableInput& in, const domain::Caller& caller, TimePoint now) {
  if (auto fine = check_billing(in); !fine) return fail(fine);
  if (in.vector_indexes) return validation("VectorIndexes are not implemented.");
  Table table;
  table.account = caller.account;
  table.region = caller.region;
  table.name = in.table_name->substr(in.table_name->rfind('/') + 1);
  table.id = uuid_v4();
  table.created = now;
  table.attributes = attributes_from(*in.attribute_definitions);
  if (in.key_schema->size() > table.attributes.size())
    return validation("Invalid KeySchema: Some index key attribute have no definition");
  auto keys = schema_from(*in.key_schema, table.attributes);
  if (!keys) return fail(keys);
  table.keys = std::move(*keys);
  table.billing = in.billing_mode == shapes::BillingMode::PayPerRequest ? Billing::OnDemand : Billing::Provisioned;
  if (!table.provisioned()) table.on_demand_since = now;
  table.throughput = throughput_from(in.provisioned_throughput);
  table.on_demand = limits_from(in.on_demand_throughput);

  std::set<std::string> names;
  const auto add = [&](Index index) -> Result<void> {
    if (!names.insert(index.name).second) return invalid_parameter("Duplicate index name: " + index.name);
    table.indexes.push_back(std::move(index));
    return {};
  };
  if (in.local_secondary_indexes) {
    if (in.local_secondary_indexes->empty()) return invalid_parameter("List of LocalSecondaryIndexes is empty");
    if (!table.keys.sort)
      return invalid_parameter(
          "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex");
    for (const auto& wire : *in.local_secondary_indexes) {
      auto index = index_from(wire, false, table);
      if (!index) return fail(index);
      if (auto fine = add(std::move(*index)); !fine) return fail(fine);
    }
    if (in.local_secondary_indexes->size() > kMaxLocalIndexes)
      return invalid_parameter("Number of LocalSecondaryIndexes exceeds per-table limit of 5");
  }
  if (in.global_secondary_indexes) {
    if (in.global_secondary_indexes->empty()) return invalid_parameter("List of GlobalSecondaryIndexes is empty");
    for (const auto& wire : *in.global_secondary_indexes) {
      auto index = index_from(wire, true, table);
      if (!index) return fail(index);
      if (wire.provisioned_throughput) {
        if (!table.provisioned())
          return invalid_parameter(fmt::format(
              "ProvisionedThroughput should not be specified for index: {} when BillingMode is PAY_PER_REQUEST",
              index->name));
        if (auto fine = check_throughput(*wire.provisioned_throughput); !fine) return fail(fine);
      } else if (table.provisioned()) {
        return invalid_parameter("ProvisionedThroughput must be specified for index: " + index->name);
      }
      index->throughput = throughput_from(wire.provisioned_throughput);
      index->on_demand = limits_from(wire.on_demand_throughput);
      if (auto fine = add(std::move(*index)); !fine) return fail(fine);
    }
    if (in.global_secondary_indexes->size() > kMaxGlobalIndexes)
      return invalid_parameter("GlobalSecondaryIndex count exceeds the per-table limit of 20");
  }
  if (auto fine = check_all_used(table); !fine) return fail(fine);
  if (in.stream_specification)
    if (auto fine = read_stream(*in.stream_specification, now, table.stream); !fine) return fail(fine);
  if (in.sse_specification && in.sse_specification->enabled.value_or(false))
    table.kms_key = in.sse_specification->kms_master_key_id.value_or("alias/aws/dynamodb");
  table.infrequent_access = in.table_class == shapes::TableClass::StandardInfrequentAccess;
  table.deletion_protection = in.deletion_protection_enabled.value_or(false);
  if (in.tags)
    for (const auto& tag : *in.tags) table.tags[*tag.key] = *tag.value;
  if (in.resource_policy) {
    auto policy = read_policy(*in.resource_policy, PolicyOf::Table);
    if (!policy) return fail(policy);
    table.policy = revised(std::move(*policy), table, now);
  }
  return table;
}

}  // namespace likeness::dynamodb
