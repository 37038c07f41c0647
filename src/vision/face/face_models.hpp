#pragma once

#include <array>
#include <span>
#include <vector>

#include "base/result.hpp"
#include "vision/face.hpp"
#include "vision/face/mesh.hpp"
#include "vision/measurements.hpp"
#include "vision/pixels/sampler.hpp"
#include "vision/runtime/model_pool.hpp"

/// The models that look at one face each: where they look and what they measure. Each borrows its model and is
/// thread-safe. What they add to the Measurements is listed in README.md.
namespace likeness::vision {

/// Eyelids and iris of both eyes.
class EyeModel {
 public:
  static Result<EyeModel> create(ModelPool& model);

  struct Eye {
    Point iris;          // centre, in pixels of the image
    float openness = 0;  // height of the opening / its width
    float sideways = 0;  // offset of the iris from the middle of the corners / width of the eye, to the viewer's right
    float upwards = 0;   // the same at right angles
  };
  /// `eye` 0 is the viewer's left one, 1 the other.
  Result<Eye> measure(const ImagePyramid& pixels, const FaceMesh& mesh, int eye) const;
  static void note(const Eye& left, const Eye& right, Measurements& into);

 private:
  EyeModel(ModelPool& model, std::size_t contour, std::size_t iris);
  ModelPool* model_;
  std::size_t contour_, iris_;
  float crop_factor_;
};

/// Age and gender, and the 1024 features they come from.
class AgeGenderModel {
 public:
  static Result<AgeGenderModel> create(ModelPool& model);
  Result<void> measure(const ImagePyramid& pixels, const FaceMesh& mesh, Measurements& into) const;

 private:
  AgeGenderModel(ModelPool& model, std::size_t gender, std::size_t age, std::size_t features);
  ModelPool* model_;
  std::size_t gender_, age_, features_;
  float crop_factor_;
};

/// Seven expressions.
class EmotionModel {
 public:
  static Result<EmotionModel> create(ModelPool& model);
  Result<void> measure(const ImagePyramid& pixels, const FaceMesh& mesh, Measurements& into) const;

 private:
  EmotionModel(ModelPool& model, std::size_t output);
  ModelPool* model_;
  std::size_t output_;
  float crop_factor_;
};

/// The vector by which faces are compared: that of the face and, unless the manifest's parameter "mirror" is 0, that of
/// its mirror image added, which brings a few more pairs of one person together for twice the time (README.md).
class EmbeddingModel {
 public:
  static Result<EmbeddingModel> create(ModelPool& model);
  int passes() const { return mirrored_too_ ? 2 : 1; }
  /// The model's own output.
  Result<std::vector<float>> run(const ImagePyramid& pixels, const FaceMesh& mesh, bool mirrored) const;
  /// `mirror_image` may be empty.
  static Embedding combine(std::span<const float> face, std::span<const float> mirror_image);

 private:
  EmbeddingModel(ModelPool& model, std::size_t output);
  ModelPool* model_;
  std::size_t output_;
  bool mirrored_too_;
};

/// Live person or picture of one.
class LivenessModel {
 public:
  static Result<LivenessModel> create(ModelPool& model);
  Result<void> measure(const media::Image& image, const PixelBox& box, Measurements& into) const;

 private:
  LivenessModel(ModelPool& model, std::size_t output);
  ModelPool* model_;
  std::size_t output_;
  float crop_factor_;
};

/// A second opinion on doubtful findings: 0..1 that there is a human face in the square around the box.
class FaceCheckModel {
 public:
  static Result<FaceCheckModel> create(ModelPool& model);
  Result<float> face_probability(const ImagePyramid& pixels, const Crop& crop) const;

 private:
  FaceCheckModel(ModelPool& model, std::size_t output);
  ModelPool* model_;
  std::size_t output_;
};

}  // namespace likeness::vision
