#include "domain/dynamodb/partiql_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "domain/dynamodb/errors.hpp"
#include "domain/dynamodb/expression_parser.hpp"
#include "domain/dynamodb/key_encoding.hpp"
#include "domain/dynamodb/limits.hpp"
#include "domain/dynamodb/partiql_bind.hpp"

namespace likeness::dynamodb::partiql {

namespace {

using Kind = Expression::Kind;
using Parameters = std::vector<Value>;

/// Of an index with several HASH attributes: as many as IN can name of one.
constexpr std::size_t kMaxPartitions = 100;

bool is_table_name(std::string_view name) {
  return name.size() >= 3 && name.size() <= 255 && std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
                  c == '.';
         });
}

Result<void> check_parameters(const Statement& statement, const Parameters& parameters) {
  if (parameters.size() < statement.parameters)
    return validation("Number of parameters in request and statement don't match.");
  return {};
}

/// The conditions that all must hold.
void flatten(const Condition& condition, std::vector<const Condition*>& out) {
  if (condition.kind != Condition::Kind::And) {
    out.push_back(&condition);
    return;
  }
  for (const Condition& part : condition.parts) flatten(part, out);
}

bool is_attribute(const Operand& operand, const std::string& name) {
  return operand.kind == Operand::Kind::Path && !operand.path.nested() && operand.path.attribute() == name;
}

/// `name = value`, either way round, or `name IS NULL`; null if the condition is not that.
const Value* equal_value(const Condition& condition, const std::string& name) {
  if (condition.kind != Condition::Kind::Equal) return nullptr;
  const Operand& left = condition.operands[0];
  const Operand& right = condition.operands[1];
  if (is_attribute(left, name) && right.kind == Operand::Kind::Value) return &right.value;
  if (is_attribute(right, name) && left.kind == Operand::Kind::Value) return &left.value;
  return nullptr;
}

/// The values that `condition` leaves for the attribute: of =, IN, and OR of those. False if it leaves any.
bool values_of(const Condition& condition, const std::string& name, std::vector<const Value*>& out) {
  if (const Value* value = equal_value(condition, name)) {
    out.push_back(value);
    return true;
  }
  if (condition.kind == Condition::Kind::In && is_attribute(condition.operands[0], name)) {
    for (std::size_t i = 1; i < condition.operands.size(); ++i) {
      if (condition.operands[i].kind != Operand::Kind::Value) return false;
      out.push_back(&condition.operands[i].value);
    }
    return true;
  }
  if (condition.kind == Condition::Kind::Or)
    return std::all_of(condition.parts.begin(), condition.parts.end(),
                       [&](const Condition& part) { return values_of(part, name, out); });
  return false;
}

Result<void> check_type(const KeyAttribute& key, const Value& value) {
  if (value.type() == key.type) return {};
  return validation("Key attribute's data type should match its data type in table's schema: Key " + key.name);
}

/// Bounds of the sort key from one condition; nullopt if it gives none.
Result<std::optional<SortBounds>> bounds_of(const Index* index, const Condition& condition, const KeyAttribute& sort) {
  if (condition.operands.size() < 2) return std::nullopt;
  const bool reversed = is_attribute(condition.operands[1], sort.name);
  if (!reversed && !is_attribute(condition.operands[0], sort.name)) return std::nullopt;
  const Operand& value = condition.operands[reversed ? 0 : 1];
  if (value.kind != Operand::Kind::Value) return std::nullopt;
  SortOperator op = SortOperator::Equal;
  const Value* upper = nullptr;
  switch (condition.kind) {
    case Condition::Kind::Equal: break;
    case Condition::Kind::Less: op = reversed ? SortOperator::Greater : SortOperator::Less; break;
    case Condition::Kind::LessOrEqual: op = reversed ? SortOperator::GreaterOrEqual : SortOperator::LessOrEqual; break;
    case Condition::Kind::Greater: op = reversed ? SortOperator::Less : SortOperator::Greater; break;
    case Condition::Kind::GreaterOrEqual:
      op = reversed ? SortOperator::LessOrEqual : SortOperator::GreaterOrEqual;
      break;
    case Condition::Kind::Between:
      if (reversed || condition.operands[2].kind != Operand::Kind::Value) return std::nullopt;
      op = SortOperator::Between;
      upper = &condition.operands[2].value;
      break;
    case Condition::Kind::BeginsWith:
      if (reversed || value.value.type() == Type::N) return std::nullopt;
      op = SortOperator::BeginsWith;
      break;
    default: return std::nullopt;
  }
  if (auto fine = check_type(sort, value.value); !fine) return fail(fine);
  if (upper != nullptr)
    if (auto fine = check_type(sort, *upper); !fine) return fail(fine);
  return sort_bounds(index, op, value.value, upper);
}

