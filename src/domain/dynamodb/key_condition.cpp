#include "domain/dynamodb/key_condition.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string_view>
#include <utility>

#include "domain/dynamodb/errors.hpp"
#include "domain/dynamodb/key_encoding.hpp"

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

/// Values of one key that each fit, but may be too much together.
Result<void> check_together(const std::vector<Value>& values, std::size_t limit) {
  if (values.size() < 2) return {};
  std::size_t bytes = 0;
  for (const auto& value : values) bytes += key_bytes(value);
  if (bytes <= limit) return {};
  return invalid_parameter(fmt::format("Aggregated size of all {} keys has exceeded the size limit of {} bytes",
                                       limit == kMaxPartitionKeyBytes ? "hash" : "range", limit));
}

/// Conditions on RANGE attributes: from the left on, and behind one that is no equality there is none.
Result<void> plan_sorts(const KeySchema& keys, const Index* index, const KeyConditions& conditions, QueryPlan& plan) {
  const auto sorts = keys.sorts();
  std::vector<std::string_view> unequal;  // so far
  std::size_t given = 0;
  for (const auto* part : sorts) {
    const auto found = conditions.find(part->name);
    if (found != conditions.end()) {
      if (!unequal.empty())
        return validation(
            fmt::format("RANGE key attributes {} must have equality conditions specified in the query because a "
                        "condition is present on key attribute {}",
                        fmt::join(unequal, ", "), part->name));
      ++given;
      plan.sort_conditions.emplace_back(part->name, found->second);
    }
    if (found == conditions.end() || found->second.comparison != Comparison::Equal) unequal.push_back(part->name);
  }
  if (plan.partition.size() + given < conditions.size()) {
    // There is one on something else.
    if (given == sorts.size()) return validation("Query key condition not supported");
    return validation("Query condition missed key schema element: " + sorts[given]->name);
  }
  std::string before;  // of all but the last
  std::vector<Value> equal;
  for (std::size_t i = 0; i < given; ++i) {
    const KeyCondition& condition = plan.sort_conditions[i].second;
    if (auto fine = check_part(condition, *sorts[i], false); !fine) return fine;
    if (condition.comparison == Comparison::BeginsWith && sorts[i]->type == Type::N)
      return invalid_parameter("ComparisonOperator BEGINS_WITH is not valid for N AttributeValue type");
    equal.push_back(condition.values.front());
    if (i + 1 < given) append_separated(before, key_value(condition.values.front()));
  }
  if (auto fine = check_together(equal, kMaxSortKeyBytes); !fine) return fine;
  const KeyCondition& last = plan.sort_conditions.back().second;
  plan.sort = within(std::move(before), sort_bounds(index, *operator_of(last.comparison), last.values.front(),
                                                    last.values.size() > 1 ? &last.values[1] : nullptr));
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
  if (conditions.empty() || (conditions.size() > kMaxKeyConditions && !keys.has_several()))
    return validation("Conditions can be of length 1 or 2 only");
  if (!keys.sort && conditions.size() > 1 + keys.more_partition.size())
    return validation("Query key condition not supported");
  QueryPlan plan;
  for (const auto* part : keys.partitions()) {
    const auto found = conditions.find(part->name);
    if (found == conditions.end()) return validation("Query condition missed key schema element: " + part->name);
    if (auto fine = check_part(found->second, *part, true); !fine) return fail(fine);
    plan.partition.push_back(found->second.values.front());
  }
  if (auto fine = check_together(plan.partition, kMaxPartitionKeyBytes); !fine) return fail(fine);
  if (conditions.size() == plan.partition.size()) return plan;
  if (auto fine = plan_sorts(keys, index, conditions, plan); !fine) return fail(fine);
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
