#include "vision/face/attribute_models.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <vector>

namespace likeness::vision {
namespace {

float crop_of(const ModelPool& model, double otherwise) {
  return static_cast<float>(model.spec().parameter("crop", otherwise));
}

void fill(const ImagePyramid& pixels, const Affine& to_image, const InputForm& form, InputTensors& inputs) {
  warp_into(pixels.view_for(to_image.scale()), to_image, Border::Nearest, form, inputs.floats());
}

double logit_of(double probability) {
  const double bounded = std::clamp(probability, 1e-6, 1 - 1e-6);
  return std::log(bounded / (1 - bounded));
}

constexpr std::size_t kFinePoints = 478;
constexpr std::size_t kMovements = 52;

/// The points of the fine mesh that the blendshape model reads, in its order (MediaPipe, face_blendshapes_graph).
constexpr std::array<std::size_t, 146> kBlendshapePoints{
    0,   1,   4,   5,   6,   7,   8,   10,  13,  14,  17,  21,  33,  37,  39,  40,  46,  52,  53,  54,  55,
    58,  61,  63,  65,  66,  67,  70,  78,  80,  81,  82,  84,  87,  88,  91,  93,  95,  103, 105, 107, 109,
    127, 132, 133, 136, 144, 145, 146, 148, 149, 150, 152, 153, 154, 155, 157, 158, 159, 160, 161, 162, 163,
    168, 172, 173, 176, 178, 181, 185, 191, 195, 197, 234, 246, 249, 251, 263, 267, 269, 270, 276, 282, 283,
    284, 285, 288, 291, 293, 295, 296, 297, 300, 308, 310, 311, 312, 314, 317, 318, 321, 323, 324, 332, 334,
    336, 338, 356, 361, 362, 365, 373, 374, 375, 377, 378, 379, 380, 381, 382, 384, 385, 386, 387, 388, 389,
    390, 397, 398, 400, 402, 405, 409, 415, 454, 466, 468, 469, 470, 471, 472, 473, 474, 475, 476, 477};

/// A movement's place in the model's output; for one that has two sides, both.
struct Movement {
  std::size_t first, second;
};
/// In the order of the output, without its first number (a neutral face): browDown, browInnerUp, browOuterUp,
/// cheekPuff, cheekSquint, eyeBlink, eyeLookDown, eyeLookIn, eyeLookOut, eyeLookUp, eyeSquint, eyeWide, jawForward, jaw
/// to a side, jawOpen, mouthClose, mouthDimple, mouthFrown, mouthFunnel, mouth to a side, mouthLowerDown, mouthPress,
/// mouthPucker, mouthRollLower, mouthRollUpper, mouthShrugLower, mouthShrugUpper, mouthSmile, mouthStretch,
/// mouthUpperUp, noseSneer.
constexpr std::array<Movement, 31> kPairs{
    {{1, 2},   {3, 3},   {4, 5},   {6, 6},   {7, 8},   {9, 10},  {11, 12}, {13, 14}, {15, 16}, {17, 18}, {19, 20},
     {21, 22}, {23, 23}, {24, 26}, {25, 25}, {27, 27}, {28, 29}, {30, 31}, {32, 32}, {33, 39}, {34, 35}, {36, 37},
     {38, 38}, {40, 40}, {41, 41}, {42, 42}, {43, 43}, {44, 45}, {46, 47}, {48, 49}, {50, 51}}};
constexpr std::size_t kBlinkLeft = 9, kBlinkRight = 10, kJawOpen = 25, kSmileLeft = 44, kSmileRight = 45;

}  // namespace

Result<BlendshapeModel> BlendshapeModel::create(ModelPool& fine_mesh, ModelPool& blendshapes) {
  auto points = fine_mesh.output_of_size(kFinePoints * 3);
  if (!points) return fail(points);
  auto strengths = blendshapes.output_of_size(kMovements);
  if (!strengths) return fail(strengths);
  return BlendshapeModel(fine_mesh, blendshapes, *points, *strengths);
}

BlendshapeModel::BlendshapeModel(ModelPool& fine_mesh, ModelPool& blendshapes, std::size_t points,
                                 std::size_t strengths)
    : fine_mesh_(&fine_mesh),
      blendshapes_(&blendshapes),
      points_(points),
      strengths_(strengths),
      crop_factor_(crop_of(fine_mesh, 1.5)) {}

Result<void> BlendshapeModel::measure(const ImagePyramid& pixels, const FaceMesh& mesh, Measurements& into) const {
  const InputForm& form = fine_mesh_->spec().input;
  const Affine to_image = patch_to_image(MeshModel::crop_around(mesh, crop_factor_), form.width());
  // Kept in pixels of the crop, where the eyes are level: nothing that follows depends on place or size.
  std::array<FaceMesh::Vertex, kFinePoints> points{};
  auto done = fine_mesh_->infer([&](InputTensors& inputs) { fill(pixels, to_image, form, inputs); },
                                [&](const OutputTensors& outputs) {
                                  const auto values = outputs.floats(points_);
                                  for (std::size_t i = 0; i < kFinePoints; ++i)
                                    points[i] = {values[i * 3], values[i * 3 + 1], values[i * 3 + 2]};
                                });
  if (!done) return done;

  const auto apart = [&](std::size_t a, std::size_t b) {
    return std::hypot(points[a].x - points[b].x, points[a].y - points[b].y, points[a].z - points[b].z);
  };
  const auto opening = [&](std::array<std::size_t, 3> upper, std::array<std::size_t, 3> lower, std::size_t outer,
                           std::size_t inner) {
    float sum = 0;
    for (std::size_t i = 0; i < 3; ++i) sum += apart(upper[i], lower[i]);
    return sum / 3 / std::max(apart(outer, inner), 1e-3f);
  };
  const float left = opening({160, 159, 158}, {144, 145, 153}, 33, 133);
  const float right = opening({387, 386, 385}, {373, 374, 380}, 263, 362);
  into.set("fine.eye.opening.min", std::min(left, right));
  into.set("fine.eye.opening.mean", (left + right) / 2);
  into.set("fine.mouth.gap", apart(13, 14) / std::max(apart(61, 291), 1e-3f));
  into.set("fine.smile.ratio", apart(61, 291) / std::max(apart(33, 263), 1e-3f));

  return blendshapes_->infer(
      [&](InputTensors& inputs) {
        const auto values = inputs.floats();
        for (std::size_t i = 0; i < kBlendshapePoints.size(); ++i) {
          values[i * 2] = points[kBlendshapePoints[i]].x;
          values[i * 2 + 1] = points[kBlendshapePoints[i]].y;
        }
      },
      [&](const OutputTensors& outputs) {
        const auto strengths = outputs.floats(strengths_);
        std::array<float, kPairs.size()> roots{};
        for (std::size_t i = 0; i < kPairs.size(); ++i)
          roots[i] = std::sqrt(std::clamp((strengths[kPairs[i].first] + strengths[kPairs[i].second]) / 2, 0.0f, 1.0f));
        into.set_vector("blend.root", roots);
        into.set("blend.smile", (strengths[kSmileLeft] + strengths[kSmileRight]) / 2);
        into.set("blend.jaw_open", strengths[kJawOpen]);
        into.set("blend.blink.mean", (strengths[kBlinkLeft] + strengths[kBlinkRight]) / 2);
        into.set("blend.blink.max", std::max(strengths[kBlinkLeft], strengths[kBlinkRight]));
      });
}

Result<ExpressionModel> ExpressionModel::create(ModelPool& model) {
  auto output = model.output_of_size(7);
  if (!output) return fail(output);
  return ExpressionModel(model, *output);
}

ExpressionModel::ExpressionModel(ModelPool& model, std::size_t output)
    : model_(&model), output_(output), crop_factor_(crop_of(model, 1.0)) {}

Result<void> ExpressionModel::measure(const ImagePyramid& pixels, const FaceMesh& mesh, Measurements& into) const {
  static constexpr std::array<std::string_view, 7> kNames{
      "expression.neutral", "expression.happy",   "expression.sad",      "expression.angry",
      "expression.fear",    "expression.disgust", "expression.surprise",
  };
  const InputForm& form = model_->spec().input;
  std::array<double, kNames.size()> logits{};
  for (const bool mirrored : {false, true}) {
    Crop crop = MeshModel::crop_around(mesh, crop_factor_);
    crop.mirrored = mirrored;
    const Affine to_image = patch_to_image(crop, form.width());
    auto done = model_->infer([&](InputTensors& inputs) { fill(pixels, to_image, form, inputs); },
                              [&](const OutputTensors& outputs) {
                                const auto values = outputs.floats(output_);
                                for (std::size_t i = 0; i < logits.size(); ++i) logits[i] += 0.5 * values[i];
                              });
    if (!done) return done;
  }
  double highest = -1e9, others = 0;
  for (const double logit : logits) highest = std::max(highest, logit);
  for (std::size_t i = 0; i < logits.size(); ++i) {
    into.set(kNames[i], logits[i]);
    if (i != 1) others += std::exp(logits[i] - highest);
  }
  // Log odds of happy against everything else.
  into.set("expression.happy.logit", logits[1] - highest - std::log(std::max(others, 1e-12)));
  return {};
}

Result<SmallAgeGenderModel> SmallAgeGenderModel::create(ModelPool& model) {
  auto age = model.output_of_size(1);
  if (!age) return fail(age);
  auto gender = model.output_of_size(2);
  if (!gender) return fail(gender);
  return SmallAgeGenderModel(model, *age, *gender);
}

SmallAgeGenderModel::SmallAgeGenderModel(ModelPool& model, std::size_t age, std::size_t gender)
    : model_(&model), age_(age), gender_(gender), crop_factor_(crop_of(model, 1.0)) {}

Result<void> SmallAgeGenderModel::measure(const ImagePyramid& pixels, const FaceMesh& mesh, Measurements& into) const {
  const InputForm& form = model_->spec().input;
  const Affine to_image = patch_to_image(MeshModel::crop_around(mesh, crop_factor_), form.width());
  return model_->infer([&](InputTensors& inputs) { fill(pixels, to_image, form, inputs); },
                       [&](const OutputTensors& outputs) {
                         into.set("years.small", outputs.floats(age_)[0]);
                         const auto gender = outputs.floats(gender_);
                         into.set("male.small.logit", static_cast<double>(gender[0]) - static_cast<double>(gender[1]));
                       });
}

Result<SecondAgeGenderModel> SecondAgeGenderModel::create(ModelPool& age, ModelPool& gender) {
  auto age_output = age.output_of_size(81);
  if (!age_output) return fail(age_output);
  auto gender_output = gender.output_of_size(2);
  if (!gender_output) return fail(gender_output);
  return SecondAgeGenderModel(age, gender, *age_output, *gender_output);
}

SecondAgeGenderModel::SecondAgeGenderModel(ModelPool& age, ModelPool& gender, std::size_t age_output,
                                           std::size_t gender_output)
    : age_(&age), gender_(&gender), age_output_(age_output), gender_output_(gender_output) {}

Result<void> SecondAgeGenderModel::measure(const ImagePyramid& pixels, const FaceMesh& mesh, Measurements& into) const {
  // Where dlib's five-point chips put the corners of the eyes and the base of the nose, in a unit square that is then
  // padded by a fifth on each side.
  static constexpr std::array<std::pair<std::size_t, Point>, 5> kTemplate{{{263, {0.8595674596f, 0.2134981538f}},
                                                                           {362, {0.6460604765f, 0.2289674388f}},
                                                                           {33, {0.1205750621f, 0.2137274527f}},
                                                                           {133, {0.3340850614f, 0.2290642403f}},
                                                                           {2, {0.4901123136f, 0.6277975316f}}}};
  constexpr float kPadding = 0.2f;
  const auto chip_to_image = [&](int size) {
    std::array<Point, 5> from{}, to{};
    for (std::size_t i = 0; i < kTemplate.size(); ++i) {
      const Point place = kTemplate[i].second;
      const float scale = static_cast<float>(size) / (1 + 2 * kPadding);
      from[i] = {(place.x + kPadding) * scale, (place.y + kPadding) * scale};
      to[i] = mesh.at(kTemplate[i].first);
    }
    return similarity_between(from, to);
  };
  auto done = age_->infer(
      [&](InputTensors& inputs) {
        fill(pixels, chip_to_image(age_->spec().input.width()), age_->spec().input, inputs);
      },
      [&](const OutputTensors& outputs) {
        const auto years = outputs.floats(age_output_);
        double mean = 0;
        for (std::size_t year = 0; year < years.size(); ++year) mean += years[year] * static_cast<double>(year);
        into.set("years.second", mean);
      });
  if (!done) return done;
  return gender_->infer(
      [&](InputTensors& inputs) {
        fill(pixels, chip_to_image(gender_->spec().input.width()), gender_->spec().input, inputs);
      },
      [&](const OutputTensors& outputs) {
        into.set("male.second.logit", logit_of(outputs.floats(gender_output_)[1]));
      });
}

Result<EyeStateModel> EyeStateModel::create(ModelPool& model) {
  auto output = model.output_of_size(2);
  if (!output) return fail(output);
  return EyeStateModel(model, *output);
}

EyeStateModel::EyeStateModel(ModelPool& model, std::size_t output) : model_(&model), output_(output) {}

Result<void> EyeStateModel::measure(const ImagePyramid& pixels, const FaceMesh& mesh, Measurements& into) const {
  constexpr float kCrop = 1.6f;  // of the width of the eye; narrower and wider crops told less
  std::array<double, 2> closed{};
  for (std::size_t eye = 0; eye < 2; ++eye) {
    const Point left = mesh.at(eye == 0 ? 33 : 362), right = mesh.at(eye == 0 ? 133 : 263);
    const Crop crop{middle(left, right), kCrop * distance(left, right), mesh.angle, eye == 1};
    const Affine to_image = patch_to_image(crop, model_->spec().input.width());
    auto done =
        model_->infer([&](InputTensors& inputs) { fill(pixels, to_image, model_->spec().input, inputs); },
                      [&](const OutputTensors& outputs) { closed[eye] = logit_of(outputs.floats(output_)[0]); });
    if (!done) return done;
  }
  into.set("lids.closed.mean", (closed[0] + closed[1]) / 2);
  into.set("lids.closed.min", std::min(closed[0], closed[1]));
  into.set("lids.closed.max", std::max(closed[0], closed[1]));
  return {};
}

}  // namespace likeness::vision