Result<std::vector<Column>> columns_of(const Statement& statement, const Table& table, const Index* index,
                                       bool& whole_items) {
  std::vector<Column> columns;
  std::vector<Path> paths;
  columns.reserve(statement.columns.size());
  paths.reserve(statement.columns.size());
  for (const Expression& expression : statement.columns) {
    auto path = column_of(expression);
    if (!path) return fail(path);
    paths.push_back(*path);
    Column column;
    // The name is that of the last map entry before a list position, and what follows the positions shows inside.
    std::size_t at = 0;
    while (at + 1 < path->steps.size() && std::holds_alternative<std::string>(path->steps[at + 1])) ++at;
    column.name = std::get<std::string>(path->steps[at]);
    ++at;
    for (; at < path->steps.size() && std::holds_alternative<std::size_t>(path->steps[at]); ++at)
      column.name += fmt::format("[{}]", std::get<std::size_t>(path->steps[at]));
    for (; at < path->steps.size(); ++at) column.inside.steps.push_back(path->steps[at]);
    column.path = std::move(*path);
    for (const Column& other : columns)
      if (other.name == column.name) return validation("Duplicate identifiers in select clause: " + column.name);
    columns.push_back(std::move(column));
  }
  std::vector<const Path*> all;
  all.reserve(paths.size());
  for (const Path& path : paths) all.push_back(&path);
  if (auto fine = check_overlap(all); !fine) return fail(fine);
  if (index == nullptr) return columns;
  std::vector<std::string> lacking;
  for (const Path& path : paths)
    if (!projects_all_of(table, *index, path.attribute())) lacking.push_back(path.attribute());
  if (lacking.empty()) return columns;
  if (index->global)
    return invalid_parameter(
        fmt::format("Global secondary index {} does not project [{}]", index->name, fmt::join(lacking, ", ")));
  whole_items = true;
  return columns;
}

Result<void> plan_order(const Statement& statement, const KeySchema& keys, ReadPlan& plan) {
  if (statement.order.empty()) return {};
  if (!statement.where) return validation("Must have WHERE clause in the statement when using ORDER BY clause.");
  if (plan.partitions.empty())
    return validation(
        "Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause.");
  const auto sorts = keys.sorts();
  std::size_t sorted_by = 0;
  for (const Ordering& ordering : statement.order) {
    if (ordering.by.kind != Kind::Path || ordering.by.parts.size() != 1)
      return validation(fmt::format("Argument to ORDER BY must be of type VariableReference. Type: {}",
                                    ordering.by.kind == Kind::Literal && ordering.by.value.number() != nullptr
                                        ? ordering.by.value.number()->text()
                                        : ordering.by.text));
    const std::string& name = ordering.by.parts[0].text;
    if (!keys.has(name))
      return validation("Variable reference " + name + " in ORDER BY clause must be part of the primary key");
    if (!keys.is_partition(name)) {
      // Entries lie in the order of the RANGE attributes, one after the other, and are read one way.
      const bool follows = keys.more_sort.empty() || (sorted_by < sorts.size() && sorts[sorted_by]->name == name &&
                                                      (sorted_by == 0 || plan.backward == ordering.descending));
      if (!follows)
        return validation(
            "Variable references in ORDER BY clause must be in the order of the key and in one direction: " + name);
      ++sorted_by;
      plan.backward = ordering.descending;
      continue;
    }
    std::size_t at = 0;
    for (const auto* part : keys.partitions()) {
      if (part->name == name) break;
      ++at;
    }
    std::sort(plan.partitions.begin(), plan.partitions.end(), [&](const auto& left, const auto& right) {
      return ordering.descending ? compare(right[at], left[at]) < 0 : compare(left[at], right[at]) < 0;
    });
  }
  return {};
}

