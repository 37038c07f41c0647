#include "domain/dynamodb/partiql_bind.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "domain/dynamodb/errors.hpp"

namespace likeness::dynamodb::partiql {

namespace {

using Kind = Expression::Kind;
using Parameters = std::vector<Value>;

constexpr std::string_view kMissingNeedsIs = "MISSING must be compared using IS operator";

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

/// How an expression that is no value is called in messages.
std::string written(const Expression& expression) {
  switch (expression.kind) {
    case Kind::Path: return expression.parts.size() == 1 ? expression.parts[0].text : "Path";
    case Kind::Missing: return "MISSING";
    case Kind::Parameter: return "Parameter";
    case Kind::And: return "and";
    case Kind::Or: return "or";
    case Kind::Not: return "not";
    case Kind::In: return "in";
    case Kind::Between: return "between";
    case Kind::Is: return "is";
    case Kind::Select: return "SELECT";
    default: return expression.text;
  }
}
std::string kind_name(const Expression& expression) {
  switch (expression.kind) {
    case Kind::Path: return expression.parts.size() == 1 ? "VariableReference" : "Path";
    case Kind::Parameter: return "Parameter";
    default: return written(expression);
  }
}

Failure ion_literal(const Expression& expression) {
  return validation("Ion Literals are not supported: at " + expression.place.text());
}

/// Literals of any depth. `key` is where in the whole value it is: "root.a.0".
class Folder {
 public:
  Result<Value> fold(const Expression& expression, const std::string& key) const {
    switch (expression.kind) {
      case Kind::Literal: return expression.value;
      case Kind::Bag: return fold_bag(expression);
      case Kind::List:
      case Kind::Row: {
        List list;
        list.reserve(expression.parts.size());
        for (const Expression& part : expression.parts) {
          auto value = fold(part, fmt::format("{}.{}", key, list.size()));
          if (!value) return value;
          list.push_back(std::move(*value));
        }
        return Value{std::move(list)};
      }
      case Kind::Struct: {
        Attributes fields;
        for (std::size_t i = 0; i + 1 < expression.parts.size(); i += 2) {
          auto name = field_name(expression.parts[i], key);
          if (!name) return fail(name);
          auto value = fold(expression.parts[i + 1], key + "." + *name);
          if (!value) return value;
          if (auto added = add(fields, expression.parts[i], *name, std::move(*value), key); !added) return fail(added);
        }
        return Value{std::move(fields)};
      }
      case Kind::Ion: return ion_literal(expression);
      default:
        return validation(fmt::format("Unsupported data type: {} under key {} at {}",
                                      key == "root" ? written(expression) : kind_name(expression), key,
                                      expression.place.text()));
    }
  }

  Result<std::string> field_name(const Expression& expression, const std::string& key) const {
    const std::string* name = expression.kind == Kind::Literal ? expression.value.string() : nullptr;
    if (name == nullptr)
      return validation(fmt::format("Tuple keys must be of type String. Actual type: {} under {} at {}",
                                    expression.kind == Kind::Literal ? written(expression) : kind_name(expression), key,
                                    expression.place.text()));
    if (name->empty()) return validation("Path component cannot be an empty string");
    return *name;
  }

  Result<void> add(Attributes& fields, const Expression& at, const std::string& name, Value value,
                   const std::string& key) const {
    if (fields.add(name, std::move(value))) return {};
    return validation(fmt::format("Duplicate keys in tuple. Key: {} under {} at {}", name, key, at.place.text()));
  }

