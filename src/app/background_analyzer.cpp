#include "app/background_analyzer.hpp"

#include <fmt/format.h>
#include <pthread.h>

#include <chrono>
#include <utility>

#include "base/log.hpp"
#include "vision/face_pipeline.hpp"

namespace likeness::app {

Result<std::unique_ptr<BackgroundAnalyzer>> BackgroundAnalyzer::start(vision::Runtime& runtime, Health& health) {
  auto embedding = runtime.registry().find("face_embedding");
  if (!embedding) return fail(embedding);
  std::string version = fmt::format("{:.1f}", (*embedding)->parameter("face_model_version", 7));
  return std::unique_ptr<BackgroundAnalyzer>(new BackgroundAnalyzer(runtime, health, std::move(version)));
}

BackgroundAnalyzer::BackgroundAnalyzer(vision::Runtime& runtime, Health& health, std::string version)
    : runtime_(runtime), health_(health), version_(std::move(version)) {
  health_.set("models", Health::State::Starting);
  thread_ = std::thread([this] { load(); });
  pthread_setname_np(thread_.native_handle(), "load-models");
}

BackgroundAnalyzer::~BackgroundAnalyzer() { thread_.join(); }

void BackgroundAnalyzer::load() {
  const auto begin = std::chrono::steady_clock::now();
  auto made = vision::make_face_analyzer(runtime_);
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
  if (made && (*made)->face_model_version() != version_)
    made = server_error("ModelMismatch", "The embedding model has another version than its manifest says.");
  if (made) {
    log::info("models loaded in {} ms", ms.count());
    health_.set("models", Health::State::Ready, fmt::format("loaded in {} ms", ms.count()));
  } else {
    log::error("the models could not be loaded: {} {}", made.error().message, made.error().detail);
    health_.set("models", Health::State::Failed, made.error().message);
  }
  {
    const std::lock_guard lock(mutex_);
    done_ = true;
    if (made)
      analyzer_ = std::move(*made);
    else
      error_ = std::move(made.error());
  }
  changed_.notify_all();
}

vision::FaceAnalyzer* BackgroundAnalyzer::ready() const {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return done_; });
  return analyzer_.get();
}

Result<std::vector<vision::Face>> BackgroundAnalyzer::analyze(const media::Image& image,
                                                              const vision::AnalyzeOptions& options) {
  vision::FaceAnalyzer* analyzer = ready();
  if (analyzer == nullptr) return server_error("Internal", "The models are not loaded.", error_.message);
  return analyzer->analyze(image, options);
}

float BackgroundAnalyzer::similarity(float cosine) const {
  const vision::FaceAnalyzer* analyzer = ready();
  return analyzer == nullptr ? 0 : analyzer->similarity(cosine);
}

float BackgroundAnalyzer::cosine_for(float similarity) const {
  const vision::FaceAnalyzer* analyzer = ready();
  return analyzer == nullptr ? 2 : analyzer->cosine_for(similarity);
}

double BackgroundAnalyzer::false_match_rate(float similarity) const {
  const vision::FaceAnalyzer* analyzer = ready();
  return analyzer == nullptr ? 1 : analyzer->false_match_rate(similarity);
}

}  // namespace likeness::app
