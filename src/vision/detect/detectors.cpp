#include "vision/detect/detectors.hpp"

#include <algorithm>
#include <cmath>

namespace likeness::vision {
namespace {

constexpr std::size_t kAnchors = 896;
constexpr std::size_t kRegressors = 16;  // centre, size, 6 points

/// From the model's input to the image: stretches `area` over it.
Affine stretch(const PixelBox& area, int width, int height) {
  return {area.width() / static_cast<float>(width),   0,       area.left, 0,
          area.height() / static_cast<float>(height), area.top};
}

/// `area` made smaller by whole numbers so that the warp that follows takes at most two pixels for one.
ReducedImage reduced(const media::Image& image, const PixelBox& area, const Affine& to_image) {
  const int factor_x = std::clamp(static_cast<int>(to_image.a), 1, 256);
  const int factor_y = std::clamp(static_cast<int>(to_image.e), 1, 256);
  if (factor_x == 1 && factor_y == 1) return {};
  return {view_of(image), area, factor_x, factor_y};
}

}  // namespace

float sigmoid(float logit) { return 1 / (1 + std::exp(-logit)); }

Result<UprightDetector> UprightDetector::create(ModelPool& model) {
  auto scores = model.output_named("scores");
  if (!scores) return fail(scores);
  auto boxes = model.output_named("boxes");
  if (!boxes) return fail(boxes);
  return UprightDetector(model, *scores, *boxes);
}

UprightDetector::UprightDetector(ModelPool& model, std::size_t scores, std::size_t boxes)
    : model_(&model),
      scores_(scores),
      boxes_(boxes),
      score_threshold_(static_cast<float>(model.spec().parameter("score", 0.65))),
      overlap_threshold_(static_cast<float>(model.spec().parameter("nms", 0.4))) {}

Result<std::vector<ScoredBox>> UprightDetector::detect(const media::Image& image, const PixelBox& area,
                                                       float score) const {
  const InputForm& form = model_->spec().input;
  const Affine to_image = stretch(area, form.width(), form.height());
  std::vector<ScoredBox> found;
  auto done = model_->infer(
      [&](InputTensors& inputs) {
        const ReducedImage smaller = reduced(image, area, to_image);
        warp_into(smaller.empty() ? view_of(image) : smaller.view(), to_image, Border::Grey, form, inputs.floats());
      },
      [&](const OutputTensors& outputs) {
        const auto scores = outputs.floats(scores_), boxes = outputs.floats(boxes_);
        for (std::size_t i = 0; i < scores.size() / 2; ++i) {
          if (scores[i * 2 + 1] < score) continue;
          const float* box = &boxes[i * 4];
          found.push_back({{area.left + box[0] * area.width(), area.top + box[1] * area.height(),
                            area.left + box[2] * area.width(), area.top + box[3] * area.height()},
                           scores[i * 2 + 1]});
        }
      });
  if (!done) return fail(done);
  return found;
}

std::vector<Point> blaze_face_anchors() {
  std::vector<Point> anchors;
  anchors.reserve(kAnchors);
  for (const auto& [cells, each] : {std::pair{16, 2}, std::pair{8, 6}})
    for (int y = 0; y < cells; ++y)
      for (int x = 0; x < cells; ++x)
        for (int i = 0; i < each; ++i)
          anchors.push_back({(static_cast<float>(x) + 0.5f) / static_cast<float>(cells),
                             (static_cast<float>(y) + 0.5f) / static_cast<float>(cells)});
  return anchors;
}

Result<RotatedDetector> RotatedDetector::create(ModelPool& model) {
  auto regressors = model.output_of_size(kAnchors * kRegressors);
  if (!regressors) return fail(regressors);
  auto logits = model.output_of_size(kAnchors);
  if (!logits) return fail(logits);
  return RotatedDetector(model, *regressors, *logits);
}

RotatedDetector::RotatedDetector(ModelPool& model, std::size_t regressors, std::size_t logits)
    : model_(&model), regressors_(regressors), logits_(logits) {}

Result<std::vector<Candidate>> RotatedDetector::detect(const media::Image& image, const PixelBox& area,
                                                       float score) const {
  const InputForm& form = model_->spec().input;
  const auto side = static_cast<float>(form.width());
  const float longer = std::max(area.width(), area.height());
  const Point centre = area.centre();
  const PixelBox square{centre.x - longer / 2, centre.y - longer / 2, centre.x + longer / 2, centre.y + longer / 2};
  const Affine to_image = stretch(square, form.width(), form.height());

  std::vector<ScoredBox> boxes;
  std::vector<std::array<Point, 2>> eyes;
  auto done = model_->infer(
      [&](InputTensors& inputs) {
        const ReducedImage smaller = reduced(image, square, to_image);
        warp_into(smaller.empty() ? view_of(image) : smaller.view(), to_image, Border::Black, form, inputs.floats());
      },
      [&](const OutputTensors& outputs) {
        const std::vector<Point> anchors = blaze_face_anchors();
        const auto logits = outputs.floats(logits_), values = outputs.floats(regressors_);
        for (std::size_t i = 0; i < anchors.size(); ++i) {
          const float probability = sigmoid(logits[i]);
          if (probability < score) continue;
          const float* v = &values[i * kRegressors];
          const auto place = [&](float x, float y) {
            return Point{square.left + (anchors[i].x + x / side) * longer,
                         square.top + (anchors[i].y + y / side) * longer};
          };
          const Point middle_point = place(v[0], v[1]);
          const float half_width = v[2] / side * longer / 2, half_height = v[3] / side * longer / 2;
          boxes.push_back({{middle_point.x - half_width, middle_point.y - half_height, middle_point.x + half_width,
                            middle_point.y + half_height},
                           probability});
          eyes.push_back({place(v[4], v[5]), place(v[6], v[7])});
        }
      });
  if (!done) return fail(done);

  std::vector<Candidate> found;
  for (const auto& group : overlap_groups(boxes, 0.3f)) {
    const ScoredBox mean = weighted_mean(boxes, group);
    Point left{}, right{};
    for (const std::size_t index : group) {
      left = left + eyes[index][0] * boxes[index].score;
      right = right + eyes[index][1] * boxes[index].score;
    }
    found.push_back({mean.box, mean.score, std::atan2(right.y - left.y, right.x - left.x), -1});
  }
  return found;
}

}  // namespace likeness::vision
