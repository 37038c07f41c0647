#include "states/template.hpp"

#include <fmt/format.h>

#include <charconv>
#include <optional>

namespace likeness::states {

struct TemplateNode {
  enum class Kind { Literal, Path, Jsonata, Object, Array };
  Kind kind = Kind::Literal;
  Value literal;
  std::optional<Expression> expression;  // Path
  std::string field;                     // of Path: "name.$"
  std::size_t index = 0;                 // of Jsonata: among the template's expressions
  std::vector<std::string> names;        // of Object: one for each item
  std::vector<TemplateNode> items;       // of Object and Array
};

namespace {

struct Builder {
  QueryLanguage language;
  std::vector<Template::Complaint>& complaints;
  std::vector<std::string> expressions;
  std::vector<std::string> fields;
  std::vector<std::string> variables;

  TemplateNode literal(const Value& value) const {
    TemplateNode node;
    node.literal = value;
    return node;
  }

  TemplateNode build(const Value& value, const std::string& place) {
    if (value.is_object()) return object(value, place);
    if (value.is_array()) {
      TemplateNode node;
      node.kind = TemplateNode::Kind::Array;
      bool constant = true;
      std::size_t i = 0;
      for (const auto& item : value.as_array()) {
        node.items.push_back(build(item, fmt::format("{}[{}]", place, i++)));
        constant = constant && node.items.back().kind == TemplateNode::Kind::Literal;
      }
      return constant ? literal(value) : node;
    }
    if (language == QueryLanguage::Jsonata && value.is_string()) {
      if (auto expression = jsonata_expression(value.as_string())) {
        TemplateNode node;
        node.kind = TemplateNode::Kind::Jsonata;
        node.index = expressions.size();
        expressions.push_back(std::move(*expression));
        fields.push_back(place);
        return node;
      }
    }
    return literal(value);
  }

  TemplateNode object(const Value& value, const std::string& place) {
    TemplateNode node;
    node.kind = TemplateNode::Kind::Object;
    bool constant = true;
    for (const auto& [name, member] : value.as_object()) {
      const std::string here = fmt::format("{}/{}", place, name);
      if (language == QueryLanguage::JsonPath && name.ends_with(".$")) {
        constant = false;
        node.names.push_back(name.substr(0, name.size() - 2));
        node.items.push_back(path(name, member, here));
        continue;
      }
      node.names.push_back(name);
      node.items.push_back(build(member, here));
      constant = constant && node.items.back().kind == TemplateNode::Kind::Literal;
    }
    return constant ? literal(value) : node;
  }

