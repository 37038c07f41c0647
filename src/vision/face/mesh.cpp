#include "vision/face/mesh.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace likeness::vision {
namespace {

// Indices of MediaPipe's face mesh. "Left" is the viewer's.
constexpr std::size_t kLeftEyeOuter = 33, kLeftEyeInner = 133, kLeftEyeUp = 159, kLeftEyeDown = 145;
constexpr std::size_t kRightEyeInner = 362, kRightEyeOuter = 263, kRightEyeUp = 386, kRightEyeDown = 374;
constexpr std::size_t kNoseTip = 1, kMouthLeft = 61, kMouthRight = 291;
constexpr std::size_t kForehead = 10, kChin = 152;
/// The upper edge of the mesh, below the hairline.
constexpr std::size_t kUpperEdge[] = {54, 103, 67, 109, 10, 338, 297, 332, 284};
/// AWS's boxes reach this share of the distance from eyes to chin above the upper edge of the mesh, and below the chin.
constexpr float kAboveMesh = 0.17f, kBelowMesh = 0.03f;
/// The line from forehead to chin leans by this much (degrees) in a face that looks straight ahead: mean over 362
/// portraits, most of which look into the camera.
constexpr float kPitchOfStraightFace = -7.0f;

/// Below this logit there is no use in looking again; from `kSure` on there is no doubt that the face is upright in its
/// crop. Upright faces have 15 to 60, faces on their side or head under 12.
constexpr float kNothingThere = -8, kLevelsFrom = 3, kSure = 15, kClearlyBetter = 3;
constexpr int kMostLevelling = 3;
constexpr float kLevelEnough = 0.14f;  // radians, 8 degrees

/// Angle between two directions, 0..pi.
float turn_between(float a, float b) { return std::abs(std::remainder(a - b, 2 * kPi)); }

Point mean_of(const FaceMesh& mesh, std::initializer_list<std::size_t> indices) {
  Point sum;
  for (const std::size_t index : indices) sum = sum + mesh.at(index);
  return sum * (1 / static_cast<float>(indices.size()));
}

struct Direction {
  float x = 0, y = 0, z = 0;
};

Direction between(const FaceMesh& mesh, std::size_t from, std::size_t to) {
  const auto &a = mesh.points[from], &b = mesh.points[to];
  const float dx = b.x - a.x, dy = b.y - a.y, dz = b.z - a.z;
  const float length = std::sqrt(dx * dx + dy * dy + dz * dz);
  return length > 0 ? Direction{dx / length, dy / length, dz / length} : Direction{};
}

}  // namespace

Result<MeshModel> MeshModel::create(ModelPool& model) {
  auto points = model.output_of_size(kMeshPoints * 3);
  if (!points) return fail(points);
  auto logit = model.output_of_size(1);
  if (!logit) return fail(logit);
  return MeshModel(model, *points, *logit);
}

MeshModel::MeshModel(ModelPool& model, std::size_t points, std::size_t logit)
    : model_(&model),
      points_(points),
      logit_(logit),
      crop_factor_(static_cast<float>(model.spec().parameter("crop", 1.5))) {}

Crop MeshModel::crop_for(const Candidate& candidate) const {
  return {candidate.box.centre(), crop_factor_ * std::max(candidate.box.width(), candidate.box.height()),
          candidate.angle, false};
}

Crop MeshModel::crop_around(const FaceMesh& mesh, float factor) {
  // Bounds in the face's own frame.
  const float cosine = std::cos(mesh.angle), sine = std::sin(mesh.angle);
  float left = 1e30f, right = -1e30f, top = 1e30f, bottom = -1e30f;
  for (const auto& point : mesh.points) {
    const float along = point.x * cosine + point.y * sine, down = -point.x * sine + point.y * cosine;
    left = std::min(left, along), right = std::max(right, along);
    top = std::min(top, down), bottom = std::max(bottom, down);
  }
  const float along = (left + right) / 2, down = (top + bottom) / 2;
  return {{along * cosine - down * sine, along * sine + down * cosine},
          factor * std::max(right - left, bottom - top),
          mesh.angle,
          false};
}

Result<FaceMesh> MeshModel::run(const ImagePyramid& pixels, const Crop& crop) const {
  const InputForm& form = model_->spec().input;
  const Affine to_image = patch_to_image(crop, form.width());
  FaceMesh mesh;
  mesh.crop = crop;
  auto done = model_->infer(
      [&](InputTensors& inputs) {
        warp_into(pixels.view_for(to_image.scale()), to_image, Border::Nearest, form, inputs.floats());
      },
      [&](const OutputTensors& outputs) {
        const auto values = outputs.floats(points_);
        const float scale = to_image.scale();
        for (std::size_t i = 0; i < kMeshPoints; ++i) {
          const Point place = to_image({values[i * 3], values[i * 3 + 1]});
          mesh.points[i] = {place.x, place.y, values[i * 3 + 2] * scale};
        }
        mesh.logit = outputs.floats(logit_)[0];
      });
  if (!done) return fail(done);
  const Point left = mesh.at(kLeftEyeOuter), right = mesh.at(kRightEyeOuter);
  mesh.angle = std::atan2(right.y - left.y, right.x - left.x);
  return mesh;
}

Result<FaceMesh> MeshModel::refine(const ImagePyramid& pixels, const Crop& crop) const {
  auto mesh = run(pixels, crop);
  if (!mesh || mesh->logit < kNothingThere) return mesh;
  mesh = run(pixels, crop_around(*mesh, crop_factor_));
  // The model levels a tilted face only part of the way each time.
  // Where it hardly sees a face, its angle says nothing.
  for (int pass = 0; mesh && pass < kMostLevelling && mesh->logit > kLevelsFrom &&
                     turn_between(mesh->angle, mesh->crop.angle) > kLevelEnough;
       ++pass)
    mesh = run(pixels, crop_around(*mesh, crop_factor_));
  return mesh;
}

