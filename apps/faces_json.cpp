#include "apps/faces_json.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "domain/checks/subjects.hpp"

namespace likeness::apps {
namespace {

namespace json = boost::json;

struct FlagMember {
  const char* name;
  std::optional<vision::Flag> vision::Face::* member;
};
constexpr FlagMember kFlags[] = {
    {"Smile", &vision::Face::smile},           {"Eyeglasses", &vision::Face::eyeglasses},
    {"Sunglasses", &vision::Face::sunglasses}, {"Beard", &vision::Face::beard},
    {"Mustache", &vision::Face::mustache},     {"EyesOpen", &vision::Face::eyes_open},
    {"MouthOpen", &vision::Face::mouth_open},  {"FaceOccluded", &vision::Face::face_occluded},
};

json::value flag_json(const vision::Flag& flag) { return {{"Value", flag.value}, {"Confidence", flag.confidence}}; }

/// Members of what may not be an object, numbers of what may be an integer: nothing here throws.
const json::value* find(const json::value& from, std::string_view name) {
  const json::object* object = from.if_object();
  return object == nullptr ? nullptr : object->if_contains(name);
}

float number(const json::value& from, std::string_view name, float missing = 0) {
  const json::value* found = find(from, name);
  if (found == nullptr) return missing;
  if (const double* real = found->if_double()) return static_cast<float>(*real);
  if (const std::int64_t* whole = found->if_int64()) return static_cast<float>(*whole);
  if (const std::uint64_t* whole = found->if_uint64()) return static_cast<float>(*whole);
  return missing;
}

int whole(float years) { return static_cast<int>(std::clamp(years, 0.f, 150.f)); }

std::string text(const json::value& from, std::string_view name) {
  const json::value* found = find(from, name);
  if (found == nullptr || !found->is_string()) return {};
  return std::string(found->get_string());
}

bool truth(const json::value& from, std::string_view name) {
  const json::value* found = find(from, name);
  return found != nullptr && found->is_bool() && found->get_bool();
}

std::optional<vision::Flag> flag_of(const json::value& from, std::string_view name) {
  const json::value* found = find(from, name);
  if (found == nullptr) return std::nullopt;
  return vision::Flag{truth(*found, "Value"), number(*found, "Confidence")};
}

void read_landmarks(const json::value& detail, vision::Face& face) {
  for (std::size_t i = 0; i < vision::kLandmarkCount; ++i)
    face.landmarks[i].type = static_cast<vision::LandmarkType>(i);
  const json::value* found = find(detail, "Landmarks");
  if (found == nullptr || !found->is_array()) return;
  for (const json::value& landmark : found->get_array()) {
    const std::string name = text(landmark, "Type");
    for (vision::Landmark& into : face.landmarks) {
      if (vision::name_of(into.type) != name) continue;
      into.x = number(landmark, "X");
      into.y = number(landmark, "Y");
    }
  }
}

void read_emotions(const json::value& detail, vision::Face& face) {
  const json::value* found = find(detail, "Emotions");
  if (found == nullptr || !found->is_array() || found->get_array().size() != vision::kEmotionCount) return;
  face.emotions.emplace();
  for (std::size_t i = 0; i < vision::kEmotionCount; ++i) {
    const json::value& emotion = found->get_array()[i];
    const auto type = checks::emotion_named(text(emotion, "Type"));
    (*face.emotions)[i] = {type.value_or(vision::EmotionType::Calm), number(emotion, "Confidence")};
  }
}

json::value measured_json(const checks::RuleResult& result, const checks::SubjectInfo& info, const checks::Rule& rule) {
  if (!result.measured) return nullptr;
  if (info.kind == checks::Kind::Flag) return {{"Value", *result.measured_value}, {"Confidence", *result.measured}};
  if (info.kind == checks::Kind::Emotion)
    return {{"Value", checks::wire_name(rule.emotion)}, {"Confidence", *result.measured}};
  return *result.measured;
}

json::value wanted_json(const checks::Rule& rule, const checks::SubjectInfo& info) {
  if (info.kind == checks::Kind::Flag) return {{"Value", rule.value}, {"Confidence", rule.min_confidence}};
  if (info.kind == checks::Kind::Emotion)
    return {{"Value", checks::wire_name(rule.emotion)}, {"Confidence", rule.min_confidence}};
  json::object bounds;
  if (rule.min) bounds["Min"] = *rule.min;
  if (rule.max) bounds["Max"] = *rule.max;
  return bounds;
}

}  // namespace

json::object box_json(const vision::Box& box) {
  return {{"Width", box.width}, {"Height", box.height}, {"Left", box.left}, {"Top", box.top}};
}

json::object face_detail_json(const vision::Face& face) {
  json::object out;
  out["BoundingBox"] = box_json(face.box);
  if (face.age_range) out["AgeRange"] = {{"Low", face.age_range->low}, {"High", face.age_range->high}};
  for (const FlagMember& flag : kFlags)
    if (const auto& found = face.*flag.member) out[flag.name] = flag_json(*found);
  if (face.gender_is_male)
    out["Gender"] = {{"Value", face.gender_is_male->value ? "Male" : "Female"},
                     {"Confidence", face.gender_is_male->confidence}};
  if (face.emotions) {
    json::array emotions;
    for (const vision::Emotion& emotion : *face.emotions)
      emotions.push_back({{"Type", checks::wire_name(emotion.type)}, {"Confidence", emotion.confidence}});
    out["Emotions"] = std::move(emotions);
  }
  if (face.eye_direction)
    out["EyeDirection"] = {{"Yaw", face.eye_direction->yaw},
                           {"Pitch", face.eye_direction->pitch},
                           {"Confidence", face.eye_direction->confidence}};
  json::array landmarks;
  for (const vision::Landmark& landmark : face.landmarks) {
    // A server asked for the default attributes names only five.
    if (landmark.x == 0 && landmark.y == 0) continue;
    landmarks.push_back({{"Type", vision::name_of(landmark.type)}, {"X", landmark.x}, {"Y", landmark.y}});
  }
  out["Landmarks"] = std::move(landmarks);
  out["Pose"] = {{"Roll", face.pose.roll}, {"Yaw", face.pose.yaw}, {"Pitch", face.pose.pitch}};
  out["Quality"] = {{"Brightness", face.quality.brightness}, {"Sharpness", face.quality.sharpness}};
  out["Confidence"] = face.confidence;
  if (face.liveness) out["Liveness"] = *face.liveness;
  return out;
}

json::array face_details_json(const std::vector<vision::Face>& faces) {
  json::array out;
  for (const vision::Face& face : faces) out.push_back(face_detail_json(face));
  return out;
}

json::array rules_json(const checks::RuleSet& rules, const checks::Verdict& verdict) {
  json::array out;
  for (std::size_t i = 0; i < verdict.results.size(); ++i) {
    const checks::RuleResult& result = verdict.results[i];
    const checks::SubjectInfo& info = checks::info_of(result.subject);
    json::object rule;
    rule["Rule"] = info.name;
    rule["Result"] = result.passed ? "PASS" : "FAIL";
    rule["Measured"] = measured_json(result, info, rules.rules[i]);
    rule["Wanted"] = wanted_json(rules.rules[i], info);
    rule["Margin"] = result.margin ? json::value(*result.margin) : json::value(nullptr);
    rule["Reason"] = result.reason;
    if (!result.hint.empty()) rule["Hint"] = result.hint;
    out.push_back(std::move(rule));
  }
  return out;
}

vision::Box box_of_json(const json::value& box) {
  return {number(box, "Left"), number(box, "Top"), number(box, "Width"), number(box, "Height")};
}

vision::Face face_of_json(const json::value& detail) {
  vision::Face face;
  if (const json::value* box = find(detail, "BoundingBox")) face.box = box_of_json(*box);
  face.confidence = number(detail, "Confidence");
  if (const json::value* pose = find(detail, "Pose"))
    face.pose = {.roll = number(*pose, "Roll"), .yaw = number(*pose, "Yaw"), .pitch = number(*pose, "Pitch")};
  if (const json::value* quality = find(detail, "Quality"))
    face.quality = {number(*quality, "Brightness"), number(*quality, "Sharpness")};
  if (const json::value* age = find(detail, "AgeRange"))
    face.age_range = vision::AgeRange{whole(number(*age, "Low")), whole(number(*age, "High"))};
  for (const FlagMember& flag : kFlags) face.*flag.member = flag_of(detail, flag.name);
  if (const json::value* gender = find(detail, "Gender"))
    face.gender_is_male = vision::Flag{text(*gender, "Value") == "Male", number(*gender, "Confidence")};
  if (const json::value* eyes = find(detail, "EyeDirection"))
    face.eye_direction =
        vision::EyeDirection{number(*eyes, "Yaw"), number(*eyes, "Pitch"), number(*eyes, "Confidence")};
  read_emotions(detail, face);
  read_landmarks(detail, face);
  return face;
}

}  // namespace likeness::apps
