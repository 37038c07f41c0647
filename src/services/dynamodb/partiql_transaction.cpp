#include <fmt/format.h>

#include <utility>

#include "aws/exceptions.hpp"
#include "base/bytes.hpp"
#include "domain/dynamodb/errors.hpp"
#include "domain/dynamodb/item_record.hpp"
#include "services/dynamodb/capacity.hpp"
#include "services/dynamodb/partiql_engine.hpp"

namespace likeness::dynamodb {

namespace {

using partiql::ReadPlan;
using partiql::Statement;
using partiql::WritePlan;

constexpr std::size_t kMaxStatementsInTransaction = 100;

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
std::string digest_of(const shapes::ExecuteTransactionInput& in, const std::vector<PartiqlCall>& calls) {
  std::string all;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    all += *(*in.transact_statements)[i].statement;
    all += '\0';
    for (const Value& value : calls[i].parameters) append_value(all, value);
  }
  const Sha256 digest = sha256(as_bytes(all));
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

}  // namespace

Result<shapes::ExecuteTransactionOutput> execute_transaction(const PartiqlEngine& engine, RequestTokens& tokens,
                                                             const aws::RequestContext& context,
                                                             const shapes::ExecuteTransactionInput& in) {
  const auto& statements = *in.transact_statements;
  if (statements.empty()) return validation("ExecutePartiQLTransaction can not have empty statement.");
  if (statements.size() > kMaxStatementsInTransaction)
    return validation(
        fmt::format("1 validation error detected: Value at 'transactStatements' failed to satisfy "
                    "constraint: Member must have length less than or equal to {}",
                    kMaxStatementsInTransaction));
  const domain::Caller caller = caller_of(context);
  std::vector<PartiqlCall> calls;
  calls.reserve(statements.size());
  bool reads = false, writes = false;
  for (const auto& one : statements) {
    auto call = engine.prepare(caller, *one.statement, one.parameters);
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
    const PartiqlCall& call = calls[i];
    if (call.parameters.size() < call.statement.parameters)
      return failed_in(i, "Number of parameters in request and statement don't match.");
    if (call.statement.returning) return failed_in(i, "RETURNING clause is not supported in ExecuteTransaction.");
    if (call.statement.reads()) {
      if (!call.target.index.empty()) return failed_in(i, "Reads on indices are not supported within transactions.");
      auto plan = partiql::plan_read(call.statement, call.target, *call.table, call.parameters);
      if (!plan) return cancelled_by(calls.size(), i, plan.error());
      const std::size_t keys = call.table->keys.sort ? 2 : 1;
      const std::size_t conditions = conditions_of(*plan);
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
    auto found = engine.items.get_together(wanted);
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
    auto found = tokens.look_up(caller.scope() + "/partiql", *in.client_request_token, digest_of(in, calls));
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
  auto outcome = engine.items.write(requests, token ? token->writes : std::vector<storage::Write>());
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
        reasons[i].message = std::string(kDuplicateKey);
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

}  // namespace likeness::dynamodb
