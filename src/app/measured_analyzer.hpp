#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/metrics.hpp"
#include "vision/face_analyzer.hpp"

namespace likeness::app {

/// Counts what an analyzer does: photos, faces, time, failures. Borrows both. Thread-safe.
class MeasuredAnalyzer final : public vision::FaceAnalyzer {
 public:
  MeasuredAnalyzer(vision::FaceAnalyzer& inner, Metrics& metrics, int max_faces);

  /// Never more than `max_faces`, whatever is asked for.
  Result<std::vector<vision::Face>> analyze(const media::Image& image, const vision::AnalyzeOptions& options) override;
  std::string face_model_version() const override { return inner_.face_model_version(); }
  float similarity(float cosine) const override { return inner_.similarity(cosine); }
  float cosine_for(float similarity) const override { return inner_.cosine_for(similarity); }
  double false_match_rate(float similarity) const override { return inner_.false_match_rate(similarity); }

 private:
  vision::FaceAnalyzer& inner_;
  const int max_faces_;
  const Counter images_, faces_, refused_, failures_;
  const Histogram seconds_;
};

}  // namespace likeness::app
