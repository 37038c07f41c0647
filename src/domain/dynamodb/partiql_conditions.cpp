#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "domain/dynamodb/errors.hpp"
#include "domain/dynamodb/partiql_bind.hpp"
#include "domain/dynamodb/partiql_words.hpp"

namespace likeness::dynamodb::partiql {

namespace {

using Kind = Expression::Kind;
using Parameters = std::vector<Value>;

Failure not_distinct(std::string_view name, const Path& path) {
  return validation(
      fmt::format("The first operand must be distinct from the remaining operands for this operator or "
                  "function; operator: {}, first operand: {}",
                  name, shown(path)));
}

bool is_ordered(Type type) { return type == Type::S || type == Type::N || type == Type::B; }

/// Makes conditions of expressions.
class Binder {
 public:
  explicit Binder(const Parameters& parameters) : parameters_(parameters) {}

  /// nullopt if the expression is no condition but a value.
  Result<std::optional<Condition>> condition(const Expression& expression) const {
    switch (expression.kind) {
      case Kind::And:
      case Kind::Or: return joined(expression);
      case Kind::Not: {
        auto inner = condition(expression.parts[0]);
        if (!inner) return inner;
        if (!*inner) return validation("The argument to NOT must be a Type or Expression");
        return negated(std::move(**inner));
      }
      case Kind::Operator: return compared(expression);
      case Kind::Between: return between(expression);
      case Kind::In: return in(expression);
      case Kind::Is: return is(expression);
      case Kind::Call: return called(expression);
      case Kind::Missing: return validation(std::string(kMissingNeedsIs));
      case Kind::Select: return validation("Unsupported token in expression: SELECT at " + expression.place.text());
      default: return std::optional<Condition>();
    }
  }

 private:
  using Found = Result<std::optional<Condition>>;

  static Condition negated(Condition inner) {
    Condition out;
    out.kind = Condition::Kind::Not;
    out.parts.push_back(std::move(inner));
    return out;
  }

  Found joined(const Expression& expression) const {
    Condition out;
    out.kind = expression.kind == Kind::And ? Condition::Kind::And : Condition::Kind::Or;
    out.parts.reserve(expression.parts.size());
    for (const Expression& part : expression.parts) {
      auto inner = condition(part);
      if (!inner) return inner;
      if (!*inner) return validation("The arguments to AND/OR must be Expressions");
      out.parts.push_back(std::move(**inner));
    }
    return out;
  }

  Result<Operand> operand(const Expression& expression) const {
    if (expression.kind == Kind::Path) {
      auto path = path_of(expression);
      if (!path) return fail(path);
      return Operand::of(std::move(*path));
    }
    if (is_value(expression)) {
      auto value = value_of(expression, parameters_);
      if (!value) return fail(value);
      return Operand::of(std::move(*value));
    }
    switch (expression.kind) {
      case Kind::Missing: return validation(std::string(kMissingNeedsIs));
      case Kind::Call: {
        const std::string name = lower(expression.text);
        if (name != "size") {
          if (one_of(kConditionFunctions, name))
            return validation(
                fmt::format("The function is not allowed to be used this way in an expression; function: {}", name));
          return unknown_function(expression);
        }
        if (expression.parts.size() != 1) return wrong_count(name, expression.parts.size());
        auto inner = operand(expression.parts[0]);
        if (!inner) return inner;
        if (inner->kind == Operand::Kind::Path) {
          inner->kind = Operand::Kind::SizeOfPath;
          return inner;
        }
        const Type type = inner->value.type();
        if (type == Type::N || type == Type::BOOL || type == Type::Null) return wrong_type(name, name_of(type));
        inner->kind = Operand::Kind::SizeOfValue;
        return inner;
      }
      case Kind::Select: return validation("Unsupported token in expression: SELECT at " + expression.place.text());
      default: return validation("Unsupported operator in Condition Expression. Operator: " + written(expression));
    }
  }

  static Failure unknown_function(const Expression& call) {
    if (call.text == "cast" || call.text == "date_add" || call.text == "extract")
      return validation(fmt::format("Unsupported token in expression: {} at {}", call.text, call.place.text()));
    return validation("Unrecognized function: " + call.text);
  }

