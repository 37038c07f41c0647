#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "aws/exceptions.hpp"
#include "base/bytes.hpp"
#include "domain/dynamodb/errors.hpp"
#include "domain/dynamodb/item_record.hpp"
#include "domain/record.hpp"
#include "services/dynamodb/capacity.hpp"
#include "services/dynamodb/partiql_engine.hpp"

namespace likeness::dynamodb {

namespace {

using partiql::ReadPlan;
using partiql::Statement;

/// Where the next page of a SELECT begins: which of the plan's partitions, and behind which item of it. A token belongs
/// to its statement and parameters.
struct ReadPosition {
  std::size_t partition = 0;
  std::optional<Attributes> start_after;
};

constexpr std::uint8_t kStatement = 1, kPartition = 2, kStartAfter = 3;  // fields of a token

std::string fingerprint(const shapes::ExecuteStatementInput& in, const std::vector<Value>& parameters) {
  std::string all = *in.statement;
  for (const Value& value : parameters) append_value(all, value);
  const Sha256 digest = sha256(as_bytes(all));
  return {reinterpret_cast<const char*>(digest.data()), 16};
}

std::string make_token(const std::string& statement, const ReadPosition& position) {
  domain::RecordWriter record;
  record.text(kStatement, statement);
  record.number(kPartition, position.partition);
  if (position.start_after) record.text(kStartAfter, encode_item(*position.start_after));
  return to_base64(as_bytes(record.take()));
}

/// Whether an item can have these as its keys.
bool is_position(const Table& table, const Index* index, const Attributes& keys) {
  const auto fits = [&keys](const KeySchema& schema) {
    return schema.all_of([&keys](const KeyAttribute& key, bool) {
      const Value* value = keys.find(key.name);
      return value != nullptr && value->type() == key.type;
    });
  };
  return fits(table.keys) && (index == nullptr || fits(index->keys));
}

Result<ReadPosition> read_token(const std::string& token, const std::string& statement, const PartiqlCall& call,
                                const ReadPlan& plan) {
  const auto refused = [] { return validation("Given NextToken is not valid for this statement"); };
  const auto bytes = from_base64(token);
  if (!bytes) return refused();
  ReadPosition position;
  bool same = false;
  domain::RecordReader reader(as_text(*bytes));
  while (reader.next()) {
    if (reader.field() == kStatement) same = reader.text() == statement;
    if (reader.field() == kPartition) position.partition = reader.number();
    if (reader.field() == kStartAfter) {
      position.start_after = decode_item(reader.text());
      if (!position.start_after || !is_position(*call.table, plan.index, *position.start_after)) return refused();
    }
  }
  if (!same || !reader.ok() || position.partition >= std::max<std::size_t>(plan.partitions.size(), 1)) return refused();
  return position;
}

struct ReadOutcome {
  std::vector<Attributes> items;
  std::optional<ReadPosition> next;
  Units units;
};

Result<ReadOutcome> read(const PartiqlEngine& engine, const PartiqlCall& call, const ReadPlan& plan,
                         ReadPosition position, std::optional<std::size_t> limit, bool consistent) {
  ReadOutcome out;
  if (plan.key) {
    std::size_t bytes = 0;
    auto item = engine.read_one(call, plan, bytes);
    if (!item) return fail(item);
    out.units.table = read_units(bytes, consistent);
    if (*item) out.items.push_back(std::move(**item));
    return out;
  }
  std::size_t scanned = 0, bytes = 0, fetched = 0;
  const std::size_t partitions = std::max<std::size_t>(plan.partitions.size(), 1);
  constexpr std::size_t kMaxPageBytes = 1 << 20;
  for (; position.partition < partitions; ++position.partition, position.start_after.reset()) {
    if ((limit && scanned >= *limit) || bytes >= kMaxPageBytes) {
      out.next = position;
      break;
    }
    PageRequest request;
    request.table = call.table;
    request.index = plan.index;
    if (!plan.partitions.empty()) {
      request.partition = plan.partitions[position.partition];
      request.first = plan.bounds.first;
      request.last = plan.bounds.last;
    }
    request.backward = plan.backward;
    request.start_after = position.start_after;
    if (limit) request.limit = *limit - scanned;
    request.filter = plan.filter ? &*plan.filter : nullptr;
    request.whole_items = plan.whole_items;
    request.max_bytes = kMaxPageBytes - bytes;
    auto page = engine.items.page(request);
    if (!page) return fail(page);
    scanned += page->scanned;
    bytes += page->bytes;
    fetched += page->fetched_bytes;
    out.items.reserve(out.items.size() + page->items.size());
    for (Attributes& item : page->items) out.items.push_back(partiql::pick(plan.columns, std::move(item)));
    if (page->last_key) {
      out.next = ReadPosition{position.partition, std::move(page->last_key)};
      break;
    }
  }
  double& units = plan.index == nullptr ? out.units.table
                  : plan.index->global  ? out.units.global[plan.index->name]
                                        : out.units.local[plan.index->name];
  units = read_units(bytes, consistent);
  if (fetched > 0) out.units.table += static_cast<double>(fetched) / 4096 / (consistent ? 1 : 2);
  return out;
}

Result<shapes::ExecuteStatementOutput> select(const PartiqlEngine& engine, const shapes::ExecuteStatementInput& in,
                                              const PartiqlCall& call) {
  const bool consistent = in.consistent_read.value_or(false);
  auto plan = partiql::plan_read(call.statement, call.target, *call.table, call.parameters);
  if (!plan) return fail(plan);
  if (consistent && plan->index != nullptr && plan->index->global)
    return validation(plan->partitions.empty() ? "Consistent read cannot be true when scanning a GSI"
                                               : "Consistent read cannot be true when querying a GSI");
  const std::string statement = fingerprint(in, call.parameters);
  ReadPosition position;
  if (in.next_token) {
    auto found = read_token(*in.next_token, statement, call, *plan);
    if (!found) return fail(found);
    position = std::move(*found);
  }
  std::optional<std::size_t> limit;
  if (in.limit) limit = static_cast<std::size_t>(*in.limit);
  auto outcome = read(engine, call, *plan, std::move(position), limit, consistent);
  if (!outcome) return fail(outcome);
  shapes::ExecuteStatementOutput out;
  auto& found = out.items.emplace();
  found.reserve(outcome->items.size());
  for (Attributes& item : outcome->items) found.push_back(to_wire(std::move(item)));
  if (outcome->next) out.next_token = make_token(statement, *outcome->next);
  out.consumed_capacity = consumed(in.return_consumed_capacity, call.table->name, outcome->units);
  return out;
}

Result<shapes::ExecuteStatementOutput> change(const PartiqlEngine& engine, const shapes::ExecuteStatementInput& in,
                                              const PartiqlCall& call) {
  auto plan = partiql::plan_write(call.statement, *call.table, call.parameters);
  if (!plan) return fail(plan);
  auto result = engine.items.write_one(request_of(call, *plan));
  if (!result) return fail(result);
  if (result->refused) {
    if (!is_condition(*result->refused)) return Failure(std::move(*result->refused));
    if (plan->kind == WriteRequest::Kind::Put)
      return aws::exception(shapes::DuplicateItemException{.message = std::string(kDuplicateKey)});
    shapes::ConditionalCheckFailedException failed;
    failed.message = result->refused->message;
    if (wants_item(in.return_values_on_condition_check_failure)) failed.item = to_wire(std::move(result->old_item));
    return aws::exception(std::move(failed));
  }
  shapes::ExecuteStatementOutput out;
  auto& items = out.items.emplace();
  if (auto item = returned(*plan, *result)) items.push_back(to_wire(std::move(*item)));
  out.consumed_capacity = consumed(in.return_consumed_capacity, call.table->name, result->units);
  return out;
}

}  // namespace

Result<shapes::ExecuteStatementOutput> execute_statement(const PartiqlEngine& engine,
                                                         const aws::RequestContext& context,
                                                         const shapes::ExecuteStatementInput& in) {
  auto call = engine.prepare(caller_of(context), *in.statement, in.parameters);
  if (!call) return fail(call);
  if (call->statement.kind == Statement::Kind::Exists)
    return validation("EXISTS can only be used in ExecuteTransaction write requests.");
  return call->statement.reads() ? select(engine, in, *call) : change(engine, in, *call);
}

}  // namespace likeness::dynamodb
