#include "vision/pixels/sampler.hpp"

#include <smmintrin.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace likeness::vision {
namespace {

/// Sums of rows: sum[i] += row[i]. Integers, so that every compilation of it gives the same.
void add_row(const std::uint8_t* __restrict row, std::uint16_t* __restrict sum, std::size_t count) {
  std::size_t i = 0;
  for (; i + 16 <= count; i += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(row + i));
    const __m128i low = _mm_cvtepu8_epi16(bytes), high = _mm_unpackhi_epi8(bytes, _mm_setzero_si128());
    auto* at = reinterpret_cast<__m128i*>(sum + i);
    _mm_storeu_si128(at, _mm_add_epi16(_mm_loadu_si128(at), low));
    _mm_storeu_si128(at + 1, _mm_add_epi16(_mm_loadu_si128(at + 1), high));
  }
  for (; i < count; ++i) sum[i] = static_cast<std::uint16_t>(sum[i] + row[i]);
}

/// The four bytes from `pixel` on as floats; the fourth belongs to the next pixel.
__m128 load_pixel(const std::uint8_t* pixel) {
  std::int32_t bytes;
  std::memcpy(&bytes, pixel, 4);
  return _mm_cvtepi32_ps(_mm_cvtepu8_epi32(_mm_cvtsi32_si128(bytes)));
}

__m128 mix(__m128 a, __m128 b, __m128 share) { return _mm_add_ps(a, _mm_mul_ps(_mm_sub_ps(b, a), share)); }

/// One pixel of the view, or what stands for it outside.
__m128 pixel_at(const PixelView& view, int x, int y, Border border) {
  if (border != Border::Nearest && (x < 0 || y < 0 || x >= view.width || y >= view.height))
    return _mm_set1_ps(border == Border::Grey ? 127.0f : 0.0f);
  const int column = std::clamp(x, 0, view.width - 1), row = std::clamp(y, 0, view.height - 1);
  const std::uint8_t* p =
      view.pixels + static_cast<std::size_t>(row) * view.stride + static_cast<std::size_t>(column) * 3;
  return _mm_setr_ps(p[0], p[1], p[2], 0);
}

}  // namespace

Affine PixelView::from_image() const { return {1 / factor_x, 0, -left / factor_x, 0, 1 / factor_y, -top / factor_y}; }

PixelView view_of(const media::Image& image) {
  return {.pixels = image.row(0), .width = image.width(), .height = image.height(), .stride = image.stride()};
}

ReducedImage::ReducedImage(const PixelView& source, const PixelBox& area, int factor_x, int factor_y) {
  const Affine map = source.from_image();
  const Point first = map({area.left, area.top}), last = map({area.right, area.bottom});
  const int x0 = std::clamp(static_cast<int>(std::floor(first.x)), 0, source.width - 1);
  const int y0 = std::clamp(static_cast<int>(std::floor(first.y)), 0, source.height - 1);
  const int x1 = std::clamp(static_cast<int>(std::ceil(last.x)), x0 + 1, source.width);
  const int y1 = std::clamp(static_cast<int>(std::ceil(last.y)), y0 + 1, source.height);
  const int width = (x1 - x0 + factor_x - 1) / factor_x, height = (y1 - y0 + factor_y - 1) / factor_y;
  pixels_ = media::Image(width, height);
  left_ = source.left + static_cast<float>(x0) * source.factor_x;
  top_ = source.top + static_cast<float>(y0) * source.factor_y;
  factor_x_ = source.factor_x * static_cast<float>(factor_x);
  factor_y_ = source.factor_y * static_cast<float>(factor_y);

  const auto used = static_cast<std::size_t>(x1 - x0) * 3;
  std::vector<std::uint16_t> sums(used + 1);  // a pixel is read as four numbers
  for (int row = 0; row < height; ++row) {
    const int begin = y0 + row * factor_y, end = std::min(begin + factor_y, y1);
    std::fill(sums.begin(), sums.end(), std::uint16_t{0});
    for (int y = begin; y < end; ++y)
      add_row(source.pixels + static_cast<std::size_t>(y) * source.stride + static_cast<std::size_t>(x0) * 3,
              sums.data(), used);
    std::uint8_t* out = pixels_.row(row);
    for (int column = 0; column < width; ++column) {
      const int from = column * factor_x, to = std::min(from + factor_x, x1 - x0);
      __m128i sum = _mm_setzero_si128();  // red, green, blue, and what comes next
      for (int x = from; x < to; ++x)
        sum = _mm_add_epi32(
            sum, _mm_cvtepu16_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(&sums[std::size_t{3} * x]))));
      const __m128 share = _mm_set1_ps(1.0f / static_cast<float>((to - from) * (end - begin)));
      const __m128i mean = _mm_cvttps_epi32(_mm_add_ps(_mm_mul_ps(_mm_cvtepi32_ps(sum), share), _mm_set1_ps(0.5f)));
      const __m128i bytes = _mm_packus_epi16(_mm_packus_epi32(mean, mean), mean);
      const int pixel = _mm_cvtsi128_si32(bytes);
      std::memcpy(out + std::size_t{3} * column, &pixel, 3);
    }
  }
}

PixelView ReducedImage::view() const {
  PixelView view = view_of(pixels_);
  view.left = left_, view.top = top_;
  view.factor_x = factor_x_, view.factor_y = factor_y_;
  return view;
}

