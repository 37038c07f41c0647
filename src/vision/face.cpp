#include "vision/face.hpp"

namespace likeness::vision {

std::string_view name_of(LandmarkType type) {
  static constexpr std::array<std::string_view, kLandmarkCount> kNames{
      "eyeLeft",          "eyeRight",         "mouthLeft",     "mouthRight",       "nose",
      "leftEyeBrowLeft",  "leftEyeBrowRight", "leftEyeBrowUp", "rightEyeBrowLeft", "rightEyeBrowRight",
      "rightEyeBrowUp",   "leftEyeLeft",      "leftEyeRight",  "leftEyeUp",        "leftEyeDown",
      "rightEyeLeft",     "rightEyeRight",    "rightEyeUp",    "rightEyeDown",     "noseLeft",
      "noseRight",        "mouthUp",          "mouthDown",     "leftPupil",        "rightPupil",
      "upperJawlineLeft", "midJawlineLeft",   "chinBottom",    "midJawlineRight",  "upperJawlineRight"};
  return kNames[static_cast<std::size_t>(type)];
}

std::string_view name_of(EmotionType type) {
  static constexpr std::array<std::string_view, kEmotionCount> kNames{"HAPPY",     "SAD",       "ANGRY", "CONFUSED",
                                                                      "DISGUSTED", "SURPRISED", "CALM",  "FEAR"};
  return kNames[static_cast<std::size_t>(type)];
}

}  // namespace likeness::vision
