#include <fmt/format.h>

#include <deque>
#include <memory>
#include <set>
#include <utility>

#include "aws/exceptions.hpp"
#include "aws/json_writer.hpp"
#include "base/bytes.hpp"
#include "domain/dynamodb/errors.hpp"
#include "domain/dynamodb/limits.hpp"
#include "services/dynamodb/bind.hpp"
#include "services/dynamodb/capacity.hpp"
#include "services/dynamodb/operations.hpp"
#include "services/dynamodb/prepare.hpp"
#include "services/dynamodb/request_tokens.hpp"

namespace likeness::dynamodb {

namespace {

constexpr std::size_t kMaxBytes = 4u << 20;

Failure cancelled(std::vector<shapes::CancellationReason> reasons) {
  std::string codes;
  for (const auto& reason : reasons) codes.append(codes.empty() ? "" : ", ").append(*reason.code);
  return aws::exception(shapes::TransactionCanceledException{
      .message = "Transaction cancelled, please refer cancellation reasons for specific reasons [" + codes + "]",
      .cancellation_reasons = std::move(reasons)});
}

shapes::CancellationReason no_reason() {
  shapes::CancellationReason out;
  out.code = "None";
  return out;
}

shapes::CancellationReason reason_of(const Error& error) {
  const bool condition = error.code == "ConditionalCheckFailedException";
  shapes::CancellationReason out;
  out.code = condition ? "ConditionalCheckFailed" : "ValidationError";
  out.message = error.message;
  return out;
}

/// An empty key is the request's fault; other faults of keys are reasons to cancel.
bool is_empty_key(const Error& error) { return error.message.find("cannot contain an empty") != std::string::npos; }

/// One member, whichever it is.
template <class Member>
Result<void> prepare(const Member& wire, const WireItem& item, WriteRequest::Kind kind, Prepared& out) {
  if (auto fine = check_table_name(*wire.table_name); !fine) return fine;
  out.table_name = *wire.table_name;
  out.request.kind = kind;
  auto attributes = attributes_of(item);
  if (!attributes) return fail(attributes);
  out.request.item = std::move(*attributes);
  if (kind == WriteRequest::Kind::Put)
    if (auto fine = check_item_size(out.request.item); !fine) return fine;
  bool expressions = wire.condition_expression.has_value();
  if constexpr (requires { wire.update_expression; }) expressions = true;
  if (wire.expression_attribute_names && !expressions)
    return validation("ExpressionAttributeNames can only be specified when using expressions");
  if (wire.expression_attribute_values && !expressions)
    return validation(
        "ExpressionAttributeValues can only be specified when using expressions: ConditionExpression is null");
  auto placeholders = placeholders_of(wire.expression_attribute_names, wire.expression_attribute_values);
  if (!placeholders) return fail(placeholders);
  if constexpr (requires { wire.update_expression; }) {
    auto update = parse_update(*wire.update_expression, *placeholders);
    if (!update) return fail(update);
    out.update = std::move(*update);
  }
  if (auto fine = prepare_condition(wire, *placeholders, out); !fine) return fine;
  prepare_failure(wire, out);
  return placeholders->check_all_used();
}

Result<void> prepare(const shapes::TransactWriteItem& wire, Prepared& out) {
  const int kinds =
      wire.condition_check.has_value() + wire.put.has_value() + wire.delete_.has_value() + wire.update.has_value();
  if (kinds != 1) return validation("TransactItems can only contain one of Check, Put, Update or Delete");
  using Kind = WriteRequest::Kind;
  if (wire.put) return prepare(*wire.put, *wire.put->item, Kind::Put, out);
  if (wire.delete_) return prepare(*wire.delete_, *wire.delete_->key, Kind::Delete, out);
  if (wire.update) return prepare(*wire.update, *wire.update->key, Kind::Update, out);
  return prepare(*wire.condition_check, *wire.condition_check->key, Kind::Check, out);
}

std::string fingerprint_of(const shapes::TransactWriteItemsInput& in) {
  std::string text;
  aws::write_json(*shapes::TransactWriteItems::operation().input, &in, text);
  return to_hex(sha256(as_bytes(text)));
}

class Transactions {
 public:
  explicit Transactions(Database& database) : database_(database), tokens_(database) {}

  Result<shapes::TransactWriteItemsOutput> write(const aws::RequestContext& context,
                                                 const shapes::TransactWriteItemsInput& in) {
    std::deque<Prepared> all;  // requests point into their members
    for (const auto& wire : *in.transact_items)
      if (auto fine = prepare(wire, all.emplace_back()); !fine) return fail(fine);
    std::set<std::string> seen;
    std::vector<shapes::CancellationReason> reasons;
    reasons.reserve(all.size());
    bool refused = false;
    std::size_t bytes = 0;
    for (auto& prepared : all) {
      auto table = database_.tables().find(caller_of(context), prepared.table_name);
      if (!table) return fail(table);
      auto fine = prepared.complete(*table);
      if (!fine && is_empty_key(fine.error())) return fail(fine);
      prepared.request.count_units = true;
      bytes += size_of(prepared.request.item);
      if (fine && !seen.insert((*table)->id + store_key(**table, prepared.request.item)).second)
        return validation("Transaction request cannot include multiple operations on one item");
      refused = refused || !fine;
      reasons.push_back(fine ? no_reason() : reason_of(fine.error()));
    }
    if (bytes > kMaxBytes) return validation("Member must have a total size of items of at most 4 MB in a transaction");
    if (refused) return cancelled(std::move(reasons));

    std::optional<RequestTokens::Lookup> token;
    if (in.client_request_token) {
      auto looked_up = tokens_.look_up(caller_of(context).scope(), *in.client_request_token, fingerprint_of(in));
      if (!looked_up) return fail(looked_up);
      token.emplace(std::move(*looked_up));
      if (token->done) return answer(in, all, nullptr);
    }
    std::vector<WriteRequest> requests;
    requests.reserve(all.size());
    for (const auto& prepared : all) requests.push_back(prepared.request);
    auto outcome = database_.items().write(requests, token ? token->writes : std::vector<storage::Write>());
    if (!outcome) return fail(outcome);
    if (outcome->committed) return answer(in, all, &*outcome);
    reasons.clear();
    for (std::size_t i = 0; i < all.size(); ++i) {
      auto& result = outcome->results[i];
      if (!result.refused) {
        reasons.push_back(no_reason());
        continue;
      }
      const bool condition = result.refused->code == "ConditionalCheckFailedException";
      reasons.push_back(reason_of(*result.refused));
      if (condition && all[i].old_on_failure) reasons.back().item = to_wire(std::move(result.old_item));
    }
    return cancelled(std::move(reasons));
  }