ImagePyramid::ImagePyramid(const media::Image& image, const PixelBox& area, float finest_step) {
  const PixelView whole = view_of(image);
  const PixelBox inside{std::max(area.left, 0.0f), std::max(area.top, 0.0f),
                        std::min(area.right, static_cast<float>(image.width())),
                        std::min(area.bottom, static_cast<float>(image.height()))};
  const int factor = std::clamp(static_cast<int>(finest_step), 1, 256);
  if (factor == 1 || inside.area() <= 0) {
    views_.push_back(whole);
  } else {
    reduced_.emplace_back(whole, inside, factor, factor);
    views_.push_back(reduced_.back().view());
  }
  if (inside.area() <= 0) return;
  // Two halvings more serve the models that want the face smaller.
  for (int halving = 0; halving < 2; ++halving) {
    reduced_.emplace_back(views_.back(), inside, 2, 2);
    views_.push_back(reduced_.back().view());
  }
}

const PixelView& ImagePyramid::view_for(float step) const {
  for (std::size_t i = views_.size(); i-- > 1;)
    if (views_[i].factor_x <= step * 1.05f) return views_[i];
  return views_.front();
}

void warp_rows(const PixelView& view, const Affine& to_image, int width, int height, Border border,
               const std::function<void(int, std::span<const float>)>& take) {
  const Affine map = compose(view.from_image(), to_image);
  std::vector<float> buffer(static_cast<std::size_t>(width) * 4);
  for (int row = 0; row < height; ++row) {
    // Centres of pixels: sample at u - 0.5 in terms of pixel indices.
    const Point start = map({0.5f, static_cast<float>(row) + 0.5f});
    for (int column = 0; column < width; ++column) {
      const float u = start.x + map.a * static_cast<float>(column) - 0.5f;
      const float v = start.y + map.d * static_cast<float>(column) - 0.5f;
      const float floor_u = std::floor(u), floor_v = std::floor(v);
      // Bounded before the conversion: a patch may lie far outside.
      const int x = static_cast<int>(std::clamp(floor_u, -2.0f, static_cast<float>(view.width)));
      const int y = static_cast<int>(std::clamp(floor_v, -2.0f, static_cast<float>(view.height)));
      const __m128 share_x = _mm_set1_ps(u - floor_u), share_y = _mm_set1_ps(v - floor_v);
      __m128 p00, p01, p10, p11;
      // The last pixel of a row is left to the other branch: load_pixel reads one byte beyond its pixel.
      if (x >= 0 && y >= 0 && x + 2 < view.width && y + 1 < view.height) {
        const std::uint8_t* p =
            view.pixels + static_cast<std::size_t>(y) * view.stride + static_cast<std::size_t>(x) * 3;
        p00 = load_pixel(p), p01 = load_pixel(p + 3);
        p10 = load_pixel(p + view.stride), p11 = load_pixel(p + view.stride + 3);
      } else {
        p00 = pixel_at(view, x, y, border), p01 = pixel_at(view, x + 1, y, border);
        p10 = pixel_at(view, x, y + 1, border), p11 = pixel_at(view, x + 1, y + 1, border);
      }
      _mm_storeu_ps(&buffer[static_cast<std::size_t>(column) * 4],
                    mix(mix(p00, p01, share_x), mix(p10, p11, share_x), share_y));
    }
    take(row, buffer);
  }
}

TensorWriter::TensorWriter(const InputForm& form, std::span<float> tensor)
    : planar_(form.layout == TensorLayout::Nchw && form.channels() > 1),
      grey_(form.colour == ColourOrder::Grey),
      width_(form.width()),
      height_(form.height()),
      factor_{},
      offset_{},
      source_{},
      tensor_(tensor) {
  for (int channel = 0; channel < 3; ++channel) {
    const auto of = static_cast<std::size_t>(grey_ ? 0 : channel);
    const float scale = of < form.scale.size() ? form.scale[of] : 1.0f;
    const float mean = of < form.mean.size() ? form.mean[of] : 0.0f;
    factor_[channel] = 1 / scale;
    offset_[channel] = -mean / scale;
    source_[channel] = form.colour == ColourOrder::Bgr ? 2 - channel : channel;
  }
}

void TensorWriter::operator()(int row, std::span<const float> rgbx) {
  const auto width = static_cast<std::size_t>(width_), at = static_cast<std::size_t>(row) * width;
  if (grey_) {
    // ITU-R BT.601 luma.
    float* out = tensor_.data() + at;
    for (std::size_t x = 0; x < width; ++x) {
      const float grey = 0.2989f * rgbx[x * 4] + 0.587f * rgbx[x * 4 + 1] + 0.114f * rgbx[x * 4 + 2];
      out[x] = grey * factor_[0] + offset_[0];
    }
  } else if (planar_) {
    const std::size_t plane = width * static_cast<std::size_t>(height_);
    for (std::size_t channel = 0; channel < 3; ++channel) {
      float* out = tensor_.data() + channel * plane + at;
      const float* in = rgbx.data() + source_[channel];
      const float factor = factor_[channel], offset = offset_[channel];
      for (std::size_t x = 0; x < width; ++x) out[x] = in[x * 4] * factor + offset;
    }
  } else {
    float* out = tensor_.data() + at * 3;
    for (std::size_t x = 0; x < width; ++x)
      for (std::size_t channel = 0; channel < 3; ++channel)
        out[x * 3 + channel] =
            rgbx[x * 4 + static_cast<std::size_t>(source_[channel])] * factor_[channel] + offset_[channel];
  }
}

void warp_into(const PixelView& view, const Affine& to_image, Border border, const InputForm& form,
               std::span<float> tensor) {
  warp_rows(view, to_image, form.width(), form.height(), border, TensorWriter(form, tensor));
}

}  // namespace likeness::vision
