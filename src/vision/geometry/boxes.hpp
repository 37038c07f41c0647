#pragma once

#include <span>
#include <vector>

#include "vision/geometry/transform.hpp"

namespace likeness::vision {

/// In pixels of the upright image; may lie partly outside it.
struct PixelBox {
  float left = 0, top = 0, right = 0, bottom = 0;

  float width() const { return right - left; }
  float height() const { return bottom - top; }
  float area() const { return width() > 0 && height() > 0 ? width() * height() : 0; }
  Point centre() const { return {(left + right) / 2, (top + bottom) / 2}; }
};

float overlap_area(const PixelBox& a, const PixelBox& b);
/// Intersection over union.
float iou(const PixelBox& a, const PixelBox& b);
/// Share of the smaller box that lies in the other: high where one is inside the other.
float share_of_smaller(const PixelBox& a, const PixelBox& b);
/// The smallest upright box around the points.
PixelBox bounds(std::span<const Point> points);

struct ScoredBox {
  PixelBox box;
  float score = 0;
};

/// Indices by falling value; equal values keep the order given, so the result is the same everywhere.
std::vector<std::size_t> falling_order(std::span<const float> values);

/// Indices of the boxes that stay, by falling score: each suppresses those that overlap it by more than `threshold`
/// (intersection over union).
std::vector<std::size_t> suppress(std::span<const ScoredBox> boxes, float threshold);

/// Groups as `suppress` does, and replaces each kept box by the mean of its group weighted by score: steadier than the
/// single best box. Groups come by falling score; members by falling score inside.
std::vector<std::vector<std::size_t>> overlap_groups(std::span<const ScoredBox> boxes, float threshold);
ScoredBox weighted_mean(std::span<const ScoredBox> boxes, std::span<const std::size_t> group);

}  // namespace likeness::vision