/// The values that the conditions leave for the attribute; empty: any.
Result<std::vector<Value>> values_left(const std::vector<const Condition*>& conditions, const KeyAttribute& part) {
  std::vector<Value> out;
  for (const Condition* condition : conditions) {
    std::vector<const Value*> values;
    if (!values_of(*condition, part.name, values)) continue;
    for (const Value* value : values) {
      if (auto fine = check_type(part, *value); !fine) return fail(fine);
      if (std::find(out.begin(), out.end(), *value) == out.end()) out.push_back(*value);
    }
    break;
  }
  return out;
}

/// The partition keys that the conditions leave; nothing where they leave too many to read one after the other. What is
/// read is filtered by all conditions anyway.
Result<void> plan_partitions(const std::vector<const Condition*>& conditions, const KeySchema& keys, ReadPlan& plan) {
  std::vector<std::vector<Value>> all(1);
  for (const auto* part : keys.partitions()) {
    auto values = values_left(conditions, *part);
    if (!values) return fail(values);
    std::vector<std::vector<Value>> longer;
    longer.reserve(all.size() * values->size());
    if (keys.has_several() && all.size() * values->size() > kMaxPartitions) return {};
    for (const auto& begun : all)
      for (const auto& value : *values) {
        longer.push_back(begun);
        longer.back().push_back(value);
      }
    all = std::move(longer);
  }
  plan.partitions = std::move(all);
  return {};
}

/// Bounds of the RANGE attributes: equalities from the left on, then what the next one is bound to.
Result<void> plan_bounds(const std::vector<const Condition*>& conditions, const KeySchema& keys, ReadPlan& plan) {
  std::string before;
  const auto sorts = keys.sorts();
  for (const auto* part : sorts) {
    const Value* equal = nullptr;
    for (std::size_t i = 0; i < conditions.size() && keys.has_several() && equal == nullptr; ++i)
      equal = equal_value(*conditions[i], part->name);
    if (equal != nullptr && part != sorts.back()) {
      if (auto fine = check_type(*part, *equal); !fine) return fine;
      append_separated(before, key_value(*equal));
      plan.bounds = within(before, SortBounds());
      continue;
    }
    for (const Condition* condition : conditions) {
      auto bounds = bounds_of(plan.index, *condition, *part);
      if (!bounds) return fail(bounds);
      if (!*bounds) continue;
      plan.bounds = within(std::move(before), std::move(**bounds));
      return {};
    }
    return {};
  }
  return {};
}

/// A statement that writes says of each key attribute once what it is.
Result<void> check_said_once(const std::vector<const Condition*>& conditions, const KeySchema& keys) {
  for (const auto* attribute : {&keys.partition, keys.sort ? &*keys.sort : nullptr}) {
    if (attribute == nullptr) break;
    const Value* said = nullptr;
    for (const Condition* condition : conditions) {
      const Value* value = equal_value(*condition, attribute->name);
      if (value == nullptr) continue;
      if (said != nullptr && !(*said == *value))
        return validation("Multiple conditions on same key " + attribute->name +
                          ". Only single item Update/Insert/Delete are supported");
      said = value;
    }
  }
  return {};
}

