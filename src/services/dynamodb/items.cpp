#include <fmt/format.h>

#include <utility>

#include "aws/exceptions.hpp"
#include "domain/dynamodb/errors.hpp"
#include "domain/dynamodb/limits.hpp"
#include "services/dynamodb/bind.hpp"
#include "services/dynamodb/capacity.hpp"
#include "services/dynamodb/operations.hpp"
#include "services/dynamodb/prepare.hpp"

namespace likeness::dynamodb {

Result<void> check_item_size(const Attributes& item) {
  if (size_of(item) > kMaxItemBytes) return validation("Item size has exceeded the maximum allowed size");
  return {};
}

Result<void> Prepared::complete(TablePtr table) {
  if (request.kind == WriteRequest::Kind::Put) {
    if (auto fine = check_item(*table, request.item); !fine) return fine;
  } else {
    if (auto fine = check_key(*table, request.item); !fine) return fine;
  }
  if (update)
    if (auto fine = check_update(*table, *update); !fine) return fine;
  if (condition)
    if (auto fine = check_paths(*table, paths_of(*condition)); !fine) return fine;
  request.table = std::move(table);
  request.condition = condition ? &*condition : nullptr;
  request.update = update ? &*update : nullptr;
  return {};
}

namespace {

Result<WriteResult> run(Database& database, Prepared& prepared) {
  auto result = database.items().write_one(prepared.request);
  if (!result) return result;
  if (!result->refused) return result;
  if (result->refused->code != "ConditionalCheckFailedException") return Failure(std::move(*result->refused));
  return aws::exception(shapes::ConditionalCheckFailedException{
      .message = std::move(result->refused->message),
      .item = prepared.old_on_failure ? to_wire(std::move(result->old_item)) : std::nullopt});
}

/// What is wrong with a request itself, before its table matters: these operations count such errors.
Failure counted(Error error) {
  if (error.code == "ValidationException") error.message.insert(0, "1 validation error detected: ");
  return Failure(std::move(error));
}

/// PutItem and DeleteItem but for what only one of them has. `wire`: the item to put, or the key to delete.
template <class Input>
Result<Prepared> prepare(const Input& in, const WireItem& wire, WriteRequest::Kind kind) {
  if (auto fine = check_mixture(
          {{"ConditionExpression", in.condition_expression.has_value()}},
          {{"Expected", in.expected.has_value()}, {"ConditionalOperator", in.conditional_operator.has_value()}},
          in.expression_attribute_names.has_value(), in.expression_attribute_values.has_value());
      !fine)
    return fail(fine);
  Prepared prepared;
  auto item = attributes_of(wire);
  if (!item) return fail(item);
  if (in.return_values && *in.return_values != shapes::ReturnValue::AllOld &&
      *in.return_values != shapes::ReturnValue::None)
    return validation("ReturnValues can only be ALL_OLD or NONE");
  auto expected = expected_condition(in.expected, in.conditional_operator);
  if (!expected) return fail(expected);
  prepared.condition = std::move(*expected);
  auto placeholders =
      placeholders_of(in.expression_attribute_names, in.expression_attribute_values, BadValues::AsTheyAre);
  if (!placeholders) return fail(placeholders);
  if (auto fine = prepare_condition(in, *placeholders, prepared); !fine) return fail(fine);
  if (auto fine = placeholders->check_all_used(); !fine) return fail(fine);
  prepared.request.kind = kind;
  prepared.request.item = std::move(*item);
  prepared.request.count_units = wants_capacity(in.return_consumed_capacity);
  prepare_failure(in, prepared);
  return prepared;
}

template <class Output, class Input>
Result<Output> put_or_delete(Database& database, const aws::RequestContext& context, const Input& in,
                             Prepared& prepared) {
  auto table = database.tables().find(caller_of(context), *in.table_name);
  if (!table) return fail(table);
  if (auto fine = prepared.complete(*table); !fine) return fail(fine);
  auto result = run(database, prepared);
  if (!result) return fail(result);
  Output out;
  out.consumed_capacity = consumed(in.return_consumed_capacity, (*table)->name, result->units);
  out.item_collection_metrics = collection_metrics(in.return_item_collection_metrics, **table, prepared.request.item);
  if (in.return_values == shapes::ReturnValue::AllOld) out.attributes = to_wire(std::move(result->old_item));
  return out;
}

Result<shapes::PutItemOutput> put_item(Database& database, const aws::RequestContext& context,
                                       const shapes::PutItemInput& in) {
  auto prepared = prepare(in, *in.item, WriteRequest::Kind::Put);
  if (!prepared) return counted(std::move(prepared.error()));
  prepared->request.wants_old = in.return_values == shapes::ReturnValue::AllOld;
  if (auto fine = check_item_size(prepared->request.item); !fine) return fail(fine);
  return put_or_delete<shapes::PutItemOutput>(database, context, in, *prepared);
}

Result<shapes::DeleteItemOutput> delete_item(Database& database, const aws::RequestContext& context,
                                             const shapes::DeleteItemInput& in) {
  auto prepared = prepare(in, *in.key, WriteRequest::Kind::Delete);
  if (!prepared) return counted(std::move(prepared.error()));
  return put_or_delete<shapes::DeleteItemOutput>(database, context, in, *prepared);
}

/// What UpdateItem gives back of the item before or after.
std::optional<WireItem> returned(const shapes::UpdateItemInput& in, const Prepared& prepared, WriteResult& result) {
  using Wanted = shapes::ReturnValue;
  const Wanted wanted = in.return_values.value_or(Wanted::None);
  if (wanted == Wanted::AllNew) return to_wire(std::move(result.new_item));
  if (wanted == Wanted::AllOld) return to_wire(std::move(result.old_item));
  if (wanted == Wanted::None || !prepared.update) return std::nullopt;
  std::vector<Path> paths;
  paths.reserve(prepared.update->actions.size());
  for (const auto& action : prepared.update->actions) paths.push_back(action.path);
  const auto& item = wanted == Wanted::UpdatedNew ? result.new_item : result.old_item;
  if (!item) return std::nullopt;
  auto some = project(paths, *item);
  if (some.empty()) return std::nullopt;
  return to_wire(std::move(some));
}

Result<Prepared> prepare(const shapes::UpdateItemInput& in) {
  if (auto fine = check_mixture({{"UpdateExpression", in.update_expression.has_value()},
                                 {"ConditionExpression", in.condition_expression.has_value()}},
                                {{"AttributeUpdates", in.attribute_updates.has_value()},
                                 {"Expected", in.expected.has_value()},
                                 {"ConditionalOperator", in.conditional_operator.has_value()}},
                                in.expression_attribute_names.has_value(), in.expression_attribute_values.has_value());
      !fine)
    return fail(fine);
  Prepared prepared;
  auto key = attributes_of(*in.key);
  if (!key) return fail(key);
  auto legacy = legacy_update(in.attribute_updates);
  if (!legacy) return fail(legacy);
  prepared.update = std::move(*legacy);
  auto expected = expected_condition(in.expected, in.conditional_operator);
  if (!expected) return fail(expected);
  prepared.condition = std::move(*expected);
  auto placeholders =
      placeholders_of(in.expression_attribute_names, in.expression_attribute_values, BadValues::AsTheyAre);
  if (!placeholders) return fail(placeholders);
  if (in.update_expression) {
    auto update = parse_update(*in.update_expression, *placeholders);
    if (!update) return fail(update);
    prepared.update = std::move(*update);
  }
  if (auto fine = prepare_condition(in, *placeholders, prepared); !fine) return fail(fine);
  if (auto fine = placeholders->check_all_used(); !fine) return fail(fine);
  prepared.request.kind = WriteRequest::Kind::Update;
  prepared.request.item = std::move(*key);
  prepared.request.count_units = wants_capacity(in.return_consumed_capacity);
  prepare_failure(in, prepared);
  return prepared;
}

Result<shapes::UpdateItemOutput> update_item(Database& database, const aws::RequestContext& context,
                                             const shapes::UpdateItemInput& in) {
  auto prepared = prepare(in);
  if (!prepared) return counted(std::move(prepared.error()));
  auto table = database.tables().find(caller_of(context), *in.table_name);
  if (!table) return fail(table);
  if (auto fine = prepared->complete(*table); !fine) return fail(fine);
  auto result = run(database, *prepared);
  if (!result) return fail(result);
  shapes::UpdateItemOutput out;
  out.consumed_capacity = consumed(in.return_consumed_capacity, (*table)->name, result->units);
  out.item_collection_metrics = collection_metrics(in.return_item_collection_metrics, **table, prepared->request.item);
  out.attributes = returned(in, *prepared, *result);
  return out;
}

Result<shapes::GetItemOutput> get_item(Database& database, const aws::RequestContext& context,
                                       const shapes::GetItemInput& in) {
  if (auto fine = check_mixture({{"ProjectionExpression", in.projection_expression.has_value()}},
                                {{"AttributesToGet", in.attributes_to_get.has_value()}},
                                in.expression_attribute_names.has_value(), false);
      !fine)
    return fail(fine);
  auto key = attributes_of(*in.key);
  if (!key) return fail(key);
  std::optional<std::vector<Path>> paths;
  if (in.attributes_to_get) {
    auto names = legacy_projection(*in.attributes_to_get);
    if (!names) return fail(names);
    paths = std::move(*names);
  }
  auto placeholders = placeholders_of(in.expression_attribute_names, std::nullopt);
  if (!placeholders) return fail(placeholders);
  if (in.projection_expression) {
    auto projection = parse_projection(*in.projection_expression, *placeholders);
    if (!projection) return fail(projection);
    paths = std::move(*projection);
  }
  if (auto fine = placeholders->check_all_used(); !fine) return fail(fine);
  auto table = database.tables().find(caller_of(context), *in.table_name);
  if (!table) return fail(table);
  if (auto fine = check_key(**table, *key); !fine) return fail(fine);
  if (paths)
    if (auto fine = check_paths(**table, *paths); !fine) return fail(fine);
  auto item = database.items().get(**table, *key);
  if (!item) return fail(item);
  shapes::GetItemOutput out;
  if (wants_capacity(in.return_consumed_capacity)) {
    Units units;
    units.table = read_units(*item ? size_of(**item) : 0, in.consistent_read.value_or(false));
    out.consumed_capacity = consumed(in.return_consumed_capacity, (*table)->name, units);
  }
  if (*item) out.item = to_wire(paths ? project(*paths, **item) : std::move(**item));
  return out;
}

}  // namespace

void register_items(aws::Service& service, Database& database) {
  service.on<shapes::PutItem>(bind(database, put_item));
  service.on<shapes::DeleteItem>(bind(database, delete_item));
  service.on<shapes::UpdateItem>(bind(database, update_item));
  service.on<shapes::GetItem>(bind(database, get_item));
}

}  // namespace likeness::dynamodb
