#include "services/dynamodb/partiql.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "aws/exceptions.hpp"
#include "aws/gen/dynamodb.hpp"
#include "base/bytes.hpp"
#include "domain/dynamodb/errors.hpp"
#include "domain/dynamodb/item_record.hpp"
#include "domain/dynamodb/key_encoding.hpp"
#include "domain/dynamodb/partiql_parser.hpp"
#include "domain/dynamodb/partiql_plan.hpp"
#include "domain/record.hpp"
#include "services/dynamodb/capacity.hpp"
#include "services/dynamodb/convert.hpp"
#include "services/dynamodb/request_tokens.hpp"

namespace likeness::dynamodb {

namespace {

using partiql::ReadPlan;
using partiql::Statement;
using partiql::WritePlan;
using WireValues = std::optional<std::vector<shapes::AttributeValue>>;
using WireCondition = std::optional<shapes::ReturnValuesOnConditionCheckFailure>;

constexpr std::string_view kDuplicate = "Duplicate primary key exists in table";
constexpr std::size_t kMaxStatementsInBatch = 25;
constexpr std::size_t kMaxStatementsInTransaction = 100;
/// A statement with what it needs, ready to be planned.
struct Call {
  Statement statement;
  partiql::Target target;
  std::vector<Value> parameters;
  TablePtr table;
};

Result<std::vector<Value>> parameters_of(const WireValues& wire) {
  std::vector<Value> values;
  if (!wire) return values;
  values.reserve(wire->size());
  for (const auto& one : *wire) {
    auto value = value_of(one);
    if (!value) return fail(value);
    values.push_back(std::move(*value));
  }
  return values;
}

Result<Call> prepare(const domain::Caller& caller, const Tables& tables, const std::string& text,
                     const WireValues& parameters) {
  Call call;
  auto statement = partiql::parse(text);
  if (!statement) return fail(statement);
  call.statement = std::move(*statement);
  auto target = partiql::target_of(call.statement);
  if (!target) return fail(target);
  call.target = std::move(*target);
  auto values = parameters_of(parameters);
  if (!values) return fail(values);
  call.parameters = std::move(*values);
  auto table = tables.find(caller, call.target.table);
  if (!table) return fail(table);
  call.table = std::move(*table);
  return call;
}

// ---- reading

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
    const auto has = [&keys](const KeyAttribute& key) {
      const Value* value = keys.find(key.name);
      return value != nullptr && value->type() == key.type;
    };
    return has(schema.partition) && (!schema.sort || has(*schema.sort));
  };
  return fits(table.keys) && (index == nullptr || fits(index->keys));
}