  TemplateNode path(const std::string& name, const Value& member, const std::string& place) {
    const auto complain = [&] {
      complaints.push_back({place, fmt::format("The value for the field '{}' must be a valid JSONPath or a valid "
                                               "intrinsic function call",
                                               name)});
      return literal(member);
    };
    if (!member.is_string()) return complain();
    auto expression = Expression::parse(member.as_string());
    if (!expression) return complain();
    if (expression->is_path() && expression->path().root() == JsonPath::Root::Variable)
      variables.push_back(expression->path().variable());
    TemplateNode node;
    node.kind = TemplateNode::Kind::Path;
    node.expression = std::move(*expression);
    node.field = name;
    return node;
  }
};

Outcome<Value> fill(const TemplateNode& node, const Scope& scope, const std::vector<Value>& results) {
  switch (node.kind) {
    case TemplateNode::Kind::Literal: return node.literal;
    case TemplateNode::Kind::Path: return node.expression->evaluate(scope, node.field);
    case TemplateNode::Kind::Jsonata: return results[node.index];
    case TemplateNode::Kind::Object: {
      Object out;
      for (std::size_t i = 0; i < node.items.size(); ++i) {
        auto value = fill(node.items[i], scope, results);
        if (!value) return value;
        out.add(node.names[i], std::move(*value));
      }
      return Value(std::move(out));
    }
    case TemplateNode::Kind::Array: {
      Value::Array out;
      out.reserve(node.items.size());
      for (const auto& item : node.items) {
        auto value = fill(item, scope, results);
        if (!value) return value;
        out.push_back(std::move(*value));
      }
      return Value(std::move(out));
    }
  }
  return Value();
}

tl::unexpected<Problem> query_problem(std::string cause, std::string location) {
  Problem out{"States.QueryEvaluationError", std::move(cause), true, false};
  out.location = std::move(location);
  return tl::unexpected(std::move(out));
}

Outcome<std::vector<Value>> evaluate_all(const Jsonata* jsonata, const std::vector<std::string>& expressions,
                                         const std::vector<std::string>& fields, const Scope& scope) {
  if (expressions.empty()) return std::vector<Value>();
  if (jsonata == nullptr) return query_problem("JSONata is not available here.", fields.front());
  const Value states = states_value(scope);
  Jsonata::Call call;
  call.expressions = expressions;
  call.variables = &scope.variables;
  call.states = &states;
  auto results = jsonata->evaluate(call);
  if (!results) {
    const auto& error = results.error();
    std::size_t at = 0;
    std::from_chars(error.detail.data(), error.detail.data() + error.detail.size(), at);
    at = std::min(at, expressions.size() - 1);
    if (error.code == "UnsupportedResult")
      return query_problem(
          fmt::format("The JSONata expression '{}' specified for the field '{}' returned an unsupported result type.",
                      expressions[at], fields[at]),
          fields[at]);
    const bool coded = error.code.size() == 5;
    return query_problem(
        fmt::format("The JSONata expression '{}' specified for the field '{}' threw an error during evaluation. {}{}",
                    expressions[at], fields[at], coded ? error.code + ": " : "", error.message),
        fields[at]);
  }
  std::vector<Value> out;
  out.reserve(results->size());
  for (std::size_t i = 0; i < results->size(); ++i) {
    if (!(*results)[i])
      return query_problem(
          fmt::format("The JSONata expression '{}' specified for the field '{}' returned nothing (undefined).",
                      expressions[i], fields[i]),
          fields[i]);
    out.push_back(std::move(*(*results)[i]));
  }
  return out;
}

}  // namespace

Template Template::parse(const Value& value, QueryLanguage language, std::vector<Complaint>& complaints) {
  Builder builder{language, complaints, {}, {}, {}};
  Template out;
  out.source_ = value;
  out.language_ = language;
  out.root_ = std::make_shared<const TemplateNode>(builder.build(value, ""));
  out.expressions_ = std::move(builder.expressions);
  out.fields_ = std::move(builder.fields);
  out.variables_ = std::move(builder.variables);
  return out;
}

bool Template::constant() const { return root_ == nullptr || root_->kind == TemplateNode::Kind::Literal; }

Outcome<Value> Template::evaluate(const Scope& scope, const Jsonata* jsonata, std::string_view field) const {
  if (constant()) return source_;
  std::vector<std::string> fields;
  fields.reserve(fields_.size());
  for (const auto& place : fields_) fields.push_back(std::string(field) + place);
  auto results = evaluate_all(jsonata, expressions_, fields, scope);
  if (!results) return fail(results);
  return fill(*root_, scope, *results);
}

Value states_value(const Scope& scope) {
  Object states;
  states.add("input", scope.input);
  states.add("context", scope.context);
  if (scope.result != nullptr) states.add("result", *scope.result);
  if (scope.error_output != nullptr) states.add("errorOutput", *scope.error_output);
  return Value(std::move(states));
}

Outcome<Value> evaluate_jsonata(const Jsonata* jsonata, const std::string& expression, const Scope& scope,
                                std::string_view field) {
  auto results = evaluate_all(jsonata, {expression}, {std::string(field)}, scope);
  if (!results) return fail(results);
  return std::move(results->front());
}

}  // namespace likeness::states
