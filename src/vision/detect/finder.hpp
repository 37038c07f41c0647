#pragma once

#include <cstddef>
#include <limits>
#include <vector>

#include "vision/detect/detectors.hpp"
#include "vision/runtime/workers.hpp"

namespace likeness::vision {

/// Looks for faces of all sizes. The whole image first; then, in images much larger than the detector's input, tiles of
/// a half and of a quarter of it, but only where they can pay: not in what a large face fills, and the quarters only
/// around hints of small faces. Tight crops are tried again with grey around them. Call it from a piece of work of the
/// Workers, over which the tiles are spread. Thread-safe.
class FaceFinder {
 public:
  FaceFinder(Workers& workers, UprightDetector upright, RotatedDetector rotated)
      : workers_(workers), upright_(upright), rotated_(rotated) {}

  /// Upright faces by falling score, overlaps removed. Low scores too (from kWeakScore on): whoever takes them must
  /// look twice.
  /// Who wants the `most` largest only spares the tiles where the whole image shows that many faces at a size at which
  /// a larger one would not have been missed.
  Result<std::vector<Candidate>> find_upright(const media::Image& image,
                                              std::size_t most = std::numeric_limits<std::size_t>::max()) const;
  /// Faces at any angle: for images in which nothing upright was found.
  Result<std::vector<Candidate>> find_rotated(const media::Image& image) const;

  static constexpr float kWeakScore = 0.30f;
  /// Faces whose areas, as the detector sees them, differ by less than this may change places once they are measured.
  static constexpr float kNearlyAsLarge = 0.75f;
  float sure_score() const { return upright_.score_threshold(); }

 private:
  struct Tile {
    PixelBox area;
    int level;
  };
  Result<void> search(const media::Image& image, const std::vector<Tile>& tiles, std::vector<Candidate>& raw) const;
  bool is_plain(const Candidate& candidate, float step) const;
  bool plain_ones_suffice(const std::vector<Candidate>& known, float step, std::size_t most) const;
  std::vector<Candidate> merge(const std::vector<Candidate>& raw, float step) const;

  Workers& workers_;
  UprightDetector upright_;
  RotatedDetector rotated_;
};

/// `count` x `count` overlapping tiles that cover the image; neighbours share a quarter of a tile.
std::vector<PixelBox> tiles_of(int width, int height, int count);

}  // namespace likeness::vision
