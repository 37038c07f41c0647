#pragma once

#include <cstddef>
#include <vector>

#include "vision/face.hpp"

namespace likeness::domain {

enum class QualityFilter { None, Auto, Low, Medium, High };

/// Why a face was not used, in AWS's order.
enum class Reason {
  ExceedsMaxFaces,
  ExtremePose,
  LowBrightness,
  LowSharpness,
  LowConfidence,
  SmallBoundingBox,
  LowFaceQuality,
  FaceNotLargest,  // searches for users by image only
};

/// What a face must have to pass. AWS does not publish its bars; ours are in README.md with their effect.
struct QualityBar {
  float min_confidence = 0;  // percent
  float min_brightness = 0;  // 0..100
  float min_sharpness = 0;   // 0..100
  float max_yaw = 180;       // degrees either way
  float max_pitch = 180;
  int min_pixels = 0;      // shorter side of the box
  float min_combined = 0;  // 0..1: how far over the bars all measures are together; LOW_FACE_QUALITY below
};

const QualityBar& bar_of(QualityFilter filter);

/// All reasons why a face does not pass; empty if it does. Width and height of the upright image in pixels.
std::vector<Reason> reasons_against(const vision::Face& face, QualityFilter filter, int image_width, int image_height);

/// Takes the faces that pass `filter` and keeps the `max_faces` largest of them. `faces` are by falling area and so are
/// both results. The faces with the lowest quality go first, then those with the smallest boxes (IndexFaces, MaxFaces).
struct Sifted {
  struct Refused {
    vision::Face face;
    std::vector<Reason> reasons;
  };
  std::vector<vision::Face> kept;
  std::vector<Refused> refused;
};
Sifted sift(const std::vector<vision::Face>& faces, QualityFilter filter, std::size_t max_faces, int image_width,
            int image_height);

}  // namespace likeness::domain
