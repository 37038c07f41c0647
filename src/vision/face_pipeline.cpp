#include "vision/face_pipeline.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>

#include "vision/detect/finder.hpp"
#include "vision/face/appearance.hpp"
#include "vision/face/attribute_models.hpp"
#include "vision/face/face_models.hpp"
#include "vision/face/judge.hpp"
#include "vision/face/mesh.hpp"

namespace likeness::vision {
namespace {

/// More places than this are not looked at more closely: bounds the work and memory of one photo.
constexpr std::size_t kMostCandidates = 400;
/// Image pixels per model pixel that the most demanding model (age and gender, 224 pixels over 1.2 boxes) asks for.
constexpr float kFinestModelPixels = 224 / 1.2f;
constexpr float kPyramidArea = 2.2f;  // of the box: the mesh's crops stay inside
/// Boxes of two findings of one face.
constexpr float kSameFace = 0.45f;

/// What is known of one face while a photo is worked on.
struct Work {
  Candidate candidate;
  std::optional<ImagePyramid> pixels;
  FaceMesh mesh;
  PixelBox box;
  bool accepted = false;
  Measurements measured;

  // One slot for each model that looks at it, so that they can run at the same time.
  EyeModel::Eye eyes[2];
  Measurements age_gender, emotion, liveness, appearance;
  std::vector<float> vectors[2];
  Measurements blendshapes, expression, small_age, second_age, lids;
  std::optional<Embedding> embedding;
};

PixelBox grown(const PixelBox& box, float factor) {
  const Point centre = box.centre();
  const float half = std::max(box.width(), box.height()) * factor / 2;
  return {centre.x - half, centre.y - half, centre.x + half, centre.y + half};
}

struct Models {
  MeshModel mesh;
  FaceCheckModel check;
  EyeModel eyes;
  AgeGenderModel age_gender;
  EmotionModel emotion;
  EmbeddingModel embedding;
  LivenessModel liveness;
  BlendshapeModel blendshapes;
  ExpressionModel expression;
  SmallAgeGenderModel small_age;
  SecondAgeGenderModel second_age;
  EyeStateModel lids;
};

class Pipeline final : public FacePipeline {
 public:
  Pipeline(Runtime& runtime, FaceFinder finder, Models models, FaceJudge judge, std::string version)
      : runtime_(runtime), finder_(finder), models_(models), judge_(std::move(judge)), version_(std::move(version)) {}

  Result<std::vector<Face>> analyze(const media::Image& image, const AnalyzeOptions& options) override {
    auto measured = measure(image, options, {});
    if (!measured) return fail(measured);
    std::vector<Face> faces;
    faces.reserve(measured->size());
    for (const MeasuredFace& one : *measured) faces.push_back(one.face);
    return faces;
  }

  Result<std::vector<MeasuredFace>> measure(const media::Image& image, const AnalyzeOptions& options,
                                            const MeasureOptions& more) override {
    std::vector<MeasuredFace> faces;
    if (image.empty()) return faces;
    // One request in the line of the workers, whose parts spread from there.
    auto done = runtime_.workers().run([&]() -> Result<void> {
      const auto most = static_cast<std::size_t>(std::max(options.max_faces, 0));
      auto found = find(image, most, more.keep_rejected);
      if (!found) return fail(found);
      if (found->size() > most) found->resize(most);
      if (auto looked = look(image, *found, more.every_model ? Stages::all() : judge_.stages(options.wanted)); !looked)
        return looked;
      for (Work& work : *found) faces.push_back(finish(image, work, options.wanted));
      return {};
    });
    if (!done) return fail(done);
    return faces;
  }

  std::string face_model_version() const override { return version_; }
  float similarity(float cosine) const override { return judge_.similarity(cosine); }
  float cosine_for(float similarity) const override { return judge_.cosine_for(similarity); }
  double false_match_rate(float similarity) const override { return judge_.false_match_rate(similarity); }

