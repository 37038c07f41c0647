#include "vision/face/appearance.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

namespace likeness::vision {
namespace {

constexpr int kPatch = 128;
constexpr float kPatchCrop = 1.15f;  // of the mesh's longer side

/// The face upright in a square, as luma and chroma (BT.601, 0..255, chroma around 0).
struct Patch {
  std::vector<float> luma, blue, red;
  Affine from_image;

  float at(int x, int y) const { return luma[static_cast<std::size_t>(y) * kPatch + x]; }
};

Patch take_patch(const ImagePyramid& pixels, const FaceMesh& mesh) {
  Patch patch;
  const Affine to_image = patch_to_image(MeshModel::crop_around(mesh, kPatchCrop), kPatch);
  patch.from_image = to_image.inverse();
  constexpr std::size_t kCount = kPatch * kPatch;
  patch.luma.resize(kCount), patch.blue.resize(kCount), patch.red.resize(kCount);
  warp_rows(pixels.view_for(to_image.scale()), to_image, kPatch, kPatch, Border::Nearest,
            [&](int row, std::span<const float> rgbx) {
              for (std::size_t x = 0; x < kPatch; ++x) {
                const float r = rgbx[x * 4], g = rgbx[x * 4 + 1], b = rgbx[x * 4 + 2];
                const float luma = 0.299f * r + 0.587f * g + 0.114f * b;
                const std::size_t i = static_cast<std::size_t>(row) * kPatch + x;
                patch.luma[i] = luma, patch.blue[i] = 0.564f * (b - luma), patch.red[i] = 0.713f * (r - luma);
              }
            });
  return patch;
}

struct Stats {
  float luma = 0, deviation = 0, blue = 0, red = 0;
  float detail = 0;              // mean size of the Laplacian
  float edge_x = 0, edge_y = 0;  // mean size of the derivative along x and along y
  int count = 0;
};

/// Over discs of `radius` around mesh points; parts outside the patch do not count.
template <class Points>
Stats stats_of(const Patch& patch, const Points& centres, float radius) {
  Stats stats;
  float squares = 0;
  for (const Point& centre : centres) {
    const int reach = static_cast<int>(std::ceil(radius));
    const int cx = static_cast<int>(std::lround(centre.x)), cy = static_cast<int>(std::lround(centre.y));
    for (int y = std::max(cy - reach, 1); y <= std::min(cy + reach, kPatch - 2); ++y)
      for (int x = std::max(cx - reach, 1); x <= std::min(cx + reach, kPatch - 2); ++x) {
        const auto dx = static_cast<float>(x - cx), dy = static_cast<float>(y - cy);
        if (dx * dx + dy * dy > radius * radius) continue;
        const float value = patch.at(x, y), left = patch.at(x - 1, y), right = patch.at(x + 1, y);
        const float up = patch.at(x, y - 1), below = patch.at(x, y + 1);
        const auto i = static_cast<std::size_t>(y) * kPatch + x;
        stats.luma += value, squares += value * value;
        stats.blue += patch.blue[i], stats.red += patch.red[i];
        stats.detail += std::abs(4 * value - left - right - up - below);
        stats.edge_x += std::abs(right - left), stats.edge_y += std::abs(below - up);
        ++stats.count;
      }
  }
  if (stats.count == 0) return stats;
  const float share = 1 / static_cast<float>(stats.count);
  stats.luma *= share, stats.blue *= share, stats.red *= share;
  stats.detail *= share, stats.edge_x *= share, stats.edge_y *= share;
  stats.deviation = std::sqrt(std::max(squares * share - stats.luma * stats.luma, 0.0f));
  return stats;
}

/// The strongest level edge in a window: the largest, over its rows, of the mean derivative along the row's width. An
/// edge that runs all across counts, texture averages out.
float level_edge(const Patch& patch, Point centre, float half_width, float half_height) {
  const int x0 = std::clamp(static_cast<int>(std::lround(centre.x - half_width)), 1, kPatch - 2);
  const int x1 = std::clamp(static_cast<int>(std::lround(centre.x + half_width)), x0, kPatch - 2);
  const int y0 = std::clamp(static_cast<int>(std::lround(centre.y - half_height)), 1, kPatch - 2);
  const int y1 = std::clamp(static_cast<int>(std::lround(centre.y + half_height)), y0, kPatch - 2);
  float strongest = 0;
  for (int y = y0; y <= y1; ++y) {
    float sum = 0;
    for (int x = x0; x <= x1; ++x) sum += patch.at(x, y + 1) - patch.at(x, y - 1);
    strongest = std::max(strongest, std::abs(sum) / static_cast<float>(x1 - x0 + 1));
  }
  return strongest;
}

/// Share of pixels darker than `limit` in a disc.
float dark_share(const Patch& patch, Point centre, float radius, float limit) {
  const int reach = static_cast<int>(std::ceil(radius));
  const int cx = static_cast<int>(std::lround(centre.x)), cy = static_cast<int>(std::lround(centre.y));
  int dark = 0, count = 0;
  for (int y = std::max(cy - reach, 0); y <= std::min(cy + reach, kPatch - 1); ++y)
    for (int x = std::max(cx - reach, 0); x <= std::min(cx + reach, kPatch - 1); ++x) {
      const auto dx = static_cast<float>(x - cx), dy = static_cast<float>(y - cy);
      if (dx * dx + dy * dy > radius * radius) continue;
      ++count;
      if (patch.at(x, y) < limit) ++dark;
    }
  return count > 0 ? static_cast<float>(dark) / static_cast<float>(count) : 0;
}

/// The mean size of the Laplacian in discs, on the patch at half its resolution: what is left of detail there.
template <class Points>
float coarse_detail(const Patch& patch, const Points& centres, float radius) {
  constexpr int kHalf = kPatch / 2;
  std::array<float, kHalf * kHalf> half{};
  for (int y = 0; y < kHalf; ++y)
    for (int x = 0; x < kHalf; ++x)
      half[static_cast<std::size_t>(y) * kHalf + x] = (patch.at(2 * x, 2 * y) + patch.at(2 * x + 1, 2 * y) +
                                                       patch.at(2 * x, 2 * y + 1) + patch.at(2 * x + 1, 2 * y + 1)) /
                                                      4;
  const auto at = [&](int x, int y) { return half[static_cast<std::size_t>(y) * kHalf + x]; };
  const float reach = radius / 2;
  float sum = 0;
  int count = 0;
  for (const Point& point : centres) {
    const Point centre = point * 0.5f;
    for (int y = std::max(static_cast<int>(centre.y - reach), 1);
         y <= std::min(static_cast<int>(centre.y + reach), kHalf - 2); ++y)
      for (int x = std::max(static_cast<int>(centre.x - reach), 1);
           x <= std::min(static_cast<int>(centre.x + reach), kHalf - 2); ++x) {
        const float dx = static_cast<float>(x) - centre.x, dy = static_cast<float>(y) - centre.y;
        if (dx * dx + dy * dy > reach * reach) continue;
        sum += std::abs(4 * at(x, y) - at(x - 1, y) - at(x + 1, y) - at(x, y - 1) - at(x, y + 1));
        ++count;
      }
  }
  return count > 0 ? sum / static_cast<float>(count) : 0;
}

struct Region {
  std::string luma, chroma, deviation, detail, edge_x, edge_y;
  std::vector<std::size_t> points;
  float radius;  // of the distance between the outer corners of the eyes
};

/// Where glasses, hair of the face and masks show.
const std::vector<Region>& regions() {
  static const std::vector<Region> kRegions = [] {
    std::vector<Region> list;
    const auto add = [&](const std::string& name, std::vector<std::size_t> points, float radius) {
      const std::string base = "texture." + name;
      list.push_back({base + ".luma", base + ".chroma", base + ".deviation", base + ".detail", base + ".edge_x",
                      base + ".edge_y", std::move(points), radius});
    };
    add("bridge", {168, 6}, 0.08f);
    add("under_eyes", {230, 229, 450, 449}, 0.08f);
    add("temples", {35, 143, 265, 372}, 0.07f);
    add("lids", {159, 145, 386, 374}, 0.08f);
    add("mustache", {164, 165, 391}, 0.06f);
    add("chin", {199, 175, 200}, 0.10f);
    add("jaw", {172, 136, 150, 397, 365, 379}, 0.08f);
    add("mouth", {61, 13, 14, 291, 17}, 0.08f);
    add("forehead", {151, 9, 108, 337}, 0.10f);
    add("nose_tip", {1, 4}, 0.06f);
    return list;
  }();
  return kRegions;
}

constexpr std::array<std::size_t, 6> kSkin{50, 280, 205, 425, 151, 5};
constexpr std::array<std::size_t, 8> kWholeFace{50, 280, 205, 425, 151, 1, 199, 168};

}  // namespace

void measure_appearance(const ImagePyramid& pixels, const FaceMesh& mesh, Measurements& into) {
  const Patch patch = take_patch(pixels, mesh);
  const auto place = [&](std::size_t index) { return patch.from_image(mesh.at(index)); };
  const auto places = [&](const auto& indices) {
    std::vector<Point> points;
    points.reserve(std::size(indices));
    for (const std::size_t index : indices) points.push_back(place(index));
    return points;
  };
  const float eyes = std::max(distance(place(33), place(263)), 8.0f);

  const Stats face = stats_of(patch, places(kWholeFace), 0.35f * eyes);
  into.set("quality.luma", face.luma);
  into.set("quality.contrast", face.deviation);
  // Fine detail relative to the contrast of the whole face, so that flat light does not count as blur.
  into.set("quality.detail", face.detail / std::max(face.deviation, 8.0f));

  into.set("quality.detail.log", std::log(std::max(face.detail / std::max(face.deviation, 8.0f), 1e-3f)));
  // In focus, detail falls by about half from one scale to the next coarser one; blur takes the fine scale first. This
  // hardly depends on what the face looks like.
  const float coarse = coarse_detail(patch, places(kWholeFace), 0.35f * eyes);
  into.set("quality.fine", face.detail / std::max(coarse, 0.25f));

  const Stats skin = stats_of(patch, places(kSkin), 0.09f * eyes);
  const float light = std::max(skin.luma, 16.0f);
  into.set("texture.skin.detail", skin.detail / light);
  into.set("texture.skin.deviation", skin.deviation / light);
  into.set("texture.colour", std::hypot(skin.blue, skin.red));
  for (const Region& region : regions()) {
    const Stats stats = stats_of(patch, places(region.points), region.radius * eyes);
    into.set(region.luma, stats.luma / light);
    into.set(region.chroma, std::hypot(stats.blue - skin.blue, stats.red - skin.red) / light);
    into.set(region.deviation, stats.deviation / light);
    into.set(region.detail, stats.detail / light);
    into.set(region.edge_x, stats.edge_x / light);
    into.set(region.edge_y, stats.edge_y / light);
  }

  const Point between = middle(place(133), place(362));
  into.set("texture.glasses.bridge", level_edge(patch, between, 0.07f * eyes, 0.16f * eyes) / light);
  const Point left_eye = middle(place(33), place(133)), right_eye = middle(place(263), place(362));
  const auto under = [&](Point eye) { return Point{eye.x, eye.y + 0.24f * eyes}; };
  into.set("texture.glasses.rims", (level_edge(patch, under(left_eye), 0.10f * eyes, 0.10f * eyes) +
                                    level_edge(patch, under(right_eye), 0.10f * eyes, 0.10f * eyes)) /
                                       2 / light);
  const Point left_side = middle(place(33), place(127)), right_side = middle(place(263), place(356));
  into.set("texture.glasses.arms", (level_edge(patch, left_side, 0.06f * eyes, 0.12f * eyes) +
                                    level_edge(patch, right_side, 0.06f * eyes, 0.12f * eyes)) /
                                       2 / light);
  // Dark all around the eyes, below them too, where no brow or lash is.
  const auto socket = [&](Point eye) { return Point{eye.x, eye.y + 0.06f * eyes}; };
  into.set("texture.sockets.dark", (dark_share(patch, socket(left_eye), 0.16f * eyes, 0.55f * light) +
                                    dark_share(patch, socket(right_eye), 0.16f * eyes, 0.55f * light)) /
                                       2);
  into.set("texture.chin.dark", dark_share(patch, place(199), 0.16f * eyes, 0.65f * light));
  into.set("texture.mustache.dark", dark_share(patch, place(164), 0.10f * eyes, 0.65f * light));
}

}  // namespace likeness::vision
