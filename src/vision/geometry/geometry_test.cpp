#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "vision/geometry/boxes.hpp"
#include "vision/geometry/transform.hpp"

namespace likeness::vision {
namespace {

TEST(Geometry, AnAffineMapAndItsInverseCancel) {
  const Affine map{1.5f, -0.3f, 20, 0.4f, 0.9f, -7};
  const Point there = map({12, 34}), back = map.inverse()(there);
  EXPECT_NEAR(back.x, 12, 1e-4);
  EXPECT_NEAR(back.y, 34, 1e-4);
}

TEST(Geometry, ComposingAppliesTheInnerMapFirst) {
  const Affine twice{2, 0, 0, 0, 2, 0}, shift{1, 0, 10, 0, 1, 0};
  EXPECT_FLOAT_EQ(compose(twice, shift)({1, 1}).x, 22);
  EXPECT_FLOAT_EQ(compose(shift, twice)({1, 1}).x, 12);
}

TEST(Geometry, SimilarityRecoversTurnScaleAndShift) {
  const float turn = radians(33), scale = 1.7f;
  const Affine truth{scale * std::cos(turn), -scale * std::sin(turn), 5,
                     scale * std::sin(turn), scale * std::cos(turn),  -9};
  const std::array<Point, 5> from{{{38, 52}, {73, 51}, {56, 72}, {41, 92}, {71, 92}}};
  std::array<Point, 5> to;
  for (std::size_t i = 0; i < from.size(); ++i) to[i] = truth(from[i]);
  const Affine found = similarity_between(from, to);
  EXPECT_NEAR(found.a, truth.a, 1e-4);
  EXPECT_NEAR(found.b, truth.b, 1e-4);
  EXPECT_NEAR(found.c, truth.c, 1e-3);
  EXPECT_NEAR(found.f, truth.f, 1e-3);
  EXPECT_NEAR(found.scale(), scale, 1e-4);
}

TEST(Geometry, SimilarityOfNoisyPointsIsTheLeastSquaresOne) {
  // A reflection cannot be reached by a similarity: the answer must still be one (no shear, no flip).
  const std::array<Point, 3> from{{{0, 0}, {10, 0}, {0, 10}}}, to{{{0, 0}, {-10, 0}, {0, 10}}};
  const Affine found = similarity_between(from, to);
  EXPECT_NEAR(found.a, found.e, 1e-5);
  EXPECT_NEAR(found.b, -found.d, 1e-5);
}

TEST(Geometry, ACropPutsItsCentreInTheMiddleOfThePatch) {
  const Crop crop{{100, 200}, 50, radians(30), false};
  const Point middle_of_patch = patch_to_image(crop, 64)({32, 32});
  EXPECT_NEAR(middle_of_patch.x, 100, 1e-4);
  EXPECT_NEAR(middle_of_patch.y, 200, 1e-4);
  EXPECT_NEAR(patch_to_image(crop, 64).scale(), 50.0f / 64, 1e-5);
}

TEST(Geometry, AMirroredCropRunsTheOtherWay) {
  const Crop plain{{100, 200}, 50, 0, false}, mirrored{{100, 200}, 50, 0, true};
  EXPECT_NEAR(patch_to_image(plain, 10)({0, 5}).x, 75, 1e-4);
  EXPECT_NEAR(patch_to_image(mirrored, 10)({0, 5}).x, 125, 1e-4);
}

TEST(Boxes, OverlapOfEqualBoxesIsOneAndOfDistantOnesZero) {
  const PixelBox box{0, 0, 10, 10}, far{50, 50, 60, 60}, half{0, 0, 10, 5};
  EXPECT_FLOAT_EQ(iou(box, box), 1);
  EXPECT_FLOAT_EQ(iou(box, far), 0);
  EXPECT_FLOAT_EQ(iou(box, half), 0.5f);
  EXPECT_FLOAT_EQ(share_of_smaller(box, half), 1);
}

TEST(Boxes, EmptyBoxesOverlapNothing) {
  const PixelBox empty{5, 5, 5, 5}, inverted{9, 9, 1, 1}, box{0, 0, 10, 10};
  EXPECT_EQ(iou(empty, box), 0);
  EXPECT_EQ(iou(inverted, inverted), 0);
  EXPECT_EQ(share_of_smaller(empty, box), 0);
}

TEST(Boxes, SuppressionKeepsTheBestOfEachGroupByFallingScore) {
  const std::vector<ScoredBox> boxes{{{0, 0, 10, 10}, 0.7f}, {{1, 0, 11, 10}, 0.9f}, {{40, 0, 50, 10}, 0.8f}};
  EXPECT_EQ(suppress(boxes, 0.4f), (std::vector<std::size_t>{1, 2}));
}

TEST(Boxes, EqualScoresKeepTheOrderGiven) {
  const std::vector<ScoredBox> boxes{{{0, 0, 1, 1}, 0.5f}, {{5, 5, 6, 6}, 0.5f}, {{9, 9, 10, 10}, 0.5f}};
  EXPECT_EQ(suppress(boxes, 0.4f), (std::vector<std::size_t>{0, 1, 2}));
}

TEST(Boxes, TheWeightedMeanLiesNearerToTheHigherScore) {
  const std::vector<ScoredBox> boxes{{{0, 0, 10, 10}, 0.9f}, {{4, 0, 14, 10}, 0.3f}};
  const auto groups = overlap_groups(boxes, 0.3f);
  ASSERT_EQ(groups.size(), 1u);
  const ScoredBox mean = weighted_mean(boxes, groups[0]);
  EXPECT_NEAR(mean.box.left, 1, 1e-5);
  EXPECT_FLOAT_EQ(mean.score, 0.9f);
}

}  // namespace
}  // namespace likeness::vision
