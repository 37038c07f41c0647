#include "services/rekognition/convert.hpp"

#include <array>
#include <utility>

#include "base/bytes.hpp"

namespace likeness::rekognition {

namespace {

using vision::Feature;

/// AWS lists the landmarks in another order than their model's enum; by position of vision's.
constexpr std::array<shapes::LandmarkType, vision::kLandmarkCount> kLandmarkTypes = {
    shapes::LandmarkType::EyeLeft,
    shapes::LandmarkType::EyeRight,
    shapes::LandmarkType::MouthLeft,
    shapes::LandmarkType::MouthRight,
    shapes::LandmarkType::Nose,
    shapes::LandmarkType::LeftEyeBrowLeft,
    shapes::LandmarkType::LeftEyeBrowRight,
    shapes::LandmarkType::LeftEyeBrowUp,
    shapes::LandmarkType::RightEyeBrowLeft,
    shapes::LandmarkType::RightEyeBrowRight,
    shapes::LandmarkType::RightEyeBrowUp,
    shapes::LandmarkType::LeftEyeLeft,
    shapes::LandmarkType::LeftEyeRight,
    shapes::LandmarkType::LeftEyeUp,
    shapes::LandmarkType::LeftEyeDown,
    shapes::LandmarkType::RightEyeLeft,
    shapes::LandmarkType::RightEyeRight,
    shapes::LandmarkType::RightEyeUp,
    shapes::LandmarkType::RightEyeDown,
    shapes::LandmarkType::NoseLeft,
    shapes::LandmarkType::NoseRight,
    shapes::LandmarkType::MouthUp,
    shapes::LandmarkType::MouthDown,
    shapes::LandmarkType::LeftPupil,
    shapes::LandmarkType::RightPupil,
    shapes::LandmarkType::UpperJawlineLeft,
    shapes::LandmarkType::MidJawlineLeft,
    shapes::LandmarkType::ChinBottom,
    shapes::LandmarkType::MidJawlineRight,
    shapes::LandmarkType::UpperJawlineRight};
constexpr std::size_t kDefaultLandmarks = 5;  // the first five of both orders

vision::Features features_of(shapes::Attribute attribute) {
  switch (attribute) {
    case shapes::Attribute::Default: return {};
    case shapes::Attribute::All: return vision::Features::attributes();
    case shapes::Attribute::AgeRange: return Feature::AgeRange;
    case shapes::Attribute::Beard: return Feature::Beard;
    case shapes::Attribute::Emotions: return Feature::Emotions;
    case shapes::Attribute::EyeDirection: return Feature::EyeDirection;
    case shapes::Attribute::Eyeglasses: return Feature::Eyeglasses;
    case shapes::Attribute::EyesOpen: return Feature::EyesOpen;
    case shapes::Attribute::Gender: return Feature::Gender;
    case shapes::Attribute::MouthOpen: return Feature::MouthOpen;
    case shapes::Attribute::Mustache: return Feature::Mustache;
    case shapes::Attribute::FaceOccluded: return Feature::FaceOccluded;
    case shapes::Attribute::Smile: return Feature::Smile;
    case shapes::Attribute::Sunglasses: return Feature::Sunglasses;
  }
  return {};
}

shapes::EmotionName to_shape(vision::EmotionType type) {
  switch (type) {
    case vision::EmotionType::Happy: return shapes::EmotionName::Happy;
    case vision::EmotionType::Sad: return shapes::EmotionName::Sad;
    case vision::EmotionType::Angry: return shapes::EmotionName::Angry;
    case vision::EmotionType::Confused: return shapes::EmotionName::Confused;
    case vision::EmotionType::Disgusted: return shapes::EmotionName::Disgusted;
    case vision::EmotionType::Surprised: return shapes::EmotionName::Surprised;
    case vision::EmotionType::Calm: return shapes::EmotionName::Calm;
    case vision::EmotionType::Fear: return shapes::EmotionName::Fear;
  }
  return shapes::EmotionName::Unknown;
}

template <class Shape>
std::optional<Shape> to_flag(const std::optional<vision::Flag>& flag) {
  if (!flag) return std::nullopt;
  return Shape{.value = flag->value, .confidence = flag->confidence};
}

std::vector<shapes::Landmark> to_landmarks(const vision::Face& face, std::size_t count) {
  std::vector<shapes::Landmark> landmarks;
  landmarks.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto& landmark = face.landmarks[i];
    landmarks.push_back(
        {.type = kLandmarkTypes[static_cast<std::size_t>(landmark.type)], .x = landmark.x, .y = landmark.y});
  }
  return landmarks;
}

shapes::Pose to_shape(const vision::Pose& pose) { return {.roll = pose.roll, .yaw = pose.yaw, .pitch = pose.pitch}; }

shapes::ImageQuality to_shape(const vision::Quality& quality) {
  return {.brightness = quality.brightness, .sharpness = quality.sharpness};
}

}  // namespace