 private:
  static Result<Value> fold_bag(const Expression& bag) {
    constexpr std::string_view kWrong =
        "Unsupported data type in Bag. DynamoDB only supports either numbers or strings in bags";
    if (bag.parts.empty()) return validation("Empty bags are not supported at " + bag.place.text());
    StringSet strings;
    NumberSet numbers;
    for (const Expression& part : bag.parts) {
      if (part.kind == Kind::Literal && part.value.string() != nullptr) {
        strings.values.push_back(*part.value.string());
      } else if (part.kind == Kind::Literal && part.value.number() != nullptr) {
        numbers.values.push_back(*part.value.number());
      } else {
        return validation(fmt::format("{} at {}", kWrong, part.place.text()));
      }
    }
    if (!strings.values.empty() && !numbers.values.empty()) return validation(std::string(kWrong));
    const auto duplicates = [](auto values) {
      std::sort(values.begin(), values.end());
      return std::adjacent_find(values.begin(), values.end()) != values.end();
    };
    if (duplicates(strings.values) || duplicates(numbers.values))
      return validation("Input collection contains duplicates");
    if (!strings.values.empty()) return Value{std::move(strings)};
    return Value{std::move(numbers)};
  }
};

bool is_value(const Expression& expression) {
  switch (expression.kind) {
    case Kind::Literal:
    case Kind::Parameter:
    case Kind::List:
    case Kind::Row:
    case Kind::Bag:
    case Kind::Struct:
    case Kind::Ion: return true;
    default: return false;
  }
}

/// Path parts behind the first.
Result<void> append_steps(const Expression& expression, Path& path, bool column) {
  for (std::size_t i = 1; i < expression.parts.size(); ++i) {
    const Expression& part = expression.parts[i];
    if (part.kind == Kind::Name) {
      path.steps.emplace_back(part.text);
      continue;
    }
    if (part.kind == Kind::Wildcard) {
      if (column) return validation("Changing item's hierarchy while reading isn't supported");
      return validation(fmt::format("{} at {}",
                                    part.text == "." ? "Unpivot path component like a.*.b are not supported"
                                                     : "Wildcard path component like a[*].b are not supported",
                                    part.place.text()));
    }
    if (part.kind == Kind::Literal) {
      if (const std::string* name = part.value.string()) {
        if (name->empty()) return validation("Path component cannot be an empty string");
        path.steps.emplace_back(*name);
        continue;
      }
      std::int64_t position = 0;
      if (const Number* number = part.value.number(); number != nullptr && number->to_int64(position)) {
        if (position < 0 || position > 0x7fffffff)
          return validation(fmt::format("List index is not within the allowable range; index: [{}] at {}", position,
                                        part.place.text()));
        path.steps.emplace_back(static_cast<std::size_t>(position));
        continue;
      }
    }
    return validation("Unexpected path component at " + part.place.text());
  }
  return {};
}

Failure wrong_count(std::string_view name, std::size_t count) {
  return validation(fmt::format(
      "Incorrect number of operands for operator or function; operator or function: {}, number of operands: {}", name,
      count));
}
Failure wrong_type(std::string_view name, std::string_view type) {
  return validation(fmt::format(
      "Incorrect operand type for operator or function; operator or function: {}, operand type: {}", name, type));
}
Failure not_distinct(std::string_view name, const Path& path) {
  return validation(
      fmt::format("The first operand must be distinct from the remaining operands for this operator or "
                  "function; operator: {}, first operand: {}",
                  name, shown(path)));
}

bool is_ordered(Type type) { return type == Type::S || type == Type::N || type == Type::B; }

constexpr auto kConditionFunctions = std::to_array<std::string_view>(
    {"attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains", "size"});
constexpr auto kUpdateFunctions =
    std::to_array<std::string_view>({"if_not_exists", "list_append", "set_add", "set_delete"});

template <class Names>
bool one_of(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

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
    static constexpr auto kTypes = std::to_array<std::pair<std::string_view, Type>>({{"null", Type::Null},
                                                                                     {"boolean", Type::BOOL},
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

/// Makes updates of assignments.
class UpdateBinder {
 public:
  explicit UpdateBinder(const Parameters& parameters) : parameters_(parameters) {}

  Result<UpdateAction> action(const Assignment& assignment) const {
    UpdateAction out;
    auto target = path_of(assignment.target);
    if (!target) return fail(target);
    out.path = std::move(*target);
    if (assignment.kind == Assignment::Kind::Remove) {
      out.kind = UpdateAction::Kind::Remove;
      return out;
    }
    const Expression& value = assignment.value;
    const std::string name = value.kind == Kind::Call ? lower(value.text) : "";
    if (name == "set_add" || name == "set_delete") {
      out.kind = name == "set_add" ? UpdateAction::Kind::Add : UpdateAction::Kind::Delete;
      const std::string_view shown_name = name == "set_add" ? "SET_ADD" : "SET_DELETE";
      if (value.parts.size() != 2) return wrong_count(name, value.parts.size());
      auto first = path_of(value.parts[0]);
      if (!first || !(*first == out.path))
        return validation(fmt::format("The first argument to {} must equal the assignment value", shown_name));
      const auto not_a_set = [&] {
        return validation(fmt::format("The second argument to {} must be a value with type SET at {}", shown_name,
                                      value.parts[1].place.text()));
      };
      if (!is_value(value.parts[1])) return not_a_set();
      auto set = value_of(value.parts[1], parameters_);
      if (!set) return fail(set);
      const Type type = set->type();
      if (type != Type::SS && type != Type::NS && type != Type::BS) return not_a_set();
      out.value.value = std::move(*set);
      return out;
    }
    auto computed = compute(value);
    if (!computed) return fail(computed);
    out.value = std::move(*computed);
    return out;
  }

 private:
  Result<UpdateValue> compute(const Expression& expression) const {
    UpdateValue out;
    if (expression.kind == Kind::Path) {
      auto path = path_of(expression);
      if (!path) return fail(path);
      out.kind = UpdateValue::Kind::Path;
      out.path = std::move(*path);
      return out;
    }
    if (is_value(expression)) {
      auto value = value_of(expression, parameters_);
      if (!value) return fail(value);
      out.value = std::move(*value);
      return out;
    }
    if (expression.kind == Kind::Missing) return validation(std::string(kMissingNeedsIs));
    if (expression.kind == Kind::Call) return function(expression);
    if (expression.kind == Kind::Operator && (expression.text == "+" || expression.text == "-") &&
        expression.parts.size() == 2) {
      out.kind = expression.text == "+" ? UpdateValue::Kind::Plus : UpdateValue::Kind::Minus;
      return with_parts(expression, std::move(out), Type::N, expression.text);
    }
    return validation("Unsupported operator in Update Expression. Operator: " + written(expression));
  }

  /// The parts of `expression`, which are of `type` where they are values.
  Result<UpdateValue> with_parts(const Expression& expression, UpdateValue out, Type type,
                                 std::string_view name) const {
    out.parts.reserve(expression.parts.size());
    for (const Expression& part : expression.parts) {
      auto one = compute(part);
      if (!one) return one;
      if (one->kind == UpdateValue::Kind::Value && one->value.type() != type)
        return wrong_type(name, name_of(one->value.type()));
      out.parts.push_back(std::move(*one));
    }
    return out;
  }

  Result<UpdateValue> function(const Expression& call) const {
    const std::string name = lower(call.text);
    if (one_of(kConditionFunctions, name))
      return validation("The function is not allowed in an update expression; function: " + name);
    if (!one_of(kUpdateFunctions, name)) return validation("Unrecognized function: " + call.text);
    if (name.starts_with("set_"))
      return validation("The function is not allowed to be used this way in an expression; function: " + name);
    if (call.parts.size() != 2) return wrong_count(name, call.parts.size());
    UpdateValue out;
    if (name == "list_append") {
      out.kind = UpdateValue::Kind::ListAppend;
      return with_parts(call, std::move(out), Type::L, name);
    }
    out.kind = UpdateValue::Kind::IfNotExists;
    if (call.parts[0].kind != Kind::Path)
      return validation("Operator or function requires a document path; operator or function: " + name);
    auto path = path_of(call.parts[0]);
    if (!path) return fail(path);
    out.path = std::move(*path);
    auto otherwise = compute(call.parts[1]);
    if (!otherwise) return otherwise;
    out.parts.push_back(std::move(*otherwise));
    return out;
  }

  const Parameters& parameters_;
};

}  // namespace

Result<Value> value_of(const Expression& expression, const Parameters& parameters) {
  if (expression.kind == Kind::Parameter) {
    if (expression.number >= parameters.size())
      return validation("Number of parameters in request and statement don't match.");
    return parameters[expression.number];
  }
  return Folder().fold(expression, "root");
}

Result<Attributes> item_of(const Expression& expression, const Parameters& parameters) {
  if (expression.kind != Kind::Struct)
    return validation(
        "Unsupported format in item expression. Please use struct format {...} to express item values for insert "
        "statement. at " +
        expression.place.text());
  const Folder folder;
  Attributes item;
  for (std::size_t i = 0; i + 1 < expression.parts.size(); i += 2) {
    auto name = folder.field_name(expression.parts[i], "root");
    if (!name) return fail(name);
    auto value = value_of(expression.parts[i + 1], parameters);
    if (!value) return fail(value);
    if (auto added = folder.add(item, expression.parts[i], *name, std::move(*value), "root"); !added)
      return fail(added);
  }
  return item;
}

Result<Path> path_of(const Expression& expression) {
  if (expression.kind != Kind::Path) return validation("Unexpected path component at " + expression.place.text());
  Path path = Path::of(expression.parts[0].text);
  if (path.attribute().empty()) return validation("Path component cannot be an empty string");
  if (auto steps = append_steps(expression, path, false); !steps) return fail(steps);
  return path;
}

Result<Path> column_of(const Expression& expression) {
  if (expression.kind != Kind::Path) return validation("Unexpected path component at " + expression.place.text());
  Path path = Path::of(expression.parts[0].text);
  if (path.attribute().empty()) return validation("Path component cannot be an empty string");
  if (auto steps = append_steps(expression, path, true); !steps) return fail(steps);
  return path;
}

Result<Condition> condition_of(const Expression& expression, const Parameters& parameters) {
  auto found = Binder(parameters).condition(expression);
  if (!found) return fail(found);
  if (!*found) return validation("WHERE clause must contain an expression that resolves to a boolean");
  return std::move(**found);
}

Result<Update> update_of(const std::vector<Assignment>& assignments, const Parameters& parameters) {
  const UpdateBinder binder(parameters);
  Update update;
  update.actions.reserve(assignments.size());
  for (const Assignment& assignment : assignments) {
    auto action = binder.action(assignment);
    if (!action) return fail(action);
    update.actions.push_back(std::move(*action));
  }
  std::vector<const Path*> paths;
  paths.reserve(update.actions.size());
  for (const UpdateAction& action : update.actions) paths.push_back(&action.path);
  if (auto done = check_overlap(paths); !done) return fail(done);
  return update;
}

Result<void> check_overlap(const std::vector<const Path*>& paths) {
  for (std::size_t i = 0; i < paths.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const auto& one = paths[i]->steps;
      const auto& other = paths[j]->steps;
      const std::size_t common = std::min(one.size(), other.size());
      if (!std::equal(one.begin(), one.begin() + static_cast<std::ptrdiff_t>(common), other.begin())) continue;
      return validation(
          fmt::format("Two document paths overlap with each other; must remove or rewrite one of these paths; path "
                      "one: {}, path two: {}",
                      shown(*paths[i]), shown(*paths[j])));
    }
  }
  return {};
}

}  // namespace likeness::dynamodb::partiql
