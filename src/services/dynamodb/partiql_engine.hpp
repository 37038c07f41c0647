#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/service.hpp"
#include "base/result.hpp"
#include "domain/dynamodb/database.hpp"
#include "domain/dynamodb/partiql_parser.hpp"
#include "domain/dynamodb/partiql_plan.hpp"
#include "services/dynamodb/convert.hpp"
#include "services/dynamodb/request_tokens.hpp"

/// What the three operations of PartiQL share. For partiql*.cpp only.
namespace likeness::dynamodb {

inline constexpr std::string_view kDuplicateKey = "Duplicate primary key exists in table";

/// A statement with what it needs, ready to be planned.
struct PartiqlCall {
  partiql::Statement statement;
  partiql::Target target;
  std::vector<Value> parameters;
  TablePtr table;
};

struct PartiqlEngine {
  Tables& tables;
  Items& items;

  Result<PartiqlCall> prepare(const domain::Caller& caller, const std::string& text,
                              const std::optional<std::vector<shapes::AttributeValue>>& parameters) const;
  /// The item of a plan with a key, if it is there and meets the condition; `bytes` is what was read.
  Result<std::optional<Attributes>> read_one(const PartiqlCall& call, const partiql::ReadPlan& plan,
                                             std::size_t& bytes) const;
};

/// Borrows from both.
WriteRequest request_of(const PartiqlCall& call, const partiql::WritePlan& plan);
/// What RETURNING shows.
std::optional<Attributes> returned(const partiql::WritePlan& plan, WriteResult& result);
/// How many conditions the WHERE of a plan has.
std::size_t conditions_of(const partiql::ReadPlan& plan);

inline bool is_condition(const Error& error) { return error.code == "ConditionalCheckFailedException"; }
inline bool wants_item(const std::optional<shapes::ReturnValuesOnConditionCheckFailure>& wanted) {
  return wanted && *wanted == shapes::ReturnValuesOnConditionCheckFailure::AllOld;
}

/// Keys of the items that were named; a name is given once.
class SeenKeys {
 public:
  bool add(const Table& table, const Attributes& key);

 private:
  std::vector<std::string> names_;
};

Result<shapes::ExecuteStatementOutput> execute_statement(const PartiqlEngine& engine,
                                                         const aws::RequestContext& context,
                                                         const shapes::ExecuteStatementInput& in);
Result<shapes::BatchExecuteStatementOutput> execute_batch(const PartiqlEngine& engine,
                                                          const aws::RequestContext& context,
                                                          const shapes::BatchExecuteStatementInput& in);
Result<shapes::ExecuteTransactionOutput> execute_transaction(const PartiqlEngine& engine, RequestTokens& tokens,
                                                             const aws::RequestContext& context,
                                                             const shapes::ExecuteTransactionInput& in);

}  // namespace likeness::dynamodb
