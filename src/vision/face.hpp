#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

/// What the vision module finds on a face, in the terms of the Rekognition API but free of its wire forms.
namespace likeness::vision {

/// Ratios of the upright image's width and height; may lie outside 0..1 where a face is cut by the border.
struct Box {
  float left = 0, top = 0, width = 0, height = 0;
  float area() const { return width * height; }
};

/// The 30 landmark types of Rekognition, in its order. Left and right are the viewer's, as AWS has them.
enum class LandmarkType : std::uint8_t {
  EyeLeft,
  EyeRight,
  MouthLeft,
  MouthRight,
  Nose,
  LeftEyeBrowLeft,
  LeftEyeBrowRight,
  LeftEyeBrowUp,
  RightEyeBrowLeft,
  RightEyeBrowRight,
  RightEyeBrowUp,
  LeftEyeLeft,
  LeftEyeRight,
  LeftEyeUp,
  LeftEyeDown,
  RightEyeLeft,
  RightEyeRight,
  RightEyeUp,
  RightEyeDown,
  NoseLeft,
  NoseRight,
  MouthUp,
  MouthDown,
  LeftPupil,
  RightPupil,
  UpperJawlineLeft,
  MidJawlineLeft,
  ChinBottom,
  MidJawlineRight,
  UpperJawlineRight,
};
constexpr std::size_t kLandmarkCount = 30;
/// "eyeLeft", "leftEyeBrowUp" ...: the wire names.
std::string_view name_of(LandmarkType type);

struct Landmark {
  LandmarkType type = LandmarkType::EyeLeft;
  float x = 0, y = 0;  // ratios of the image
};

struct Pose {
  float roll = 0, yaw = 0, pitch = 0;  // degrees, -180..180
};

struct Quality {
  float brightness = 0, sharpness = 0;  // 0..100
};

/// A yes/no finding. `confidence` (50..100) is the calibrated probability, in percent, that `value` is right.
struct Flag {
  bool value = false;
  float confidence = 0;
};

struct AgeRange {
  int low = 0, high = 0;  // years
};

enum class EmotionType : std::uint8_t { Happy, Sad, Angry, Confused, Disgusted, Surprised, Calm, Fear };
constexpr std::size_t kEmotionCount = 8;
std::string_view name_of(EmotionType type);

struct Emotion {
  EmotionType type = EmotionType::Calm;
  float confidence = 0;  // 0..100
};

struct EyeDirection {
  float yaw = 0, pitch = 0;  // degrees
  float confidence = 0;      // 0..100
};

/// What may be asked for beyond box, confidence, pose, quality and landmarks, which are always there. Only the models
/// that the wanted features need are run.
enum class Feature : std::uint32_t {
  AgeRange = 1 << 0,
  Smile = 1 << 1,
  Eyeglasses = 1 << 2,
  Sunglasses = 1 << 3,
  Gender = 1 << 4,
  Beard = 1 << 5,
  Mustache = 1 << 6,
  EyesOpen = 1 << 7,
  MouthOpen = 1 << 8,
  Emotions = 1 << 9,
  FaceOccluded = 1 << 10,
  EyeDirection = 1 << 11,
  Embedding = 1 << 12,
  Liveness = 1 << 13,
};

/// A set of features.
class Features {
 public:
  constexpr Features() = default;
  constexpr Features(Feature feature) : bits_(static_cast<std::uint32_t>(feature)) {}
  constexpr bool has(Feature feature) const { return (bits_ & static_cast<std::uint32_t>(feature)) != 0; }
  constexpr Features operator|(Features other) const { return Features(bits_ | other.bits_); }
  constexpr Features& operator|=(Features other) {
    bits_ |= other.bits_;
    return *this;
  }
  constexpr bool operator==(const Features&) const = default;

  /// The twelve attributes of DetectFaces(ALL); neither embedding nor liveness.
  static constexpr Features attributes() { return Features((1u << 12) - 1); }

 private:
  explicit constexpr Features(std::uint32_t bits) : bits_(bits) {}
  std::uint32_t bits_ = 0;
};
constexpr Features operator|(Feature a, Feature b) { return Features(a) | b; }

constexpr std::size_t kEmbeddingSize = 512;
/// L2-normalised; the cosine of two is their dot product.
using Embedding = std::array<float, kEmbeddingSize>;

struct Face {
  Box box;
  float confidence = 0;  // 0..100: that this is a face
  Pose pose;
  Quality quality;
  std::array<Landmark, kLandmarkCount> landmarks{};

  // Present exactly when asked for.
  std::optional<AgeRange> age_range;
  std::optional<Flag> smile, eyeglasses, sunglasses, beard, mustache, eyes_open, mouth_open, face_occluded;
  std::optional<Flag> gender_is_male;
  std::optional<std::array<Emotion, kEmotionCount>> emotions;  // falling confidence, sum 100
  std::optional<EyeDirection> eye_direction;
  std::optional<Embedding> embedding;
  std::optional<float> liveness;  // 0..100: that this is a live person and not a picture of one
};

}  // namespace likeness::vision
