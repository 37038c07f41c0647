#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace likeness::logs {

/// A filter pattern of CloudWatch Logs, compiled: terms (`ERROR -"low disk"`, `?WARN ?ERROR`), regular expressions
/// (`%5\d\d%`), fields between spaces (`[ip, user, ..., status=4*, bytes > 1000]`) or JSON (`{ $.code = 7 &&
/// $.user.name = "a*" }`). Immutable, thread-safe, cheap to copy.
class FilterPattern {
 public:
  /// Error: InvalidParameterException.
  static Result<FilterPattern> parse(std::string_view pattern);

  bool matches(std::string_view message) const;

  /// What a pattern sees in a message that it matches, for TestMetricFilter: {"$ip": "10.0.0.1"}, {"$.code": "7"}.
  std::map<std::string, std::string> extract(std::string_view message) const;
  /// The value of one selector ("$ip", "$.latency") in a message; none if it has none.
  std::optional<std::string> value(std::string_view message, std::string_view selector) const;

  struct Compiled;

 private:
  explicit FilterPattern(std::shared_ptr<const Compiled> compiled) : compiled_(std::move(compiled)) {}
  std::shared_ptr<const Compiled> compiled_;
};

}  // namespace likeness::logs
