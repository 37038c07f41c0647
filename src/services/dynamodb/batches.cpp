#include <deque>
#include <set>
#include <utility>

#include "domain/dynamodb/errors.hpp"
#include "domain/dynamodb/limits.hpp"
#include "services/dynamodb/bind.hpp"
#include "services/dynamodb/capacity.hpp"
#include "services/dynamodb/operations.hpp"
#include "services/dynamodb/prepare.hpp"

namespace likeness::dynamodb {

namespace {

constexpr std::size_t kMaxGets = 100;
constexpr std::size_t kMaxWrites = 25;
constexpr std::size_t kMaxResponseBytes = 16u << 20;

Failure duplicates() { return validation("Provided list of item keys contains duplicates"); }

/// The reads of one table.
struct Gets {
  std::string name;  // as the caller gave it
  const shapes::KeysAndAttributes* wire = nullptr;
  TablePtr table;
  std::vector<Attributes> keys;
  std::optional<std::vector<Path>> paths;
};

Result<Gets> gets_of(const std::string& name, const shapes::KeysAndAttributes& wire) {
  if (auto fine = check_table_name(name); !fine) return fail(fine);
  if (auto fine = check_mixture({{"ProjectionExpression", wire.projection_expression.has_value()}},
                                {{"AttributesToGet", wire.attributes_to_get.has_value()}},
                                wire.expression_attribute_names.has_value(), false);
      !fine)
    return fail(fine);
  Gets out;
  out.name = name;
  out.wire = &wire;
  if (wire.attributes_to_get) {
    auto names = legacy_projection(*wire.attributes_to_get);
    if (!names) return fail(names);
    out.paths = std::move(*names);
  }
  auto placeholders = placeholders_of(wire.expression_attribute_names, std::nullopt);
  if (!placeholders) return fail(placeholders);
  if (wire.projection_expression) {
    auto paths = parse_projection(*wire.projection_expression, *placeholders);
    if (!paths) return fail(paths);
    out.paths = std::move(*paths);
  }
  if (auto fine = placeholders->check_all_used(); !fine) return fail(fine);
  out.keys.reserve(wire.keys->size());
  for (const auto& wire_key : *wire.keys) {
    auto key = attributes_of(wire_key);
    if (!key) return fail(key);
    for (const auto& other : out.keys)
      if (other == *key) return duplicates();
    out.keys.push_back(std::move(*key));
  }
  return out;
}

Result<shapes::BatchGetItemOutput> batch_get(Database& database, const aws::RequestContext& context,
                                             const shapes::BatchGetItemInput& in) {
  std::vector<Gets> all;
  all.reserve(in.request_items->size());
  std::size_t count = 0;
  for (const auto& [name, wire] : *in.request_items) {
    auto gets = gets_of(name, wire);
    if (!gets) return fail(gets);
    count += gets->keys.size();
    if (count > kMaxGets) return validation("Too many items requested for the BatchGetItem call");
    all.push_back(std::move(*gets));
  }
  for (auto& gets : all) {
    auto table = database.tables().find(caller_of(context), gets.name);
    if (!table) return fail(table);
    gets.table = std::move(*table);
    for (const auto& key : gets.keys)
      if (auto fine = check_key(*gets.table, key); !fine) return fail(fine);
    if (gets.paths)
      if (auto fine = check_paths(*gets.table, *gets.paths); !fine) return fail(fine);
  }
  shapes::BatchGetItemOutput out;
  auto& responses = out.responses.emplace();
  auto& unprocessed = out.unprocessed_keys.emplace();
  CapacityByTable capacity(in.return_consumed_capacity, false, true);
  std::size_t bytes = 0;
  for (auto& gets : all) {
    auto& items = responses[gets.name];
    for (std::size_t i = 0; i < gets.keys.size(); ++i) {
      if (bytes >= kMaxResponseBytes) {
        // The caller asks for the rest again.
        auto& rest = unprocessed[gets.name];
        if (!rest.keys) {
          rest = *gets.wire;
          rest.keys.emplace();
        }
        rest.keys->push_back((*gets.wire->keys)[i]);
        continue;
      }
      auto item = database.items().get(*gets.table, gets.keys[i]);
      if (!item) return fail(item);
      const std::size_t size = *item ? size_of(**item) : 0;
      bytes += size;
      Units units;
      units.table = read_units(size, gets.wire->consistent_read.value_or(false));
      capacity.add(gets.table->name, units);
      if (*item) items.push_back(to_wire(gets.paths ? project(*gets.paths, **item) : std::move(**item)));
    }
  }
  out.consumed_capacity = capacity.take();
  return out;
}

Result<WriteRequest> write_of(const shapes::WriteRequest& wire) {
  if (wire.put_request.has_value() == wire.delete_request.has_value())
    return validation(
        "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes");
  WriteRequest out;
  out.kind = wire.put_request ? WriteRequest::Kind::Put : WriteRequest::Kind::Delete;
  auto item = attributes_of(wire.put_request ? *wire.put_request->item : *wire.delete_request->key);
  if (!item) return fail(item);
  if (wire.put_request)
    if (auto fine = check_item_size(*item); !fine) return fail(fine);
  out.item = std::move(*item);
  return out;
}

/// The key of a write in a set of them.
std::string identity(const Table& table, const Attributes& item) { return table.id + store_key(table, item); }

Result<shapes::BatchWriteItemOutput> batch_write(Database& database, const aws::RequestContext& context,
                                                 const shapes::BatchWriteItemInput& in) {
  std::size_t count = 0;
  for (const auto& [name, writes] : *in.request_items) {
    if (auto fine = check_table_name(name); !fine) return fail(fine);
    count += writes.size();
  }
  if (count > kMaxWrites) return validation("Too many items requested for the BatchWriteItem call");
  std::vector<WriteRequest> requests;
  std::vector<const std::string*> names;
  requests.reserve(count);
  names.reserve(count);
  for (const auto& [name, writes] : *in.request_items)
    for (const auto& wire : writes) {
      auto request = write_of(wire);
      if (!request) return fail(request);
      request->count_units = wants_capacity(in.return_consumed_capacity);
      request->wants_old = false;
      requests.push_back(std::move(*request));
      names.push_back(&name);
    }
  std::set<std::string> seen;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    auto& request = requests[i];
    auto table = database.tables().find(caller_of(context), *names[i]);
    if (!table) return fail(table);
    request.table = std::move(*table);
    auto fine = request.kind == WriteRequest::Kind::Put ? check_item(*request.table, request.item)
                                                        : check_key(*request.table, request.item);
    if (!fine) return fail(fine);
    if (!seen.insert(identity(*request.table, request.item)).second) return duplicates();
  }
  shapes::BatchWriteItemOutput out;
  CapacityByTable capacity(in.return_consumed_capacity, false, false);
  auto outcome = database.items().write(requests);
  if (!outcome) return fail(outcome);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    auto& result = outcome->results[i];
    if (result.refused) return Failure(std::move(*result.refused));
    capacity.add(requests[i].table->name, result.units);
    if (auto metrics = collection_metrics(in.return_item_collection_metrics, *requests[i].table, requests[i].item)) {
      if (!out.item_collection_metrics) out.item_collection_metrics.emplace();
      (*out.item_collection_metrics)[requests[i].table->name].push_back(std::move(*metrics));
    }
  }
  out.unprocessed_items.emplace();
  out.consumed_capacity = capacity.take();
  return out;
}

}  // namespace

void register_batches(aws::Service& service, Database& database) {
  service.on<shapes::BatchGetItem>(bind(database, batch_get));
  service.on<shapes::BatchWriteItem>(bind(database, batch_write));
}

}  // namespace likeness::dynamodb
