#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "states/json_path.hpp"
#include "states/scope.hpp"
#include "states/value.hpp"

namespace likeness::states {

struct IntrinsicCall;

/// What may stand in a field whose name ends in ".$", and in InputPath, ErrorPath and others: a JSONPath, or a call of
/// an intrinsic function ("States.Format('{}', $.name)"). Immutable, thread-safe.
class Expression {
 public:
  /// Error: "InvalidExpression".
  static Result<Expression> parse(std::string_view text);

  const std::string& text() const { return text_; }
  bool is_path() const { return call_ == nullptr; }
  const JsonPath& path() const { return path_; }
  /// `field` names the field in messages ("name.$", "ErrorPath").
  Outcome<Value> evaluate(const Scope& scope, std::string_view field) const;

 private:
  std::string text_;
  JsonPath path_;
  std::shared_ptr<const IntrinsicCall> call_;
};

/// Reads a path in a scope: "$" of the input, "$$" of the context, "$name" of the variables. Error: "PathNotFound" …
Result<Value> read_path(const JsonPath& path, const Scope& scope);

/// Calls an intrinsic function by its name without "States.". Error: "InvalidArgument", "UnknownFunction".
Result<Value> call_intrinsic(std::string_view name, const std::vector<Value>& arguments);
bool is_intrinsic(std::string_view name);

}  // namespace likeness::states
