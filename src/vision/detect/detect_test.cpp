#include <gtest/gtest.h>

#include <cmath>

#include "vision/detect/detectors.hpp"
#include "vision/detect/finder.hpp"
#include "vision/face/mesh.hpp"

namespace likeness::vision {
namespace {

TEST(Tiles, CoverTheImageAndShareAQuarterWithTheirNeighbours) {
  const auto tiles = tiles_of(700, 350, 2);
  ASSERT_EQ(tiles.size(), 4u);
  EXPECT_FLOAT_EQ(tiles[0].left, 0);
  EXPECT_FLOAT_EQ(tiles[0].right, 400);
  EXPECT_FLOAT_EQ(tiles[1].left, 300);
  EXPECT_FLOAT_EQ(tiles[3].right, 700);
  EXPECT_FLOAT_EQ(tiles[3].bottom, 350);
  const auto many = tiles_of(1000, 1000, 4);
  ASSERT_EQ(many.size(), 16u);
  EXPECT_NEAR(many[15].right, 1000, 1e-2);
  EXPECT_NEAR(overlap_area(many[0], many[1]) / many[0].area(), 0.25f, 1e-3);
}

TEST(BlazeFaceAnchors, AreTwoGridsWithCentresInTheirCells) {
  const auto anchors = blaze_face_anchors();
  ASSERT_EQ(anchors.size(), 896u);
  EXPECT_FLOAT_EQ(anchors[0].x, 0.5f / 16);
  EXPECT_FLOAT_EQ(anchors[1].x, anchors[0].x);
  EXPECT_FLOAT_EQ(anchors[2].x, 1.5f / 16);
  EXPECT_FLOAT_EQ(anchors[511].y, 15.5f / 16);
  EXPECT_FLOAT_EQ(anchors[512].x, 0.5f / 8);
  EXPECT_FLOAT_EQ(anchors[895].y, 7.5f / 8);
}

/// A flat face that looks into the camera, 100 pixels from eye to eye, then turned about an axis of its own.
FaceMesh face_turned(float around_x, float around_y, float around_z) {
  FaceMesh mesh;
  for (auto& point : mesh.points) point = {0, 0, 0};
  const auto put = [&](std::size_t index, float x, float y) { mesh.points[index] = {x, y, 0}; };
  put(33, -50, -20), put(263, 50, -20), put(127, -80, -20), put(356, 80, -20), put(234, -80, 0), put(454, 80, 0);
  put(61, -30, 50), put(291, 30, 50), put(10, 0, -90), put(152, 0, 90);
  for (auto& p : mesh.points) {
    const float y1 = p.y * std::cos(around_x) - p.z * std::sin(around_x),
                z1 = p.y * std::sin(around_x) + p.z * std::cos(around_x);
    const float x2 = p.x * std::cos(around_y) - z1 * std::sin(around_y),
                z2 = p.x * std::sin(around_y) + z1 * std::cos(around_y);
    p = {x2 * std::cos(around_z) - y1 * std::sin(around_z), x2 * std::sin(around_z) + y1 * std::cos(around_z), z2};
  }
  return mesh;
}

TEST(Pose, RollIsPositiveClockwiseOnTheScreen) {
  // Clockwise: the right eye is lower than the left, y grows downwards.
  EXPECT_NEAR(pose_of(face_turned(0, 0, radians(20))).roll, 20, 0.1);
  EXPECT_NEAR(pose_of(face_turned(0, 0, radians(-150))).roll, -150, 0.1);
}

TEST(Pose, YawIsPositiveTowardsTheViewersRight) {
  // Turned to the viewer's right, the right side of the face goes away from the camera.
  const FaceMesh mesh = face_turned(0, radians(30), 0);
  ASSERT_GT(mesh.points[454].z, mesh.points[234].z);
  EXPECT_NEAR(pose_of(mesh).yaw, 30, 0.1);
  EXPECT_NEAR(pose_of(mesh).roll, 0, 0.1);
}

TEST(Pose, PitchIsPositiveLookingUp) {
  // Looking up, the chin comes nearer than the forehead.
  const FaceMesh up = face_turned(radians(-15), 0, 0), straight = face_turned(0, 0, 0);
  ASSERT_LT(up.points[152].z, up.points[10].z);
  EXPECT_NEAR(pose_of(up).pitch - pose_of(straight).pitch, 15, 0.1);
}

TEST(Landmarks, CarryTheWireNamesInTheirOrder) {
  EXPECT_EQ(name_of(LandmarkType::EyeLeft), "eyeLeft");
  EXPECT_EQ(name_of(LandmarkType::LeftEyeBrowUp), "leftEyeBrowUp");
  EXPECT_EQ(name_of(LandmarkType::UpperJawlineRight), "upperJawlineRight");
  EXPECT_EQ(name_of(EmotionType::Disgusted), "DISGUSTED");
}

}  // namespace
}  // namespace likeness::vision
