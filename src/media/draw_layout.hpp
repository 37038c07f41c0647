#pragma once

#include <vector>

#include "media/draw.hpp"

/// Where labels go. Plain geometry, apart from the drawing so that it can be tested.
namespace likeness::media {

struct LabelSize {
  double width = 0, height = 0;
};

/// One place for each label, all inside `canvas` (a label larger than the canvas is put at its corner). `boxes[i]` is
/// what `sizes[i]` labels; a label of width 0 takes no place. Labels keep off one another where there is room, and off
/// foreign boxes; they sit above or below their own box, else beside or inside it. Larger boxes choose first.
std::vector<Rect> place_labels(const std::vector<Rect>& boxes, const std::vector<LabelSize>& sizes, const Rect& canvas,
                               double gap);

double overlap(const Rect& a, const Rect& b);

}  // namespace likeness::media