Result<ReadPosition> read_token(const std::string& token, const std::string& statement, const Call& call,
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

Result<std::optional<Attributes>> read_one(Items& items, const Call& call, const ReadPlan& plan, std::size_t& bytes) {
  auto item = items.get(*call.table, *plan.key);
  if (!item || !*item) return item;
  bytes = size_of(**item);
  if (plan.filter && !holds(*plan.filter, **item)) return std::nullopt;
  return partiql::pick(plan.columns, std::move(**item));
}

Result<ReadOutcome> read(Items& items, const Call& call, const ReadPlan& plan, ReadPosition position,
                         std::optional<std::size_t> limit, bool consistent) {
  ReadOutcome out;
  if (plan.key) {
    std::size_t bytes = 0;
    auto item = read_one(items, call, plan, bytes);
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
    auto page = items.page(request);
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

// ---- writing

WriteRequest request_of(const Call& call, const WritePlan& plan) {
  WriteRequest request;
  request.table = call.table;
  request.kind = plan.kind;
  request.item = plan.item;
  request.condition = plan.condition ? &*plan.condition : nullptr;
  request.update = plan.update ? &*plan.update : nullptr;
  request.count_units = true;
  return request;
}

/// What RETURNING shows.
std::optional<Attributes> returned(const WritePlan& plan, WriteResult& result) {
  if (!plan.returning) return std::nullopt;
  std::optional<Attributes>& item = plan.returning->fresh ? result.new_item : result.old_item;
  if (!item) return std::nullopt;
  if (plan.returning->modified && plan.update) {
    auto modified = partiql::pick_modified(*plan.update, *item);
    if (modified.empty()) return std::nullopt;
    return modified;
  }
  return std::move(item);
}

bool is_condition(const Error& error) { return error.code == "ConditionalCheckFailedException"; }
bool wants_item(const WireCondition& wanted) {
  return wanted && *wanted == shapes::ReturnValuesOnConditionCheckFailure::AllOld;
}

// ---- ExecuteStatement

class Partiql {
 public:
  explicit Partiql(Database& database)
      : tables_(database.tables()), items_(database.items()), tokens_(std::make_shared<RequestTokens>(database)) {}

  Result<shapes::ExecuteStatementOutput> execute(const aws::RequestContext& context,
                                                 const shapes::ExecuteStatementInput& in) const {
    auto call = prepare(caller_of(context), tables_, *in.statement, in.parameters);
    if (!call) return fail(call);
    if (call->statement.kind == Statement::Kind::Exists)
      return validation("EXISTS can only be used in ExecuteTransaction write requests.");
    return call->statement.reads() ? select(in, *call) : change(in, *call);
  }

  Result<shapes::BatchExecuteStatementOutput> execute_batch(const aws::RequestContext& context,
                                                            const shapes::BatchExecuteStatementInput& in) const;
  Result<shapes::ExecuteTransactionOutput> execute_transaction(const aws::RequestContext& context,
                                                               const shapes::ExecuteTransactionInput& in) const;

 private:
  Result<shapes::ExecuteStatementOutput> select(const shapes::ExecuteStatementInput& in, const Call& call) const {
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
    auto outcome = read(items_, call, *plan, std::move(position), limit, consistent);
    if (!outcome) return fail(outcome);
    shapes::ExecuteStatementOutput out;
    auto& found = out.items.emplace();
    found.reserve(outcome->items.size());
    for (Attributes& item : outcome->items) found.push_back(to_wire(std::move(item)));
    if (outcome->next) out.next_token = make_token(statement, *outcome->next);
    out.consumed_capacity = consumed(in.return_consumed_capacity, call.table->name, outcome->units);
    return out;
  }

  Result<shapes::ExecuteStatementOutput> change(const shapes::ExecuteStatementInput& in, const Call& call) const {
    auto plan = partiql::plan_write(call.statement, *call.table, call.parameters);
    if (!plan) return fail(plan);
    auto result = items_.write_one(request_of(call, *plan));
    if (!result) return fail(result);
    if (result->refused) {
      if (!is_condition(*result->refused)) return Failure(std::move(*result->refused));
      if (plan->kind == WriteRequest::Kind::Put)
        return aws::exception(shapes::DuplicateItemException{.message = std::string(kDuplicate)});
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

  Tables& tables_;
  Items& items_;
  std::shared_ptr<RequestTokens> tokens_;
};

// ---- BatchExecuteStatement

shapes::BatchStatementErrorCodeEnum code_of(const Error& error) {
  using Code = shapes::BatchStatementErrorCodeEnum;
  if (error.code == "ResourceNotFoundException") return Code::ResourceNotFound;
  if (error.code == "ValidationException") return Code::ValidationError;
  if (is_condition(error)) return Code::ConditionalCheckFailed;
  if (error.code == "ProvisionedThroughputExceededException") return Code::ProvisionedThroughputExceeded;
  if (error.code == "ItemCollectionSizeLimitExceededException") return Code::ItemCollectionSizeLimitExceeded;
  return Code::InternalServerError;
}

void set_error(shapes::BatchStatementResponse& response, const Error& error) {
  auto& out = response.error.emplace();
  out.code = code_of(error);
  out.message = error.message;
}

/// Keys of the items that were named; a name is given once.
class SeenKeys {
 public:
  bool add(const Table& table, const Attributes& key) {
    std::string name = table.id + store_key(table, key);
    if (std::find(names_.begin(), names_.end(), name) != names_.end()) return false;
    names_.push_back(std::move(name));
    return true;
  }

 private:
  std::vector<std::string> names_;
};

Result<shapes::BatchExecuteStatementOutput> Partiql::execute_batch(const aws::RequestContext& context,
                                                                   const shapes::BatchExecuteStatementInput& in) const {
  const auto& statements = *in.statements;
  if (statements.empty()) return validation("The statement was empty.");
  if (statements.size() > kMaxStatementsInBatch)
    return validation(
        fmt::format("1 validation error detected: Value at 'statements' failed to satisfy constraint: "
                    "Member must have length less than or equal to {}",
                    kMaxStatementsInBatch));
  struct One {
    std::optional<Call> call;
    std::optional<ReadPlan> read;
    std::optional<WritePlan> write;
  };
  std::vector<One> ones(statements.size());
  shapes::BatchExecuteStatementOutput out;
  auto& responses = out.responses.emplace(statements.size());
  SeenKeys seen;
  bool reads = false, writes = false;
  const domain::Caller caller = caller_of(context);
  for (std::size_t i = 0; i < statements.size(); ++i) {
    One& one = ones[i];
    auto call = prepare(caller, tables_, *statements[i].statement, statements[i].parameters);
    if (!call) {
      set_error(responses[i], call.error());
      continue;
    }
    one.call = std::move(*call);
    if (one.call->statement.kind == Statement::Kind::Exists) {
      set_error(responses[i], validation("EXISTS can only be used in ExecuteTransaction write requests.").value());
      continue;
    }
    (one.call->statement.reads() ? reads : writes) = true;
    if (one.call->statement.reads()) {
      auto plan = partiql::plan_read(one.call->statement, one.call->target, *one.call->table, one.call->parameters);
      if (!plan) {
        set_error(responses[i], plan.error());
        continue;
      }
      const std::size_t wanted = one.call->table->keys.sort ? 2 : 1;
      const std::size_t conditions =
          plan->filter && plan->filter->kind == Condition::Kind::And ? plan->filter->parts.size() : 1;
      if (!plan->key || conditions != wanted) {
        set_error(responses[i], validation("Only single item select is supported").value());
        continue;
      }
      one.read = std::move(*plan);
    } else {
      auto plan = partiql::plan_write(one.call->statement, *one.call->table, one.call->parameters);
      if (!plan) {
        set_error(responses[i], plan.error());
        continue;
      }
      one.write = std::move(*plan);
    }
    if (!seen.add(*one.call->table, one.read ? *one.read->key : one.write->item))
      return validation("Provided list of item keys contains duplicates");
  }
  if (reads && writes) return validation("Read and write requests together in the same batch is not supported.");

  CapacityByTable used(in.return_consumed_capacity, false, reads);
  for (std::size_t i = 0; i < ones.size(); ++i) {
    One& one = ones[i];
    shapes::BatchStatementResponse& response = responses[i];
    if (!one.read && !one.write) continue;
    response.table_name = one.call->table->name;
    Units units;
    if (one.read) {
      std::size_t bytes = 0;
      auto item = read_one(items_, *one.call, *one.read, bytes);
      if (!item) return fail(item);
      units.table = read_units(bytes, statements[i].consistent_read.value_or(false));
      response.item = to_wire(std::move(*item));
    } else {
      auto result = items_.write_one(request_of(*one.call, *one.write));
      if (!result) {
        set_error(response, result.error());
        continue;
      }
      if (result->refused) {
        set_error(response, *result->refused);
        if (is_condition(*result->refused)) {
          if (one.write->kind == WriteRequest::Kind::Put) {
            response.error->code = shapes::BatchStatementErrorCodeEnum::DuplicateItem;
            response.error->message = std::string(kDuplicate);
          } else if (wants_item(statements[i].return_values_on_condition_check_failure)) {
            response.error->item = to_wire(std::move(result->old_item));
          }
        }
        continue;
      }
      units = result->units;
      response.item = to_wire(returned(*one.write, *result));
    }
    used.add(one.call->table->name, units);
  }
  out.consumed_capacity = used.take();
  return out;
}

// ---- ExecuteTransaction

Failure failed_in(std::size_t at, std::string_view message) {
  return validation(fmt::format("Validation failed in TransactStatements[{}]: {}", at, message));
}

Failure cancelled(std::vector<shapes::CancellationReason> reasons) {
  std::vector<std::string> codes;
  codes.reserve(reasons.size());
  for (const auto& reason : reasons) codes.push_back(*reason.code);
  shapes::TransactionCanceledException out;
  out.message = fmt::format("Transaction cancelled, please refer cancellation reasons for specific reasons [{}]",
                            fmt::join(codes, ", "));
  out.cancellation_reasons = std::move(reasons);
  return aws::exception(std::move(out));
}

std::vector<shapes::CancellationReason> no_reasons(std::size_t count) {
  shapes::CancellationReason none;
  none.code = "None";
  return std::vector<shapes::CancellationReason>(count, none);
}

/// Of one statement that cannot be executed with this table, before anything was tried.
Failure cancelled_by(std::size_t count, std::size_t at, const Error& error) {
  auto reasons = no_reasons(count);
  reasons[at].code = "ValidationError";
  reasons[at].message = error.message;
  return cancelled(std::move(reasons));
}

/// A digest of what a client request token stands for.
std::string digest_of(const shapes::ExecuteTransactionInput& in, const std::vector<Call>& calls) {
  std::string all;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    all += *(*in.transact_statements)[i].statement;
    all += '\0';
    for (const Value& value : calls[i].parameters) append_value(all, value);
  }
  const Sha256 digest = sha256(as_bytes(all));
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

Result<shapes::ExecuteTransactionOutput> Partiql::execute_transaction(const aws::RequestContext& context,
                                                                      const shapes::ExecuteTransactionInput& in) const {
  const auto& statements = *in.transact_statements;
  if (statements.empty()) return validation("ExecutePartiQLTransaction can not have empty statement.");
  if (statements.size() > kMaxStatementsInTransaction)
    return validation(
        fmt::format("1 validation error detected: Value at 'transactStatements' failed to satisfy "
                    "constraint: Member must have length less than or equal to {}",
                    kMaxStatementsInTransaction));
  const domain::Caller caller = caller_of(context);
  std::vector<Call> calls;
  calls.reserve(statements.size());
  bool reads = false, writes = false;
  for (const auto& one : statements) {
    auto call = prepare(caller, tables_, *one.statement, one.parameters);
    if (!call) return fail(call);
    // EXISTS is a condition of a transaction that writes.
    (call->statement.kind == Statement::Kind::Select ? reads : writes) = true;
    calls.push_back(std::move(*call));
  }
  if (reads && writes)
    return validation("ExecuteTransaction API does not support both read and write operations in the same request.");

  std::vector<std::optional<ReadPlan>> read_plans(calls.size());
  std::vector<std::optional<WritePlan>> write_plans(calls.size());
  for (std::size_t i = 0; i < calls.size(); ++i) {
    const Call& call = calls[i];
    if (call.parameters.size() < call.statement.parameters)
      return failed_in(i, "Number of parameters in request and statement don't match.");
    if (call.statement.returning) return failed_in(i, "RETURNING clause is not supported in ExecuteTransaction.");
    if (call.statement.reads()) {
      if (!call.target.index.empty()) return failed_in(i, "Reads on indices are not supported within transactions.");
      auto plan = partiql::plan_read(call.statement, call.target, *call.table, call.parameters);
      if (!plan) return cancelled_by(calls.size(), i, plan.error());
      const std::size_t keys = call.table->keys.sort ? 2 : 1;
      const std::size_t conditions =
          plan->filter && plan->filter->kind == Condition::Kind::And ? plan->filter->parts.size() : 1;
      if (call.statement.kind == Statement::Kind::Exists) {
        if (!plan->key || conditions <= keys)
          return failed_in(i, "EXISTS() must contain a single item read with additional condition");
        WritePlan check;
        check.kind = WriteRequest::Kind::Check;
        check.item = *plan->key;
        check.condition = std::move(plan->filter);
        write_plans[i] = std::move(check);
        continue;
      }
      if (!plan->key || conditions != keys)
        return failed_in(i,
                         "Select statements within ExecuteTransaction must specify the primary key in the where "
                         "clause.");
      read_plans[i] = std::move(*plan);
    } else {
      auto plan = partiql::plan_write(call.statement, *call.table, call.parameters);
      if (!plan) return cancelled_by(calls.size(), i, plan.error());
      write_plans[i] = std::move(*plan);
    }
  }
  SeenKeys seen;
  for (std::size_t i = 0; i < calls.size(); ++i)
    if (!seen.add(*calls[i].table, read_plans[i] ? *read_plans[i]->key : write_plans[i]->item))
      return validation("Transaction request cannot include multiple operations on one item");

  shapes::ExecuteTransactionOutput out;
  CapacityByTable used(in.return_consumed_capacity, true, reads);
  if (reads) {
    std::vector<ReadItem> wanted;
    wanted.reserve(calls.size());
    for (std::size_t i = 0; i < calls.size(); ++i) wanted.push_back({calls[i].table, *read_plans[i]->key});
    auto found = items_.get_together(wanted);
    if (!found) return fail(found);
    auto& responses = out.responses.emplace(calls.size());
    for (std::size_t i = 0; i < calls.size(); ++i) {
      Units units;
      units.table = read_units((*found)[i] ? size_of(*(*found)[i]) : 0, true);
      used.add(calls[i].table->name, units);
      if ((*found)[i]) responses[i].item = to_wire(partiql::pick(read_plans[i]->columns, std::move(*(*found)[i])));
    }
    out.consumed_capacity = used.take();
    return out;
  }

  std::optional<RequestTokens::Lookup> token;
  if (in.client_request_token) {
    auto found = tokens_->look_up(caller.scope() + "/partiql", *in.client_request_token, digest_of(in, calls));
    if (!found) return fail(found);
    if (found->done) {
      out.responses.emplace();
      return out;
    }
    token.emplace(std::move(*found));
  }
  std::vector<WriteRequest> requests;
  requests.reserve(calls.size());
  for (std::size_t i = 0; i < calls.size(); ++i) requests.push_back(request_of(calls[i], *write_plans[i]));
  auto outcome = items_.write(requests, token ? token->writes : std::vector<storage::Write>());
  if (!outcome) return fail(outcome);
  if (!outcome->committed) {
    auto reasons = no_reasons(calls.size());
    for (std::size_t i = 0; i < calls.size(); ++i) {
      WriteResult& result = outcome->results[i];
      if (!result.refused) continue;
      reasons[i].message = result.refused->message;
      if (!is_condition(*result.refused)) {
        reasons[i].code = "ValidationError";
      } else if (write_plans[i]->kind == WriteRequest::Kind::Put) {
        reasons[i].code = "DuplicateItem";
        reasons[i].message = std::string(kDuplicate);
      } else {
        reasons[i].code = "ConditionalCheckFailed";
        if (wants_item(statements[i].return_values_on_condition_check_failure))
          reasons[i].item = to_wire(std::move(result.old_item));
      }
    }
    return cancelled(std::move(reasons));
  }
  for (std::size_t i = 0; i < calls.size(); ++i) used.add(calls[i].table->name, outcome->results[i].units);
  out.consumed_capacity = used.take();
  out.responses.emplace();
  return out;
}

// ---- permissions

/// What the statement needs; nothing where it is malformed, which the operation itself answers.
std::vector<policy::Permission> permissions_of(const aws::RequestContext& context, const std::string& text) {
  auto statement = partiql::parse(text);
  if (!statement) return {};
  auto target = partiql::target_of(*statement);
  if (!target) return {};
  std::string action;
  switch (statement->kind) {
    case Statement::Kind::Select:
    case Statement::Kind::Exists: action = "dynamodb:PartiQLSelect"; break;
    case Statement::Kind::Insert: action = "dynamodb:PartiQLInsert"; break;
    case Statement::Kind::Update: action = "dynamodb:PartiQLUpdate"; break;
    case Statement::Kind::Delete: action = "dynamodb:PartiQLDelete"; break;
  }
  std::string resource = fmt::format("arn:aws:dynamodb:{}:{}:table/{}", context.region, context.account, target->table);
  if (!target->index.empty()) resource += "/index/" + target->index;
  return {policy::Permission{.action = std::move(action), .resource = std::move(resource)}};
}

template <class Statements>
std::vector<policy::Permission> permissions_of_all(const aws::RequestContext& context, const Statements& statements) {
  std::vector<policy::Permission> all;
  if (!statements) return all;
  for (const auto& one : *statements) {
    for (auto& permission : permissions_of(context, one.statement.value_or(""))) {
      const bool known = std::any_of(all.begin(), all.end(), [&permission](const policy::Permission& other) {
        return other.action == permission.action && other.resource == permission.resource;
      });
      if (!known) all.push_back(std::move(permission));
    }
  }
  return all;
}

}  // namespace

void add_partiql(aws::Service& service, Database& database) {
  const Partiql partiql(database);
  service.on<shapes::ExecuteStatement>(
      [partiql](const aws::RequestContext& context, const shapes::ExecuteStatementInput& in) {
        return partiql.execute(context, in);
      });
  service.permissions<shapes::ExecuteStatement>(
      [](const aws::RequestContext& context, const shapes::ExecuteStatementInput& in) {
        return permissions_of(context, in.statement.value_or(""));
      });
  service.on<shapes::BatchExecuteStatement>(
      [partiql](const aws::RequestContext& context, const shapes::BatchExecuteStatementInput& in) {
        return partiql.execute_batch(context, in);
      });
  service.permissions<shapes::BatchExecuteStatement>(
      [](const aws::RequestContext& context, const shapes::BatchExecuteStatementInput& in) {
        return permissions_of_all(context, in.statements);
      });
  service.on<shapes::ExecuteTransaction>(
      [partiql](const aws::RequestContext& context, const shapes::ExecuteTransactionInput& in) {
        return partiql.execute_transaction(context, in);
      });
  service.permissions<shapes::ExecuteTransaction>(
      [](const aws::RequestContext& context, const shapes::ExecuteTransactionInput& in) {
        return permissions_of_all(context, in.transact_statements);
      });
}

}  // namespace likeness::dynamodb
