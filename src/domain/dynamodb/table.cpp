#include "domain/dynamodb/table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "domain/dynamodb/errors.hpp"
#include "domain/dynamodb/item_record.hpp"
#include "domain/dynamodb/key_encoding.hpp"
#include "domain/dynamodb/resource_policy.hpp"

namespace likeness::dynamodb {

namespace {

// A definition is kept as an item of its own: named values in maps and lists, so that a field can be added without
// converting what is there.

Value number(std::int64_t value) { return {Number::of(value)}; }
Value text(std::string value) { return {std::move(value)}; }
Value time_value(TimePoint time) {
  return number(std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count());
}

Value of_key(const KeyAttribute& key) {
  return {Attributes{{"n", text(key.name)}, {"t", number(static_cast<int>(key.type))}}};
}

Value of_schema(const KeySchema& keys) {
  Attributes out{{"p", of_key(keys.partition)}};
  if (keys.sort) out.set("s", of_key(*keys.sort));
  const auto list = [&](const char* name, const std::vector<KeyAttribute>& parts) {
    if (parts.empty()) return;
    List all;
    all.reserve(parts.size());
    for (const auto& part : parts) all.push_back(of_key(part));
    out.set(name, {std::move(all)});
  };
  list("mp", keys.more_partition);
  list("ms", keys.more_sort);
  return {std::move(out)};
}

Value of_policy(const ResourcePolicy& policy) {
  return {Attributes{{"text", text(policy.text)}, {"revision", text(policy.revision)}}};
}

Value of_throughput(const Throughput& throughput) {
  return {Attributes{{"r", number(throughput.read)},
                     {"w", number(throughput.write)},
                     {"up", time_value(throughput.last_increase)},
                     {"down", time_value(throughput.last_decrease)},
                     {"n", number(throughput.decreases_today)}}};
}

Value of_limits(const OnDemandLimits& limits) {
  Attributes out;
  if (limits.max_read) out.set("r", number(*limits.max_read));
  if (limits.max_write) out.set("w", number(*limits.max_write));
  return {std::move(out)};
}

Value of_index(const Index& index) {
  List included;
  included.reserve(index.included.size());
  for (const auto& name : index.included) included.push_back(text(name));
  return {Attributes{{"name", text(index.name)},
                     {"id", number(index.id)},
                     {"global", {index.global}},
                     {"keys", of_schema(index.keys)},
                     {"projection", number(static_cast<int>(index.projection))},
                     {"included", {std::move(included)}},
                     {"status", number(static_cast<int>(index.status))},
                     {"throughput", of_throughput(index.throughput)},
                     {"on_demand", of_limits(index.on_demand)}}};
}

/// Reads fields; what is absent or of another kind leaves the default.
class Fields {
 public:
  explicit Fields(const Value* value) : map_(value ? value->as<Attributes>() : nullptr) {}

  bool present() const { return map_ != nullptr; }
  const Value* find(std::string_view name) const { return map_ ? map_->find(name) : nullptr; }
  Fields sub(std::string_view name) const { return Fields(find(name)); }
  std::string text(std::string_view name) const {
    const auto* value = find(name);
    return value && value->string() ? *value->string() : std::string();
  }
  std::optional<std::int64_t> maybe(std::string_view name) const {
    const auto* value = find(name);
    std::int64_t out = 0;
    if (!value || !value->number() || !value->number()->to_int64(out)) return std::nullopt;
    return out;
  }
  std::int64_t number(std::string_view name) const { return maybe(name).value_or(0); }
  bool flag(std::string_view name) const {
    const auto* value = find(name);
    return value && value->as<bool>() && *value->as<bool>();
  }
  TimePoint time(std::string_view name) const { return TimePoint(std::chrono::milliseconds(number(name))); }
  const List& list(std::string_view name) const {
    static const List kNone;
    const auto* value = find(name);
    return value && value->as<List>() ? *value->as<List>() : kNone;
  }