Result<FaceMesh> MeshModel::settle(const ImagePyramid& pixels, const Crop& crop) const {
  auto upright = refine(pixels, crop);
  if (!upright || upright->logit >= kSure) return upright;
  // Doubtful: perhaps it lies on its side, or on its head. One look at each quarter turn tells which is the best.
  FaceMesh best;
  best.logit = -1e30f;
  for (int quarter = 1; quarter < 4; ++quarter) {
    Crop turned = crop;
    turned.angle += static_cast<float>(quarter) * kPi / 2;
    auto mesh = run(pixels, turned);
    if (!mesh) return mesh;
    if (mesh->logit > best.logit) best = *mesh;
  }
  if (best.logit < kNothingThere) return upright;
  auto turned = refine(pixels, best.crop);
  if (!turned) return turned;
  return turned->logit > upright->logit + kClearlyBetter ? turned : upright;
}

std::array<Point, 5> five_points(const FaceMesh& mesh) {
  return {mean_of(mesh, {kLeftEyeOuter, kLeftEyeInner, kLeftEyeUp, kLeftEyeDown}),
          mean_of(mesh, {kRightEyeOuter, kRightEyeInner, kRightEyeUp, kRightEyeDown}), mesh.at(kNoseTip),
          mesh.at(kMouthLeft), mesh.at(kMouthRight)};
}

std::array<Point, kLandmarkCount> landmarks_of(const FaceMesh& mesh) {
  const auto five = five_points(mesh);
  std::array<Point, kLandmarkCount> points{};
  const auto set = [&](LandmarkType type, Point point) { points[static_cast<std::size_t>(type)] = point; };
  set(LandmarkType::EyeLeft, five[0]);
  set(LandmarkType::EyeRight, five[1]);
  // The embedding's alignment takes the tip; AWS's nose lies somewhat above it.
  set(LandmarkType::Nose, mean_of(mesh, {1, 4}));
  set(LandmarkType::MouthLeft, five[3]);
  set(LandmarkType::MouthRight, five[4]);
  set(LandmarkType::LeftPupil, five[0]);
  set(LandmarkType::RightPupil, five[1]);
  // The ends of a brow lie between its upper and its lower line.
  set(LandmarkType::LeftEyeBrowLeft, mean_of(mesh, {70, 46}));
  set(LandmarkType::LeftEyeBrowRight, mean_of(mesh, {107, 66, 55}));
  set(LandmarkType::LeftEyeBrowUp, mesh.at(105));
  set(LandmarkType::RightEyeBrowLeft, mean_of(mesh, {336, 296, 285}));
  set(LandmarkType::RightEyeBrowRight, mean_of(mesh, {300, 276}));
  set(LandmarkType::RightEyeBrowUp, mesh.at(334));
  set(LandmarkType::LeftEyeLeft, mesh.at(kLeftEyeOuter));
  set(LandmarkType::LeftEyeRight, mesh.at(kLeftEyeInner));
  set(LandmarkType::LeftEyeUp, mesh.at(kLeftEyeUp));
  set(LandmarkType::LeftEyeDown, mesh.at(kLeftEyeDown));
  set(LandmarkType::RightEyeLeft, mesh.at(kRightEyeInner));
  set(LandmarkType::RightEyeRight, mesh.at(kRightEyeOuter));
  set(LandmarkType::RightEyeUp, mesh.at(kRightEyeUp));
  set(LandmarkType::RightEyeDown, mesh.at(kRightEyeDown));
  set(LandmarkType::NoseLeft, mesh.at(75));
  set(LandmarkType::NoseRight, mesh.at(305));
  set(LandmarkType::MouthUp, mesh.at(0));
  set(LandmarkType::MouthDown, mesh.at(17));
  set(LandmarkType::UpperJawlineLeft, mesh.at(127));
  set(LandmarkType::MidJawlineLeft, mesh.at(58));
  set(LandmarkType::ChinBottom, mesh.at(kChin));
  set(LandmarkType::MidJawlineRight, mesh.at(288));
  set(LandmarkType::UpperJawlineRight, mesh.at(356));
  return points;
}

Pose pose_of(const FaceMesh& mesh) {
  // Directions of pairs that lie level in every face.
  Direction across;
  for (const auto& [from, to] : {std::pair<std::size_t, std::size_t>{33, 263}, {127, 356}, {234, 454}, {61, 291}}) {
    const Direction one = between(mesh, from, to);
    across.x += one.x, across.y += one.y, across.z += one.z;
  }
  const Direction down = between(mesh, kForehead, kChin);
  Pose pose;
  pose.roll = degrees(std::atan2(across.y, across.x));
  pose.yaw = degrees(std::atan2(across.z, std::hypot(across.x, across.y)));
  pose.pitch = degrees(std::atan2(-down.z, std::hypot(down.x, down.y))) - kPitchOfStraightFace;
  return pose;
}

PixelBox face_box(const FaceMesh& mesh) {
  const auto five = five_points(mesh);
  const Point eyes = middle(five[0], five[1]);
  // The face's own "down", as long as from the eyes to the chin.
  const Point down = mesh.at(kChin) - eyes;
  std::vector<Point> outline;
  outline.reserve(kMeshPoints + std::size(kUpperEdge) + 1);
  for (const auto& point : mesh.points) outline.push_back(point.flat());
  for (const std::size_t index : kUpperEdge) outline.push_back(mesh.at(index) - down * kAboveMesh);
  outline.push_back(mesh.at(kChin) + down * kBelowMesh);
  return bounds(outline);
}

}  // namespace likeness::vision
