#include <fmt/format.h>

#include <cmath>

#include "domain/checks/rules.hpp"
#include "domain/checks/subjects.hpp"

namespace likeness::checks {
namespace {

/// One decimal, or as many more as it takes that the text lies on the same side of the threshold as the number: a rule
/// that failed by 0.01 must not read "90.0 is not over 90".
std::string number_text(double number, double threshold) {
  for (int digits = 1; digits <= 4; ++digits) {
    const double scale = std::pow(10, digits);
    const double shown = std::round(number * scale) / scale;
    if ((shown < threshold) == (number < threshold) && (shown > threshold) == (number > threshold))
      return fmt::format("{:.{}f}", shown == 0 ? 0.0 : shown, digits);
  }
  return fmt::format("{}", number);
}

std::string with_unit(const std::string& text, const SubjectInfo& info) {
  return fmt::format("{}{}{}", text, info.unit == "%" ? " " : "", info.unit);
}

/// A bound as it was written: "90", "0.5".
std::string bound_text(double bound) { return fmt::format("{:g}", bound); }

std::string wanted_number(const Rule& rule, const SubjectInfo& info) {
  if (rule.min && rule.max && *rule.min == *rule.max) return with_unit("exactly " + bound_text(*rule.min), info);
  if (rule.min && rule.max) return with_unit(bound_text(*rule.min) + " to " + bound_text(*rule.max), info);
  if (rule.min) return with_unit("at least " + bound_text(*rule.min), info);
  return with_unit("at most " + bound_text(rule.max.value_or(info.highest)), info);
}

std::string_view yes_no(bool value) { return value ? "Yes" : "No"; }

std::string wanted_text(const Rule& rule, const SubjectInfo& info) {
  switch (info.kind) {
    case Kind::Flag: return fmt::format("{} > {} %", yes_no(rule.value), bound_text(rule.min_confidence));
    case Kind::Emotion: return fmt::format("{} > {} %", wire_name(rule.emotion), bound_text(rule.min_confidence));
    case Kind::Number: break;
  }
  return wanted_number(rule, info);
}

void judge_flag(const Rule& rule, const SubjectInfo& info, const Measured& found, RuleResult& result) {
  const bool value = *found.value;
  result.measured_value = value;
  result.passed = value == rule.value && found.number > rule.min_confidence;
  result.unsure = value == rule.value && !result.passed;
  result.margin = (value == rule.value ? found.number : 100.0 - found.number) - rule.min_confidence;
  result.measured_text = fmt::format("{} {} %", yes_no(value), number_text(found.number, rule.min_confidence));
  const std::string bound = bound_text(rule.min_confidence);
  if (value != rule.value)
    result.reason = fmt::format("{} is {} ({} %), but must be {}.", info.name, yes_no(value),
                                number_text(found.number, rule.min_confidence), yes_no(rule.value));
  else
    result.reason = fmt::format("{} is {} with {} % confidence, {} than {} %.", info.name, yes_no(value),
                                number_text(found.number, rule.min_confidence),
                                result.passed ? "more" : "which is not more", bound);
}

void judge_emotion(const Rule& rule, const Measured& found, RuleResult& result) {
  result.passed = found.number > rule.min_confidence;
  result.margin = found.number - rule.min_confidence;
  result.measured_text =
      fmt::format("{} {} %", wire_name(rule.emotion), number_text(found.number, rule.min_confidence));
  result.reason = fmt::format("{} has {} % confidence, {} than {} %.", wire_name(rule.emotion),
                              number_text(found.number, rule.min_confidence),
                              result.passed ? "more" : "which is not more", bound_text(rule.min_confidence));
}

void judge_number(const Rule& rule, const SubjectInfo& info, const Measured& found, RuleResult& result) {
  const double number = found.number;
  const double over_min = rule.min ? number - *rule.min : INFINITY;
  const double under_max = rule.max ? *rule.max - number : INFINITY;
  const bool min_is_nearer = over_min < under_max;
  result.threshold = min_is_nearer ? *rule.min : *rule.max;
  result.margin = std::min(over_min, under_max);
  result.passed = *result.margin >= 0;
  const bool whole =
      info.subject == Subject::FaceCount || info.subject == Subject::ImageWidth || info.subject == Subject::ImageHeight;
  result.measured_text = with_unit(whole ? bound_text(number) : number_text(number, result.threshold), info);
  if (result.passed)
    result.reason = fmt::format("{} is {}, within {}.", info.name, result.measured_text, result.wanted_text);
  else
    result.reason = fmt::format("{} is {}, but must be {}.", info.name, result.measured_text, result.wanted_text);
}

RuleResult judge(const Rule& rule, const std::vector<vision::Face>& faces, PhotoSize size) {
  const SubjectInfo& info = info_of(rule.subject);
  RuleResult result;
  result.subject = rule.subject;
  result.threshold = info.kind == Kind::Number ? rule.min.value_or(rule.max.value_or(0)) : rule.min_confidence;
  result.wanted_text = wanted_text(rule, info);
  result.hint = rule.hint;
  if (info.of_face && faces.empty()) {
    result.measured_text = "no face";
    result.reason = fmt::format("{} cannot be judged: there is no face in the photo.", info.name);
    return result;
  }
  const std::optional<Measured> found = info.measure(rule, faces, size);
  // A finding that is not a number must not pass by a comparison that happens to be false.
  if (!found || !std::isfinite(found->number)) {
    result.measured_text = "not measured";
    result.reason = fmt::format("{} was not measured.", info.name);
    return result;
  }
  result.measured = found->number;
  switch (info.kind) {
    case Kind::Flag: judge_flag(rule, info, *found, result); break;
    case Kind::Emotion: judge_emotion(rule, *found, result); break;
    case Kind::Number: judge_number(rule, info, *found, result); break;
  }
  return result;
}

}  // namespace

vision::Features RuleSet::needed() const {
  vision::Features features;
  for (const Rule& rule : rules) features |= info_of(rule.subject).needs;
  return features;
}

Verdict evaluate(const RuleSet& rules, const std::vector<vision::Face>& faces, PhotoSize size) {
  Verdict verdict;
  verdict.passed = true;
  verdict.face_count = faces.size();
  verdict.results.reserve(rules.rules.size());
  for (const Rule& rule : rules.rules) {
    verdict.results.push_back(judge(rule, faces, size));
    verdict.passed = verdict.passed && verdict.results.back().passed;
  }
  return verdict;
}

}  // namespace likeness::checks
