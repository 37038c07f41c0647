#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "domain/dynamodb/errors.hpp"
#include "domain/dynamodb/partiql_bind.hpp"
#include "domain/dynamodb/partiql_words.hpp"

namespace likeness::dynamodb::partiql {

namespace {

using Kind = Expression::Kind;
using Parameters = std::vector<Value>;

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

}  // namespace likeness::dynamodb::partiql
