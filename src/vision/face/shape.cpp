#include <algorithm>
#include <array>
#include <cmath>

#include "vision/face/appearance.hpp"

namespace likeness::vision {
namespace {

struct Vector {
  float x = 0, y = 0, z = 0;
};
Vector operator-(const FaceMesh::Vertex& a, const FaceMesh::Vertex& b) { return {a.x - b.x, a.y - b.y, a.z - b.z}; }
float dot(const Vector& a, const Vector& b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
float length(const Vector& a) { return std::sqrt(dot(a, a)); }
Vector scaled(const Vector& a, float k) { return {a.x * k, a.y * k, a.z * k}; }
Vector unit(const Vector& a) { return scaled(a, 1 / std::max(length(a), 1e-6f)); }
Vector cross(const Vector& a, const Vector& b) {
  return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}

/// The points that expressions move: lips, brows, eyelids, nose wings, chin.
constexpr std::array<std::size_t, 60> kExpressive{
    61, 185, 40,  39,  37,  0,   267, 269, 270, 409, 291, 146, 91, 181, 84, 17, 314, 405, 321, 375,  // outer lips
    78, 80,  81,  13,  311, 310, 308, 88,  87,  14,  317, 318,                                       // inner lips
    70, 63,  105, 66,  107, 55,  300, 293, 334, 296, 336, 285,                                       // brows
    33, 159, 133, 145, 263, 386, 362, 374,                                                           // eyelids
    98, 327, 1,   152, 50,  280, 205, 425};  // nose, chin, cheeks

}  // namespace

void measure_shape(const FaceMesh& mesh, Measurements& into) {
  const auto& p = mesh.points;
  const auto apart = [&](std::size_t a, std::size_t b) { return length(p[a] - p[b]); };
  const float unit_length = std::max(apart(33, 263), 1e-3f);
  // The face's own axes: across from eye to eye, down as near to forehead-chin as a right angle allows.
  const Vector across = unit(p[263] - p[33]);
  const Vector lengthwise = p[152] - p[10];
  const Vector leaning = scaled(across, dot(lengthwise, across));
  const Vector down = unit({lengthwise.x - leaning.x, lengthwise.y - leaning.y, lengthwise.z - leaning.z});
  const Vector inwards = cross(across, down);
  const FaceMesh::Vertex origin{(p[33].x + p[263].x) / 2, (p[33].y + p[263].y) / 2, (p[33].z + p[263].z) / 2};
  const auto height = [&](std::size_t i) { return dot(p[i] - origin, down) / unit_length; };

  const float mouth_width = std::max(apart(61, 291), 1e-3f);
  into.set("mesh.logit", mesh.logit);
  into.set("mesh.smile.ratio", mouth_width / unit_length);
  into.set("mesh.mouth.gap", apart(13, 14) / mouth_width);
  into.set("mesh.mouth.gap.eyes", apart(13, 14) / unit_length);
  into.set("mesh.mouth.height", apart(0, 17) / unit_length);
  // How far the corners stand above the middle of the lips.
  into.set("mesh.mouth.corner_lift", (height(13) + height(14)) / 2 - (height(61) + height(291)) / 2);
  into.set("mesh.mouth.corner_skew", height(61) - height(291));
  into.set("mesh.lip.upper", apart(0, 13) / unit_length);
  into.set("mesh.lip.lower", apart(14, 17) / unit_length);
  into.set("mesh.brow.raise", ((height(159) - height(105)) + (height(386) - height(334))) / 2);
  into.set("mesh.brow.inner_raise", ((height(133) - height(107)) + (height(362) - height(336))) / 2);
  into.set("mesh.brow.outer_raise", ((height(33) - height(70)) + (height(263) - height(300))) / 2);
  into.set("mesh.brow.gap", apart(55, 285) / unit_length);
  into.set("mesh.brow.skew", (height(159) - height(105)) - (height(386) - height(334)));
  into.set("mesh.eye.left.opening", apart(159, 145) / std::max(apart(33, 133), 1e-3f));
  into.set("mesh.eye.right.opening", apart(386, 374) / std::max(apart(263, 362), 1e-3f));
  into.set("mesh.nose.width", apart(98, 327) / unit_length);
  into.set("mesh.nose.to_lip", apart(2, 0) / unit_length);
  into.set("mesh.chin.to_nose", apart(152, 2) / unit_length);
  into.set("mesh.cheek.raise", ((height(50) - height(145)) + (height(280) - height(374))) / 2);
  into.set("mesh.aspect", apart(10, 152) / std::max(apart(234, 454), 1e-3f));

  std::array<float, kExpressive.size() * 3> shape{};
  for (std::size_t i = 0; i < kExpressive.size(); ++i) {
    const Vector offset = p[kExpressive[i]] - origin;
    shape[i * 3] = dot(offset, across) / unit_length;
    shape[i * 3 + 1] = dot(offset, down) / unit_length;
    shape[i * 3 + 2] = dot(offset, inwards) / unit_length;
  }
  into.set_vector("mesh.expression", shape);

  const Pose pose = pose_of(mesh);
  into.set("pose.roll", pose.roll);
  into.set("pose.yaw", pose.yaw);
  into.set("pose.pitch", pose.pitch);
  into.set("pose.yaw.abs", std::abs(pose.yaw));
  into.set("pose.pitch.abs", std::abs(pose.pitch));
  into.set("mesh.eye_distance", distance(mesh.at(33), mesh.at(263)));
}

}  // namespace likeness::vision
