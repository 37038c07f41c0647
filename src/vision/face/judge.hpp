#pragma once

#include <string_view>

#include "base/result.hpp"
#include "vision/calibration.hpp"
#include "vision/face.hpp"
#include "vision/measurements.hpp"

namespace likeness::vision {

/// Which models must look at a face.
struct Stages {
  bool eyes = false, age_gender = false, emotion = false, embedding = false, liveness = false;
  bool blendshapes = false, expression = false, small_age = false, second_age = false, lids = false;

  static constexpr Stages all() { return {true, true, true, true, true, true, true, true, true, true}; }
};

/// Makes findings of measurements, by the calibration. Immutable; thread-safe.
class FaceJudge {
 public:
  /// Error "InvalidCalibration" if a head or curve is missing.
  static Result<FaceJudge> create(Calibration calibration);

  /// The models whose measurements the heads of the wanted features read.
  Stages stages(Features wanted) const;

  /// From the detector's, the mesh's and the checker's opinion.
  bool is_face(const Measurements& measured) const;

  /// Fills in confidence, quality and the wanted features, except for the embedding.
  void judge(const Measurements& measured, Features wanted, Face& face) const;

  float similarity(float cosine) const;
  float cosine_for(float similarity) const;
  double false_match_rate(float similarity) const;

 private:
  explicit FaceJudge(Calibration calibration) : calibration_(std::move(calibration)) {}
  Calibration calibration_;
};

}  // namespace likeness::vision
