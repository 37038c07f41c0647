#include "vision/pixels/sampler.hpp"

#include <gtest/gtest.h>

#include <cstring>

namespace likeness::vision {
namespace {

media::Image image_of(int width, int height, auto pixel) {
  media::Image image(width, height);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int channel = 0; channel < 3; ++channel)
        image.row(y)[x * 3 + channel] = static_cast<std::uint8_t>(pixel(x, y, channel));
  return image;
}

std::vector<float> warp(const media::Image& image, const Affine& map, int width, int height, Border border) {
  std::vector<float> pixels;
  warp_rows(view_of(image), map, width, height, border, [&](int, std::span<const float> row) {
    for (std::size_t x = 0; x < row.size() / 4; ++x)
      pixels.insert(pixels.end(), {row[x * 4], row[x * 4 + 1], row[x * 4 + 2]});
  });
  return pixels;
}

TEST(Sampler, TheIdentityGivesThePixelsThemselvesUpToTheEdges) {
  const auto image = image_of(7, 5, [](int x, int y, int c) { return x * 30 + y * 5 + c; });
  const auto out = warp(image, {}, 7, 5, Border::Nearest);
  for (int y = 0; y < 5; ++y)
    for (int x = 0; x < 7; ++x)
      for (int c = 0; c < 3; ++c)
        EXPECT_EQ(out[static_cast<std::size_t>((y * 7 + x) * 3 + c)], static_cast<float>(x * 30 + y * 5 + c))
            << x << ' ' << y;
}

TEST(Sampler, HalfwayBetweenTwoPixelsIsTheirMean) {
  const auto image = image_of(4, 4, [](int x, int, int) { return x * 10; });
  const auto out = warp(image, {1, 0, 0.5f, 0, 1, 0}, 2, 1, Border::Nearest);
  EXPECT_FLOAT_EQ(out[0], 5);
  EXPECT_FLOAT_EQ(out[3], 15);
}

TEST(Sampler, OutsideTheImageStandsTheBorder) {
  const auto image = image_of(4, 4, [](int, int, int) { return 200; });
  const Affine away{1, 0, 1e6f, 0, 1, -1e6f};
  EXPECT_FLOAT_EQ(warp(image, away, 1, 1, Border::Nearest)[0], 200);
  EXPECT_FLOAT_EQ(warp(image, away, 1, 1, Border::Grey)[0], 127);
  EXPECT_FLOAT_EQ(warp(image, away, 1, 1, Border::Black)[0], 0);
}

TEST(Sampler, ReducingAveragesWholeBlocks) {
  const auto image = image_of(6, 4, [](int x, int y, int) { return (x % 2 + y % 2) * 50; });  // mean of a block: 50
  const ReducedImage half(view_of(image), {0, 0, 6, 4}, 2, 2);
  const PixelView view = half.view();
  ASSERT_EQ(view.width, 3);
  ASSERT_EQ(view.height, 2);
  for (int i = 0; i < 18; ++i) EXPECT_EQ(view.pixels[i], 50);
}

TEST(Sampler, WhatIsLeftOverAtTheEdgeIsAveragedToo) {
  const auto image = image_of(5, 1, [](int x, int, int) { return x == 4 ? 90 : 10; });
  const ReducedImage reduced(view_of(image), {0, 0, 5, 1}, 4, 4);
  ASSERT_EQ(reduced.view().width, 2);
  EXPECT_EQ(reduced.view().pixels[0], 10);
  EXPECT_EQ(reduced.view().pixels[3], 90);
}

TEST(Sampler, LargeBlocksDoNotOverflow) {
  const auto image = image_of(512, 512, [](int, int, int) { return 255; });
  const ReducedImage reduced(view_of(image), {0, 0, 512, 512}, 256, 256);
  EXPECT_EQ(reduced.view().pixels[0], 255);
}

TEST(Sampler, AReducedViewShowsTheSamePlace) {
  // A ramp: any faithful reduction samples to nearly the same value at the same image coordinate.
  const auto image = image_of(240, 240, [](int x, int y, int) { return (x + y) / 2; });
  const Affine map{4, 0, 40, 0, 4, 60};
  const auto direct = warp(image, map, 20, 20, Border::Nearest);
  const ReducedImage reduced(view_of(image), {31, 47, 200, 222}, 4, 4);
  std::vector<float> seen;
  warp_rows(reduced.view(), map, 20, 20, Border::Nearest, [&](int, std::span<const float> row) {
    for (std::size_t x = 0; x < 20; ++x) seen.insert(seen.end(), {row[x * 4], row[x * 4 + 1], row[x * 4 + 2]});
  });
  for (std::size_t i = 0; i < seen.size(); ++i) EXPECT_NEAR(seen[i], direct[i], 1.5f);
}

TEST(Sampler, APyramidServesEachStepFromAViewThatIsNotTooCoarse) {
  const auto image = image_of(800, 800, [](int, int, int) { return 1; });
  const ImagePyramid pyramid(image, {100, 100, 700, 700}, 2.5f);
  EXPECT_EQ(pyramid.view_for(2.5f).factor_x, 2);
  EXPECT_EQ(pyramid.view_for(3.9f).factor_x, 4);
  EXPECT_EQ(pyramid.view_for(100).factor_x, 8);
  EXPECT_EQ(pyramid.view_for(0.1f).factor_x, 2);
}

TEST(Sampler, APyramidOfAPlaceOutsideTheImageStillHasAView) {
  const auto image = image_of(40, 40, [](int, int, int) { return 1; });
  const ImagePyramid pyramid(image, {100, 100, 200, 200}, 3);
  EXPECT_EQ(pyramid.view_for(3).width, 40);
}

InputForm form_of(TensorLayout layout, ColourOrder colour, int channels) {
  InputForm form;
  form.layout = layout;
  form.colour = colour;
  form.shape = layout == TensorLayout::Nchw ? std::vector<std::int64_t>{1, channels, 1, 2}
                                            : std::vector<std::int64_t>{1, 1, 2, channels};
  form.mean.assign(static_cast<std::size_t>(channels), 10);
  form.scale.assign(static_cast<std::size_t>(channels), 2);
  return form;
}

TEST(TensorWriter, LaysPixelsOutAsTheModelWantsThem) {
  const std::vector<float> row{12, 14, 16, 0, 22, 24, 26, 0};  // two pixels
  std::vector<float> planar(6), interleaved(6), swapped(6);
  TensorWriter(form_of(TensorLayout::Nchw, ColourOrder::Rgb, 3), planar)(0, row);
  EXPECT_EQ(planar, (std::vector<float>{1, 6, 2, 7, 3, 8}));
  TensorWriter(form_of(TensorLayout::Nhwc, ColourOrder::Rgb, 3), interleaved)(0, row);
  EXPECT_EQ(interleaved, (std::vector<float>{1, 2, 3, 6, 7, 8}));
  TensorWriter(form_of(TensorLayout::Nhwc, ColourOrder::Bgr, 3), swapped)(0, row);
  EXPECT_EQ(swapped, (std::vector<float>{3, 2, 1, 8, 7, 6}));
}

TEST(TensorWriter, GreyIsLuma) {
  const std::vector<float> row{100, 100, 100, 0, 200, 0, 0, 0};
  std::vector<float> grey(2);
  TensorWriter(form_of(TensorLayout::Nhwc, ColourOrder::Grey, 1), grey)(0, row);
  EXPECT_NEAR(grey[0], 45, 0.02);
  EXPECT_NEAR(grey[1], (0.2989f * 200 - 10) / 2, 1e-3);
}

}  // namespace
}  // namespace likeness::vision
