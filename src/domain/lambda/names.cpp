#include "domain/lambda/names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "domain/lambda/errors.hpp"
#include "domain/lambda/model.hpp"

namespace likeness::lambda {
namespace {

bool all_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto at = text.find(':');
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

bool is_account(std::string_view text) { return text.size() == 12 && all_digits(text); }
/// "us-east-1": functions are never called so because a name before a colon with that form is the region.
bool is_region(std::string_view text) {
  const auto last = text.rfind('-');
  return std::ranges::count(text, '-') >= 2 && last + 1 < text.size() && all_digits(text.substr(last + 1));
}
bool is_name(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
  });
}

}  // namespace

bool is_version(std::string_view qualifier) { return qualifier == kLatest || all_digits(qualifier); }

Result<FunctionName> parse_function_name(const Place& place, std::string_view text,
                                         const std::optional<std::string>& qualifier) {
  const auto bad = [&] {
    return validation(text, "functionName",
                      "Member must satisfy regular expression pattern: "
                      "(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}(-gov)?-[a-z]+-\\d{1}:)?(\\d{12}:)?(function:)?"
                      "([a-zA-Z0-9-_]+)(:(\\$LATEST|[a-zA-Z0-9-_]+))?");
  };
  FunctionName out{place.account, place.region, {}, {}};
  auto parts = split(text);
  std::size_t at = 0;
  const auto left = [&] { return parts.size() - at; };
  if (left() > 3 && parts[0] == "arn" && parts[1].starts_with("aws") && parts[2] == "lambda") at = 3;
  if (left() > 1 && is_region(parts[at])) out.region = parts[at++];
  if (left() > 1 && is_account(parts[at])) out.account = parts[at++];
  if (left() > 1 && parts[at] == "function") ++at;
  if (left() > 2 || !is_name(parts[at])) return bad();
  out.name = parts[at++];
  if (left() == 1) {
    if (parts[at] != kLatest && !is_name(parts[at])) return bad();
    out.qualifier = parts[at];
  }
  if (qualifier && !qualifier->empty()) {
    if (!out.qualifier.empty() && out.qualifier != *qualifier)
      return invalid("The derived qualifier from the function name does not match the specified qualifier.");
    out.qualifier = *qualifier;
  }
  if (out.region != place.region)
    return not_found(
        fmt::format("Functions from '{}' are not reachable in this region ('{}')", out.region, place.region));
  return out;
}

std::optional<LayerName> parse_layer_name(const Place& place, std::string_view text) {
  if (!text.starts_with("arn:")) {
    if (!is_name(text)) return std::nullopt;
    return LayerName{place.account, place.region, std::string(text), {}};
  }
  const auto parts = split(text);
  if (parts.size() < 7 || parts.size() > 8 || parts[2] != "lambda" || parts[5] != "layer" || !is_name(parts[6]))
    return std::nullopt;
  LayerName out{std::string(parts[4]), std::string(parts[3]), std::string(parts[6]), {}};
  if (parts.size() == 8) {
    if (!all_digits(parts[7])) return std::nullopt;
    out.version = parts[7];
  }
  return out;
}

}  // namespace likeness::lambda
