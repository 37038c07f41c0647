#pragma once

#include <array>
#include <cstddef>

#include "base/result.hpp"
#include "vision/detect/detectors.hpp"
#include "vision/face.hpp"
#include "vision/pixels/sampler.hpp"
#include "vision/runtime/model_pool.hpp"

namespace likeness::vision {

constexpr std::size_t kMeshPoints = 468;

/// The 468 points of MediaPipe's face mesh, in pixels of the image. z has the scale of x and y and grows away from the
/// camera; its zero is near the middle of the head.
struct FaceMesh {
  struct Vertex {
    float x = 0, y = 0, z = 0;
    Point flat() const { return {x, y}; }
  };
  std::array<Vertex, kMeshPoints> points{};
  float logit = 0;  // that there is a face in the crop
  float angle = 0;  // of the line through the eyes, radians clockwise
  Crop crop;        // what the model saw

  Point at(std::size_t index) const { return points[index].flat(); }
};

/// Runs the mesh model: first on the box, then on the crop that the found mesh itself suggests, which steadies the
/// points. Borrows the model; thread-safe.
class MeshModel {
 public:
  static Result<MeshModel> create(ModelPool& model);

  /// The square that the model wants to see around a detector's box.
  Crop crop_for(const Candidate& candidate) const;
  /// The square around a mesh, eyes level, `factor` times its longer side.
  static Crop crop_around(const FaceMesh& mesh, float factor);

  Result<FaceMesh> run(const ImagePyramid& pixels, const Crop& crop) const;
  /// Two runs, the second from the mesh of the first, and more while the eyes are not level in the crop.
  Result<FaceMesh> refine(const ImagePyramid& pixels, const Crop& crop) const;
  /// As `refine`; when the model is in doubt, also with the crop turned by quarters.
  Result<FaceMesh> settle(const ImagePyramid& pixels, const Crop& crop) const;

 private:
  MeshModel(ModelPool& model, std::size_t points, std::size_t logit);
  ModelPool* model_;
  std::size_t points_, logit_;
  float crop_factor_;
};

/// Centres of the eyes (the viewer's left first), nose, corners of the mouth: what the embedding is aligned by.
std::array<Point, 5> five_points(const FaceMesh& mesh);

/// The 30 landmarks in pixels. Pupils are the eye centres; the iris model knows better.
std::array<Point, kLandmarkCount> landmarks_of(const FaceMesh& mesh);

/// AWS's signs, taken from its published answers: roll grows clockwise on the screen, yaw is positive when the face
/// turns to the viewer's right, pitch when it looks up.
Pose pose_of(const FaceMesh& mesh);

/// AWS's box reaches from cheek to cheek and from somewhat above the hairline's lower edge to just under the chin. Its
/// proportions to the landmarks were taken from published answers (README.md).
PixelBox face_box(const FaceMesh& mesh);

}  // namespace likeness::vision