/// The whole key from conditions that all must hold.
Result<Attributes> whole_key(const std::vector<const Condition*>& conditions, const KeySchema& keys) {
  Attributes key;
  const auto take = [&](const KeyAttribute& attribute) -> Result<void> {
    for (const Condition* condition : conditions) {
      const Value* value = equal_value(*condition, attribute.name);
      if (value == nullptr) continue;
      if (auto fine = check_type(attribute, *value); !fine) return fine;
      key.set(attribute.name, *value);
      return {};
    }
    return validation("Where clause does not contain a mandatory equality on all key attributes");
  };
  if (auto done = take(keys.partition); !done) return fail(done);
  if (keys.sort)
    if (auto done = take(*keys.sort); !done) return fail(done);
  return key;
}

Condition on_attribute(Condition::Kind kind, const std::string& name) {
  Condition condition;
  condition.kind = kind;
  condition.operands.push_back(Operand::of(Path::of(name)));
  return condition;
}

Condition joined(Condition::Kind kind, Condition left, Condition right) {
  Condition condition;
  condition.kind = kind;
  condition.parts.push_back(std::move(left));
  condition.parts.push_back(std::move(right));
  return condition;
}

/// What the key attributes of the item must be like, in the words that INSERT has for it.
Result<void> check_keys(const Table& table, const Attributes& item) {
  const auto check = [&item](const KeyAttribute& key) -> Result<void> {
    const Value* value = item.find(key.name);
    if (value == nullptr) return validation("Key attribute should be present in the item: Key " + key.name);
    return check_type(key, *value);
  };
  if (auto done = check(table.keys.partition); !done) return done;
  if (table.keys.sort) return check(*table.keys.sort);
  return {};
}

Result<WritePlan> plan_insert(const Statement& statement, const Table& table, const Parameters& parameters) {
  WritePlan plan;
  plan.kind = WriteRequest::Kind::Put;
  auto item = item_of(statement.item, parameters);
  if (!item) return fail(item);
  plan.item = std::move(*item);
  if (auto fine = check_keys(table, plan.item); !fine) return fail(fine);
  if (size_of(plan.item) > kMaxItemBytes) return validation("Item size has exceeded the maximum allowed size");
  if (auto fine = check_item(table, plan.item); !fine) return fail(fine);
  plan.condition = on_attribute(Condition::Kind::AttributeNotExists, table.keys.partition.name);
  return plan;
}

}  // namespace

Result<Target> target_of(const Statement& statement) {
  if (statement.unsupported) return validation(*statement.unsupported);
  const std::vector<std::string>& parts = statement.source.parts;
  if (parts.empty()) return validation("Unexpected from source");
  if (parts.size() > 2) return validation("A path may contain at most 2 components in the FROM clause");
  if (parts.size() == 2 && !statement.reads())
    return validation(statement.kind == Statement::Kind::Insert
                          ? "FROM clause may only contain a single table name in data manipulation statements"
                          : "This operation is not supported on an index");
  for (const std::string& part : parts)
    if (!is_table_name(part))
      return validation(
          "Table name should be within the length [3, 255] and only contain 'a-z', 'A-Z', '0-9', '-', '_', '.'.");
  if (statement.kind == Statement::Kind::Delete && statement.returning &&
      (statement.returning->modified || statement.returning->fresh))
    return validation(
        fmt::format("Invalid returning clause: RETURNING {}. Only RETURNING ALL OLD * is allowed in DELETE statements.",
                    statement.returning->text));
  return Target{parts[0], parts.size() == 2 ? parts[1] : ""};
}

