#include <fmt/format.h>

#include <utility>

#include "domain/dynamodb/errors.hpp"
#include "services/dynamodb/capacity.hpp"
#include "services/dynamodb/partiql_engine.hpp"

namespace likeness::dynamodb {

namespace {

using partiql::ReadPlan;
using partiql::Statement;
using partiql::WritePlan;

constexpr std::size_t kMaxStatementsInBatch = 25;

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

}  // namespace

Result<shapes::BatchExecuteStatementOutput> execute_batch(const PartiqlEngine& engine,
                                                          const aws::RequestContext& context,
                                                          const shapes::BatchExecuteStatementInput& in) {
  const auto& statements = *in.statements;
  if (statements.empty()) return validation("The statement was empty.");
  if (statements.size() > kMaxStatementsInBatch)
    return validation(
        fmt::format("1 validation error detected: Value at 'statements' failed to satisfy constraint: "
                    "Member must have length less than or equal to {}",
                    kMaxStatementsInBatch));
  struct One {
    std::optional<PartiqlCall> call;
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
    auto call = engine.prepare(caller, *statements[i].statement, statements[i].parameters);
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
      const std::size_t conditions = conditions_of(*plan);
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
      auto item = engine.read_one(*one.call, *one.read, bytes);
      if (!item) return fail(item);
      units.table = read_units(bytes, statements[i].consistent_read.value_or(false));
      response.item = to_wire(std::move(*item));
    } else {
      auto result = engine.items.write_one(request_of(*one.call, *one.write));
      if (!result) {
        set_error(response, result.error());
        continue;
      }
      if (result->refused) {
        set_error(response, *result->refused);
        if (is_condition(*result->refused)) {
          if (one.write->kind == WriteRequest::Kind::Put) {
            response.error->code = shapes::BatchStatementErrorCodeEnum::DuplicateItem;
            response.error->message = std::string(kDuplicateKey);
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

}  // namespace likeness::dynamodb
