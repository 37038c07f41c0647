#include "domain/dynamodb/key_condition.hpp"

#include <utility>

#include "domain/dynamodb/errors.hpp"

namespace likeness::dynamodb {

namespace {

using Kind = Condition::Kind;

Failure invalid_condition(std::string_view what) {
  return validation("Invalid condition in KeyConditionExpression: " + std::string(what));
}

std::string_view forbidden(Kind kind) {
  switch (kind) {
    case Kind::Or: return "OR";
    case Kind::Not: return "NOT";
    case Kind::In: return "IN";
    case Kind::NotEqual: return "<>";
    case Kind::AttributeExists: return "attribute_exists";
    case Kind::AttributeNotExists: return "attribute_not_exists";
    case Kind::AttributeType: return "attribute_type";
    case Kind::Contains: return "contains";
    default: return {};
  }
}

Comparison comparison_of(Kind kind, bool turned) {
  switch (kind) {
    case Kind::Less: return turned ? Comparison::Greater : Comparison::Less;
    case Kind::LessOrEqual: return turned ? Comparison::GreaterOrEqual : Comparison::LessOrEqual;
    case Kind::Greater: return turned ? Comparison::Less : Comparison::Greater;
    case Kind::GreaterOrEqual: return turned ? Comparison::LessOrEqual : Comparison::GreaterOrEqual;
    case Kind::Between: return Comparison::Between;
    case Kind::BeginsWith: return Comparison::BeginsWith;
    default: return Comparison::Equal;
  }
}

Result<void> collect(const Condition& condition, KeyConditions& out) {
  if (const auto name = forbidden(condition.kind); !name.empty())
    return validation("Invalid operator used in KeyConditionExpression: " + std::string(name));
  if (condition.kind == Kind::And) {
    for (const auto& part : condition.parts)
      if (auto fine = collect(part, out); !fine) return fine;
    return {};
  }
  const auto is_path = [](const Operand& operand) { return operand.kind == Operand::Kind::Path; };
  for (const auto& operand : condition.operands)
    if (operand.kind == Operand::Kind::SizeOfPath || operand.kind == Operand::Kind::SizeOfValue)
      return validation("KeyConditionExpressions cannot contain nested operations");
  if (condition.kind == Kind::Between && !is_path(condition.operands[0]))
    return invalid_condition("BETWEEN operator must have the key attribute as its first operand");
  if (condition.kind == Kind::BeginsWith && !is_path(condition.operands[0]))
    return invalid_condition("begins_with operator must have the key attribute as its first operand");
  const Path* path = nullptr;
  KeyCondition key;
  bool turned = false;
  for (std::size_t i = 0; i < condition.operands.size(); ++i) {
    const auto& operand = condition.operands[i];
    if (!is_path(operand)) {
      key.values.push_back(operand.value);
      continue;
    }
    if (path) return invalid_condition("Multiple attribute names used in one condition");
    if (operand.path.nested()) return validation("KeyConditionExpressions cannot have conditions on nested attributes");
    path = &operand.path;
    turned = i > 0;
  }
  if (!path) return invalid_condition("No key attribute specified");
  key.comparison = comparison_of(condition.kind, turned);
  if (!out.emplace(path->attribute(), std::move(key)).second)
    return validation("KeyConditionExpressions must only contain one condition per key");
  return {};
}

std::optional<SortOperator> operator_of(Comparison comparison) {
  switch (comparison) {
    case Comparison::Equal: return SortOperator::Equal;
    case Comparison::Less: return SortOperator::Less;
    case Comparison::LessOrEqual: return SortOperator::LessOrEqual;
    case Comparison::Greater: return SortOperator::Greater;
    case Comparison::GreaterOrEqual: return SortOperator::GreaterOrEqual;
    case Comparison::Between: return SortOperator::Between;
    case Comparison::BeginsWith: return SortOperator::BeginsWith;
    default: return std::nullopt;
  }
}

std::size_t key_bytes(const Value& value) {
  return value.string() ? value.string()->size() : (value.as<Binary>() ? value.as<Binary>()->bytes.size() : 0);
}

bool is_empty_key(const Value& value) { return value.type() != Type::N && key_bytes(value) == 0; }

Result<void> check_part(const KeyCondition& condition, const KeyAttribute& part, bool partition) {
  if (!operator_of(condition.comparison))
    return validation("Attempted conditional constraint is not an indexable operation");
  for (const auto& value : condition.values)
    if (value.type() != part.type) return invalid_parameter("Condition parameter type does not match schema type");
  if (partition && condition.comparison != Comparison::Equal) return validation("Query key condition not supported");
  for (const auto& value : condition.values) {
    if (is_empty_key(value) && (partition || condition.comparison == Comparison::Equal))
      return validation(
          "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an "
          "empty " +
          std::string(part.type == Type::S ? "string" : "binary") + " value. Key: " + part.name);
    if (partition && key_bytes(value) > kMaxPartitionKeyBytes)
      return invalid_parameter("Size of hashkey has exceeded the maximum size limit of2048 bytes");
    if (!partition && key_bytes(value) > kMaxSortKeyBytes)
      return invalid_parameter("Aggregated size of all range keys has exceeded the size limit of 1024 bytes");
  }
  return {};
}

}  // namespace

Result<KeyConditions> key_conditions(const Condition& condition) {
  KeyConditions out;
  if (auto fine = collect(condition, out); !fine) return fail(fine);
  return out;
}

Result<QueryPlan> plan_query(const Table& table, const Index* index, const KeyConditions& conditions) {
  const KeySchema& keys = index ? index->keys : table.keys;
  if (conditions.empty() || conditions.size() > 2) return validation("Conditions can be of length 1 or 2 only");
  if (!keys.sort && conditions.size() > 1) return validation("Query key condition not supported");
  const auto partition = conditions.find(keys.partition.name);
  if (partition == conditions.end())
    return validation("Query condition missed key schema element: " + keys.partition.name);
  if (auto fine = check_part(partition->second, keys.partition, true); !fine) return fail(fine);
  QueryPlan plan;
  plan.partition = partition->second.values.front();
  if (conditions.size() == 1) return plan;
  const auto sort = conditions.find(keys.sort->name);
  if (sort == conditions.end()) return validation("Query condition missed key schema element: " + keys.sort->name);
  const KeyCondition& on_sort = sort->second;
  if (auto fine = check_part(on_sort, *keys.sort, false); !fine) return fail(fine);
  if (on_sort.comparison == Comparison::BeginsWith && keys.sort->type == Type::N)
    return invalid_parameter("ComparisonOperator BEGINS_WITH is not valid for N AttributeValue type");
  plan.sort = sort_bounds(index, *operator_of(on_sort.comparison), on_sort.values.front(),
                          on_sort.values.size() > 1 ? &on_sort.values[1] : nullptr);
  plan.sort_condition = on_sort;
  return plan;
}

Condition legacy_condition(const std::string& attribute, Comparison comparison, std::vector<Value> values) {
  Condition out;
  const auto with = [&](Kind kind) {
    out.kind = kind;
    out.operands.push_back(Operand::of(Path::of(attribute)));
    for (auto& value : values) out.operands.push_back(Operand::of(std::move(value)));
    return out;
  };
  switch (comparison) {
    case Comparison::Equal: return with(Kind::Equal);
    case Comparison::NotEqual: return with(Kind::NotEqual);
    case Comparison::In: return with(Kind::In);
    case Comparison::LessOrEqual: return with(Kind::LessOrEqual);
    case Comparison::Less: return with(Kind::Less);
    case Comparison::GreaterOrEqual: return with(Kind::GreaterOrEqual);
    case Comparison::Greater: return with(Kind::Greater);
    case Comparison::Between: return with(Kind::Between);
    case Comparison::NotNull: return with(Kind::AttributeExists);
    case Comparison::Null: return with(Kind::AttributeNotExists);
    case Comparison::Contains: return with(Kind::Contains);
    case Comparison::BeginsWith: return with(Kind::BeginsWith);
    case Comparison::NotContains: {
      // An attribute that is not there neither contains something nor does not.
      Condition exists, absent, all;
      exists.kind = Kind::AttributeExists;
      exists.operands.push_back(Operand::of(Path::of(attribute)));
      absent.kind = Kind::Not;
      absent.parts.push_back(with(Kind::Contains));
      all.kind = Kind::And;
      all.parts.push_back(std::move(exists));
      all.parts.push_back(std::move(absent));
      return all;
    }
  }
  return out;
}

}  // namespace likeness::dynamodb