 private:
  /// Faces by falling area of their box; `most` of them are enough.
  Result<std::vector<Work>> find(const media::Image& image, std::size_t most, bool keep_rejected) const {
    const auto accepted = [](const Work& work) { return work.accepted; };
    auto upright = finder_.find_upright(image, most);
    if (!upright) return fail(upright);
    if (upright->size() > kMostCandidates) upright->resize(kMostCandidates);
    std::sort(upright->begin(), upright->end(),
              [](const Candidate& a, const Candidate& b) { return a.box.area() > b.box.area(); });
    // The largest first, and what comes so close in size that its mesh may make it the larger one.
    Result<std::vector<Work>> works;
    for (std::size_t done = 0; done < upright->size();) {
      const auto have = static_cast<std::size_t>(std::count_if(works->begin(), works->end(), accepted));
      if (have >= most && !keep_rejected) break;
      std::size_t end =
          keep_rejected ? upright->size() : std::min(upright->size(), done + std::max<std::size_t>(most - have, 1));
      const float limit = FaceFinder::kNearlyAsLarge * (*upright)[end - 1].box.area();
      while (end < upright->size() && (*upright)[end].box.area() > limit) ++end;
      auto more = examine(image, {upright->begin() + static_cast<std::ptrdiff_t>(done),
                                  upright->begin() + static_cast<std::ptrdiff_t>(end)});
      if (!more) return more;
      std::move(more->begin(), more->end(), std::back_inserter(*works));
      done = end;
    }
    if (std::none_of(works->begin(), works->end(), accepted)) {
      auto rotated = finder_.find_rotated(image);
      if (!rotated) return fail(rotated);
      if (rotated->size() > kMostCandidates) rotated->resize(kMostCandidates);
      auto more = examine(image, *rotated);
      if (!more) return more;
      std::move(more->begin(), more->end(), std::back_inserter(*works));
    }
    std::vector<ScoredBox> boxes;
    for (const Work& work : *works)
      boxes.push_back({work.box, (work.accepted ? 1.0f : 0.0f) + 0.5f * work.candidate.score});
    std::vector<Work> kept;
    for (const std::size_t index : suppress(boxes, kSameFace)) {
      Work& work = (*works)[index];
      if (!work.accepted && !keep_rejected) continue;
      const bool inside = std::any_of(kept.begin(), kept.end(), [&](const Work& better) {
        return better.accepted && share_of_smaller(better.box, work.box) > 0.8f;
      });
      if (!inside || keep_rejected) kept.push_back(std::move(work));
    }
    std::vector<float> areas;
    areas.reserve(kept.size());
    for (const Work& work : kept) areas.push_back(work.box.area());
    std::vector<Work> sorted;
    sorted.reserve(kept.size());
    for (const std::size_t index : falling_order(areas)) sorted.push_back(std::move(kept[index]));
    return sorted;
  }

  /// Lays the mesh on every candidate and decides which are faces.
  Result<std::vector<Work>> examine(const media::Image& image, const std::vector<Candidate>& candidates) const {
    std::vector<Work> works(candidates.size());
    auto done = runtime_.workers().run(works.size(), [&](std::size_t i) -> Result<void> {
      Work& work = works[i];
      work.candidate = candidates[i];
      const PixelBox& box = work.candidate.box;
      work.pixels.emplace(image, grown(box, kPyramidArea), std::max(box.width(), box.height()) / kFinestModelPixels);
      const Crop crop = models_.mesh.crop_for(work.candidate);
      auto mesh = work.candidate.score >= finder_.sure_score() ? models_.mesh.settle(*work.pixels, crop)
                                                               : models_.mesh.refine(*work.pixels, crop);
      if (!mesh) return fail(mesh);
      work.mesh = *mesh;
      work.box = face_box(work.mesh);
      work.measured.set("detector.score", work.candidate.score);
      work.measured.set("detector.level", work.candidate.level);
      work.measured.set("detector.width", box.width());
      work.measured.set("mesh.logit", mesh->logit);
      work.measured.set("mesh.opinion", sigmoid(mesh->logit / 2));
      work.measured.set("mesh.match", iou(work.box, box));
      auto check = models_.check.face_probability(*work.pixels, MeshModel::crop_around(work.mesh, 1.1f));
      if (!check) return fail(check);
      work.measured.set("check.face", *check);
      const double bounded = std::clamp(static_cast<double>(*check), 3e-4, 1 - 3e-4);
      work.measured.set("check.face.logit", std::log(bounded / (1 - bounded)));
      work.accepted = judge_.is_face(work.measured);
      return {};
    });
    if (!done) return fail(done);
    return works;
  }

