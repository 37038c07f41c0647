#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <exception>
#include <set>

#include "domain/checks/rules.hpp"
#include "domain/checks/subjects.hpp"

namespace likeness::checks {
namespace {

constexpr std::size_t kMostBytes = 64 * 1024;
constexpr std::size_t kMostRules = 100;
constexpr std::size_t kLongestText = 500;
constexpr int kDeepest = 50;  // open brackets or dashes; a rule file needs two

/// Thrown and caught within this file only: yaml-cpp itself reports by exceptions, and one way out is simpler.
struct Wrong : std::exception {
  Wrong(YAML::Mark where, std::string words) : mark(where), text(std::move(words)) {}
  YAML::Mark mark;
  std::string text;
};

[[noreturn]] void wrong(const YAML::Node& node, std::string text) { throw Wrong(node.Mark(), std::move(text)); }

std::string joined(const std::vector<std::string_view>& words) { return fmt::format("{}", fmt::join(words, ", ")); }

std::string scalar(const YAML::Node& node, std::string_view what) {
  if (!node.IsScalar()) wrong(node, fmt::format("{} must be a single value", what));
  if (node.Scalar().size() > kLongestText)
    wrong(node, fmt::format("{} may have at most {} characters", what, kLongestText));
  return node.Scalar();
}

bool yes_no(const YAML::Node& node, std::string_view subject) {
  const std::string text = scalar(node, "value");
  if (text == "true" || text == "True" || text == "yes" || text == "Yes") return true;
  if (text == "false" || text == "False" || text == "no" || text == "No") return false;
  wrong(node, fmt::format("value of {} must be true or false, not '{}'", subject, text));
}

double number(const YAML::Node& node, std::string_view key, double lowest, double highest) {
  const std::string text = scalar(node, key);
  double value = NAN;
  try {
    value = node.as<double>();
  } catch (const YAML::Exception&) {
    value = NAN;
  }
  if (!std::isfinite(value) || value < lowest || value > highest)
    wrong(node, fmt::format("{} must be a number from {:g} to {:g}, not '{}'", key, lowest, highest, text));
  return value;
}

/// Refuses members that are unknown (a misspelt bound would be a rule that always passes) or stand there twice.
void check_members(const YAML::Node& map, const std::vector<std::string_view>& allowed, std::string_view where) {
  std::set<std::string> seen;
  for (const auto& entry : map) {
    const std::string key = scalar(entry.first, "a member's name");
    if (std::ranges::find(allowed, key) == allowed.end())
      wrong(entry.first, fmt::format("{} has no member '{}'; allowed are {}", where, key, joined(allowed)));
    if (!seen.insert(key).second) wrong(entry.first, fmt::format("member '{}' stands there twice", key));
  }
}

Rule read_rule(const YAML::Node& node) {
  if (!node.IsMap()) wrong(node, "a rule must be a list entry such as '- rule: Smile' with its members below it");
  const YAML::Node subject_node = node["rule"];
  if (!subject_node) wrong(node, "a rule needs the member 'rule' that says what is measured");
  const std::string name = scalar(subject_node, "rule");
  const SubjectInfo* info = find_subject(name);
  if (info == nullptr) {
    std::vector<std::string_view> names;
    for (const SubjectInfo& subject : all_subjects()) names.push_back(subject.name);
    wrong(subject_node, fmt::format("there is no rule '{}'; allowed are {}", name, joined(names)));
  }
  Rule rule;
  rule.subject = info->subject;
  if (info->kind == Kind::Number) {
    check_members(node, {"rule", "min", "max", "hint"}, info->name);
    if (node["min"]) rule.min = number(node["min"], "min", info->lowest, info->highest);
    if (node["max"]) rule.max = number(node["max"], "max", info->lowest, info->highest);
    if (!rule.min && !rule.max) wrong(node, fmt::format("{} needs a min, a max or both", info->name));
    if (rule.min && rule.max && *rule.min > *rule.max)
      wrong(node["min"], fmt::format("min of {} is greater than its max", info->name));
  } else {
    check_members(node, {"rule", "value", "min_confidence", "hint"}, info->name);
    if (!node["value"]) wrong(node, fmt::format("{} needs the member 'value'", info->name));
    if (info->kind == Kind::Flag) {
      rule.value = yes_no(node["value"], info->name);
    } else {
      const std::string emotion = scalar(node["value"], "value");
      const auto type = emotion_named(emotion);
      if (!type)
        wrong(node["value"], fmt::format("there is no emotion '{}'; allowed are HAPPY, SAD, ANGRY, CONFUSED, "
                                         "DISGUSTED, SURPRISED, CALM, FEAR",
                                         emotion));
      rule.emotion = *type;
    }
    // Confidence is never over 100, so that a threshold of 100 could not be kept by anything.
    if (node["min_confidence"]) rule.min_confidence = number(node["min_confidence"], "min_confidence", 0, 99.99);
  }
  if (node["hint"]) rule.hint = scalar(node["hint"], "hint");
  return rule;
}

RuleSet read_rules(const YAML::Node& root) {
  if (!root.IsMap()) wrong(root, "a rule file must have the members name, description and rules");
  check_members(root, {"name", "description", "rules"}, "a rule file");
  RuleSet set;
  if (root["name"]) set.name = scalar(root["name"], "name");
  if (root["description"]) set.description = scalar(root["description"], "description");
  const YAML::Node rules = root["rules"];
  if (!rules) wrong(root, "a rule file needs the member 'rules'");
  if (!rules.IsSequence() || rules.size() == 0) wrong(rules, "rules must be a list of at least one rule");
  if (rules.size() > kMostRules) wrong(rules, fmt::format("at most {} rules are taken", kMostRules));
  for (const YAML::Node& rule : rules) set.rules.push_back(read_rule(rule));
  return set;
}

/// yaml-cpp follows nesting by recursion; a rule file has no use for it, so that a deep one is refused unread.
bool too_deep(std::string_view text) {
  int brackets = 0, indicators = 0;
  for (const char c : text) {
    if (c == '[' || c == '{') ++brackets;
    if (c == ']' || c == '}') brackets = std::max(0, brackets - 1);
    if (c == '-' || c == '?' || c == ':')
      ++indicators;
    else if (c != ' ')
      indicators = 0;
    if (brackets > kDeepest || indicators > kDeepest) return true;
  }
  return false;
}

Failure invalid(std::string text) { return client_error("InvalidRules", std::move(text)); }

std::string at_line(const YAML::Mark& mark, std::string_view text) {
  return mark.is_null() ? std::string(text) : fmt::format("line {}: {}", mark.line + 1, text);
}

}  // namespace

Result<RuleSet> parse_rules(std::string_view yaml) {
  if (yaml.size() > kMostBytes) return invalid("a rule file may have at most 64 KiB");
  if (too_deep(yaml)) return invalid("the rule file is nested too deeply");
  try {
    return read_rules(YAML::Load(std::string(yaml)));
  } catch (const Wrong& error) {
    return invalid(at_line(error.mark, error.text));
  } catch (const YAML::Exception& error) {
    return invalid(at_line(error.mark, error.msg));
  }
}

}  // namespace likeness::checks
