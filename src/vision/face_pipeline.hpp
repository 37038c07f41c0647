#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vision/calibration.hpp"
#include "vision/detect/detectors.hpp"
#include "vision/face_analyzer.hpp"
#include "vision/measurements.hpp"
#include "vision/runtime/runtime.hpp"

namespace likeness::vision {

/// A face with everything it was judged by.
struct MeasuredFace {
  Face face;
  Candidate candidate;
  Measurements measured;
};

/// The FaceAnalyzer over the real models: find, mesh, models by need, calibrate. See README.md for the way of a photo.
/// Borrows the runtime, which must live longer. Thread-safe; holds no state between photos.
class FacePipeline : public FaceAnalyzer {
 public:
  /// Loads all its models. Errors of Runtime::model, "InvalidCalibration".
  static Result<std::unique_ptr<FacePipeline>> create(Runtime& runtime, Calibration calibration);

  struct MeasureOptions {
    /// Also returns what was taken for no face after all, with confidence 0: to find out why.
    bool keep_rejected = false;
    /// Runs the models too that the calibration does not read: to fit another one.
    bool every_model = false;
  };
  /// As `analyze`, with the raw measurements.
  virtual Result<std::vector<MeasuredFace>> measure(const media::Image& image, const AnalyzeOptions& options,
                                                    const MeasureOptions& more) = 0;
};

struct FaceAnalyzerSettings {
  /// Replaces the calibration built into the program.
  std::optional<std::filesystem::path> calibration;
};

/// The analyzer that the program uses. Borrows the runtime, which must live longer.
Result<std::unique_ptr<FaceAnalyzer>> make_face_analyzer(Runtime& runtime, const FaceAnalyzerSettings& settings = {});

/// The calibration of a file, or the one built in. Errors "InvalidCalibration", "NotFound".
Result<Calibration> load_calibration(const std::optional<std::filesystem::path>& file);

}  // namespace likeness::vision