 private:
  const Attributes* map_;
};

KeyAttribute key_from(const Fields& fields) { return {fields.text("n"), static_cast<Type>(fields.number("t"))}; }

KeySchema schema_from(const Fields& fields) {
  KeySchema out{key_from(fields.sub("p")), std::nullopt};
  if (fields.find("s")) out.sort = key_from(fields.sub("s"));
  for (const auto& part : fields.list("mp")) out.more_partition.push_back(key_from(Fields(&part)));
  for (const auto& part : fields.list("ms")) out.more_sort.push_back(key_from(Fields(&part)));
  return out;
}

Throughput throughput_from(const Fields& fields) {
  return {fields.number("r"), fields.number("w"), fields.time("up"), fields.time("down"), fields.number("n")};
}

OnDemandLimits limits_from(const Fields& fields) { return {fields.maybe("r"), fields.maybe("w")}; }

Index index_from(const Fields& fields) {
  Index out;
  out.name = fields.text("name");
  out.id = static_cast<std::uint32_t>(fields.number("id"));
  out.global = fields.flag("global");
  out.keys = schema_from(fields.sub("keys"));
  out.projection = static_cast<Projection>(fields.number("projection"));
  for (const auto& name : fields.list("included")) out.included.push_back(*name.string());
  out.status = static_cast<Status>(fields.number("status"));
  out.throughput = throughput_from(fields.sub("throughput"));
  out.on_demand = limits_from(fields.sub("on_demand"));
  return out;
}

std::string_view kind_of_empty(Type type) { return type == Type::S ? "string" : "binary"; }

bool is_empty_key(const Value& value) {
  const auto* binary = value.as<Binary>();
  return (value.string() && value.string()->empty()) || (binary && binary->bytes.empty());
}

std::size_t key_bytes(const Value& value) {
  return value.string() ? value.string()->size() : (value.as<Binary>() ? value.as<Binary>()->bytes.size() : 0);
}

Result<void> check_key_length(const Value& value, bool partition) {
  const std::size_t limit = partition ? kMaxPartitionKeyBytes : kMaxSortKeyBytes;
  if (key_bytes(value) <= limit) return {};
  return invalid_parameter(fmt::format("Size of {} has exceeded the maximum size limit of{}{} bytes",
                                       partition ? "hashkey" : "rangekey", partition ? "" : " ", limit));
}

Result<void> check_key_part(const KeyAttribute& part, const Attributes& key, bool partition) {
  const Value* value = key.find(part.name);
  if (!value || value->type() != part.type) return validation("The provided key element does not match the schema");
  if (is_empty_key(*value))
    return validation(
        fmt::format("One or more parameter values are not valid. The AttributeValue for a key attribute "
                    "cannot contain an empty {} value. Key: {}",
                    kind_of_empty(part.type), part.name));
  return check_key_length(*value, partition);
}

Result<void> check_item_key(const KeyAttribute& part, const Attributes& item, bool partition) {
  const Value* value = item.find(part.name);
  if (!value) return invalid_parameter(fmt::format("Missing the key {} in the item", part.name));
  if (value->type() != part.type)
    return invalid_parameter(fmt::format("Type mismatch for key {} expected: {} actual: {}", part.name,
                                         name_of(part.type), name_of(value->type())));
  if (is_empty_key(*value))
    return validation(
        fmt::format("One or more parameter values are not valid. The AttributeValue for a key attribute "
                    "cannot contain an empty {} value. Key: {}",
                    kind_of_empty(part.type), part.name));
  return check_key_length(*value, partition);
}

Result<void> check_index_key(const Index& index, const KeyAttribute& part, const Attributes& item, bool partition) {
  const Value* value = item.find(part.name);
  if (!value) return {};
  if (value->type() != part.type)
    return invalid_parameter(fmt::format("Type mismatch for Index Key {} Expected: {} Actual: {} IndexName: {}",
                                         part.name, name_of(part.type), name_of(value->type()), index.name));
  if (is_empty_key(*value))
    return validation(
        fmt::format("One or more parameter values are not valid. A value specified for a secondary index "
                    "key is not supported. The AttributeValue for a key attribute cannot contain an "
                    "empty {} value. IndexName: {}, IndexKey: {}",
                    kind_of_empty(part.type), index.name, part.name));
  return check_key_length(*value, partition);
}

}  // namespace

std::vector<const KeyAttribute*> KeySchema::partitions() const {
  std::vector<const KeyAttribute*> out{&partition};
  out.reserve(1 + more_partition.size());
  for (const auto& part : more_partition) out.push_back(&part);
  return out;
}

std::vector<const KeyAttribute*> KeySchema::sorts() const {
  std::vector<const KeyAttribute*> out;
  if (!sort) return out;
  out.reserve(1 + more_sort.size());
  out.push_back(&*sort);
  for (const auto& part : more_sort) out.push_back(&part);
  return out;
}

std::string Table::arn() const { return fmt::format("arn:aws:dynamodb:{}:{}:table/{}", region, account, name); }
std::string Table::index_arn(std::string_view index) const { return fmt::format("{}/index/{}", arn(), index); }
std::string Table::stream_arn() const {
  return stream.label.empty() ? std::string() : fmt::format("{}/stream/{}", arn(), stream.label);
}

const Index* Table::find_index(std::string_view index) const {
  for (const auto& candidate : indexes)
    if (candidate.name == index) return &candidate;
  return nullptr;
}

std::string encode_table(const Table& table) {
  List attributes, indexes;
  attributes.reserve(table.attributes.size());
  indexes.reserve(table.indexes.size());
  for (const auto& attribute : table.attributes) attributes.push_back(of_key(attribute));
  for (const auto& index : table.indexes) indexes.push_back(of_index(index));
  Attributes tags;
  for (const auto& [name, value] : table.tags) tags.add(name, text(value));
  Attributes out{{"account", text(table.account)},
                 {"region", text(table.region)},
                 {"name", text(table.name)},
                 {"id", text(table.id)},
                 {"created", time_value(table.created)},
                 {"status", number(static_cast<int>(table.status))},
                 {"keys", of_schema(table.keys)},
                 {"attributes", {std::move(attributes)}},
                 {"indexes", {std::move(indexes)}},
                 {"next_index", number(table.next_index_id)},
                 {"billing", number(static_cast<int>(table.billing))},
                 {"throughput", of_throughput(table.throughput)},
                 {"on_demand", of_limits(table.on_demand)},
                 {"protected", {table.deletion_protection}},
                 {"recovery", {table.point_in_time_recovery}},
                 {"infrequent", {table.infrequent_access}},
                 {"tags", {std::move(tags)}},
                 {"stream",
                  {Attributes{{"on", {table.stream.enabled}},
                              {"view", number(static_cast<int>(table.stream.view))},
                              {"label", text(table.stream.label)}}}},
                 {"ttl", {Attributes{{"on", {table.ttl.enabled}}, {"attribute", text(table.ttl.attribute)}}}}};
  if (table.on_demand_since) out.set("on_demand_since", time_value(*table.on_demand_since));
  if (table.kms_key) out.set("kms", text(*table.kms_key));
  if (table.policy_revision != 0) out.set("policy_revision", number(table.policy_revision));
  if (table.policy) out.set("policy", of_policy(*table.policy));
  if (!table.stream_policies.empty()) {
    Attributes policies;
    for (const auto& [label, policy] : table.stream_policies) policies.add(label, of_policy(*policy));
    out.set("stream_policies", {std::move(policies)});
  }
  return encode_item(out);
}

Result<Table> decode_table(std::string_view record) {
  auto item = decode_item(record);
  if (!item) return internal_error("a table's definition is damaged");
  const Value whole{std::move(*item)};
  const Fields fields(&whole);
  Table out;
  out.account = fields.text("account");
  out.region = fields.text("region");
  out.name = fields.text("name");
  out.id = fields.text("id");
  out.created = fields.time("created");
  out.status = static_cast<Status>(fields.number("status"));
  out.keys = schema_from(fields.sub("keys"));
  for (const auto& attribute : fields.list("attributes")) out.attributes.push_back(key_from(Fields(&attribute)));
  for (const auto& index : fields.list("indexes")) out.indexes.push_back(index_from(Fields(&index)));
  out.next_index_id = static_cast<std::uint32_t>(fields.number("next_index"));
  out.billing = static_cast<Billing>(fields.number("billing"));
  out.throughput = throughput_from(fields.sub("throughput"));
  out.on_demand = limits_from(fields.sub("on_demand"));
  out.deletion_protection = fields.flag("protected");
  out.point_in_time_recovery = fields.flag("recovery");
  out.infrequent_access = fields.flag("infrequent");
  const Fields stream = fields.sub("stream");
  out.stream = {stream.flag("on"), static_cast<StreamView>(stream.number("view")), stream.text("label")};
  const Fields ttl = fields.sub("ttl");
  out.ttl = {ttl.flag("on"), ttl.text("attribute")};
  if (fields.find("on_demand_since")) out.on_demand_since = fields.time("on_demand_since");
  if (fields.find("kms")) out.kms_key = fields.text("kms");
  if (const auto* tags = fields.find("tags"); tags && tags->as<Attributes>())
    for (const auto& [name, value] : *tags->as<Attributes>())
      if (value.string()) out.tags[name] = *value.string();
  out.policy_revision = fields.number("policy_revision");
  const auto restored = [](const Value& value) {
    const Fields policy(&value);
    return restore_policy(policy.text("text"), policy.text("revision"));
  };
  if (const auto* value = fields.find("policy")) {
    auto policy = restored(*value);
    if (!policy) return fail(policy);
    out.policy = std::move(*policy);
  }
  if (const auto* policies = fields.find("stream_policies"); policies && policies->as<Attributes>())
    for (const auto& [label, value] : *policies->as<Attributes>()) {
      auto policy = restored(value);
      if (!policy) return fail(policy);
      out.stream_policies[label] = std::move(*policy);
    }
  return out;
}

Attributes key_of(const Table& table, const Index* index, const Attributes& item) {
  Attributes out;
  const auto take = [&](const KeyAttribute& part, bool) {
    if (const auto* value = item.find(part.name)) out.set(part.name, *value);
    return true;
  };
  table.keys.all_of(take);
  if (index) index->keys.all_of(take);
  return out;
}

std::string store_key(const Table& table, const Attributes& item) {
  const Value* sort = table.keys.sort ? item.find(table.keys.sort->name) : nullptr;
  return item_key(partition_prefix(*item.find(table.keys.partition.name)), sort);
}

std::optional<std::string> index_key(const Table& table, const Index& index, const Attributes& item) {
  const Value* partition = item.find(index.keys.partition.name);
  const Value* sort = index.keys.sort ? item.find(index.keys.sort->name) : nullptr;
  if (!partition || (index.keys.sort && !sort)) return std::nullopt;
  std::string out;
  if (index.keys.more_partition.empty()) {
    out = partition_prefix(*partition);
  } else {
    std::vector<const Value*> values{partition};
    values.reserve(kMaxKeyAttributes);
    for (const auto& part : index.keys.more_partition) {
      const Value* value = item.find(part.name);
      if (!value) return std::nullopt;
      values.push_back(value);
    }
    out = partition_prefix(values);
  }
  append_separated(out, sort ? key_value(*sort) : std::string());
  for (const auto& part : index.keys.more_sort) {
    const Value* value = item.find(part.name);
    if (!value) return std::nullopt;
    append_separated(out, key_value(*value));
  }
  out += store_key(table, item);
  return out;
}

bool projects_all_of(const Table& table, const Index& index, std::string_view attribute) {
  if (index.projection == Projection::All || table.keys.has(attribute) || index.keys.has(attribute)) return true;
  return index.projection == Projection::Include &&
         std::find(index.included.begin(), index.included.end(), attribute) != index.included.end();
}

Attributes projected(const Table& table, const Index& index, const Attributes& item) {
  if (index.projection == Projection::All) return item;
  Attributes out = key_of(table, &index, item);
  if (index.projection == Projection::Include)
    for (const auto& name : index.included)
      if (const auto* value = item.find(name)) out.set(name, *value);
  return out;
}

Result<void> check_key(const Table& table, const Attributes& key) {
  if (key.count() != (table.keys.sort ? 2u : 1u))
    return validation("The provided key element does not match the schema");
  if (auto fine = check_key_part(table.keys.partition, key, true); !fine) return fine;
  if (table.keys.sort) return check_key_part(*table.keys.sort, key, false);
  return {};
}

Result<void> check_item(const Table& table, const Attributes& item) {
  if (auto fine = check_item_key(table.keys.partition, item, true); !fine) return fine;
  if (table.keys.sort)
    if (auto fine = check_item_key(*table.keys.sort, item, false); !fine) return fine;
  Result<void> fine;
  for (const auto& index : table.indexes) {
    index.keys.all_of([&](const KeyAttribute& part, bool partition) {
      fine = check_index_key(index, part, item, partition);
      return fine.has_value();
    });
    if (fine) fine = check_index_key_size(index, item);
    if (!fine) return fine;
  }
  return {};
}

Result<void> check_index_key_size(const Index& index, const Attributes& item) {
  if (!index.keys.has_several()) return {};
  std::size_t partition = 0, sort = 0;
  index.keys.all_of([&](const KeyAttribute& part, bool hash) {
    if (const auto* value = item.find(part.name)) (hash ? partition : sort) += key_bytes(*value);
    return true;
  });
  if (partition > kMaxPartitionKeyBytes)
    return invalid_parameter("Aggregated size of all hash keys has exceeded the size limit of 2048 bytes");
  if (sort > kMaxSortKeyBytes)
    return invalid_parameter("Aggregated size of all range keys has exceeded the size limit of 1024 bytes");
  return {};
}

}  // namespace likeness::dynamodb
