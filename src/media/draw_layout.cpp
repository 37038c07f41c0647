#include "media/draw_layout.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace likeness::media {
namespace {

Rect clamped(Rect label, const Rect& canvas) {
  label.x = std::max(canvas.x, std::min(label.x, canvas.right() - label.width));
  label.y = std::max(canvas.y, std::min(label.y, canvas.bottom() - label.height));
  return label;
}

/// Places to try, the most natural first.
std::vector<Rect> candidates(const Rect& box, LabelSize size, const Rect& canvas, double gap) {
  const double above = box.y - gap - size.height, below = box.bottom() + gap;
  const double flush_right = box.right() - size.width, centred = box.x + (box.width - size.width) / 2;
  const double beside_right = box.right() + gap, beside_left = box.x - gap - size.width;
  const double middle = box.y + (box.height - size.height) / 2, foot = box.bottom() - size.height;
  std::vector<Point> corners = {{box.x, above},        {box.x, below},       {flush_right, above},
                                {flush_right, below},  {centred, above},     {centred, below},
                                {beside_right, box.y}, {beside_left, box.y}, {beside_right, middle},
                                {beside_left, middle}, {beside_right, foot}, {beside_left, foot}};
  // Further up and down, for crowds.
  for (const int step : {1, 2, 3}) {
    corners.push_back({box.x, above - step * (size.height + gap)});
    corners.push_back({box.x, below + step * (size.height + gap)});
  }
  corners.push_back({box.x, box.y + gap});
  corners.push_back({box.x, foot - gap});
  std::vector<Rect> found;
  found.reserve(corners.size());
  for (const Point corner : corners) found.push_back(clamped({corner.x, corner.y, size.width, size.height}, canvas));
  return found;
}

double distance(const Rect& label, const Rect& box) {
  const double dx = std::max({0.0, box.x - label.right(), label.x - box.right()});
  const double dy = std::max({0.0, box.y - label.bottom(), label.y - box.bottom()});
  return std::hypot(dx, dy);
}

}  // namespace

double overlap(const Rect& a, const Rect& b) {
  const double width = std::min(a.right(), b.right()) - std::max(a.x, b.x);
  const double height = std::min(a.bottom(), b.bottom()) - std::max(a.y, b.y);
  return width > 0 && height > 0 ? width * height : 0;
}

std::vector<Rect> place_labels(const std::vector<Rect>& boxes, const std::vector<LabelSize>& sizes, const Rect& canvas,
                               double gap) {
  std::vector<std::size_t> order(boxes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
    return boxes[a].area() != boxes[b].area() ? boxes[a].area() > boxes[b].area() : a < b;
  });
  std::vector<Rect> placed(boxes.size());
  std::vector<Rect> taken;
  for (const std::size_t i : order) {
    if (sizes[i].width <= 0) continue;
    double best_cost = std::numeric_limits<double>::infinity();
    const auto places = candidates(boxes[i], sizes[i], canvas, gap);
    for (std::size_t n = 0; n < places.size(); ++n) {
      const Rect& place = places[n];
      const double area = std::max(1.0, place.area());
      double cost = 0.002 * static_cast<double>(n) + 0.1 * distance(place, boxes[i]) / std::max(1.0, sizes[i].height);
      // Two labels on one another are unreadable; a covered face is bad; the label's own box the least of the three.
      for (const Rect& other : taken) cost += 20 * overlap(place, other) / area;
      for (std::size_t k = 0; k < boxes.size(); ++k) cost += (k == i ? 2 : 4) * overlap(place, boxes[k]) / area;
      if (cost < best_cost) {
        best_cost = cost;
        placed[i] = place;
      }
    }
    taken.push_back(placed[i]);
  }
  return placed;
}

}  // namespace likeness::media
