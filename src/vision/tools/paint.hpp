#pragma once

#include <string_view>

#include "media/image.hpp"
#include "vision/face.hpp"

/// Things painted over a face, for measuring what real photos of are too few: they teach the heads for sunglasses and
/// covered faces, and never count as evidence of how good those are (docs/accuracy.md).
namespace likeness::vision {

/// Paints over the face, turned and sized by its landmarks. `what`: "sunglasses", "glasses", "mask" or "block"
/// (something of one colour held before a part of the face). The photo
/// gets darker too, as photos of such faces often are. Shape, size and colour follow from `seed` alone. Returns
/// false for another word.
bool paint_over(media::Image& image, const Face& face, std::string_view what, std::uint64_t seed);

}  // namespace likeness::vision
