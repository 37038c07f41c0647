#include "app/measured_analyzer.hpp"

#include <algorithm>
#include <chrono>

namespace likeness::app {

MeasuredAnalyzer::MeasuredAnalyzer(vision::FaceAnalyzer& inner, Metrics& metrics, int max_faces)
    : inner_(inner),
      max_faces_(max_faces),
      images_(metrics.counter("likeness_images_analyzed_total", "Photos that the models looked at.")),
      faces_(metrics.counter("likeness_faces_detected_total", "Faces found on them.")),
      refused_(metrics.counter("likeness_analysis_refused_total", "Photos refused because too many waited already.")),
      failures_(metrics.counter("likeness_analysis_failed_total", "Photos on which a model failed.")),
      seconds_(metrics.histogram("likeness_analysis_seconds",
                                 "Time of all models on one photo, with the wait for a free worker.")) {}

Result<std::vector<vision::Face>> MeasuredAnalyzer::analyze(const media::Image& image,
                                                            const vision::AnalyzeOptions& options) {
  vision::AnalyzeOptions bounded = options;
  bounded.max_faces = std::min(bounded.max_faces, max_faces_);
  const auto begin = std::chrono::steady_clock::now();
  auto found = inner_.analyze(image, bounded);
  seconds_.observe(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  if (found) {
    images_.add();
    faces_.add(static_cast<double>(found->size()));
  } else if (found.error().code == "Throttling") {
    refused_.add();
  } else {
    failures_.add();
  }
  return found;
}

}  // namespace likeness::app