domain::Caller caller_of(const aws::RequestContext& context) {
  return {.account = context.account, .region = context.region, .arn = context.caller_arn, .request = &context};
}

domain::ImageSource source_of(const shapes::Image& image) {
  domain::ImageSource source;
  if (image.bytes) source.bytes = BytesView(*image.bytes);
  if (image.s3_object)
    source.object = domain::ObjectReference{.bucket = image.s3_object->bucket.value_or(""),
                                            .name = image.s3_object->name.value_or(""),
                                            .version = image.s3_object->version};
  return source;
}

Wanted wanted_of(const std::optional<std::vector<shapes::Attribute>>& attributes) {
  Wanted wanted;
  if (!attributes) return wanted;
  for (const auto attribute : *attributes) {
    wanted.features |= features_of(attribute);
    wanted.all_landmarks |= attribute == shapes::Attribute::All;
  }
  return wanted;
}

domain::QualityFilter filter_of(const std::optional<shapes::QualityFilter>& filter, domain::QualityFilter otherwise) {
  if (!filter) return otherwise;
  switch (*filter) {
    case shapes::QualityFilter::None: return domain::QualityFilter::None;
    case shapes::QualityFilter::Auto: return domain::QualityFilter::Auto;
    case shapes::QualityFilter::Low: return domain::QualityFilter::Low;
    case shapes::QualityFilter::Medium: return domain::QualityFilter::Medium;
    case shapes::QualityFilter::High: return domain::QualityFilter::High;
  }
  return otherwise;
}

std::size_t count_of(const std::optional<std::int32_t>& value, std::size_t otherwise) {
  return value && *value > 0 ? static_cast<std::size_t>(*value) : otherwise;
}

shapes::BoundingBox to_shape(const vision::Box& box) {
  return {.width = box.width, .height = box.height, .left = box.left, .top = box.top};
}

shapes::FaceDetail to_detail(const vision::Face& face, bool all_landmarks) {
  shapes::FaceDetail detail;
  detail.bounding_box = to_shape(face.box);
  detail.confidence = face.confidence;
  detail.pose = to_shape(face.pose);
  detail.quality = to_shape(face.quality);
  detail.landmarks = to_landmarks(face, all_landmarks ? vision::kLandmarkCount : kDefaultLandmarks);
  if (face.age_range) detail.age_range = shapes::AgeRange{.low = face.age_range->low, .high = face.age_range->high};
  detail.smile = to_flag<shapes::Smile>(face.smile);
  detail.eyeglasses = to_flag<shapes::Eyeglasses>(face.eyeglasses);
  detail.sunglasses = to_flag<shapes::Sunglasses>(face.sunglasses);
  detail.beard = to_flag<shapes::Beard>(face.beard);
  detail.mustache = to_flag<shapes::Mustache>(face.mustache);
  detail.eyes_open = to_flag<shapes::EyeOpen>(face.eyes_open);
  detail.mouth_open = to_flag<shapes::MouthOpen>(face.mouth_open);
  detail.face_occluded = to_flag<shapes::FaceOccluded>(face.face_occluded);
  if (face.gender_is_male)
    detail.gender =
        shapes::Gender{.value = face.gender_is_male->value ? shapes::GenderType::Male : shapes::GenderType::Female,
                       .confidence = face.gender_is_male->confidence};
  if (face.emotions) {
    auto& emotions = detail.emotions.emplace();
    for (const auto& emotion : *face.emotions)
      emotions.push_back({.type = to_shape(emotion.type), .confidence = emotion.confidence});
  }
  if (face.eye_direction)
    detail.eye_direction = shapes::EyeDirection{.yaw = face.eye_direction->yaw,
                                                .pitch = face.eye_direction->pitch,
                                                .confidence = face.eye_direction->confidence};
  return detail;
}