  /// Runs the models that the stages name on every face, spread over the workers: model after model, because one that
  /// has just run on another face is still in the caches.
  Result<void> look(const media::Image& image, std::vector<Work>& works, const Stages& stages) const {
    std::vector<std::function<Result<void>()>> parts;
    const auto on_each = [&](bool wanted, auto measure) {
      if (!wanted) return;
      for (Work& work : works) parts.emplace_back([&work, measure] { return measure(work); });
    };
    on_each(stages.age_gender,
            [&](Work& work) { return models_.age_gender.measure(*work.pixels, work.mesh, work.age_gender); });
    for (int pass = 0; pass < models_.embedding.passes(); ++pass)
      on_each(stages.embedding, [&, pass](Work& work) -> Result<void> {
        auto vector = models_.embedding.run(*work.pixels, work.mesh, pass == 1);
        if (!vector) return fail(vector);
        work.vectors[pass] = std::move(*vector);
        return {};
      });
    on_each(stages.liveness,
            [&](Work& work) { return models_.liveness.measure(image, work.candidate.box, work.liveness); });
    on_each(stages.emotion, [&](Work& work) { return models_.emotion.measure(*work.pixels, work.mesh, work.emotion); });
    on_each(stages.blendshapes,
            [&](Work& work) { return models_.blendshapes.measure(*work.pixels, work.mesh, work.blendshapes); });
    on_each(stages.expression,
            [&](Work& work) { return models_.expression.measure(*work.pixels, work.mesh, work.expression); });
    on_each(stages.small_age,
            [&](Work& work) { return models_.small_age.measure(*work.pixels, work.mesh, work.small_age); });
    on_each(stages.second_age,
            [&](Work& work) { return models_.second_age.measure(*work.pixels, work.mesh, work.second_age); });
    on_each(stages.lids, [&](Work& work) { return models_.lids.measure(*work.pixels, work.mesh, work.lids); });
    for (int eye = 0; eye < 2; ++eye)
      on_each(stages.eyes, [&, eye](Work& work) -> Result<void> {
        auto measured = models_.eyes.measure(*work.pixels, work.mesh, eye);
        if (!measured) return fail(measured);
        work.eyes[eye] = *measured;
        return {};
      });
    on_each(true, [](Work& work) -> Result<void> {
      measure_shape(work.mesh, work.appearance);
      measure_appearance(*work.pixels, work.mesh, work.appearance);
      return {};
    });
    if (parts.empty()) return {};
    auto done = runtime_.workers().run(parts.size(), [&](std::size_t i) { return parts[i](); });
    if (!done) return done;
    for (Work& work : works) {
      if (stages.eyes) EyeModel::note(work.eyes[0], work.eyes[1], work.measured);
      for (const Measurements* part :
           {&work.appearance, &work.age_gender, &work.emotion, &work.liveness, &work.blendshapes, &work.expression,
            &work.small_age, &work.second_age, &work.lids})
        work.measured.add(*part);
      if (stages.embedding) {
        work.embedding = EmbeddingModel::combine(work.vectors[0], work.vectors[1]);
        work.measured.set_vector("embedding", *work.embedding);
      }
    }
    return {};
  }

  MeasuredFace finish(const media::Image& image, Work& work, Features wanted) const {
    MeasuredFace result;
    Face& face = result.face;
    const auto width = static_cast<float>(image.width()), height = static_cast<float>(image.height());
    face.box = {work.box.left / width, work.box.top / height, work.box.width() / width, work.box.height() / height};
    auto points = landmarks_of(work.mesh);
    if (judge_.stages(wanted).eyes) {
      // Pupils of closed eyes are guesses of the model, still better than the middle of the lids.
      for (int eye = 0; eye < 2; ++eye)
        points[static_cast<std::size_t>(eye == 0 ? LandmarkType::LeftPupil : LandmarkType::RightPupil)] =
            work.eyes[eye].iris;
    }
    for (std::size_t i = 0; i < kLandmarkCount; ++i)
      face.landmarks[i] = {static_cast<LandmarkType>(i), points[i].x / width, points[i].y / height};
    face.pose = pose_of(work.mesh);
    work.measured.set("face.width", work.box.width());
    work.measured.set("face.height", work.box.height());
    judge_.judge(work.measured, wanted, face);
    if (!work.accepted) face.confidence = 0;
    if (wanted.has(Feature::Embedding)) face.embedding = work.embedding;
    result.candidate = work.candidate;
    result.measured = std::move(work.measured);
    return result;
  }

