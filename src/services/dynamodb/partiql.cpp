#include "services/dynamodb/partiql.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "services/dynamodb/partiql_engine.hpp"
#include "services/dynamodb/permissions.hpp"

namespace likeness::dynamodb {

namespace {

using partiql::Statement;

/// What the statement needs; nothing where it is malformed, which the operation itself answers.
std::vector<policy::Permission> permissions_of(const Tables& tables, const aws::RequestContext& context,
                                               const std::string& text) {
  auto statement = partiql::parse(text);
  if (!statement) return {};
  auto target = partiql::target_of(*statement);
  if (!target) return {};
  std::string action;
  switch (statement->kind) {
    case Statement::Kind::Select:
    case Statement::Kind::Exists: action = "PartiQLSelect"; break;
    case Statement::Kind::Insert: action = "PartiQLInsert"; break;
    case Statement::Kind::Update: action = "PartiQLUpdate"; break;
    case Statement::Kind::Delete: action = "PartiQLDelete"; break;
  }
  return {permission_on(tables, context, action, target->table, target->index)};
}

template <class Statements>
std::vector<policy::Permission> permissions_of_all(const Tables& tables, const aws::RequestContext& context,
                                                   const Statements& statements) {
  std::vector<policy::Permission> all;
  if (!statements) return all;
  for (const auto& one : *statements) {
    for (auto& permission : permissions_of(tables, context, one.statement.value_or(""))) {
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
  const PartiqlEngine engine{database.tables(), database.items()};
  auto tokens = std::make_shared<RequestTokens>(database);
  service.on<shapes::ExecuteStatement>(
      [engine](const aws::RequestContext& context, const shapes::ExecuteStatementInput& in) {
        return execute_statement(engine, context, in);
      });
  service.permissions<shapes::ExecuteStatement>(
      [&database](const aws::RequestContext& context, const shapes::ExecuteStatementInput& in) {
        return permissions_of(database.tables(), context, in.statement.value_or(""));
      });
  service.on<shapes::BatchExecuteStatement>(
      [engine](const aws::RequestContext& context, const shapes::BatchExecuteStatementInput& in) {
        return execute_batch(engine, context, in);
      });
  service.permissions<shapes::BatchExecuteStatement>(
      [&database](const aws::RequestContext& context, const shapes::BatchExecuteStatementInput& in) {
        return permissions_of_all(database.tables(), context, in.statements);
      });
  service.on<shapes::ExecuteTransaction>(
      [engine, tokens](const aws::RequestContext& context, const shapes::ExecuteTransactionInput& in) {
        return execute_transaction(engine, *tokens, context, in);
      });
  service.permissions<shapes::ExecuteTransaction>(
      [&database](const aws::RequestContext& context, const shapes::ExecuteTransactionInput& in) {
        return permissions_of_all(database.tables(), context, in.transact_statements);
      });
}

}  // namespace likeness::dynamodb