shapes::ComparedFace to_compared(const vision::Face& face) {
  shapes::ComparedFace compared;
  compared.bounding_box = to_shape(face.box);
  compared.confidence = face.confidence;
  compared.landmarks = to_landmarks(face, kDefaultLandmarks);
  compared.pose = to_shape(face.pose);
  compared.quality = to_shape(face.quality);
  return compared;
}

shapes::Face to_shape(domain::IndexedFace face) {
  shapes::Face shape;
  shape.face_id = std::move(face.face_id);
  shape.bounding_box = to_shape(face.box);
  shape.image_id = std::move(face.image_id);
  shape.external_image_id = std::move(face.external_image_id);
  shape.confidence = face.confidence;
  shape.index_faces_model_version = std::move(face.model_version);
  shape.user_id = std::move(face.user_id);
  return shape;
}

shapes::UserStatus to_shape(domain::UserStatus status) {
  switch (status) {
    case domain::UserStatus::Active: return shapes::UserStatus::Active;
    case domain::UserStatus::Updating: return shapes::UserStatus::Updating;
    case domain::UserStatus::Creating: return shapes::UserStatus::Creating;
    case domain::UserStatus::Created: return shapes::UserStatus::Created;
  }
  return shapes::UserStatus::Created;
}

std::vector<shapes::UnsearchedFaceReason> to_unsearched_reasons(const std::vector<domain::Reason>& reasons) {
  std::vector<shapes::UnsearchedFaceReason> shape;
  for (const auto reason : reasons) {
    switch (reason) {
      case domain::Reason::ExceedsMaxFaces: shape.push_back(shapes::UnsearchedFaceReason::ExceedsMaxFaces); break;
      case domain::Reason::ExtremePose: shape.push_back(shapes::UnsearchedFaceReason::ExtremePose); break;
      case domain::Reason::LowBrightness: shape.push_back(shapes::UnsearchedFaceReason::LowBrightness); break;
      case domain::Reason::LowSharpness: shape.push_back(shapes::UnsearchedFaceReason::LowSharpness); break;
      case domain::Reason::LowConfidence: shape.push_back(shapes::UnsearchedFaceReason::LowConfidence); break;
      case domain::Reason::SmallBoundingBox: shape.push_back(shapes::UnsearchedFaceReason::SmallBoundingBox); break;
      case domain::Reason::LowFaceQuality: shape.push_back(shapes::UnsearchedFaceReason::LowFaceQuality); break;
      case domain::Reason::FaceNotLargest: shape.push_back(shapes::UnsearchedFaceReason::FaceNotLargest); break;
    }
  }
  return shape;
}

std::vector<shapes::Reason> to_reasons(const std::vector<domain::Reason>& reasons) {
  std::vector<shapes::Reason> shape;
  for (const auto reason : reasons) {
    switch (reason) {
      case domain::Reason::ExceedsMaxFaces: shape.push_back(shapes::Reason::ExceedsMaxFaces); break;
      case domain::Reason::ExtremePose: shape.push_back(shapes::Reason::ExtremePose); break;
      case domain::Reason::LowBrightness: shape.push_back(shapes::Reason::LowBrightness); break;
      case domain::Reason::LowSharpness: shape.push_back(shapes::Reason::LowSharpness); break;
      case domain::Reason::LowConfidence: shape.push_back(shapes::Reason::LowConfidence); break;
      case domain::Reason::SmallBoundingBox: shape.push_back(shapes::Reason::SmallBoundingBox); break;
      case domain::Reason::LowFaceQuality: shape.push_back(shapes::Reason::LowFaceQuality); break;
      case domain::Reason::FaceNotLargest: break;  // not a reason of IndexFaces
    }
  }
  return shape;
}

}  // namespace likeness::rekognition
