#include "vision/geometry/transform.hpp"

#include <cmath>

namespace likeness::vision {

float distance(Point a, Point b) { return std::hypot(a.x - b.x, a.y - b.y); }

float Affine::scale() const { return std::sqrt(std::abs(a * e - b * d)); }

Affine Affine::inverse() const {
  const float determinant = a * e - b * d;
  if (determinant == 0) return {};
  const float k = 1 / determinant;
  Affine result{e * k, -b * k, 0, -d * k, a * k, 0};
  result.c = -(result.a * c + result.b * f);
  result.f = -(result.d * c + result.e * f);
  return result;
}

Affine compose(const Affine& outer, const Affine& inner) {
  return {outer.a * inner.a + outer.b * inner.d,           outer.a * inner.b + outer.b * inner.e,
          outer.a * inner.c + outer.b * inner.f + outer.c, outer.d * inner.a + outer.e * inner.d,
          outer.d * inner.b + outer.e * inner.e,           outer.d * inner.c + outer.e * inner.f + outer.f};
}

Affine patch_to_image(const Crop& crop, int size) {
  const float step = crop.side / static_cast<float>(size);
  const float cosine = std::cos(crop.angle) * step, sine = std::sin(crop.angle) * step;
  const float direction = crop.mirrored ? -1.0f : 1.0f;
  Affine result{cosine * direction, -sine, 0, sine * direction, cosine, 0};
  const float half = static_cast<float>(size) / 2;
  result.c = crop.centre.x - (result.a + result.b) * half;
  result.f = crop.centre.y - (result.d + result.e) * half;
  return result;
}

Affine similarity_between(std::span<const Point> from, std::span<const Point> to) {
  double from_x = 0, from_y = 0, to_x = 0, to_y = 0;
  const auto count = static_cast<double>(from.size());
  for (std::size_t i = 0; i < from.size(); ++i) {
    from_x += from[i].x / count, from_y += from[i].y / count;
    to_x += to[i].x / count, to_y += to[i].y / count;
  }
  double along = 0, across = 0, spread = 0;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const double u = from[i].x - from_x, v = from[i].y - from_y;
    const double p = to[i].x - to_x, q = to[i].y - to_y;
    along += u * p + v * q;
    across += u * q - v * p;
    spread += u * u + v * v;
  }
  if (spread == 0) return {};
  const double cosine = along / spread, sine = across / spread;
  return {static_cast<float>(cosine),
          static_cast<float>(-sine),
          static_cast<float>(to_x - cosine * from_x + sine * from_y),
          static_cast<float>(sine),
          static_cast<float>(cosine),
          static_cast<float>(to_y - sine * from_x - cosine * from_y)};
}

}  // namespace likeness::vision