  Runtime& runtime_;
  FaceFinder finder_;
  Models models_;
  FaceJudge judge_;
  std::string version_;
};

/// Makes a wrapper of the model that plays a role.
template <class Model>
Result<Model> wrap(Runtime& runtime, std::string_view role) {
  auto pool = runtime.model(role);
  if (!pool) return fail(pool);
  return Model::create(**pool);
}

template <class Model>
Result<Model> wrap_two(Runtime& runtime, std::string_view first_role, std::string_view second_role) {
  auto first = runtime.model(first_role);
  if (!first) return fail(first);
  auto second = runtime.model(second_role);
  if (!second) return fail(second);
  return Model::create(**first, **second);
}

}  // namespace

Result<std::unique_ptr<FacePipeline>> FacePipeline::create(Runtime& runtime, Calibration calibration) {
  auto loaded = runtime.load({"face_detector", "face_detector_rotated", "face_mesh", "not_a_face", "iris", "age_gender",
                              "emotion", "face_embedding", "face_liveness", "face_mesh_fine", "face_blendshapes",
                              "face_expression", "age_gender_small", "age_second", "gender_second", "eye_state"});
  if (!loaded) return fail(loaded);
  auto judge = FaceJudge::create(std::move(calibration));
  if (!judge) return fail(judge);
  auto upright = wrap<UprightDetector>(runtime, "face_detector");
  if (!upright) return fail(upright);
  auto rotated = wrap<RotatedDetector>(runtime, "face_detector_rotated");
  if (!rotated) return fail(rotated);
  auto mesh = wrap<MeshModel>(runtime, "face_mesh");
  if (!mesh) return fail(mesh);
  auto check = wrap<FaceCheckModel>(runtime, "not_a_face");
  if (!check) return fail(check);
  auto eyes = wrap<EyeModel>(runtime, "iris");
  if (!eyes) return fail(eyes);
  auto age_gender = wrap<AgeGenderModel>(runtime, "age_gender");
  if (!age_gender) return fail(age_gender);
  auto emotion = wrap<EmotionModel>(runtime, "emotion");
  if (!emotion) return fail(emotion);
  auto embedding = wrap<EmbeddingModel>(runtime, "face_embedding");
  if (!embedding) return fail(embedding);
  auto liveness = wrap<LivenessModel>(runtime, "face_liveness");
  if (!liveness) return fail(liveness);
  auto blendshapes = wrap_two<BlendshapeModel>(runtime, "face_mesh_fine", "face_blendshapes");
  if (!blendshapes) return fail(blendshapes);
  auto expression = wrap<ExpressionModel>(runtime, "face_expression");
  if (!expression) return fail(expression);
  auto small_age = wrap<SmallAgeGenderModel>(runtime, "age_gender_small");
  if (!small_age) return fail(small_age);
  auto second_age = wrap_two<SecondAgeGenderModel>(runtime, "age_second", "gender_second");
  if (!second_age) return fail(second_age);
  auto lids = wrap<EyeStateModel>(runtime, "eye_state");
  if (!lids) return fail(lids);
  auto embedding_spec = runtime.registry().find("face_embedding");
  if (!embedding_spec) return fail(embedding_spec);
  const double version = (*embedding_spec)->parameter("face_model_version", 7);
  return std::make_unique<Pipeline>(runtime, FaceFinder(runtime.workers(), *upright, *rotated),
                                    Models{*mesh, *check, *eyes, *age_gender, *emotion, *embedding, *liveness,
                                           *blendshapes, *expression, *small_age, *second_age, *lids},
                                    std::move(*judge), fmt::format("{:.1f}", version));
}

Result<Calibration> load_calibration(const std::optional<std::filesystem::path>& file) {
  if (!file) return Calibration::built_in();
  std::ifstream stream(*file, std::ios::binary);
  std::ostringstream text;
  if (!stream || !(text << stream.rdbuf()))
    return client_error("NotFound", fmt::format("The calibration {} cannot be read.", file->string()));
  return Calibration::parse(text.str());
}

Result<std::unique_ptr<FaceAnalyzer>> make_face_analyzer(Runtime& runtime, const FaceAnalyzerSettings& settings) {
  auto calibration = load_calibration(settings.calibration);
  if (!calibration) return fail(calibration);
  auto pipeline = FacePipeline::create(runtime, std::move(*calibration));
  if (!pipeline) return fail(pipeline);
  return std::unique_ptr<FaceAnalyzer>(std::move(*pipeline));
}

}  // namespace likeness::vision
