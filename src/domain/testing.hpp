#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <memory>
#include <mutex>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "domain/recognition.hpp"
#include "media/encode.hpp"
#include "storage/testing.hpp"
#include "vision/face_analyzer.hpp"

/// Faces without models, for tests of the rules: a drawn photo carries in its pixels which faces are to be "found".
namespace likeness::domain::testing {

struct TestFace {
  std::uint8_t person = 0;   // faces of one person have a cosine of about .9, those of different ones about 0
  std::uint8_t variant = 0;  // another photo of the person
  std::uint8_t size = 50;    // percent of the photo's sides
  std::uint8_t brightness = 80;
  std::uint8_t sharpness = 80;
  std::int8_t yaw = 0;
  std::uint8_t confidence = 99;
};

/// A PNG of 200 x 200 pixels. `salt` makes files of the same faces differ.
inline Bytes photo(const std::vector<TestFace>& faces, std::uint8_t salt = 0) {
  media::Image image(200, 200);
  for (int y = 0; y < image.height(); ++y) std::fill_n(image.row(y), image.stride(), salt);
  image.row(0)[0] = static_cast<std::uint8_t>(faces.size());
  for (std::size_t i = 0; i < faces.size(); ++i) {
    std::uint8_t* row = image.row(static_cast<int>(i) + 1);
    const auto& face = faces[i];
    const std::uint8_t values[] = {face.person,     face.variant,   face.size,
                                   face.brightness, face.sharpness, static_cast<std::uint8_t>(face.yaw + 128),
                                   face.confidence};
    std::copy(std::begin(values), std::end(values), row);
  }
  return *media::encode_png(image);
}

inline vision::Embedding embedding_of(std::uint8_t person, std::uint8_t variant) {
  std::mt19937 of_person(person + 1u);
  std::mt19937 of_variant(person * 256u + variant + 1000u);
  std::normal_distribution<float> person_normal;
  std::normal_distribution<float> variant_normal;
  vision::Embedding vector{};
  float length = 0;
  for (float& value : vector) {
    value = person_normal(of_person) + 0.33f * variant_normal(of_variant);
    length += value * value;
  }
  for (float& value : vector) value /= std::sqrt(length);
  return vector;
}

class FakeAnalyzer : public vision::FaceAnalyzer {
 public:
  Result<std::vector<vision::Face>> analyze(const media::Image& image, const vision::AnalyzeOptions& options) override {
    if (busy) return client_error("Throttling", "too many requests wait");
    std::vector<vision::Face> faces;
    for (int i = 0; i < image.row(0)[0]; ++i) {
      const std::uint8_t* row = image.row(i + 1);
      vision::Face face;
      const float size = static_cast<float>(row[2]) / 100;
      // A third of a pixel off, so that rounding has something to do.
      face.box = {
          .left = 0.1f + 0.0033333f * static_cast<float>(i), .top = 0.1f, .width = size / 3, .height = size / 3};
      face.quality = {.brightness = static_cast<float>(row[3]), .sharpness = static_cast<float>(row[4])};
      face.pose.yaw = static_cast<float>(row[5]) - 128;
      face.confidence = static_cast<float>(row[6]) + 0.123456789f;
      if (options.wanted.has(vision::Feature::Embedding)) face.embedding = embedding_of(row[0], row[1]);
      if (options.wanted.has(vision::Feature::Smile)) face.smile = vision::Flag{true, 90};
      faces.push_back(face);
    }
    std::sort(faces.begin(), faces.end(), [](const auto& a, const auto& b) {
      return std::pair(-a.box.area(), a.box.left) < std::pair(-b.box.area(), b.box.left);
    });
    if (faces.size() > static_cast<std::size_t>(options.max_faces))
      faces.resize(static_cast<std::size_t>(options.max_faces));
    return faces;
  }
  std::string face_model_version() const override { return version; }
  float similarity(float cosine) const override { return std::clamp(cosine * 100, 0.0f, 100.0f); }
  float cosine_for(float similarity) const override { return similarity / 100; }
  double false_match_rate(float) const override { return 0; }

  std::string version = "7.0";
  std::atomic<bool> busy = false;
};

class SettableClock : public Clock {
 public:
  TimePoint now() const override {
    const std::lock_guard lock(mutex_);
    return now_;
  }
  void advance(std::chrono::seconds by) {
    const std::lock_guard lock(mutex_);
    now_ += by;
  }

 private:
  mutable std::mutex mutex_;
  TimePoint now_ = TimePoint(std::chrono::seconds(1'700'000'000));
};

/// Everything on a real store in a temporary folder; `restart` closes and opens it as a new process would.
class World {
 public:
  explicit World(RecognitionSettings settings = {}) : settings_(settings) { start(); }

  void restart() {
    recognition_.reset();
    store.reopen();
    start();
  }
  Recognition* operator->() { return recognition_.get(); }

  /// Indexes one face into a collection and gives its id.
  std::string add(const std::string& collection, const TestFace& face, std::uint8_t salt = 0) {
    const auto file = photo({face}, salt);
    auto indexed = recognition_->faces.index(caller, collection, {.image = {.bytes = BytesView(file), .object = {}}});
    if (!indexed || indexed->records.size() != 1) throw std::runtime_error("the face was not indexed");
    return indexed->records[0].face.face_id;
  }

  storage::TemporaryStore store;
  FakeAnalyzer analyzer;
  NoObjects objects;
  SettableClock clock;
  Caller caller;

 private:
  void start() {
    auto opened = Recognition::open(*store, analyzer, default_index, objects, clock, settings_);
    if (!opened) throw std::runtime_error(opened.error().detail);
    recognition_ = std::move(*opened);
  }
  RecognitionSettings settings_;
  std::unique_ptr<Recognition> recognition_;
};

}  // namespace likeness::domain::testing
