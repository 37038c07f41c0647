#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "states/value.hpp"

namespace likeness::states {

struct PathSegment;

/// A JSONPath in the dialect that Step Functions has from its (Java) library: `$.a`, `$['a','b']`, `$[0,2]`, `$[-1]`,
/// `$[1:3]`, `$[*]`, `$..a`, `$[?(@.x > 1 && @.y =~ /z/i)]`, `$.length()`; `$$` begins at the context object, `$name`
/// at a variable. A path that can find one thing only ("definite") gives that thing and fails where it is not there;
/// any other gives a list, which may be empty. Immutable, thread-safe.
class JsonPath {
 public:
  enum class Root { Input, Context, Variable };

  /// Error: "InvalidPath".
  static Result<JsonPath> parse(std::string_view text);

  const std::string& text() const { return text_; }
  Root root() const { return root_; }
  const std::string& variable() const { return variable_; }
  bool definite() const { return definite_; }
  /// Names and single indexes only: what a result may be written to.
  bool reference() const { return reference_; }

  /// Error: "PathNotFound" with the library's words ("No results for path: $['a']"), "PathTooWide".
  Result<Value> read(const Value& root) const;
  /// `base` with `result` at this reference path; objects on the way are made. Error: "PathMismatch".
  Result<Value> write(const Value& base, const Value& result) const;

 private:
  std::string text_;
  Root root_ = Root::Input;
  std::string variable_;
  bool definite_ = true;
  bool reference_ = true;
  std::shared_ptr<const std::vector<PathSegment>> segments_;
};

}  // namespace likeness::states