  Found compared(const Expression& expression) const {
    struct Comparator {
      std::string_view text;
      Condition::Kind kind;
    };
    static constexpr auto kComparators = std::to_array<Comparator>({
        {"=", Condition::Kind::Equal},
        {"<>", Condition::Kind::NotEqual},
        {"<", Condition::Kind::Less},
        {"<=", Condition::Kind::LessOrEqual},
        {">", Condition::Kind::Greater},
        {">=", Condition::Kind::GreaterOrEqual},
    });
    const auto* found = std::find_if(kComparators.begin(), kComparators.end(),
                                     [&](const Comparator& one) { return one.text == expression.text; });
    if (found == kComparators.end())
      return validation("Unsupported operator in Condition Expression. Operator: " + expression.text);
    if (auto truth = compared_with_truth(expression); !truth || *truth) return truth;
    Condition out;
    out.kind = found->kind;
    out.operands.reserve(2);
    for (const Expression& part : expression.parts) {
      auto one = operand(part);
      if (!one) return fail(one);
      out.operands.push_back(std::move(*one));
    }
    const bool ordering = out.kind != Condition::Kind::Equal && out.kind != Condition::Kind::NotEqual;
    for (const Operand& one : out.operands)
      if (ordering && one.kind == Operand::Kind::Value && !is_ordered(one.value.type()))
        return wrong_type(expression.text, name_of(one.value.type()));
    if (out.operands[0].kind == Operand::Kind::Path && out.operands[1].kind == Operand::Kind::Path &&
        out.operands[0].path == out.operands[1].path)
      return not_distinct(expression.text, out.operands[0].path);
    return out;
  }

  /// "begins_with(a, 'x') = true".
  Found compared_with_truth(const Expression& expression) const {
    const Expression& right = expression.parts.back();
    const bool* truth = right.kind == Kind::Literal ? right.value.as<bool>() : nullptr;
    if (truth == nullptr || (expression.text != "=" && expression.text != "<>")) return std::optional<Condition>();
    const Expression& left = expression.parts.front();
    if (left.kind == Kind::Path || is_value(left) || lower(left.text) == "size") return std::optional<Condition>();
    auto inner = condition(left);
    if (!inner || !*inner) return inner;
    return *truth == (expression.text == "=") ? std::move(*inner) : negated(std::move(**inner));
  }

  Found between(const Expression& expression) const {
    Condition out;
    out.kind = Condition::Kind::Between;
    out.operands.reserve(3);
    for (const Expression& part : expression.parts) {
      auto one = operand(part);
      if (!one) return fail(one);
      if (one->kind == Operand::Kind::Value && !is_ordered(one->value.type()))
        return wrong_type("BETWEEN", name_of(one->value.type()));
      out.operands.push_back(std::move(*one));
    }
    const Operand& low = out.operands[1];
    const Operand& high = out.operands[2];
    if (low.kind == Operand::Kind::Value && high.kind == Operand::Kind::Value) {
      const auto bounds = [&] {
        return fmt::format("lower bound operand: AttributeValue: {}, upper bound operand: AttributeValue: {}",
                           shown(low.value), shown(high.value));
      };
      if (low.value.type() != high.value.type())
        return validation("The BETWEEN operator requires same data type for lower and upper bounds; " + bounds());
      if (compare(low.value, high.value) > 0)
        return validation("The BETWEEN operator requires upper bound to be greater than or equal to lower bound; " +
                          bounds());
    }
    return out;
  }

  Found in(const Expression& expression) const {
    const Expression& list = expression.parts[1];
    const bool is_list = list.kind == Kind::List || list.kind == Kind::Row || list.kind == Kind::Bag;
    const Expression& left = expression.parts[0];
    const bool is_reference = left.kind == Kind::Path || left.kind == Kind::Call || is_value(left);
    if (!is_list || list.parts.empty() || !is_reference)
      return validation(
          "IN operator must have a left hand argument of type Variable Reference and right hand argument of type Seq "
          "with at least one member");
    Condition out;
    out.kind = Condition::Kind::In;
    out.operands.reserve(list.parts.size() + 1);
    auto first = operand(left);
    if (!first) return fail(first);
    out.operands.push_back(std::move(*first));
    for (const Expression& part : list.parts) {
      auto one = operand(part);
      if (!one) return fail(one);
      if (one->kind == Operand::Kind::Path && out.operands[0].kind == Operand::Kind::Path &&
          one->path == out.operands[0].path)
        return not_distinct("IN", one->path);
      out.operands.push_back(std::move(*one));
    }
    return out;
  }

