#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "media/image.hpp"

namespace likeness::media {

/// Lossless, 8-bit RGB. Error "EncodeFailed".
Result<Bytes> encode_png(const Image& image);

/// Baseline, full colour resolution (4:4:4, so that thin coloured lines stay clean). `quality` 1..100. Error
/// "EncodeFailed".
Result<Bytes> encode_jpeg(const Image& image, int quality = 92);

}  // namespace likeness::media
