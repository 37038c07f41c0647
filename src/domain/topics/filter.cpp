#include "domain/topics/filter.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "domain/topics/errors.hpp"
#include "events/json_tokens.hpp"
#include "events/pattern.hpp"

namespace likeness::topics {
namespace {

constexpr std::size_t kMostPolicyBytes = 256 * 1024;
constexpr std::size_t kMostKeys = 5;
constexpr std::size_t kMostCombinations = 150;

/// A policy on attributes knows no objects within its keys, as attributes have none.
Result<void> check_shape(std::string_view text, FilterPolicy::Scope scope, std::size_t& keys) {
  using Kind = events::JsonTokens::Kind;
  events::JsonTokens tokens(text);
  if (tokens.next() != Kind::BeginObject)
    return invalid_parameter("FilterPolicy: failed to parse JSON. A filter policy is a JSON object.");
  for (auto kind = tokens.next(); kind != Kind::EndObject; kind = tokens.next()) {
    if (kind != Kind::Name) return invalid_parameter("FilterPolicy: failed to parse JSON. " + tokens.problem());
    const std::string name(tokens.text());
    ++keys;
    const auto value = tokens.skip();
    if (scope == FilterPolicy::Scope::Attributes && name != "$or" && value.starts_with('{'))
      return invalid_parameter("Filter policy scope MessageAttributes does not support nested filter policy");
  }
  return {};
}

/// How many combinations of values the policy has, at most one more than is allowed.
std::size_t combinations(const events::Pattern& pattern) {
  std::size_t sum = 0;
  for (const auto& conjunction : pattern.alternatives()) {
    std::size_t product = 1;
    for (const auto& field : conjunction) product = std::min(product * field.any_of.size(), kMostCombinations + 1);
    sum = std::min(sum + product, kMostCombinations + 1);
  }
  return sum;
}

}  // namespace

struct FilterPolicy::Rules {
  events::Pattern pattern;
  bool empty = false;  // "{}" takes everything
};

FilterPolicy::FilterPolicy(Scope scope, std::unique_ptr<Rules> rules) : scope_(scope), rules_(std::move(rules)) {}
FilterPolicy::~FilterPolicy() = default;

Result<std::shared_ptr<const FilterPolicy>> FilterPolicy::parse(std::string_view text, Scope scope) {
  if (text.size() > kMostPolicyBytes)
    return client_error("FilterPolicyLimitExceededException", "A filter policy can have up to 256 KB.");
  if (!events::is_json(text)) return invalid_parameter("FilterPolicy: failed to parse JSON.");
  std::size_t keys = 0;
  if (auto fine = check_shape(text, scope, keys); !fine) return fail(fine);
  auto rules = std::make_unique<Rules>();
  rules->empty = keys == 0;
  if (!rules->empty) {
    if (scope == Scope::Attributes && keys > kMostKeys)
      return invalid_parameter("FilterPolicy: Filter policy can not have more than 5 keys");
    auto pattern = events::Pattern::parse(text, true);
    if (!pattern) return invalid_parameter("FilterPolicy: " + pattern.error().message);
    rules->pattern = std::move(*pattern);
    if (combinations(rules->pattern) > kMostCombinations)
      return invalid_parameter("FilterPolicy: Filter policy is too complex");
  }
  return std::shared_ptr<const FilterPolicy>(new FilterPolicy(scope, std::move(rules)));
}

bool FilterPolicy::takes(std::string_view body, const queues::Attributes& attributes) const {
  if (rules_->empty) return true;
  if (scope_ == Scope::Attributes) return rules_->pattern.matches(attributes_as_event(attributes));
  // A body that is no JSON object is taken by no policy.
  return events::is_json_object(body) && rules_->pattern.matches(body);
}

std::string attributes_as_event(const queues::Attributes& attributes) {
  std::string out = "{";
  for (const auto& [name, attribute] : attributes) {
    // Binary values cannot be asked for.
    if (attribute.binary) continue;
    if (out.size() > 1) out += ',';
    out += events::json_string(name) + ':';
    const bool as_json = attribute.type == "String.Array" || attribute.type.starts_with("Number");
    if (as_json && events::is_json(attribute.value))
      out += attribute.value;
    else
      out += events::json_string(attribute.value);
  }
  return out + '}';
}

}  // namespace likeness::topics
