#pragma once

#include <memory>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "domain/faces/collections.hpp"
#include "domain/faces/detection.hpp"
#include "domain/faces/faces.hpp"
#include "domain/faces/users.hpp"
#include "domain/image_source.hpp"
#include "domain/page_tokens.hpp"
#include "storage/store.hpp"
#include "vision/face_analyzer.hpp"

namespace likeness::domain {

struct RecognitionSettings {
  ImageLimits images = {};
  Quotas quotas = {};
};

/// All rules about faces, put together. Everything handed in is borrowed and must outlive it. Thread-safe.
///
///     auto recognition = Recognition::open(store, analyzer, make_index, objects, Clock::system(), settings);
///     (*recognition)->faces.index(caller, "staff", request);
class Recognition {
 public:
  static Result<std::unique_ptr<Recognition>> open(storage::Store& store, vision::FaceAnalyzer& analyzer,
                                                   MakeIndex make_index, ObjectReader& objects, const Clock& clock,
                                                   const RecognitionSettings& settings);

 private:
  PageTokens tokens_;

 public:
  Detection detection;
  Collections collections;
  Faces faces;
  Users users;

  Recognition(PageTokens tokens, storage::Store& store, vision::FaceAnalyzer& analyzer, MakeIndex make_index,
              ObjectReader& objects, const Clock& clock, const RecognitionSettings& settings);
};

}  // namespace likeness::domain
