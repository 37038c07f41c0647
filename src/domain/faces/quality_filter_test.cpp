#include "domain/faces/quality_filter.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace likeness::domain {
namespace {

vision::Face good_face(float size = 0.4f) {
  vision::Face face;
  face.box = {.left = 0.1f, .top = 0.1f, .width = size, .height = size};
  face.confidence = 99.9f;
  face.quality = {.brightness = 80, .sharpness = 80};
  return face;
}

std::vector<Reason> reasons(const vision::Face& face, QualityFilter filter) {
  return reasons_against(face, filter, 640, 480);
}

TEST(QualityFilter, AGoodFacePassesEveryBar) {
  for (const auto filter :
       {QualityFilter::None, QualityFilter::Auto, QualityFilter::Low, QualityFilter::Medium, QualityFilter::High})
    EXPECT_TRUE(reasons(good_face(), filter).empty());
}

TEST(QualityFilter, EachFaultHasItsReason) {
  auto face = good_face();
  face.pose.yaw = -85;
  EXPECT_EQ(reasons(face, QualityFilter::Auto), std::vector{Reason::ExtremePose});
  face = good_face();
  face.pose.pitch = 80;
  EXPECT_EQ(reasons(face, QualityFilter::Auto), std::vector{Reason::ExtremePose});
  face = good_face();
  face.quality.brightness = 2;
  EXPECT_EQ(reasons(face, QualityFilter::Auto), std::vector{Reason::LowBrightness});
  face = good_face();
  face.quality.sharpness = 1;
  EXPECT_EQ(reasons(face, QualityFilter::Auto), std::vector{Reason::LowSharpness});
  face = good_face();
  face.confidence = 52;
  EXPECT_EQ(reasons(face, QualityFilter::Auto), std::vector{Reason::LowConfidence});
  EXPECT_EQ(reasons(good_face(0.02f), QualityFilter::Auto), std::vector{Reason::SmallBoundingBox});
}

TEST(QualityFilter, SeveralFaultsAreAllTold) {
  auto face = good_face(0.02f);
  face.quality = {.brightness = 1, .sharpness = 1};
  EXPECT_EQ(reasons(face, QualityFilter::Auto),
            (std::vector{Reason::LowBrightness, Reason::LowSharpness, Reason::SmallBoundingBox}));
}

TEST(QualityFilter, AFaceJustOverEveryBarIsOfLowQuality) {
  const auto& bar = bar_of(QualityFilter::High);
  auto face = good_face();
  face.confidence = bar.min_confidence;
  face.quality = {.brightness = bar.min_brightness, .sharpness = bar.min_sharpness};
  face.pose.yaw = bar.max_yaw;
  EXPECT_EQ(reasons(face, QualityFilter::High), std::vector{Reason::LowFaceQuality});
}

TEST(QualityFilter, NoneLetsEverythingPass) {
  auto face = good_face(0.001f);
  face.pose.yaw = 90;
  face.quality = {};
  face.confidence = 1;
  EXPECT_TRUE(reasons(face, QualityFilter::None).empty());
}

TEST(QualityFilter, BarsRiseFromLowToHigh) {
  const auto& low = bar_of(QualityFilter::Low);
  const auto& automatic = bar_of(QualityFilter::Auto);
  const auto& medium = bar_of(QualityFilter::Medium);
  const auto& high = bar_of(QualityFilter::High);
  for (const auto& [lower, higher] : {std::pair(low, automatic), {automatic, medium}, {medium, high}}) {
    EXPECT_LT(lower.min_confidence, higher.min_confidence);
    EXPECT_LT(lower.min_brightness, higher.min_brightness);
    EXPECT_LT(lower.min_sharpness, higher.min_sharpness);
    EXPECT_GT(lower.max_yaw, higher.max_yaw);
    EXPECT_LT(lower.min_pixels, higher.min_pixels);
  }
}

TEST(Sift, TheSmallestOfTheGoodGoFirst) {
  auto blurred = good_face(0.5f);
  blurred.quality.sharpness = 0;
  const auto sifted =
      sift({blurred, good_face(0.4f), good_face(0.3f), good_face(0.2f)}, QualityFilter::Auto, 2, 640, 480);
  ASSERT_EQ(sifted.kept.size(), 2u);
  EXPECT_EQ(sifted.kept[0].box.width, 0.4f);
  EXPECT_EQ(sifted.kept[1].box.width, 0.3f);
  ASSERT_EQ(sifted.refused.size(), 2u);
  EXPECT_EQ(sifted.refused[0].reasons, std::vector{Reason::LowSharpness});
  EXPECT_EQ(sifted.refused[1].reasons, std::vector{Reason::ExceedsMaxFaces});
}

}  // namespace
}  // namespace likeness::domain
