#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "app/health.hpp"
#include "base/result.hpp"
#include "vision/face_analyzer.hpp"
#include "vision/runtime/runtime.hpp"

namespace likeness::app {

/// An analyzer whose models load on a thread of its own. Only its version is known at once; everything else waits until
/// the models are there. Thread-safe.
class BackgroundAnalyzer final : public vision::FaceAnalyzer {
 public:
  /// Starts loading. `runtime` and `health` are borrowed; health's part "models" follows.
  /// Error "ModelMissing" if no manifest names an embedding model.
  static Result<std::unique_ptr<BackgroundAnalyzer>> start(vision::Runtime& runtime, Health& health);
  /// Waits for the loading to end.
  ~BackgroundAnalyzer() override;

  /// Error besides those of the models: "Internal" when they could not be loaded.
  Result<std::vector<vision::Face>> analyze(const media::Image& image, const vision::AnalyzeOptions& options) override;
  std::string face_model_version() const override { return version_; }
  // Without models these know no similarity at all: 0, and a cosine that nothing reaches.
  float similarity(float cosine) const override;
  float cosine_for(float similarity) const override;
  double false_match_rate(float similarity) const override;

 private:
  BackgroundAnalyzer(vision::Runtime& runtime, Health& health, std::string version);
  void load();
  /// Null if they could not be loaded.
  vision::FaceAnalyzer* ready() const;

  vision::Runtime& runtime_;
  Health& health_;
  const std::string version_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  bool done_ = false;
  std::unique_ptr<vision::FaceAnalyzer> analyzer_;  // set once, before done_
  Error error_;
  std::thread thread_;
};

}  // namespace likeness::app