  Result<shapes::TransactGetItemsOutput> get(const aws::RequestContext& context,
                                             const shapes::TransactGetItemsInput& in) {
    std::vector<ReadItem> reads;
    std::vector<std::optional<std::vector<Path>>> projections;
    reads.reserve(in.transact_items->size());
    projections.reserve(in.transact_items->size());
    for (const auto& wire : *in.transact_items) {
      const auto& get = *wire.get;
      if (auto fine = check_table_name(*get.table_name); !fine) return fail(fine);
      auto key = attributes_of(*get.key);
      if (!key) return fail(key);
      if (get.expression_attribute_names && !get.projection_expression)
        return validation("ExpressionAttributeNames can only be specified when using expressions");
      auto placeholders = placeholders_of(get.expression_attribute_names, std::nullopt);
      if (!placeholders) return fail(placeholders);
      auto& paths = projections.emplace_back();
      if (get.projection_expression) {
        auto parsed = parse_projection(*get.projection_expression, *placeholders);
        if (!parsed) return fail(parsed);
        paths = std::move(*parsed);
      }
      if (auto fine = placeholders->check_all_used(); !fine) return fail(fine);
      reads.push_back({nullptr, std::move(*key)});
    }
    std::vector<shapes::CancellationReason> reasons;
    reasons.reserve(reads.size());
    bool refused = false;
    std::set<std::string> seen;
    for (std::size_t i = 0; i < reads.size(); ++i) {
      auto table = database_.tables().find(caller_of(context), *(*in.transact_items)[i].get->table_name);
      if (!table) return fail(table);
      reads[i].table = *table;
      auto fine = check_key(**table, reads[i].key);
      if (!fine && is_empty_key(fine.error())) return fail(fine);
      if (projections[i])
        if (auto apart = check_paths(**table, *projections[i]); !apart) return fail(apart);
      if (fine && !seen.insert((*table)->id + store_key(**table, reads[i].key)).second)
        return validation("Transaction request cannot include multiple operations on one item");
      refused = refused || !fine;
      reasons.push_back(fine ? no_reason() : reason_of(fine.error()));
    }
    if (refused) return cancelled(std::move(reasons));
    auto items = database_.items().get_together(reads);
    if (!items) return fail(items);
    shapes::TransactGetItemsOutput out;
    CapacityByTable capacity(in.return_consumed_capacity, true, true);
    auto& responses = out.responses.emplace();
    responses.reserve(items->size());
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < items->size(); ++i) {
      auto& item = (*items)[i];
      const std::size_t size = item ? size_of(*item) : 0;
      bytes += size;
      Units units;
      units.table = read_units(size, true);
      capacity.add(reads[i].table->name, units);
      auto& response = responses.emplace_back();
      if (item) response.item = to_wire(projections[i] ? project(*projections[i], *item) : std::move(*item));
    }
    if (bytes > kMaxBytes) return validation("The aggregate size of the items in the transaction exceeded 4 MB");
    out.consumed_capacity = capacity.take();
    return out;
  }

 private:
  /// `outcome` null: it was done before; then AWS counts the reads.
  static shapes::TransactWriteItemsOutput answer(const shapes::TransactWriteItemsInput& in,
                                                 const std::deque<Prepared>& all, const WriteOutcome* outcome) {
    shapes::TransactWriteItemsOutput out;
    CapacityByTable capacity(in.return_consumed_capacity, true, outcome == nullptr);
    for (std::size_t i = 0; i < all.size(); ++i) {
      const auto& table = *all[i].request.table;
      Units units;
      units.table = read_units(size_of(all[i].request.item), true);
      capacity.add(table.name, outcome ? outcome->results[i].units : units);
      if (auto metrics = collection_metrics(in.return_item_collection_metrics, table, all[i].request.item)) {
        if (!out.item_collection_metrics) out.item_collection_metrics.emplace();
        (*out.item_collection_metrics)[table.name].push_back(std::move(*metrics));
      }
    }
    out.consumed_capacity = capacity.take();
    return out;
  }

  Database& database_;
  RequestTokens tokens_;
};

}  // namespace

void register_transactions(aws::Service& service, Database& database) {
  auto transactions = std::make_shared<Transactions>(database);
  service.on<shapes::TransactWriteItems>(
      [transactions](const auto& context, const auto& in) { return transactions->write(context, in); });
  service.on<shapes::TransactGetItems>(
      [transactions](const auto& context, const auto& in) { return transactions->get(context, in); });
}

}  // namespace likeness::dynamodb
