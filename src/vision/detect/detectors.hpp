#pragma once

#include <array>
#include <span>
#include <vector>

#include "base/result.hpp"
#include "media/image.hpp"
#include "vision/geometry/boxes.hpp"
#include "vision/pixels/sampler.hpp"
#include "vision/runtime/model_pool.hpp"

namespace likeness::vision {

/// A place where a face may be.
struct Candidate {
  PixelBox box;
  float score = 0;  // the detector's own, 0..1
  float angle = 0;  // radians, clockwise; 0 = upright. Detectors without points leave it 0.
  int level = 0;    // 0 = seen in the whole image, 1 and up = in tiles of that level, -1 = by the rotated detector
};

/// Finds upright faces: one run of the model over one rectangle of the image. Borrows the model; thread-safe.
class UprightDetector {
 public:
  static Result<UprightDetector> create(ModelPool& model);

  /// `area` is stretched to the model's input; where it reaches over the border there is grey. Everything with a score
  /// of at least `score` comes back, unsorted and with duplicates, in image coordinates.
  Result<std::vector<ScoredBox>> detect(const media::Image& image, const PixelBox& area, float score) const;

  float score_threshold() const { return score_threshold_; }
  float overlap_threshold() const { return overlap_threshold_; }
  int input_width() const { return model_->spec().input.width(); }
  int input_height() const { return model_->spec().input.height(); }

 private:
  UprightDetector(ModelPool& model, std::size_t scores, std::size_t boxes);
  ModelPool* model_;
  std::size_t scores_, boxes_;
  float score_threshold_, overlap_threshold_;
};

/// Finds faces turned by any angle in the plane, with the angle. Weaker than the upright one on small faces.
/// Borrows the model; thread-safe.
class RotatedDetector {
 public:
  static Result<RotatedDetector> create(ModelPool& model);

  /// `area` is letterboxed into the model's square. Suppressed already; by falling score.
  Result<std::vector<Candidate>> detect(const media::Image& image, const PixelBox& area, float score) const;

 private:
  RotatedDetector(ModelPool& model, std::size_t regressors, std::size_t logits);
  ModelPool* model_;
  std::size_t regressors_, logits_;
};

/// Centres of the anchors of the rotated detector (MediaPipe's "back" model of 256 x 256), 0..1: a grid of 16 x 16 with
/// two anchors at each place, then 8 x 8 with six. All have size 1.
std::vector<Point> blaze_face_anchors();

float sigmoid(float logit);

}  // namespace likeness::vision
