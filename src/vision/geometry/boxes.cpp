#include "vision/geometry/boxes.hpp"

#include <algorithm>
#include <numeric>

namespace likeness::vision {

float overlap_area(const PixelBox& a, const PixelBox& b) {
  const float width = std::min(a.right, b.right) - std::max(a.left, b.left);
  const float height = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
  return width > 0 && height > 0 ? width * height : 0;
}

float iou(const PixelBox& a, const PixelBox& b) {
  const float both = overlap_area(a, b);
  const float either = a.area() + b.area() - both;
  return either > 0 ? both / either : 0;
}

float share_of_smaller(const PixelBox& a, const PixelBox& b) {
  const float smaller = std::min(a.area(), b.area());
  return smaller > 0 ? overlap_area(a, b) / smaller : 0;
}

PixelBox bounds(std::span<const Point> points) {
  if (points.empty()) return {};
  PixelBox box{points[0].x, points[0].y, points[0].x, points[0].y};
  for (const Point& point : points) {
    box.left = std::min(box.left, point.x), box.right = std::max(box.right, point.x);
    box.top = std::min(box.top, point.y), box.bottom = std::max(box.bottom, point.y);
  }
  return box;
}

std::vector<std::size_t> falling_order(std::span<const float> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return values[a] > values[b] || (values[a] == values[b] && a < b); });
  return order;
}

std::vector<std::vector<std::size_t>> overlap_groups(std::span<const ScoredBox> boxes, float threshold) {
  std::vector<std::vector<std::size_t>> groups;
  std::vector<char> taken(boxes.size(), 0);
  std::vector<float> scores;
  scores.reserve(boxes.size());
  for (const ScoredBox& box : boxes) scores.push_back(box.score);
  const std::vector<std::size_t> order = falling_order(scores);
  for (std::size_t at = 0; at < order.size(); ++at) {
    const std::size_t best = order[at];
    if (taken[best]) continue;
    std::vector<std::size_t> group{best};
    for (std::size_t later = at + 1; later < order.size(); ++later) {
      const std::size_t other = order[later];
      if (taken[other] || iou(boxes[best].box, boxes[other].box) <= threshold) continue;
      taken[other] = 1;
      group.push_back(other);
    }
    groups.push_back(std::move(group));
  }
  return groups;
}

std::vector<std::size_t> suppress(std::span<const ScoredBox> boxes, float threshold) {
  std::vector<std::size_t> kept;
  for (const auto& group : overlap_groups(boxes, threshold)) kept.push_back(group.front());
  return kept;
}

ScoredBox weighted_mean(std::span<const ScoredBox> boxes, std::span<const std::size_t> group) {
  ScoredBox mean;
  float weight = 0;
  for (const std::size_t index : group) {
    const ScoredBox& member = boxes[index];
    mean.box.left += member.box.left * member.score, mean.box.top += member.box.top * member.score;
    mean.box.right += member.box.right * member.score, mean.box.bottom += member.box.bottom * member.score;
    weight += member.score;
    mean.score = std::max(mean.score, member.score);
  }
  if (weight > 0) {
    mean.box.left /= weight, mean.box.top /= weight;
    mean.box.right /= weight, mean.box.bottom /= weight;
  }
  return mean;
}

}  // namespace likeness::vision
