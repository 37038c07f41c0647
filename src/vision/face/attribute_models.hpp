#pragma once

#include "base/result.hpp"
#include "vision/face/mesh.hpp"
#include "vision/measurements.hpp"
#include "vision/pixels/sampler.hpp"
#include "vision/runtime/model_pool.hpp"

/// Further models that look at one face each, chosen because they measured better than what stood there before
/// (docs/accuracy.md). Each borrows its models and is thread-safe. What they add to the Measurements is listed in
/// README.md.
namespace likeness::vision {

/// A finer mesh of 478 points and, made from it, the strength of 51 movements of the face. The two sides of the face
/// are averaged: an attribute does not depend on which corner of the mouth moves.
class BlendshapeModel {
 public:
  static Result<BlendshapeModel> create(ModelPool& fine_mesh, ModelPool& blendshapes);
  /// "blend.*", "fine.*"; vector "blend.root": the square roots of the 31 strengths, in the order of ARKit's names.
  Result<void> measure(const ImagePyramid& pixels, const FaceMesh& mesh, Measurements& into) const;

 private:
  BlendshapeModel(ModelPool& fine_mesh, ModelPool& blendshapes, std::size_t points, std::size_t strengths);
  ModelPool *fine_mesh_, *blendshapes_;
  std::size_t points_, strengths_;
  float crop_factor_;
};

/// Seven expressions as logits, mean of the face and its mirror image: "expression.*".
class ExpressionModel {
 public:
  static Result<ExpressionModel> create(ModelPool& model);
  Result<void> measure(const ImagePyramid& pixels, const FaceMesh& mesh, Measurements& into) const;

 private:
  ExpressionModel(ModelPool& model, std::size_t output);
  ModelPool* model_;
  std::size_t output_;
  float crop_factor_;
};

/// Age in years and the logit of male: "years.small", "male.small.logit".
class SmallAgeGenderModel {
 public:
  static Result<SmallAgeGenderModel> create(ModelPool& model);
  Result<void> measure(const ImagePyramid& pixels, const FaceMesh& mesh, Measurements& into) const;

 private:
  SmallAgeGenderModel(ModelPool& model, std::size_t age, std::size_t gender);
  ModelPool* model_;
  std::size_t age_, gender_;
  float crop_factor_;
};

/// A second opinion on both, from models trained on other people: "years.second", "male.second.logit".
class SecondAgeGenderModel {
 public:
  static Result<SecondAgeGenderModel> create(ModelPool& age, ModelPool& gender);
  Result<void> measure(const ImagePyramid& pixels, const FaceMesh& mesh, Measurements& into) const;

 private:
  SecondAgeGenderModel(ModelPool& age, ModelPool& gender, std::size_t age_output, std::size_t gender_output);
  ModelPool *age_, *gender_;
  std::size_t age_output_, gender_output_;
};

/// Open or closed, as a classifier of small grey patches sees it: "lids.closed.*", logits of closed.
class EyeStateModel {
 public:
  static Result<EyeStateModel> create(ModelPool& model);
  Result<void> measure(const ImagePyramid& pixels, const FaceMesh& mesh, Measurements& into) const;

 private:
  EyeStateModel(ModelPool& model, std::size_t output);
  ModelPool* model_;
  std::size_t output_;
};

}  // namespace likeness::vision
