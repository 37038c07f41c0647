#include <rules_embedded.hpp>  // generated from rules/*.yaml

#include "domain/checks/rules.hpp"

namespace likeness::checks {

std::optional<RuleSet> built_in_rules(std::string_view name) {
  for (const EmbeddedRules& rules : kEmbeddedRules) {
    if (rules.name != name) continue;
    auto parsed = parse_rules(rules.yaml);
    if (!parsed) return std::nullopt;  // a test parses each of them
    return std::move(*parsed);
  }
  return std::nullopt;
}

std::vector<std::string> built_in_rule_names() {
  std::vector<std::string> names;
  for (const EmbeddedRules& rules : kEmbeddedRules) names.emplace_back(rules.name);
  return names;
}

}  // namespace likeness::checks
