#pragma once

#include "vision/face/mesh.hpp"
#include "vision/measurements.hpp"
#include "vision/pixels/sampler.hpp"

/// Measured on pixels and points directly, without a model.
namespace likeness::vision {

/// Proportions of the face, in its own three-dimensional frame and in units of the distance between the outer corners
/// of the eyes: smile, mouth, brows. All names begin with "mesh.".
void measure_shape(const FaceMesh& mesh, Measurements& into);

/// Brightness and sharpness ("quality."), and colour, texture and edges of the regions where glasses, beards and masks
/// sit ("texture."), relative to the face's own skin.
void measure_appearance(const ImagePyramid& pixels, const FaceMesh& mesh, Measurements& into);

}  // namespace likeness::vision
