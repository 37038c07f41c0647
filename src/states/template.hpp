#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "states/expression.hpp"
#include "states/jsonata.hpp"
#include "states/scope.hpp"
#include "states/value.hpp"

namespace likeness::states {

enum class QueryLanguage { JsonPath, Jsonata };

struct TemplateNode;

/// A JSON value with expressions in it: Parameters, ResultSelector, ItemSelector, Assign … In JSONPath members whose
/// name ends in ".$" hold them, in JSONata strings like "{% … %}". Immutable, thread-safe.
class Template {
 public:
  struct Complaint {
    std::string place;  // "/a/b.$" below the template
    std::string message;
  };

  /// What is wrong is added to `complaints`; the rest is usable nonetheless.
  static Template parse(const Value& value, QueryLanguage language, std::vector<Complaint>& complaints);

  /// `field` names the template in messages ("Output", "Arguments").
  Outcome<Value> evaluate(const Scope& scope, const Jsonata* jsonata, std::string_view field) const;

  /// Nothing in it is to be evaluated.
  bool constant() const;
  const Value& source() const { return source_; }
  /// Names of variables that JSONPath expressions begin at.
  const std::vector<std::string>& variables() const { return variables_; }

 private:
  Value source_;
  QueryLanguage language_ = QueryLanguage::JsonPath;
  std::shared_ptr<const TemplateNode> root_;
  std::vector<std::string> expressions_;  // of JSONata, in order
  std::vector<std::string> fields_;       // the place of each
  std::vector<std::string> variables_;
};

/// $states of JSONata.
Value states_value(const Scope& scope);

/// One JSONata expression. "returned nothing" is a Problem.
Outcome<Value> evaluate_jsonata(const Jsonata* jsonata, const std::string& expression, const Scope& scope,
                                std::string_view field);

}  // namespace likeness::states
