#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "domain/caller.hpp"
#include "domain/faces/quality_filter.hpp"
#include "domain/image_source.hpp"
#include "vision/face_analyzer.hpp"

namespace likeness::domain {

/// What needs no collection: finding and comparing faces. Thread-safe; blocking. Errors: those of load_image,
/// ThrottlingException.
class Detection {
 public:
  struct Comparison {
    struct Match {
      float similarity = 0;  // percent
      vision::Face face;
    };
    vision::Face source;
    std::vector<Match> matches;           // falling similarity
    std::vector<vision::Face> unmatched;  // falling area
  };

  Detection(vision::FaceAnalyzer& analyzer, ObjectReader& objects, ImageLimits limits)
      : analyzer_(analyzer), objects_(objects), limits_(limits) {}

  /// The 100 largest faces, largest first; empty if there is none.
  Result<std::vector<vision::Face>> detect(const Caller& caller, const ImageSource& image, vision::Features attributes);

  /// Compares the largest face of `source` with each of `target`, both after `filter`. Error besides:
  /// InvalidParameterException if one of the two has no face.
  Result<Comparison> compare(const Caller& caller, const ImageSource& source, const ImageSource& target,
                             float threshold, QualityFilter filter);

 private:
  vision::FaceAnalyzer& analyzer_;
  ObjectReader& objects_;
  const ImageLimits limits_;
};

}  // namespace likeness::domain
