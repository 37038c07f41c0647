#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "domain/dynamodb/errors.hpp"
#include "domain/dynamodb/partiql_bind.hpp"
#include "domain/dynamodb/partiql_words.hpp"

namespace likeness::dynamodb::partiql {

namespace {

using Kind = Expression::Kind;
using Parameters = std::vector<Value>;

constexpr auto kUpdateFunctions =
    std::to_array<std::string_view>({"if_not_exists", "list_append", "set_add", "set_delete"});

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
