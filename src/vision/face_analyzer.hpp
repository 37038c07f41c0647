#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "media/image.hpp"
#include "vision/face.hpp"

namespace likeness::vision {

struct AnalyzeOptions {
  Features wanted;
  int max_faces = 100;  // the largest ones are kept
};

/// Finds faces and says what is on them. Blocking; safe from any number of threads at once; the same pixels give the
/// same numbers whatever else runs. An interface so that the rules above it can be tested without models.
class FaceAnalyzer {
 public:
  virtual ~FaceAnalyzer() = default;

  /// Faces by falling box area, at most `max_faces`; empty when there is none.
  /// Errors: "Throttling" when too many requests wait already, "Internal" when a model fails.
  virtual Result<std::vector<Face>> analyze(const media::Image& image, const AnalyzeOptions& options) = 0;

  /// Version of the embedding model, as collections keep it ("7.0" in AWS's form). Embeddings of different versions do
  /// not compare.
  virtual std::string face_model_version() const = 0;

  /// Similarity in percent (0..100) of two faces whose embeddings have this cosine: a calibrated, rising map
  /// (docs/accuracy.md has the false-match rate at each value), and its inverse.
  virtual float similarity(float cosine) const = 0;
  virtual float cosine_for(float similarity) const = 0;
  /// The share of pairs of different people that reach this similarity, as measured; for people, not for the wire.
  virtual double false_match_rate(float similarity) const = 0;
};

}  // namespace likeness::vision
