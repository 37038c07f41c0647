#pragma once

#include "base/bytes.hpp"

namespace likeness::media {

/// Orientation (1..8) in a TIFF block, the body of EXIF data: "II*\0" or "MM\0*" and its first directory. 1 when there
/// is none or the block is damaged: a photo is not refused for its EXIF data.
int exif_orientation(BytesView tiff);

/// The same of the body of a JPEG's APP1 segment, which begins with "Exif\0\0"; 0 when it is something else (XMP).
int app1_orientation(BytesView segment);

}  // namespace likeness::media