Result<ReadPlan> plan_read(const Statement& statement, const Target& target, const Table& table,
                           const Parameters& parameters) {
  ReadPlan plan;
  if (auto fine = check_parameters(statement, parameters); !fine) return fail(fine);
  if (!target.index.empty()) {
    plan.index = table.find_index(target.index);
    if (plan.index == nullptr) return validation("The table does not have the specified index");
  }
  auto columns = columns_of(statement, table, plan.index, plan.whole_items);
  if (!columns) return fail(columns);
  plan.columns = std::move(*columns);
  const KeySchema& keys = plan.index != nullptr ? plan.index->keys : table.keys;
  if (statement.where) {
    auto where = condition_of(*statement.where, parameters);
    if (!where) return fail(where);
    plan.filter = std::move(*where);
    std::vector<const Condition*> all;
    flatten(*plan.filter, all);
    if (auto done = plan_partitions(all, keys, plan); !done) return fail(done);
    if (!plan.partitions.empty())
      if (auto done = plan_bounds(all, keys, plan); !done) return fail(done);
    if (plan.index == nullptr && plan.partitions.size() == 1) {
      auto key = whole_key(all, table.keys);
      if (key && check_key(table, *key)) plan.key = std::move(*key);
      if (key && !plan.key)
        if (auto fine = check_key(table, *key); !fine) return fail(fine);
    }
  }
  if (auto done = plan_order(statement, keys, plan); !done) return fail(done);
  if (plan.filter)
    if (auto fine = check_paths(table, paths_of(*plan.filter)); !fine) return fail(fine);
  return plan;
}

Result<WritePlan> plan_write(const Statement& statement, const Table& table, const Parameters& parameters) {
  if (auto fine = check_parameters(statement, parameters); !fine) return fail(fine);
  if (statement.kind == Statement::Kind::Insert) return plan_insert(statement, table, parameters);
  WritePlan plan;
  if (statement.kind == Statement::Kind::Update) {
    auto update = update_of(statement.assignments, parameters);
    if (!update) return fail(update);
    plan.update = std::move(*update);
    if (auto fine = check_update(table, *plan.update); !fine) return fail(fine);
  }
  if (!statement.where) return validation("Where clause does not contain a mandatory equality on all key attributes");
  auto where = condition_of(*statement.where, parameters);
  if (!where) return fail(where);
  std::vector<const Condition*> all;
  flatten(*where, all);
  if (auto fine = check_said_once(all, table.keys); !fine) return fail(fine);
  auto key = whole_key(all, table.keys);
  if (!key) return fail(key);
  if (auto fine = check_key(table, *key); !fine) return fail(fine);
  if (auto fine = check_paths(table, paths_of(*where)); !fine) return fail(fine);
  plan.item = std::move(*key);
  plan.returning = statement.returning;
  const std::string& partition = table.keys.partition.name;
  switch (statement.kind) {
    case Statement::Kind::Update:
      plan.kind = WriteRequest::Kind::Update;
      plan.condition =
          joined(Condition::Kind::And, on_attribute(Condition::Kind::AttributeExists, partition), std::move(*where));
      break;
    case Statement::Kind::Delete:
      // What is not there is deleted already, whatever else WHERE asks.
      plan.kind = WriteRequest::Kind::Delete;
      plan.condition =
          joined(Condition::Kind::Or, on_attribute(Condition::Kind::AttributeNotExists, partition), std::move(*where));
      break;
    default:
      plan.kind = WriteRequest::Kind::Check;
      plan.condition = std::move(*where);
      break;
  }
  return plan;
}

Attributes pick(const std::vector<Column>& columns, Attributes item) {
  if (columns.empty()) return item;
  Attributes out;
  for (const Column& column : columns) {
    const Value* found = find(item, column.path);
    if (found == nullptr) continue;
    Value value = *found;
    for (std::size_t i = column.inside.steps.size(); i-- > 0;) {
      if (const auto* name = std::get_if<std::string>(&column.inside.steps[i])) {
        Attributes around;
        around.set(*name, std::move(value));
        value = Value{std::move(around)};
      } else {
        List around;
        around.push_back(std::move(value));
        value = Value{std::move(around)};
      }
    }
    out.set(column.name, std::move(value));
  }
  return out;
}

Attributes pick_modified(const Update& update, const Attributes& item) {
  std::vector<Path> paths;
  paths.reserve(update.actions.size());
  for (const UpdateAction& action : update.actions) paths.push_back(action.path);
  return project(paths, item);
}

}  // namespace likeness::dynamodb::partiql
