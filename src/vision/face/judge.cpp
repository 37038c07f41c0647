#include "vision/face/judge.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace likeness::vision {
namespace {

struct FlagHead {
  Feature feature;
  const char* head;
  std::optional<Flag> Face::* member;
};

constexpr std::array<FlagHead, 9> kFlags{{{Feature::Smile, "smile", &Face::smile},
                                          {Feature::Eyeglasses, "eyeglasses", &Face::eyeglasses},
                                          {Feature::Sunglasses, "sunglasses", &Face::sunglasses},
                                          {Feature::Gender, "gender_male", &Face::gender_is_male},
                                          {Feature::Beard, "beard", &Face::beard},
                                          {Feature::Mustache, "mustache", &Face::mustache},
                                          {Feature::EyesOpen, "eyes_open", &Face::eyes_open},
                                          {Feature::MouthOpen, "mouth_open", &Face::mouth_open},
                                          {Feature::FaceOccluded, "face_occluded", &Face::face_occluded}}};

/// The classes of the head "emotions", in the order of EmotionType.
constexpr std::array<EmotionType, kEmotionCount> kEmotions{
    EmotionType::Happy,     EmotionType::Sad,       EmotionType::Angry, EmotionType::Confused,
    EmotionType::Disgusted, EmotionType::Surprised, EmotionType::Calm,  EmotionType::Fear};

Flag flag_of(double probability) {
  const bool value = probability >= 0.5;
  return {value, static_cast<float>(100 * (value ? probability : 1 - probability))};
}

/// A percentage that is never beyond 0..100.
float percent(double share) { return static_cast<float>(std::clamp(share * 100, 0.0, 100.0)); }

void need(Stages& stages, std::string_view measurement) {
  const auto begins = [&](std::string_view prefix) { return measurement.substr(0, prefix.size()) == prefix; };
  stages.eyes |= begins("eye.");
  stages.age_gender |= begins("faceres.") || begins("age.");
  stages.emotion |= begins("emotion.");
  stages.embedding |= begins("embedding");
  stages.liveness |= begins("liveness.");
  stages.blendshapes |= begins("blend.") || begins("fine.");
  stages.expression |= begins("expression.");
  stages.small_age |= begins("years.small") || begins("male.small");
  stages.second_age |= begins("years.second") || begins("male.second");
  stages.lids |= begins("lids.");
}

}  // namespace

Result<FaceJudge> FaceJudge::create(Calibration calibration) {
  Calibration::Required required;
  for (const FlagHead& flag : kFlags) required.logistic.emplace_back(flag.head);
  for (const char* name : {"face", "liveness", "eye_direction"}) required.logistic.emplace_back(name);
  required.linear = {"age", "eye_direction_yaw", "eye_direction_pitch", "brightness", "sharpness"};
  required.multinomial = {"emotions"};
  required.curves = {"age_low", "age_high", "brightness", "sharpness", "similarity", "false_match_rate"};
  if (auto done = calibration.require(required); !done) return fail(done);
  const auto& classes = calibration.classes("emotions");
  for (const EmotionType type : kEmotions)
    if (std::find(classes.begin(), classes.end(), name_of(type)) == classes.end())
      return server_error("InvalidCalibration", "The calibration is not valid: multinomial.emotions lacks " +
                                                    std::string(name_of(type)) + ".");
  return FaceJudge(std::move(calibration));
}

Stages FaceJudge::stages(Features wanted) const {
  Stages stages;
  const auto head = [&](std::string_view name) {
    for (const std::string_view input : calibration_.inputs(name)) need(stages, input);
  };
  for (const FlagHead& flag : kFlags)
    if (wanted.has(flag.feature)) head(flag.head);
  if (wanted.has(Feature::AgeRange)) head("age");
  if (wanted.has(Feature::Emotions)) head("emotions");
  if (wanted.has(Feature::EyeDirection)) {
    head("eye_direction");
    head("eye_direction_yaw");
    head("eye_direction_pitch");
  }
  if (wanted.has(Feature::Liveness)) head("liveness");
  stages.embedding |= wanted.has(Feature::Embedding);
  return stages;
}

bool FaceJudge::is_face(const Measurements& measured) const {
  return calibration_.probability("face", measured) >= 0.5;
}

void FaceJudge::judge(const Measurements& measured, Features wanted, Face& face) const {
  face.confidence = percent(calibration_.probability("face", measured));
  face.quality.brightness = percent(calibration_.curve("brightness")(calibration_.value("brightness", measured)));
  face.quality.sharpness = percent(calibration_.curve("sharpness")(calibration_.value("sharpness", measured)));
  for (const FlagHead& flag : kFlags)
    if (wanted.has(flag.feature)) face.*flag.member = flag_of(calibration_.probability(flag.head, measured));
  if (wanted.has(Feature::AgeRange)) {
    const double age = calibration_.value("age", measured);
    const int low = std::max(static_cast<int>(std::lround(calibration_.curve("age_low")(age))), 0);
    const int high = static_cast<int>(std::lround(calibration_.curve("age_high")(age)));
    face.age_range = AgeRange{low, std::max(low, high)};
  }
  if (wanted.has(Feature::Emotions)) {
    const auto shares = calibration_.distribution("emotions", measured);
    const auto& classes = calibration_.classes("emotions");
    std::array<Emotion, kEmotionCount> emotions{};
    for (std::size_t i = 0; i < kEmotionCount; ++i) {
      const auto at = std::find(classes.begin(), classes.end(), name_of(kEmotions[i]));
      emotions[i] = {kEmotions[i], percent(shares[static_cast<std::size_t>(at - classes.begin())])};
    }
    // Types are unique, so that equal confidences too have one order.
    std::sort(emotions.begin(), emotions.end(), [](const Emotion& a, const Emotion& b) {
      return a.confidence > b.confidence || (a.confidence == b.confidence && a.type < b.type);
    });
    face.emotions = emotions;
  }
  if (wanted.has(Feature::EyeDirection))
    face.eye_direction = EyeDirection{static_cast<float>(calibration_.value("eye_direction_yaw", measured)),
                                      static_cast<float>(calibration_.value("eye_direction_pitch", measured)),
                                      percent(calibration_.probability("eye_direction", measured))};
  if (wanted.has(Feature::Liveness)) face.liveness = percent(calibration_.probability("liveness", measured));
}

float FaceJudge::similarity(float cosine) const {
  return static_cast<float>(std::clamp(calibration_.curve("similarity")(static_cast<double>(cosine)), 0.0, 100.0));
}

float FaceJudge::cosine_for(float similarity) const {
  return static_cast<float>(calibration_.curve("similarity").inverse(static_cast<double>(similarity)));
}

double FaceJudge::false_match_rate(float similarity) const {
  return calibration_.curve("false_match_rate")(static_cast<double>(similarity));
}

}  // namespace likeness::vision
