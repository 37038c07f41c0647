#include "vision/detect/finder.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

namespace likeness::vision {
namespace {

/// Scores this low are no findings, but tell where a closer look may find something.
constexpr float kHintScore = 0.12f;
/// Neighbouring tiles share this part of a tile.
constexpr float kTileOverlap = 0.25f;
/// A face smaller than this many pixels of the detector's input may have smaller neighbours that it missed.
constexpr float kSmallInInput = 26.0f;
/// A face of at least this many pixels of the detector's input is in the middle of what it was trained for.
constexpr float kLargeInInput = 24.0f;
/// The finest step of interest: at fewer image pixels per input pixel nothing new is found.
constexpr float kFinestStep = 1.3f;

PixelBox grown(const PixelBox& box, float factor) {
  const Point centre = box.centre();
  const float half_width = box.width() * factor / 2, half_height = box.height() * factor / 2;
  return {centre.x - half_width, centre.y - half_height, centre.x + half_width, centre.y + half_height};
}

}  // namespace

std::vector<PixelBox> tiles_of(int width, int height, int count) {
  const auto n = static_cast<float>(count);
  // n tiles with overlaps of a fixed share of a tile cover n - (n - 1) * share tile lengths.
  const float spans = n - (n - 1) * kTileOverlap;
  const float tile_width = static_cast<float>(width) / spans, tile_height = static_cast<float>(height) / spans;
  std::vector<PixelBox> tiles;
  for (int y = 0; y < count; ++y)
    for (int x = 0; x < count; ++x) {
      const float left = static_cast<float>(x) * tile_width * (1 - kTileOverlap);
      const float top = static_cast<float>(y) * tile_height * (1 - kTileOverlap);
      tiles.push_back({left, top, left + tile_width, top + tile_height});
    }
  return tiles;
}

Result<void> FaceFinder::search(const media::Image& image, const std::vector<Tile>& tiles,
                                std::vector<Candidate>& raw) const {
  std::vector<std::vector<ScoredBox>> found(tiles.size());
  auto done = workers_.run(tiles.size(), [&](std::size_t i) -> Result<void> {
    auto boxes = upright_.detect(image, tiles[i].area, kHintScore);
    if (!boxes) return fail(boxes);
    found[i] = std::move(*boxes);
    return {};
  });
  if (!done) return done;
  const auto width = static_cast<float>(image.width()), height = static_cast<float>(image.height());
  for (std::size_t i = 0; i < tiles.size(); ++i) {
    const PixelBox& area = tiles[i].area;
    // What a tile's edge cuts through is seen whole by its neighbour.
    const float margin_x = area.width() * 0.01f, margin_y = area.height() * 0.01f;
    for (const ScoredBox& box : found[i]) {
      const bool cut = (box.box.left < area.left + margin_x && area.left > 0.5f) ||
                       (box.box.top < area.top + margin_y && area.top > 0.5f) ||
                       (box.box.right > area.right - margin_x && area.right < width - 0.5f) ||
                       (box.box.bottom > area.bottom - margin_y && area.bottom < height - 0.5f);
      if (!cut) raw.push_back({box.box, box.score, 0, tiles[i].level});
    }
  }
  return {};
}

/// Whether a face was plain to see in the whole image, of which the detector saw one pixel in `step`.
bool FaceFinder::is_plain(const Candidate& candidate, float step) const {
  return candidate.level == 0 && candidate.score >= sure_score() && candidate.box.width() / step >= kLargeInInput;
}

std::vector<Candidate> FaceFinder::merge(const std::vector<Candidate>& raw, float step) const {
  std::vector<ScoredBox> boxes;
  boxes.reserve(raw.size());
  // The box of the whole image goes before those of tiles: the same whether tiles were looked at or not.
  for (const Candidate& candidate : raw)
    boxes.push_back({candidate.box, candidate.score + (is_plain(candidate, step) ? 1.0f : 0.0f)});
  std::vector<Candidate> merged;
  for (const std::size_t index : suppress(boxes, upright_.overlap_threshold())) {
    const Candidate& candidate = raw[index];
    // A part of a face that a finer tile took for a face of its own lies inside the whole one.
    const bool inside = std::any_of(merged.begin(), merged.end(), [&](const Candidate& better) {
      return share_of_smaller(better.box, candidate.box) > 0.75f;
    });
    if (!inside) merged.push_back(candidate);
  }
  return merged;
}

/// Whether the `most` largest faces, and all that come near them in size, are plain to see.
bool FaceFinder::plain_ones_suffice(const std::vector<Candidate>& known, float step, std::size_t most) const {
  if (most == 0) return true;
  std::vector<float> plain;
  for (const Candidate& candidate : known)
    if (is_plain(candidate, step)) plain.push_back(candidate.box.area());
  if (plain.size() < most) return false;
  std::sort(plain.begin(), plain.end(), std::greater<>());
  const float limit = kNearlyAsLarge * plain[most - 1];
  return std::none_of(known.begin(), known.end(), [&](const Candidate& candidate) {
    return candidate.box.area() > limit && !is_plain(candidate, step);
  });
}

Result<std::vector<Candidate>> FaceFinder::find_upright(const media::Image& image, std::size_t most) const {
  const auto width = static_cast<float>(image.width()), height = static_cast<float>(image.height());
  const PixelBox whole{0, 0, width, height};
  std::vector<Candidate> raw;
  if (auto done = search(image, {{whole, 0}}, raw); !done) return fail(done);

  // A crop so tight that the face fills it: the detector wants to see something around a face.
  const bool any_inside = std::any_of(raw.begin(), raw.end(), [&](const Candidate& c) {
    return c.score >= sure_score() && c.box.left > 0 && c.box.top > 0 && c.box.right < width && c.box.bottom < height;
  });
  if (!any_inside) {
    if (auto done = search(image, {{grown(whole, 1.5f), 0}}, raw); !done) return fail(done);
  }

  const float steps[] = {width / static_cast<float>(upright_.input_width()),
                         height / static_cast<float>(upright_.input_height())};
  const float step = std::max(steps[0], steps[1]);
  for (int level = 1, count = 2; level <= 2; ++level, count *= 2) {
    const float level_step = step / (static_cast<float>(count) - (static_cast<float>(count) - 1) * kTileOverlap);
    if (level_step < kFinestStep) break;
    const std::vector<Candidate> known = merge(raw, step);
    if (plain_ones_suffice(known, step, most)) break;
    std::vector<Tile> tiles;
    for (const PixelBox& area : tiles_of(image.width(), image.height(), count)) {
      bool filled = false, hint = false;
      for (const Candidate& candidate : known) {
        const float input_size = candidate.box.width() / (step / (static_cast<float>(count) / 2));
        const bool sure = candidate.score >= sure_score();
        // A head with its shoulders: nobody else fits into the tile.
        if (sure && overlap_area(grown(candidate.box, 2.0f), area) > 0.55f * area.area()) filled = true;
        if (input_size < kSmallInInput && overlap_area(candidate.box, area) > 0.5f * candidate.box.area()) hint = true;
      }
      if (hint || (level == 1 && !filled)) tiles.push_back({area, level});
    }
    if (tiles.empty()) break;
    if (auto done = search(image, tiles, raw); !done) return fail(done);
  }

  std::erase_if(raw, [](const Candidate& candidate) { return candidate.score < kWeakScore; });
  return merge(raw, step);
}

Result<std::vector<Candidate>> FaceFinder::find_rotated(const media::Image& image) const {
  const PixelBox whole{0, 0, static_cast<float>(image.width()), static_cast<float>(image.height())};
  auto found = rotated_.detect(image, whole, 0.5f);
  if (!found || !found->empty()) return found;
  return rotated_.detect(image, grown(whole, 1.5f), 0.5f);
}

}  // namespace likeness::vision
