#include "services/dynamodb/partiql.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "services/dynamodb/partiql_engine.hpp"

namespace likeness::dynamodb {

namespace {

using partiql::Statement;

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
  const PartiqlEngine engine{database.tables(), database.items()};
  auto tokens = std::make_shared<RequestTokens>(database);
  service.on<shapes::ExecuteStatement>(
      [engine](const aws::RequestContext& context, const shapes::ExecuteStatementInput& in) {
        return execute_statement(engine, context, in);
      });
  service.permissions<shapes::ExecuteStatement>(
      [](const aws::RequestContext& context, const shapes::ExecuteStatementInput& in) {
        return permissions_of(context, in.statement.value_or(""));
      });
  service.on<shapes::BatchExecuteStatement>(
      [engine](const aws::RequestContext& context, const shapes::BatchExecuteStatementInput& in) {
        return execute_batch(engine, context, in);
      });
  service.permissions<shapes::BatchExecuteStatement>(
      [](const aws::RequestContext& context, const shapes::BatchExecuteStatementInput& in) {
        return permissions_of_all(context, in.statements);
      });
  service.on<shapes::ExecuteTransaction>(
      [engine, tokens](const aws::RequestContext& context, const shapes::ExecuteTransactionInput& in) {
        return execute_transaction(engine, *tokens, context, in);
      });
  service.permissions<shapes::ExecuteTransaction>(
      [](const aws::RequestContext& context, const shapes::ExecuteTransactionInput& in) {
        return permissions_of_all(context, in.transact_statements);
      });
}

}  // namespace likeness::dynamodb
