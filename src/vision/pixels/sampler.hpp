#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "media/image.hpp"
#include "vision/geometry/boxes.hpp"
#include "vision/geometry/transform.hpp"
#include "vision/runtime/model_spec.hpp"

/// From pixels of the image to what a model reads, in one pass: reduce by whole numbers, warp, normalise, lay out.
///
/// The arithmetic is either on integers or on float32 with SSE4.1 and without fused multiply-add, one code path for
/// every processor: the same image gives the same bits everywhere.
namespace likeness::vision {

/// Pixels that cover the rectangle of the image that starts at (left, top); each of them stands for
/// factor_x x factor_y image pixels. Borrows the pixels.
struct PixelView {
  const std::uint8_t* pixels = nullptr;
  int width = 0, height = 0;
  std::size_t stride = 0;
  float left = 0, top = 0;
  float factor_x = 1, factor_y = 1;

  /// From image coordinates to those of this view.
  Affine from_image() const;
};
PixelView view_of(const media::Image& image);

/// A part of an image, made smaller. Owns its pixels.
class ReducedImage {
 public:
  ReducedImage() = default;
  /// Each pixel is the mean of factor_x x factor_y pixels of `source` (both 1 to 256), starting at the pixel that holds
  /// the corner of `area` (coordinates of the image). What is left over at the right and bottom becomes pixels that
  /// average fewer. An area that lies outside, or factors of 1, are fine.
  ReducedImage(const PixelView& source, const PixelBox& area, int factor_x, int factor_y);

  PixelView view() const;
  bool empty() const { return pixels_.empty(); }

 private:
  media::Image pixels_;
  float left_ = 0, top_ = 0, factor_x_ = 1, factor_y_ = 1;
};

/// The same place in several sizes, so that each model can be served from one that is not much too fine for it: a warp
/// samples four pixels, and would skip the others. Borrows the image.
class ImagePyramid {
 public:
  /// `finest_step`: the smallest number of image pixels per patch pixel that will be asked for.
  ImagePyramid(const media::Image& image, const PixelBox& area, float finest_step);
  /// The coarsest view whose pixels are no coarser than `step` image pixels.
  const PixelView& view_for(float step) const;

 private:
  std::vector<ReducedImage> reduced_;
  std::vector<PixelView> views_;  // finest first
};

/// What lies outside the image.
enum class Border : std::uint8_t {
  Nearest,  // the nearest pixel of the image
  Grey,     // 127
  Black,
};

/// Samples a patch of width x height pixels bilinearly and hands over its rows: 4 floats a pixel (red, green, blue,
/// unused), 0..255. `to_image` leads from patch coordinates to image coordinates.
void warp_rows(const PixelView& view, const Affine& to_image, int width, int height, Border border,
               const std::function<void(int row, std::span<const float> rgbx)>& take);

/// Writes rows of `warp_rows` as a model's input: colour order, `(value - mean) / scale`, layout.
class TensorWriter {
 public:
  /// `tensor` has form.elements() elements for one image.
  TensorWriter(const InputForm& form, std::span<float> tensor);
  void operator()(int row, std::span<const float> rgbx);

 private:
  const bool planar_, grey_;
  const int width_, height_;
  float factor_[3], offset_[3];  // by channel of the model
  int source_[3];                // which of red, green, blue it reads
  std::span<float> tensor_;
};

/// warp_rows into a model's input.
void warp_into(const PixelView& view, const Affine& to_image, Border border, const InputForm& form,
               std::span<float> tensor);

}  // namespace likeness::vision
