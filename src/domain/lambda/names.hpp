#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

/// The many forms in which callers name a function.
namespace likeness::lambda {

/// Where a call is at home.
struct Place {
  std::string account;
  std::string region;
  std::string scope() const { return account + "/" + region; }
};

struct FunctionName {
  std::string account, region, name;
  std::string qualifier;  // version or alias; empty: none

  std::string scope() const { return account + "/" + region; }
  std::string arn() const { return "arn:aws:lambda:" + region + ":" + account + ":function:" + name; }
  std::string qualified_arn() const { return qualifier.empty() ? arn() : arn() + ":" + qualifier; }
};

/// "NAME", "NAME:QUALIFIER", "[ACCOUNT:]function:NAME[:QUALIFIER]", a whole ARN, or an ARN without its beginning.
/// Account and region default to the caller's. Errors: InvalidParameterValueException, ResourceNotFoundException
/// (another region).
Result<FunctionName> parse_function_name(const Place& place, std::string_view text,
                                         const std::optional<std::string>& qualifier = std::nullopt);

/// All digits, or "$LATEST": a version; else an alias.
bool is_version(std::string_view qualifier);

struct LayerName {
  std::string account, region, name;
  std::string version;  // empty: none
};
/// "NAME" or the ARN of a layer or of one of its versions. Nullopt if it is neither.
std::optional<LayerName> parse_layer_name(const Place& place, std::string_view text);

}  // namespace likeness::lambda
