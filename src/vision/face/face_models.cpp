#include "vision/face/face_models.hpp"

#include <algorithm>
#include <cmath>

namespace likeness::vision {
namespace {

/// Where eyes, nose and corners of the mouth stand in the 112 x 112 input of models trained on ArcFace's alignment.
constexpr std::array<Point, 5> kArcFaceTemplate{
    {{38.2946f, 51.6963f}, {73.5318f, 51.5014f}, {56.0252f, 71.7366f}, {41.5493f, 92.3655f}, {70.7299f, 92.2041f}}};

float crop_of(const ModelPool& model, double otherwise) {
  return static_cast<float>(model.spec().parameter("crop", otherwise));
}

/// Fills a model's input with a square of the image.
void fill_crop(const ImagePyramid& pixels, const Crop& crop, const InputForm& form, InputTensors& inputs) {
  const Affine to_image = patch_to_image(crop, form.width());
  warp_into(pixels.view_for(to_image.scale()), to_image, Border::Nearest, form, inputs.floats());
}

}  // namespace

Result<EyeModel> EyeModel::create(ModelPool& model) {
  auto contour = model.output_of_size(71 * 3);
  if (!contour) return fail(contour);
  auto iris = model.output_of_size(5 * 3);
  if (!iris) return fail(iris);
  return EyeModel(model, *contour, *iris);
}

EyeModel::EyeModel(ModelPool& model, std::size_t contour, std::size_t iris)
    : model_(&model), contour_(contour), iris_(iris), crop_factor_(crop_of(model, 2.3)) {}

Result<EyeModel::Eye> EyeModel::measure(const ImagePyramid& pixels, const FaceMesh& mesh, int eye) const {
  // The model was trained on the eye at the viewer's left; the other one is shown to it in the mirror.
  const bool mirrored = eye == 1;
  const Point left = mesh.at(mirrored ? 362 : 33), right = mesh.at(mirrored ? 263 : 133);
  const InputForm& form = model_->spec().input;
  const Crop crop{middle(left, right), crop_factor_ * distance(left, right),
                  std::atan2(right.y - left.y, right.x - left.x), mirrored};
  const Affine to_image = patch_to_image(crop, form.width());
  Eye result;
  auto done = model_->infer([&](InputTensors& inputs) { fill_crop(pixels, crop, form, inputs); },
                            [&](const OutputTensors& outputs) {
                              const auto contour = outputs.floats(contour_), iris = outputs.floats(iris_);
                              const auto lid = [&](std::size_t i) { return Point{contour[i * 3], contour[i * 3 + 1]}; };
                              const Point outer = lid(0), inner = lid(8);
                              const float width = std::max(distance(outer, inner), 1e-3f);
                              result.openness =
                                  (distance(lid(3), lid(11)) + distance(lid(4), lid(12)) + distance(lid(5), lid(13))) /
                                  3 / width;
                              const Point centre{iris[0], iris[1]};
                              result.iris = to_image(centre);
                              const Point along = (inner - outer) * (1 / width);
                              const Point offset = centre - middle(outer, inner);
                              const float sideways = (offset.x * along.x + offset.y * along.y) / width;
                              result.sideways = mirrored ? -sideways : sideways;
                              result.upwards = (offset.x * along.y - offset.y * along.x) / width;
                            });
  if (!done) return fail(done);
  return result;
}

void EyeModel::note(const Eye& left, const Eye& right, Measurements& into) {
  into.set("eye.left.openness", left.openness);
  into.set("eye.right.openness", right.openness);
  into.set("eye.openness.min", std::min(left.openness, right.openness));
  into.set("eye.openness.mean", (left.openness + right.openness) / 2);
  into.set("eye.openness.max", std::max(left.openness, right.openness));
  into.set("eye.left.sideways", left.sideways);
  into.set("eye.right.sideways", right.sideways);
  into.set("eye.left.upwards", left.upwards);
  into.set("eye.right.upwards", right.upwards);
}

Result<AgeGenderModel> AgeGenderModel::create(ModelPool& model) {
  auto gender = model.output_of_size(1);
  if (!gender) return fail(gender);
  auto age = model.output_of_size(100);
  if (!age) return fail(age);
  auto features = model.output_of_size(1024);
  if (!features) return fail(features);
  return AgeGenderModel(model, *gender, *age, *features);
}

AgeGenderModel::AgeGenderModel(ModelPool& model, std::size_t gender, std::size_t age, std::size_t features)
    : model_(&model), gender_(gender), age_(age), features_(features), crop_factor_(crop_of(model, 1.2)) {}

Result<void> AgeGenderModel::measure(const ImagePyramid& pixels, const FaceMesh& mesh, Measurements& into) const {
  return model_->infer(
      [&](InputTensors& inputs) {
        fill_crop(pixels, MeshModel::crop_around(mesh, crop_factor_), model_->spec().input, inputs);
      },
      [&](const OutputTensors& outputs) {
        const auto years = outputs.floats(age_);
        double sum = 0, mean = 0, square = 0;
        for (std::size_t year = 0; year < years.size(); ++year) {
          const double share = years[year], age = static_cast<double>(year);
          sum += share, mean += share * age, square += share * age * age;
        }
        if (sum > 0) mean /= sum, square /= sum;
        into.set("age.expectation", mean);
        into.set("age.spread", std::sqrt(std::max(square - mean * mean, 0.0)));
        const double male = outputs.floats(gender_)[0];
        into.set("faceres.male", male);
        const double bounded = std::clamp(male, 1e-6, 1 - 1e-6);
        into.set("faceres.male.logit", std::log(bounded / (1 - bounded)));
        into.set_vector("faceres.features", outputs.floats(features_));
      });
}

Result<EmotionModel> EmotionModel::create(ModelPool& model) {
  auto output = model.output_of_size(7);
  if (!output) return fail(output);
  return EmotionModel(model, *output);
}

EmotionModel::EmotionModel(ModelPool& model, std::size_t output)
    : model_(&model), output_(output), crop_factor_(crop_of(model, 1.2)) {}

Result<void> EmotionModel::measure(const ImagePyramid& pixels, const FaceMesh& mesh, Measurements& into) const {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kNames{
      {{"emotion.angry", "emotion.angry.log"},
       {"emotion.disgust", "emotion.disgust.log"},
       {"emotion.fear", "emotion.fear.log"},
       {"emotion.happy", "emotion.happy.log"},
       {"emotion.sad", "emotion.sad.log"},
       {"emotion.surprise", "emotion.surprise.log"},
       {"emotion.neutral", "emotion.neutral.log"}}};
  return model_->infer(
      [&](InputTensors& inputs) {
        fill_crop(pixels, MeshModel::crop_around(mesh, crop_factor_), model_->spec().input, inputs);
      },
      [&](const OutputTensors& outputs) {
        const auto values = outputs.floats(output_);
        for (std::size_t i = 0; i < kNames.size(); ++i) {
          into.set(kNames[i].first, values[i]);
          into.set(kNames[i].second, std::log(std::max(static_cast<double>(values[i]), 1e-6)));
        }
      });
}

Result<EmbeddingModel> EmbeddingModel::create(ModelPool& model) {
  auto output = model.output_of_size(kEmbeddingSize);
  if (!output) return fail(output);
  return EmbeddingModel(model, *output);
}

EmbeddingModel::EmbeddingModel(ModelPool& model, std::size_t output)
    : model_(&model), output_(output), mirrored_too_(model.spec().parameter("mirror", 1) != 0) {}

Result<std::vector<float>> EmbeddingModel::run(const ImagePyramid& pixels, const FaceMesh& mesh, bool mirrored) const {
  const InputForm& form = model_->spec().input;
  Affine to_image = similarity_between(kArcFaceTemplate, five_points(mesh));
  if (mirrored) to_image = compose(to_image, {-1, 0, static_cast<float>(form.width()), 0, 1, 0});
  std::vector<float> vector;
  auto done = model_->infer(
      [&](InputTensors& inputs) {
        warp_into(pixels.view_for(to_image.scale()), to_image, Border::Nearest, form, inputs.floats());
      },
      [&](const OutputTensors& outputs) {
        const auto values = outputs.floats(output_);
        vector.assign(values.begin(), values.end());
      });
  if (!done) return fail(done);
  return vector;
}

Embedding EmbeddingModel::combine(std::span<const float> face, std::span<const float> mirror_image) {
  std::array<double, kEmbeddingSize> sum{};
  for (const auto& vector : {face, mirror_image})
    for (std::size_t i = 0; i < vector.size(); ++i) sum[i] += static_cast<double>(vector[i]);
  double square = 0;
  for (const double value : sum) square += value * value;
  const double scale = square > 0 ? 1 / std::sqrt(square) : 0;
  Embedding embedding{};
  for (std::size_t i = 0; i < kEmbeddingSize; ++i) embedding[i] = static_cast<float>(sum[i] * scale);
  return embedding;
}

Result<LivenessModel> LivenessModel::create(ModelPool& model) {
  auto output = model.output_of_size(3);
  if (!output) return fail(output);
  return LivenessModel(model, *output);
}

LivenessModel::LivenessModel(ModelPool& model, std::size_t output)
    : model_(&model), output_(output), crop_factor_(crop_of(model, 2.7)) {}

Result<void> LivenessModel::measure(const media::Image& image, const PixelBox& box, Measurements& into) const {
  // Grown as far as the image allows, then moved inside it: the model wants to see the surroundings, not padding.
  const auto width = static_cast<float>(image.width()), height = static_cast<float>(image.height());
  const float factor =
      std::min({crop_factor_, width / std::max(box.width(), 1.0f), height / std::max(box.height(), 1.0f)});
  const float wide = box.width() * factor, high = box.height() * factor;
  const Point centre = box.centre();
  const float left = std::clamp(centre.x - wide / 2, 0.0f, std::max(width - wide, 0.0f));
  const float top = std::clamp(centre.y - high / 2, 0.0f, std::max(height - high, 0.0f));
  const InputForm& form = model_->spec().input;
  const Affine to_image{wide / static_cast<float>(form.width()),  0,  left, 0,
                        high / static_cast<float>(form.height()), top};
  return model_->infer(
      [&](InputTensors& inputs) {
        const int factor_x = std::clamp(static_cast<int>(to_image.a), 1, 256);
        const int factor_y = std::clamp(static_cast<int>(to_image.e), 1, 256);
        const ReducedImage smaller(view_of(image), {left, top, left + wide, top + high}, factor_x, factor_y);
        warp_into(smaller.view(), to_image, Border::Nearest, form, inputs.floats());
      },
      [&](const OutputTensors& outputs) {
        const auto values = outputs.floats(output_);
        const float highest = *std::max_element(values.begin(), values.end());
        double sum = 0;
        for (const float value : values) sum += std::exp(static_cast<double>(value - highest));
        const double live = std::exp(static_cast<double>(values[0] - highest)) / sum;
        const double bounded = std::clamp(live, 1e-6, 1 - 1e-6);
        into.set("liveness.live", live);
        into.set("liveness.live.logit", std::log(bounded / (1 - bounded)));
      });
}

Result<FaceCheckModel> FaceCheckModel::create(ModelPool& model) {
  auto output = model.output_of_size(2);
  if (!output) return fail(output);
  return FaceCheckModel(model, *output);
}

FaceCheckModel::FaceCheckModel(ModelPool& model, std::size_t output) : model_(&model), output_(output) {}

Result<float> FaceCheckModel::face_probability(const ImagePyramid& pixels, const Crop& crop) const {
  const InputForm& form = model_->spec().input;
  Affine to_image = patch_to_image(crop, form.width());
  // The model was trained on exchanged rows and columns.
  std::swap(to_image.a, to_image.b);
  std::swap(to_image.d, to_image.e);
  float probability = 0;
  auto done = model_->infer(
      [&](InputTensors& inputs) {
        warp_into(pixels.view_for(to_image.scale()), to_image, Border::Nearest, form, inputs.floats());
      },
      [&](const OutputTensors& outputs) { probability = outputs.floats(output_)[1]; });
  if (!done) return fail(done);
  return probability;
}

}  // namespace likeness::vision
