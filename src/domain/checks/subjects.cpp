#include "domain/checks/subjects.hpp"

#include <algorithm>
#include <array>

namespace likeness::checks {
namespace {

using vision::Face;
using vision::Feature;
using Faces = std::vector<Face>;
using Found = std::optional<Measured>;

// One function for all yes/no subjects: the member that holds the finding is a template argument.
template <auto Member>
Found flag(const Rule&, const Faces& faces, PhotoSize) {
  const std::optional<vision::Flag>& found = faces[0].*Member;
  if (!found) return std::nullopt;
  return Measured{found->value, found->confidence};
}

template <double (*Of)(const Face&, PhotoSize)>
Found number(const Rule&, const Faces& faces, PhotoSize size) {
  return Measured{std::nullopt, Of(faces[0], size)};
}

Found emotion(const Rule& rule, const Faces& faces, PhotoSize) {
  if (!faces[0].emotions) return std::nullopt;
  for (const vision::Emotion& found : *faces[0].emotions)
    if (found.type == rule.emotion) return Measured{std::nullopt, found.confidence};
  return Measured{};
}

Found face_count(const Rule&, const Faces& faces, PhotoSize) {
  return Measured{std::nullopt, static_cast<double>(faces.size())};
}
Found image_width(const Rule&, const Faces&, PhotoSize size) { return Measured{std::nullopt, double(size.width)}; }
Found image_height(const Rule&, const Faces&, PhotoSize size) { return Measured{std::nullopt, double(size.height)}; }

Found eye_yaw(const Rule&, const Faces& faces, PhotoSize) {
  if (!faces[0].eye_direction) return std::nullopt;
  return Measured{std::nullopt, faces[0].eye_direction->yaw};
}
Found eye_pitch(const Rule&, const Faces& faces, PhotoSize) {
  if (!faces[0].eye_direction) return std::nullopt;
  return Measured{std::nullopt, faces[0].eye_direction->pitch};
}
Found liveness(const Rule&, const Faces& faces, PhotoSize) {
  if (!faces[0].liveness) return std::nullopt;
  return Measured{std::nullopt, *faces[0].liveness};
}

double confidence(const Face& face, PhotoSize) { return face.confidence; }
double width(const Face& face, PhotoSize) { return face.box.width * 100.0; }
double height(const Face& face, PhotoSize) { return face.box.height * 100.0; }
double pixels(const Face& face, PhotoSize size) {
  return std::min(double(face.box.width) * size.width, double(face.box.height) * size.height);
}
double left(const Face& face, PhotoSize) { return face.box.left * 100.0; }
double right(const Face& face, PhotoSize) { return (1.0 - face.box.left - face.box.width) * 100.0; }
double top(const Face& face, PhotoSize) { return face.box.top * 100.0; }
double bottom(const Face& face, PhotoSize) { return (1.0 - face.box.top - face.box.height) * 100.0; }
double center_x(const Face& face, PhotoSize) { return (face.box.left + face.box.width / 2.0 - 0.5) * 100.0; }
double center_y(const Face& face, PhotoSize) { return (face.box.top + face.box.height / 2.0 - 0.5) * 100.0; }
double yaw(const Face& face, PhotoSize) { return face.pose.yaw; }
double pitch(const Face& face, PhotoSize) { return face.pose.pitch; }
double roll(const Face& face, PhotoSize) { return face.pose.roll; }
double brightness(const Face& face, PhotoSize) { return face.quality.brightness; }
double sharpness(const Face& face, PhotoSize) { return face.quality.sharpness; }

constexpr vision::Features kNone;

// In the order of the enum; info_of relies on it and a test checks it.
constexpr std::array kSubjects = {
    SubjectInfo{Subject::Smile, Kind::Flag, "Smile", "%", 0, 100, Feature::Smile, true, flag<&Face::smile>},
    SubjectInfo{Subject::Eyeglasses, Kind::Flag, "Eyeglasses", "%", 0, 100, Feature::Eyeglasses, true,
                flag<&Face::eyeglasses>},
    SubjectInfo{Subject::Sunglasses, Kind::Flag, "Sunglasses", "%", 0, 100, Feature::Sunglasses, true,
                flag<&Face::sunglasses>},
    SubjectInfo{Subject::Beard, Kind::Flag, "Beard", "%", 0, 100, Feature::Beard, true, flag<&Face::beard>},
    SubjectInfo{Subject::Mustache, Kind::Flag, "Mustache", "%", 0, 100, Feature::Mustache, true, flag<&Face::mustache>},
    SubjectInfo{Subject::EyesOpen, Kind::Flag, "EyesOpen", "%", 0, 100, Feature::EyesOpen, true,
                flag<&Face::eyes_open>},
    SubjectInfo{Subject::MouthOpen, Kind::Flag, "MouthOpen", "%", 0, 100, Feature::MouthOpen, true,
                flag<&Face::mouth_open>},
    SubjectInfo{Subject::FaceOccluded, Kind::Flag, "FaceOccluded", "%", 0, 100, Feature::FaceOccluded, true,
                flag<&Face::face_occluded>},
    SubjectInfo{Subject::Emotion, Kind::Emotion, "Emotion", "%", 0, 100, Feature::Emotions, true, emotion},
    SubjectInfo{Subject::FaceCount, Kind::Number, "FaceCount", "", 0, 100, kNone, false, face_count},
    SubjectInfo{Subject::FaceConfidence, Kind::Number, "FaceConfidence", "%", 0, 100, kNone, true, number<confidence>},
    SubjectInfo{Subject::FaceWidth, Kind::Number, "FaceWidth", "%", 0, 200, kNone, true, number<width>},
    SubjectInfo{Subject::FaceHeight, Kind::Number, "FaceHeight", "%", 0, 200, kNone, true, number<height>},
    SubjectInfo{Subject::FacePixels, Kind::Number, "FacePixels", " px", 0, 100'000, kNone, true, number<pixels>},
    SubjectInfo{Subject::MarginLeft, Kind::Number, "MarginLeft", "%", -100, 100, kNone, true, number<left>},
    SubjectInfo{Subject::MarginRight, Kind::Number, "MarginRight", "%", -100, 100, kNone, true, number<right>},
    SubjectInfo{Subject::MarginTop, Kind::Number, "MarginTop", "%", -100, 100, kNone, true, number<top>},
    SubjectInfo{Subject::MarginBottom, Kind::Number, "MarginBottom", "%", -100, 100, kNone, true, number<bottom>},
    SubjectInfo{Subject::CenterX, Kind::Number, "CenterX", "%", -100, 100, kNone, true, number<center_x>},
    SubjectInfo{Subject::CenterY, Kind::Number, "CenterY", "%", -100, 100, kNone, true, number<center_y>},
    SubjectInfo{Subject::Yaw, Kind::Number, "Yaw", " deg", -180, 180, kNone, true, number<yaw>},
    SubjectInfo{Subject::Pitch, Kind::Number, "Pitch", " deg", -180, 180, kNone, true, number<pitch>},
    SubjectInfo{Subject::Roll, Kind::Number, "Roll", " deg", -180, 180, kNone, true, number<roll>},
    SubjectInfo{Subject::EyeYaw, Kind::Number, "EyeYaw", " deg", -180, 180, Feature::EyeDirection, true, eye_yaw},
    SubjectInfo{Subject::EyePitch, Kind::Number, "EyePitch", " deg", -180, 180, Feature::EyeDirection, true, eye_pitch},
    SubjectInfo{Subject::Brightness, Kind::Number, "Brightness", "", 0, 100, kNone, true, number<brightness>},
    SubjectInfo{Subject::Sharpness, Kind::Number, "Sharpness", "", 0, 100, kNone, true, number<sharpness>},
    SubjectInfo{Subject::Liveness, Kind::Number, "Liveness", "%", 0, 100, Feature::Liveness, true, liveness},
    SubjectInfo{Subject::ImageWidth, Kind::Number, "ImageWidth", " px", 0, 100'000, kNone, false, image_width},
    SubjectInfo{Subject::ImageHeight, Kind::Number, "ImageHeight", " px", 0, 100'000, kNone, false, image_height},
};

struct EmotionName {
  vision::EmotionType type;
  std::string_view name;
};
constexpr std::array<EmotionName, vision::kEmotionCount> kEmotions = {{
    {vision::EmotionType::Happy, "HAPPY"},
    {vision::EmotionType::Sad, "SAD"},
    {vision::EmotionType::Angry, "ANGRY"},
    {vision::EmotionType::Confused, "CONFUSED"},
    {vision::EmotionType::Disgusted, "DISGUSTED"},
    {vision::EmotionType::Surprised, "SURPRISED"},
    {vision::EmotionType::Calm, "CALM"},
    {vision::EmotionType::Fear, "FEAR"},
}};

}  // namespace

std::span<const SubjectInfo> all_subjects() { return kSubjects; }

const SubjectInfo& info_of(Subject subject) { return kSubjects[static_cast<std::size_t>(subject)]; }

const SubjectInfo* find_subject(std::string_view name) {
  const auto found = std::ranges::find(kSubjects, name, &SubjectInfo::name);
  return found == kSubjects.end() ? nullptr : &*found;
}

std::string_view name_of(Subject subject) { return info_of(subject).name; }

std::optional<vision::EmotionType> emotion_named(std::string_view name) {
  for (const EmotionName& emotion : kEmotions)
    if (emotion.name == name) return emotion.type;
  return std::nullopt;
}

std::string_view wire_name(vision::EmotionType type) {
  for (const EmotionName& emotion : kEmotions)
    if (emotion.type == type) return emotion.name;
  return "";
}

}  // namespace likeness::checks