  Found is(const Expression& expression) const {
    const Expression& left = expression.parts[0];
    if (left.kind != Kind::Path && !is_value(left))
      return validation("The left hand side argument to IS must be a Variable Reference, Literal, or Path");
    const bool missing = expression.text == "missing";
    if (left.kind != Kind::Path)
      return validation(fmt::format("Operator or function requires a document path; operator or function: {}",
                                    missing ? "attribute_not_exists" : "attribute_type"));
    auto path = operand(left);
    if (!path) return fail(path);
    Condition out;
    out.operands.push_back(std::move(*path));
    if (missing) {
      out.kind = Condition::Kind::AttributeNotExists;
      return out;
    }
    if (expression.text == "null") {  // unlike attribute_type(), it says what a key is
      out.kind = Condition::Kind::Equal;
      out.operands.push_back(Operand::of(Value{Null{}}));
      return out;
    }
    static constexpr auto kTypes = std::to_array<std::pair<std::string_view, Type>>({{"boolean", Type::BOOL},
                                                                                     {"bool", Type::BOOL},
                                                                                     {"blob", Type::B},
                                                                                     {"string", Type::S},
                                                                                     {"numeric", Type::N},
                                                                                     {"struct", Type::M},
                                                                                     {"tuple", Type::M},
                                                                                     {"list", Type::L}});
    const auto* found =
        std::find_if(kTypes.begin(), kTypes.end(), [&](const auto& one) { return one.first == expression.text; });
    if (found == kTypes.end()) {
      std::string name = expression.text == "int" ? "integer" : expression.text;
      for (char& c : name)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
      return validation(fmt::format(
          "Unsupported data type for IS operator: {}. Supported data types are [MISSING, NULL, BOOLEAN, BLOB, STRING, "
          "NUMERIC, STRUCT, TUPLE, LIST] at {}",
          name, expression.place.text()));
    }
    out.kind = Condition::Kind::AttributeType;
    out.operands.push_back(Operand::of(Value{std::string(name_of(found->second))}));
    return out;
  }

  Found called(const Expression& call) const {
    const std::string name = lower(call.text);
    if (name == "size") {
      auto checked = operand(call);
      if (!checked) return fail(checked);
      return std::optional<Condition>();
    }
    if (name == "exists" && call.parts.size() == 1 && call.parts[0].kind == Kind::Select)
      return validation("Unsupported token in expression: SELECT at " + call.parts[0].place.text());
    if (!one_of(kConditionFunctions, name)) return unknown_function(call);
    const std::size_t wanted = name.starts_with("attribute_") && name != "attribute_type" ? 1 : 2;
    if (call.parts.size() != wanted) return wrong_count(name, call.parts.size());
    Condition out;
    out.operands.reserve(wanted);
    for (const Expression& part : call.parts) {
      auto one = operand(part);
      if (!one) return fail(one);
      out.operands.push_back(std::move(*one));
    }
    const Operand& first = out.operands[0];
    if (name.starts_with("attribute_") && first.kind != Operand::Kind::Path)
      return validation("Operator or function requires a document path; operator or function: " + name);
    if (wanted == 2) {
      const Operand& second = out.operands[1];
      if (first.kind == Operand::Kind::Path && second.kind == Operand::Kind::Path && first.path == second.path)
        return not_distinct(name, first.path);
    }
    if (name == "attribute_exists") out.kind = Condition::Kind::AttributeExists;
    if (name == "attribute_not_exists") out.kind = Condition::Kind::AttributeNotExists;
    if (name == "contains") out.kind = Condition::Kind::Contains;
    if (name == "begins_with") {
      out.kind = Condition::Kind::BeginsWith;
      for (const Operand& one : out.operands)
        if (one.kind == Operand::Kind::Value && one.value.type() != Type::S && one.value.type() != Type::B)
          return wrong_type(name, name_of(one.value.type()));
    }
    if (name == "attribute_type") {
      out.kind = Condition::Kind::AttributeType;
      const Operand& type = out.operands[1];
      if (type.kind != Operand::Kind::Value) return wrong_type(name, "path");
      if (type.value.string() == nullptr) return wrong_type(name, name_of(type.value.type()));
      static constexpr auto kTypeNames =
          std::to_array<std::string_view>({"N", "BS", "L", "B", "NULL", "M", "S", "SS", "NS", "BOOL"});
      if (!one_of(kTypeNames, *type.value.string()))
        return validation(
            fmt::format("Invalid attribute type name found; type: {}, valid types: {{N,BS,L,B,NULL,M,S,SS,NS,BOOL}}",
                        *type.value.string()));
    }
    return out;
  }

  const Parameters& parameters_;
};

}  // namespace

Result<Condition> condition_of(const Expression& expression, const Parameters& parameters) {
  auto found = Binder(parameters).condition(expression);
  if (!found) return fail(found);
  if (!*found) return validation("WHERE clause must contain an expression that resolves to a boolean");
  return std::move(**found);
}

}  // namespace likeness::dynamodb::partiql
