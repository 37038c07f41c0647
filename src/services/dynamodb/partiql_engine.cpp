#include "services/dynamodb/partiql_engine.hpp"

#include <algorithm>
#include <utility>

#include "domain/dynamodb/key_encoding.hpp"

namespace likeness::dynamodb {

namespace {

using partiql::ReadPlan;
using partiql::WritePlan;
using WireValues = std::optional<std::vector<shapes::AttributeValue>>;

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

}  // namespace

Result<PartiqlCall> PartiqlEngine::prepare(const domain::Caller& caller, const std::string& text,
                                           const WireValues& parameters) const {
  PartiqlCall call;
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

Result<std::optional<Attributes>> PartiqlEngine::read_one(const PartiqlCall& call, const ReadPlan& plan,
                                                          std::size_t& bytes) const {
  auto item = items.get(*call.table, *plan.key);
  if (!item || !*item) return item;
  bytes = size_of(**item);
  if (plan.filter && !holds(*plan.filter, **item)) return std::nullopt;
  return partiql::pick(plan.columns, std::move(**item));
}

WriteRequest request_of(const PartiqlCall& call, const WritePlan& plan) {
  WriteRequest request;
  request.table = call.table;
  request.kind = plan.kind;
  request.item = plan.item;
  request.condition = plan.condition ? &*plan.condition : nullptr;
  request.update = plan.update ? &*plan.update : nullptr;
  request.count_units = true;
  return request;
}

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

std::size_t conditions_of(const ReadPlan& plan) {
  return plan.filter && plan.filter->kind == Condition::Kind::And ? plan.filter->parts.size() : 1;
}

bool SeenKeys::add(const Table& table, const Attributes& key) {
  std::string name = table.id + store_key(table, key);
  if (std::find(names_.begin(), names_.end(), name) != names_.end()) return false;
  names_.push_back(std::move(name));
  return true;
}

}  // namespace likeness::dynamodb
