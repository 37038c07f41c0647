#include "domain/faces/quality_filter.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace likeness::domain {

namespace {

// AUTO is set by what a vector still serves for. Portraits of eight people were degraded step by step and compared with
// another photo of the same person: all eight were still recognised (similarity over 80) blurred down to a sharpness of
// 6, darkened to a brightness of 10 (seven at 6 to 10), shrunk to 27 to 53 pixels (seven of eight at 20 to 40); beyond
// that it goes down fast: five with a sharpness of 2 to 10, three with a brightness of 4. The others lie around it.
constexpr QualityBar kNone{};
constexpr QualityBar kAuto{.min_confidence = 75,
                           .min_brightness = 6,
                           .min_sharpness = 6,
                           .max_yaw = 65,
                           .max_pitch = 50,
                           .min_pixels = 20,
                           .min_combined = 0.02f};
constexpr QualityBar kLow{.min_confidence = 60,
                          .min_brightness = 4,
                          .min_sharpness = 4,
                          .max_yaw = 75,
                          .max_pitch = 60,
                          .min_pixels = 16,
                          .min_combined = 0.01f};
constexpr QualityBar kMedium{.min_confidence = 85,
                             .min_brightness = 15,
                             .min_sharpness = 15,
                             .max_yaw = 50,
                             .max_pitch = 40,
                             .min_pixels = 36,
                             .min_combined = 0.05f};
constexpr QualityBar kHigh{.min_confidence = 95,
                           .min_brightness = 30,
                           .min_sharpness = 30,
                           .max_yaw = 35,
                           .max_pitch = 25,
                           .min_pixels = 60,
                           .min_combined = 0.10f};

// 0 at the bar, 1 at the best that can be.
float headroom(float value, float bar, float best) {
  if (best <= bar) return 1;
  return std::clamp((value - bar) / (best - bar), 0.0f, 1.0f);
}

float combined_quality(const vision::Face& face, const QualityBar& bar) {
  // A face that is just over every single bar is worse than one that is just over one: the geometric mean tells.
  const float parts[] = {headroom(face.confidence, bar.min_confidence, 100),
                         headroom(face.quality.brightness, bar.min_brightness, 60),
                         headroom(face.quality.sharpness, bar.min_sharpness, 60),
                         headroom(bar.max_yaw - std::abs(face.pose.yaw), 0, bar.max_yaw),
                         headroom(bar.max_pitch - std::abs(face.pose.pitch), 0, bar.max_pitch)};
  float product = 1;
  for (const float part : parts) product *= std::max(part, 1e-3f);
  return std::pow(product, 1.0f / 5);
}

}  // namespace

const QualityBar& bar_of(QualityFilter filter) {
  switch (filter) {
    case QualityFilter::None: return kNone;
    case QualityFilter::Auto: return kAuto;
    case QualityFilter::Low: return kLow;
    case QualityFilter::Medium: return kMedium;
    case QualityFilter::High: return kHigh;
  }
  return kNone;
}

std::vector<Reason> reasons_against(const vision::Face& face, QualityFilter filter, int image_width, int image_height) {
  std::vector<Reason> reasons;
  if (filter == QualityFilter::None) return reasons;
  const auto& bar = bar_of(filter);
  // A roll of any size is turned upright before the vector is computed, so it does not count.
  if (std::abs(face.pose.yaw) > bar.max_yaw || std::abs(face.pose.pitch) > bar.max_pitch)
    reasons.push_back(Reason::ExtremePose);
  if (face.quality.brightness < bar.min_brightness) reasons.push_back(Reason::LowBrightness);
  if (face.quality.sharpness < bar.min_sharpness) reasons.push_back(Reason::LowSharpness);
  if (face.confidence < bar.min_confidence) reasons.push_back(Reason::LowConfidence);
  const float shorter =
      std::min(face.box.width * static_cast<float>(image_width), face.box.height * static_cast<float>(image_height));
  if (shorter < static_cast<float>(bar.min_pixels)) reasons.push_back(Reason::SmallBoundingBox);
  if (reasons.empty() && combined_quality(face, bar) < bar.min_combined) reasons.push_back(Reason::LowFaceQuality);
  return reasons;
}

Sifted sift(const std::vector<vision::Face>& faces, QualityFilter filter, std::size_t max_faces, int image_width,
            int image_height) {
  Sifted sifted;
  for (const auto& face : faces) {
    auto reasons = reasons_against(face, filter, image_width, image_height);
    if (reasons.empty() && sifted.kept.size() >= max_faces) reasons.push_back(Reason::ExceedsMaxFaces);
    if (reasons.empty()) {
      sifted.kept.push_back(face);
    } else {
      sifted.refused.push_back({face, std::move(reasons)});
    }
  }
  return sifted;
}

}  // namespace likeness::domain
