#pragma once

#include <cstddef>
#include <span>

/// Plane geometry in pixel coordinates. Coordinates are continuous: pixel i covers [i, i + 1), its centre is i + 0.5.
namespace likeness::vision {

struct Point {
  float x = 0, y = 0;
};
constexpr Point operator+(Point a, Point b) { return {a.x + b.x, a.y + b.y}; }
constexpr Point operator-(Point a, Point b) { return {a.x - b.x, a.y - b.y}; }
constexpr Point operator*(Point a, float k) { return {a.x * k, a.y * k}; }
float distance(Point a, Point b);
constexpr Point middle(Point a, Point b) { return {(a.x + b.x) / 2, (a.y + b.y) / 2}; }

/// x' = a x + b y + c; y' = d x + e y + f.
struct Affine {
  float a = 1, b = 0, c = 0;
  float d = 0, e = 1, f = 0;

  Point operator()(Point p) const { return {a * p.x + b * p.y + c, d * p.x + e * p.y + f}; }
  /// How many source units one unit step covers: the square root of the area ratio.
  float scale() const;
  /// The identity if there is no inverse.
  Affine inverse() const;
};
/// First `inner`, then `outer`.
Affine compose(const Affine& outer, const Affine& inner);

/// A square of the image, turned by `angle` (radians, clockwise on the screen: the direction of its own x axis).
struct Crop {
  Point centre;
  float side = 0;
  float angle = 0;
  bool mirrored = false;  // its x axis runs the other way
};
/// From a patch of `size` x `size` pixels to the image.
Affine patch_to_image(const Crop& crop, int size);

/// The similarity (rotation, uniform scale, shift; no reflection) that brings `from` nearest to `to` in the sense of
/// least squares (Umeyama 1991, which in the plane has a closed form). At least two different points.
Affine similarity_between(std::span<const Point> from, std::span<const Point> to);

constexpr float kPi = 3.14159265358979f;
constexpr float degrees(float radians) { return radians * (180.0f / kPi); }
constexpr float radians(float degrees) { return degrees * (kPi / 180.0f); }

}  // namespace likeness::vision
