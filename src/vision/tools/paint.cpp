#include "vision/tools/paint.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include "vision/geometry/transform.hpp"

namespace likeness::vision {
namespace {

/// splitmix64: numbers that are the same on every machine.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}
  float between(float low, float high) {
    state_ += 0x9e3779b97f4a7c15;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    z ^= z >> 31;
    return low + (high - low) * static_cast<float>(z >> 40) / static_cast<float>(1 << 24);
  }

 private:
  std::uint64_t state_;
};

struct Colour {
  float red = 0, green = 0, blue = 0;
};

/// The face's own frame: origin between the eyes, x towards the viewer's right eye, unit = distance of the eyes.
struct Frame {
  Point origin, across, down;
  float unit = 1;

  Point to_face(Point p) const {
    const Point d = p - origin;
    return {(d.x * across.x + d.y * across.y) / unit, (d.x * down.x + d.y * down.y) / unit};
  }
};

Point landmark(const Face& face, LandmarkType type, const media::Image& image) {
  const Landmark& one = face.landmarks[static_cast<std::size_t>(type)];
  return {one.x * static_cast<float>(image.width()), one.y * static_cast<float>(image.height())};
}

Frame frame_of(const Face& face, const media::Image& image) {
  const Point left = landmark(face, LandmarkType::EyeLeft, image),
              right = landmark(face, LandmarkType::EyeRight, image);
  Frame frame;
  frame.origin = middle(left, right);
  frame.unit = std::max(distance(left, right), 1.0f);
  frame.across = (right - left) * (1 / frame.unit);
  frame.down = {-frame.across.y, frame.across.x};
  return frame;
}

/// Covers every pixel by `cover(face coordinates)` (0..1) of `colour`, lit from above by `shine`.
void lay(media::Image& image, const Frame& frame, Colour colour, float shine,
         const std::function<float(Point)>& cover) {
  const float reach = 3.5f * frame.unit;
  const int top = std::max(static_cast<int>(frame.origin.y - reach), 0);
  const int bottom = std::min(static_cast<int>(frame.origin.y + reach), image.height() - 1);
  const int left = std::max(static_cast<int>(frame.origin.x - reach), 0);
  const int right = std::min(static_cast<int>(frame.origin.x + reach), image.width() - 1);
  for (int y = top; y <= bottom; ++y)
    for (int x = left; x <= right; ++x) {
      const Point p = frame.to_face({static_cast<float>(x) + 0.5f, static_cast<float>(y) + 0.5f});
      const float share = cover(p);
      if (share <= 0) continue;
      const float light = 1 + shine * (0.3f - p.y);
      const std::array<float, 3> values{colour.red * light, colour.green * light, colour.blue * light};
      for (std::size_t channel = 0; channel < 3; ++channel) {
        auto& value = image.row(y)[static_cast<std::size_t>(x) * 3 + channel];
        const float mixed = static_cast<float>(value) * (1 - share) + std::clamp(values[channel], 0.0f, 255.0f) * share;
        value = static_cast<std::uint8_t>(std::lround(std::clamp(mixed, 0.0f, 255.0f)));
      }
    }
}

/// 1 inside a rounded box around `centre`, falling to 0 over a narrow border.
float rounded(Point p, Point centre, float half_width, float half_height, float power) {
  const float x = std::abs(p.x - centre.x) / half_width, y = std::abs(p.y - centre.y) / half_height;
  const float radius = std::pow(std::pow(x, power) + std::pow(y, power), 1 / power);
  return std::clamp((1.03f - radius) / 0.06f, 0.0f, 1.0f);
}

void spectacles(media::Image& image, const Frame& frame, Dice& dice, bool dark) {
  const float half_width = dice.between(0.34f, 0.46f), half_height = half_width * dice.between(0.62f, 0.95f);
  const float power = dice.between(2, 5), drop = dice.between(0.0f, 0.12f), rim = dice.between(0.025f, 0.07f);
  const float tone = dice.between(5, 60);
  const float lens = dark ? dice.between(0.6f, 1.0f) : dice.between(0.0f, 0.06f);
  const Colour frame_colour{tone, tone * dice.between(0.6f, 1), tone * dice.between(0.4f, 1)};
  // One pair in three mirrors the sky.
  const bool mirrors = dice.between(0, 3) < 1;
  const float base = mirrors ? dice.between(70, 200) : dice.between(5, 50);
  const Colour lens_colour{base * dice.between(0.7f, 1.1f), base * dice.between(0.8f, 1.1f),
                           base * dice.between(0.7f, 1.3f)};
  const float shine = mirrors ? dice.between(1, 3) : dice.between(0, 1.5f);
  const std::array<Point, 2> eyes{{{-0.5f, drop}, {0.5f, drop}}};
  for (const Point eye : eyes) {
    lay(image, frame, lens_colour, shine,
        [&](Point p) { return lens * rounded(p, eye, half_width, half_height, power); });
    lay(image, frame, frame_colour, 0.2f, [&](Point p) {
      return rounded(p, eye, half_width + rim, half_height + rim, power) *
             (1 - rounded(p, eye, half_width - rim / 2, half_height - rim / 2, power));
    });
  }
  const float bridge_at = drop - half_height * dice.between(0.1f, 0.6f);
  lay(image, frame, frame_colour, 0.2f, [&](Point p) {
    const bool bridge = std::abs(p.x) < 0.5f - half_width && std::abs(p.y - bridge_at) < rim;
    const bool arms = std::abs(p.x) > 0.5f + half_width && std::abs(p.x) < 0.5f + half_width + 0.35f &&
                      std::abs(p.y - bridge_at) < rim;
    return bridge || arms ? 1.0f : 0.0f;
  });
}

Colour fabric(Dice& dice) {
  const float kind = dice.between(0, 4);
  if (kind < 1) return {dice.between(200, 250), dice.between(205, 250), dice.between(205, 250)};
  if (kind < 2) return {dice.between(90, 160), dice.between(160, 200), dice.between(190, 230)};
  if (kind < 3) return {dice.between(10, 45), dice.between(10, 45), dice.between(10, 50)};
  return {dice.between(40, 220), dice.between(40, 220), dice.between(40, 220)};
}

void mask(media::Image& image, const Frame& frame, const Face& face, Dice& dice) {
  const float chin = frame.to_face(landmark(face, LandmarkType::ChinBottom, image)).y;
  const float nose = frame.to_face(landmark(face, LandmarkType::Nose, image)).y;
  const float left = frame.to_face(landmark(face, LandmarkType::MidJawlineLeft, image)).x;
  const float right = frame.to_face(landmark(face, LandmarkType::MidJawlineRight, image)).x;
  const float top = nose * dice.between(0.45f, 0.95f), bottom = chin + dice.between(0.0f, 0.12f);
  const Point centre{(left + right) / 2, (top + bottom) / 2};
  const float half_width = (right - left) / 2 * dice.between(0.92f, 1.06f), half_height = (bottom - top) / 2;
  const float power = dice.between(2.3f, 3.6f), shine = dice.between(0, 0.4f);
  const Colour colour = fabric(dice);
  lay(image, frame, colour, shine, [&](Point p) { return rounded(p, centre, half_width, half_height, power); });
  // Folds.
  const Colour fold{colour.red * 0.8f, colour.green * 0.8f, colour.blue * 0.8f};
  for (const float at : {-0.35f, 0.05f, 0.4f})
    lay(image, frame, fold, shine, [&](Point p) {
      return std::abs(p.y - centre.y - at * half_height) < 0.02f
                 ? 0.7f * rounded(p, centre, half_width * 0.95f, half_height, power)
                 : 0.0f;
    });
}

void block(media::Image& image, const Frame& frame, const Face& face, Dice& dice) {
  const float mouth =
      frame
          .to_face(middle(landmark(face, LandmarkType::MouthUp, image), landmark(face, LandmarkType::MouthDown, image)))
          .y;
  // Before the mouth, before an eye, or before one side of the face.
  const float where = dice.between(0, 3);
  const Point centre = where < 1.4f   ? Point{dice.between(-0.15f, 0.15f), mouth + dice.between(-0.1f, 0.1f)}
                       : where < 2.2f ? Point{dice.between(0, 1) < 0.5f ? -0.5f : 0.5f, dice.between(-0.1f, 0.1f)}
                                      : Point{dice.between(0, 1) < 0.5f ? -0.55f : 0.55f, mouth * 0.5f};
  const float half_width = dice.between(0.5f, 0.85f), half_height = where < 2.2f ? dice.between(0.35f, 0.6f) : 1.3f;
  const bool skin = dice.between(0, 1) < 0.4f;
  const Colour colour =
      skin ? Colour{dice.between(120, 225), dice.between(85, 170), dice.between(65, 140)} : fabric(dice);
  const float power = dice.between(2, 6);
  lay(image, frame, colour, dice.between(0, 0.5f),
      [&](Point p) { return rounded(p, centre, half_width, half_height, power); });
}

void dim(media::Image& image, float factor) {
  for (int y = 0; y < image.height(); ++y)
    for (int x = 0; x < image.width() * 3; ++x) {
      auto& value = image.row(y)[x];
      value = static_cast<std::uint8_t>(std::lround(std::min(static_cast<float>(value) * factor, 255.0f)));
    }
}

}  // namespace

bool paint_over(media::Image& image, const Face& face, std::string_view what, std::uint64_t seed) {
  Dice dice(seed);
  const Frame frame = frame_of(face, image);
  if (what == "sunglasses" || what == "glasses")
    spectacles(image, frame, dice, what == "sunglasses");
  else if (what == "mask")
    mask(image, frame, face, dice);
  else if (what == "block")
    block(image, frame, face, dice);
  else
    return false;
  dim(image, dice.between(0.5f, 1.05f));
  return true;
}

}  // namespace likeness::vision
