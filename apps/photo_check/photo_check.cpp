#include "apps/photo_check/photo_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <vector>

#include "apps/calls.hpp"
#include "apps/faces_json.hpp"
#include "base/clock.hpp"
#include "domain/checks/rules.hpp"
#include "domain/checks/subjects.hpp"

namespace likeness::apps {
namespace {

namespace json = boost::json;
using checks::Subject;

/// Why a photo fails, in the words of a person and with the numbers behind them.
struct Reason {
  std::string name;  // "Smile", "NoFace"
  std::string text;
  std::string measured;   // "Yes 98.2 %"; empty: nothing was measured
  std::string threshold;  // "No > 90 %"
  std::string hint;
};

struct Judged {
  std::vector<Reason> reasons;  // empty: passed
  json::object details;         // of the largest face, what the rules looked at
};

Result<checks::RuleSet> rules_of(functions::NativeContext& context) {
  const std::string wanted = context.environment("RULES");
  auto rules = wanted.empty() ? checks::built_in_rules("passport") : checks::built_in_rules(wanted);
  if (!rules) {
    auto parsed = checks::parse_rules(wanted);
    if (!parsed) return fail(parsed);
    rules = std::move(*parsed);
  }
  for (const auto& rule : rules->rules)
    if (rule.subject == Subject::FacePixels || rule.subject == Subject::ImageWidth ||
        rule.subject == Subject::ImageHeight || rule.subject == Subject::Liveness)
      return client_error("InvalidRules", fmt::format("The rule {} cannot be judged: DetectFaces does not tell it.",
                                                      checks::name_of(rule.subject)));
  return std::move(*rules);
}

bool counts_faces(const checks::RuleSet& rules) {
  return std::ranges::any_of(rules.rules, [](const auto& rule) { return rule.subject == Subject::FaceCount; });
}

Judged judge(const checks::RuleSet& rules, const json::array& details) {
  Judged out;
  if (details.empty()) {
    out.reasons.push_back({"NoFace", "There is no face in the photo.", "0 faces", "exactly 1", ""});
    return out;
  }
  // Rules that count faces say themselves how many there may be.
  if (details.size() > 1 && !counts_faces(rules))
    out.reasons.push_back({"SeveralFaces", fmt::format("There are {} faces in the photo.", details.size()),
                           fmt::format("{} faces", details.size()), "exactly 1", ""});
  std::vector<vision::Face> faces;
  std::vector<std::pair<float, const json::value*>> by_size;
  faces.reserve(details.size());
  for (const auto& detail : details) {
    faces.push_back(face_of_json(detail));
    by_size.emplace_back(faces.back().box.area(), &detail);
  }
  std::ranges::sort(faces, std::greater<>(), [](const vision::Face& face) { return face.box.area(); });
  const json::value& largest =
      *std::ranges::max_element(by_size, {}, [](const auto& face) { return face.first; })->second;

  const auto verdict = checks::evaluate(rules, faces, {});
  for (const auto& result : verdict.results) {
    const std::string name(checks::name_of(result.subject));
    if (const json::value* found = member(largest, {name})) out.details[name] = *found;
    if (!result.passed)
      out.reasons.push_back({name, result.reason, result.measured_text, result.wanted_text, result.hint});
  }
  return out;
}

json::object row_of(const std::string& bucket, const std::string& key, const Judged& judged) {
  json::array names;
  json::array reasons;
  for (const Reason& reason : judged.reasons) {
    names.emplace_back(reason.name);
    json::object map = {{"Rule", {{"S", reason.name}}}, {"Reason", {{"S", reason.text}}}};
    if (!reason.measured.empty()) map["Measured"] = {{"S", reason.measured}};
    if (!reason.threshold.empty()) map["Threshold"] = {{"S", reason.threshold}};
    if (!reason.hint.empty()) map["Hint"] = {{"S", reason.hint}};
    reasons.push_back({{"M", std::move(map)}});
  }
  return {{"FileName", {{"S", key}}},
          {"ValidationResult", {{"S", judged.reasons.empty() ? "PASS" : "FAIL"}}},
          {"FailureReasons", {{"S", json::serialize(names)}}},
          {"Reasons", {{"L", std::move(reasons)}}},
          {"Timestamp", {{"S", iso8601(Clock::system().now())}}},
          {"FileLocation", {{"S", bucket + "/" + key}}},
          {"FaceDetails", {{"S", json::serialize(judged.details)}}}};
}

}  // namespace

Result<std::string> photo_check(functions::NativeContext& context, std::string_view event) {
  auto parsed = parse_event(event);
  if (!parsed) return fail(parsed);
  const auto rules = rules_of(context);
  if (!rules) return Failure(rules.error());
  std::string table = context.environment("TABLE_NAME");
  if (table.empty()) table = "ValidationRequests";

  json::array photos;
  const json::value* records = member(*parsed, {"Records"});
  if (records == nullptr || !records->is_array()) {
    // What a bucket sends when its notifications are set up is one such.
    context.log("The event has no Records; there is nothing to check.");
    return json::serialize(json::object{{"Photos", photos}});
  }
  for (const auto& record : records->get_array()) {
    const std::string bucket = text(record, {"s3", "bucket", "name"});
    const std::string key = key_of_event(text(record, {"s3", "object", "key"}));
    if (bucket.empty() || key.empty())
      return client_error("InvalidEvent", "A record of the event names no object of a bucket.");
    std::string unreadable;
    const auto details = detect_faces(context, bucket, key, unreadable);
    if (!details) return Failure(details.error());
    Judged judged;
    if (unreadable.empty())
      judged = judge(*rules, details->get_array());
    else
      judged.reasons.push_back({"UnreadablePhoto", "The photo cannot be read. " + unreadable, "", "", ""});

    const json::object row = row_of(bucket, key, judged);
    if (auto put = call(context, "dynamodb", "PutItem", {{"TableName", table}, {"Item", row}}); !put) return fail(put);
    const json::value& result = row.at("ValidationResult").at("S");
    for (const Reason& reason : judged.reasons) context.log(fmt::format("{}: {}", key, reason.text));
    context.log(fmt::format("{}: {}", key, std::string_view(result.get_string())));
    photos.push_back(
        {{"FileName", key}, {"ValidationResult", result}, {"FailureReasons", row.at("FailureReasons").at("S")}});
  }
  return json::serialize(json::object{{"Photos", std::move(photos)}});
}

}  // namespace likeness::apps
