#include "media/decode.hpp"

#include <gtest/gtest.h>
#include <spng.h>
#include <stdio.h>
#include <webp/encode.h>

#include <jpeglib.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>

#include "media/encode.hpp"
#include "media/exif.hpp"

namespace likeness::media {
namespace {

namespace fs = std::filesystem;
using Pixel = std::array<int, 3>;

constexpr int kWidth = 96;
constexpr int kHeight = 128;

/// Four flat quarters: red and green above, blue and yellow below. Survives lossy coding, and shows how it is turned.
Pixel quarter(int x, int y, int width = kWidth, int height = kHeight) {
  if (y < height / 2) return x < width / 2 ? Pixel{200, 30, 30} : Pixel{30, 180, 40};
  return x < width / 2 ? Pixel{20, 40, 190} : Pixel{220, 210, 20};
}

Image quarters(int width = kWidth, int height = kHeight) {
  Image image(width, height);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (std::size_t c = 0; c < 3; ++c)
        image.row(y)[static_cast<std::size_t>(x) * 3 + c] = static_cast<std::uint8_t>(quarter(x, y, width, height)[c]);
  return image;
}

Pixel at(const Image& image, int x, int y) {
  const std::uint8_t* p = image.row(y) + x * 3;
  return {p[0], p[1], p[2]};
}

testing::AssertionResult near(Pixel a, Pixel b, int tolerance) {
  for (std::size_t c = 0; c < 3; ++c)
    if (std::abs(a[c] - b[c]) > tolerance)
      return testing::AssertionFailure() << a[0] << "," << a[1] << "," << a[2] << " is not " << b[0] << "," << b[1]
                                         << "," << b[2];
  return testing::AssertionSuccess();
}

/// Looks into the middle of each quarter.
void expect_quarters(
    const Image& image, int tolerance,
    const std::function<Pixel(int, int)>& expected = [](int x, int y) { return quarter(x, y); }) {
  ASSERT_EQ(image.width(), kWidth);
  ASSERT_EQ(image.height(), kHeight);
  for (const int y : {kHeight / 4, kHeight * 3 / 4})
    for (const int x : {kWidth / 4, kWidth * 3 / 4})
      EXPECT_TRUE(near(at(image, x, y), expected(x, y), tolerance)) << x << " " << y;
}

struct JpegForm {
  J_COLOR_SPACE colours = JCS_RGB;
  J_COLOR_SPACE file_colours = JCS_YCbCr;
  bool progressive = false;
  bool adobe_inverted = false;
  int restart_interval = 0;
};

/// Writes with libjpeg what encode_jpeg does not: other colours, progressive files.
Bytes jpeg(const Image& image, const JpegForm& form) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &buffer, &size);
  info.image_width = static_cast<JDIMENSION>(image.width());
  info.image_height = static_cast<JDIMENSION>(image.height());
  info.in_color_space = form.colours;
  info.input_components = form.colours == JCS_CMYK ? 4 : form.colours == JCS_GRAYSCALE ? 1 : 3;
  jpeg_set_defaults(&info);
  jpeg_set_colorspace(&info, form.file_colours);
  if (form.colours == JCS_CMYK) info.write_Adobe_marker = form.adobe_inverted ? TRUE : FALSE;
  jpeg_set_quality(&info, 95, TRUE);
  info.restart_interval = static_cast<unsigned>(form.restart_interval);
  if (form.progressive) jpeg_simple_progression(&info);
  jpeg_start_compress(&info, TRUE);
  std::vector<std::uint8_t> row(static_cast<std::size_t>(image.width() * info.input_components));
  while (info.next_scanline < info.image_height) {
    const std::uint8_t* source = image.row(static_cast<int>(info.next_scanline));
    for (int x = 0; x < image.width(); ++x) {
      const std::uint8_t* p = source + x * 3;
      if (form.colours == JCS_GRAYSCALE) {
        row[static_cast<std::size_t>(x)] = p[0];
      } else if (form.colours == JCS_CMYK) {
        // Ink without black: cyan = 255 - red; Adobe stores the complement.
        for (int c = 0; c < 3; ++c)
          row[static_cast<std::size_t>(x * 4 + c)] = static_cast<std::uint8_t>(form.adobe_inverted ? p[c] : 255 - p[c]);
        row[static_cast<std::size_t>(x * 4 + 3)] = form.adobe_inverted ? 255 : 0;
      } else {
        std::copy_n(p, 3, row.begin() + x * 3);
      }
    }
    JSAMPROW pointer = row.data();
    jpeg_write_scanlines(&info, &pointer, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  const Bytes bytes(buffer, buffer + size);
  std::free(buffer);
  return bytes;
}

/// An EXIF block with one entry; `big_endian` as from a camera that counts so.
Bytes tiff_with_orientation(int orientation, bool big_endian) {
  const auto value = static_cast<std::uint8_t>(orientation);
  if (big_endian) return {'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, value, 0, 0, 0, 0, 0, 0};
  return {'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, value, 0, 0, 0, 0, 0, 0, 0};
}

Bytes with_exif(const Bytes& jpeg_file, int orientation, bool big_endian = false) {
  Bytes segment = {'E', 'x', 'i', 'f', 0, 0};
  const Bytes tiff = tiff_with_orientation(orientation, big_endian);
  segment.insert(segment.end(), tiff.begin(), tiff.end());
  Bytes file = {0xff, 0xd8, 0xff, 0xe1, 0, static_cast<std::uint8_t>(segment.size() + 2)};
  file.insert(file.end(), segment.begin(), segment.end());
  file.insert(file.end(), jpeg_file.begin() + 2, jpeg_file.end());
  return file;
}

struct PngForm {
  spng_color_type type = SPNG_COLOR_TYPE_TRUECOLOR;
  int depth = 8;
  bool interlaced = false;
  const spng_plte* palette = nullptr;
  const spng_trns* transparency = nullptr;
  int width = kWidth;
  int height = kHeight;
};

/// `samples` in the form of the file (SPNG_FMT_PNG: 16-bit samples in the machine's order).
Bytes png(const PngForm& form, const Bytes& samples) {
  const std::unique_ptr<spng_ctx, void (*)(spng_ctx*)> context(spng_ctx_new(SPNG_CTX_ENCODER), spng_ctx_free);
  spng_ihdr header{};
  header.width = static_cast<std::uint32_t>(form.width);
  header.height = static_cast<std::uint32_t>(form.height);
  header.color_type = static_cast<std::uint8_t>(form.type);
  header.bit_depth = static_cast<std::uint8_t>(form.depth);
  header.interlace_method = form.interlaced ? SPNG_INTERLACE_ADAM7 : SPNG_INTERLACE_NONE;
  EXPECT_EQ(spng_set_ihdr(context.get(), &header), 0);
  if (form.palette != nullptr) EXPECT_EQ(spng_set_plte(context.get(), const_cast<spng_plte*>(form.palette)), 0);
  if (form.transparency != nullptr)
    EXPECT_EQ(spng_set_trns(context.get(), const_cast<spng_trns*>(form.transparency)), 0);
  spng_set_option(context.get(), SPNG_ENCODE_TO_BUFFER, 1);
  const int error =
      spng_encode_image(context.get(), samples.data(), samples.size(), SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE);
  EXPECT_EQ(error, 0) << spng_strerror(error);
  std::size_t size = 0;
  int failed = 0;
  auto* bytes = static_cast<std::uint8_t*>(spng_get_png_buffer(context.get(), &size, &failed));
  EXPECT_EQ(failed, 0);
  const Bytes file(bytes, bytes + size);
  std::free(bytes);
  return file;
}

/// One sample after another for every pixel.
Bytes samples(const std::function<std::vector<int>(int, int)>& of, int width = kWidth, int height = kHeight) {
  Bytes bytes;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (const int value : of(x, y)) bytes.push_back(static_cast<std::uint8_t>(value));
  return bytes;
}

void expect_refused(BytesView file, const std::string& code, const DecodeLimits& limits = {}) {
  const auto image = decode(file, limits);
  ASSERT_FALSE(image);
  EXPECT_EQ(image.error().code, code) << image.error().message << " " << image.error().detail;
}

TEST(DecodeJpeg, BaselineAndProgressiveAndGreyFilesAreRead) {
  expect_quarters(*decode(jpeg(quarters(), {}), {}), 6);
  expect_quarters(*decode(jpeg(quarters(), {.progressive = true}), {}), 6);
  expect_quarters(*decode(jpeg(quarters(), {.file_colours = JCS_RGB}), {}), 6);
  expect_quarters(*decode(jpeg(quarters(), {.restart_interval = 2}), {}), 6);
  expect_quarters(*decode(jpeg(quarters(), {.colours = JCS_GRAYSCALE, .file_colours = JCS_GRAYSCALE}), {}), 6,
                  [](int x, int y) {
                    const int red = quarter(x, y)[0];
                    return Pixel{red, red, red};
                  });
}

TEST(DecodeJpeg, CmykAndYcckAreReadWithAndWithoutAdobesInversion) {
  for (const bool inverted : {false, true})
    expect_quarters(
        *decode(jpeg(quarters(), {.colours = JCS_CMYK, .file_colours = JCS_CMYK, .adobe_inverted = inverted}), {}), 8);
  expect_quarters(
      *decode(jpeg(quarters(), {.colours = JCS_CMYK, .file_colours = JCS_YCCK, .adobe_inverted = true}), {}), 8);
}

TEST(DecodeJpeg, EveryOrientationComesOutUpright) {
  // What a camera stores for each orientation: the upright picture, turned the other way. (x, y) are upright.
  const std::array<std::function<std::array<int, 2>(int, int)>, 8> upright_of_stored = {
      [](int x, int y) { return std::array{x, y}; },
      [](int x, int y) { return std::array{kWidth - 1 - x, y}; },
      [](int x, int y) { return std::array{kWidth - 1 - x, kHeight - 1 - y}; },
      [](int x, int y) { return std::array{x, kHeight - 1 - y}; },
      [](int x, int y) { return std::array{y, x}; },
      // 6: "row 0 is the right side, column 0 the top": stored (x, y) belongs at (width - 1 - y, x).
      [](int x, int y) { return std::array{kWidth - 1 - y, x}; },
      [](int x, int y) { return std::array{kWidth - 1 - y, kHeight - 1 - x}; },
      [](int x, int y) { return std::array{y, kHeight - 1 - x}; },
  };
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const bool sideways = orientation >= 5;
    Image stored(sideways ? kHeight : kWidth, sideways ? kWidth : kHeight);
    for (int y = 0; y < stored.height(); ++y)
      for (int x = 0; x < stored.width(); ++x) {
        const auto [ux, uy] = upright_of_stored[static_cast<std::size_t>(orientation - 1)](x, y);
        for (std::size_t c = 0; c < 3; ++c)
          stored.row(y)[static_cast<std::size_t>(x) * 3 + c] = static_cast<std::uint8_t>(quarter(ux, uy)[c]);
      }
    for (const bool progressive : {false, true})
      for (const bool big_endian : {false, true}) {
        SCOPED_TRACE(orientation);
        expect_quarters(*decode(with_exif(jpeg(stored, {.progressive = progressive}), orientation, big_endian), {}), 6);
      }
  }
}

TEST(DecodeJpeg, TurningMovesEveryPixelExactly) {
  // Odd sizes, so that the last strip is not full; a PNG, so that nothing is rounded.
  const int width = 83, height = 101;
  const auto stored =
      samples([](int x, int y) { return std::vector<int>{x, y, (x * 7 + y * 13) % 256}; }, width, height);
  for (int orientation = 1; orientation <= 8; ++orientation) {
    Bytes file = png({.width = width, .height = height}, stored);
    const Bytes tiff = tiff_with_orientation(orientation, true);
    // eXIf goes right behind IHDR (8 + 25 bytes); CRC of ancillary chunks is checked, so it is computed.
    Bytes chunk = {'e', 'X', 'I', 'f'};
    chunk.insert(chunk.end(), tiff.begin(), tiff.end());
    std::uint32_t crc = 0xffffffff;
    for (const std::uint8_t byte : chunk) {
      crc ^= byte;
      for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? 0xedb88320U : 0);
    }
    crc ^= 0xffffffff;
    chunk.insert(chunk.begin(), {0, 0, 0, static_cast<std::uint8_t>(tiff.size())});
    for (int shift = 24; shift >= 0; shift -= 8) chunk.push_back(static_cast<std::uint8_t>(crc >> shift));
    file.insert(file.begin() + 33, chunk.begin(), chunk.end());
    const auto image = decode(file, {});
    ASSERT_TRUE(image) << image.error().detail;
    ASSERT_EQ(image->width(), orientation >= 5 ? height : width);
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x) {
        const int mx = width - 1 - x, my = height - 1 - y;
        const std::array<std::array<int, 2>, 8> places = {
            {{x, y}, {mx, y}, {mx, my}, {x, my}, {y, x}, {my, x}, {my, mx}, {y, mx}}};
        const auto [ux, uy] = places[static_cast<std::size_t>(orientation - 1)];
        ASSERT_EQ(at(*image, ux, uy), (Pixel{x, y, (x * 7 + y * 13) % 256})) << orientation << ": " << x << " " << y;
      }
  }
}

TEST(DecodeJpeg, AFileCutAnywhereIsRefused) {
  for (const bool progressive : {false, true}) {
    const Bytes whole = jpeg(quarters(), {.progressive = progressive});
    for (std::size_t size = 0; size < whole.size(); size += 1 + size / 40) {
      SCOPED_TRACE(size);
      expect_refused(BytesView(whole).first(size), "InvalidImageFormat");
    }
    expect_refused(BytesView(whole).first(whole.size() - 1), "InvalidImageFormat");
    expect_refused(BytesView(whole).first(whole.size() - 2), "InvalidImageFormat");
  }
}

TEST(DecodeJpeg, DamagedPixelsAreRefusedAndNotPaintedGrey) {
  Bytes file = jpeg(quarters(160, 160), {});
  for (std::size_t i = file.size() - 120; i < file.size() - 2; ++i)
    file[i] = static_cast<std::uint8_t>(i % 2 == 0 ? 0xff : 0xd9);
  expect_refused(file, "InvalidImageFormat");
}

TEST(DecodeJpeg, BytesAfterTheEndAndUnknownSegmentsDoNotMatter) {
  Bytes file = jpeg(quarters(), {});
  file.insert(file.end(), {1, 2, 3, 4, 0xff, 0xd8, 0xff});
  expect_quarters(*decode(file, {}), 6);
  const Bytes segment = {0xff, 0xe5, 0, 4, 9, 9};
  file.insert(file.begin() + 2, segment.begin(), segment.end());
  expect_quarters(*decode(file, {}), 6);
}

TEST(DecodeJpeg, TwelveBitsAreRefused) {
  Bytes file = jpeg(quarters(), {});
  for (std::size_t i = 0; i + 4 < file.size(); ++i)
    if (file[i] == 0xff && file[i + 1] == 0xc0) {
      file[i + 1] = 0xc1;
      file[i + 4] = 12;
      break;
    }
  expect_refused(file, "InvalidImageFormat");
}

TEST(DecodeJpeg, AFileOfVeryManyScansIsRefused) {
  const Bytes file = jpeg(quarters(), {.colours = JCS_GRAYSCALE, .file_colours = JCS_GRAYSCALE, .progressive = true});
  // The last scan (a refinement) over and over: each costs a pass over the picture.
  std::size_t last = 0, end = file.size() - 2;
  for (std::size_t i = 0; i + 1 < file.size(); ++i)
    if (file[i] == 0xff && file[i + 1] == 0xda) last = i;
  Bytes bomb(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(end));
  for (int i = 0; i < 200; ++i)
    bomb.insert(bomb.end(), file.begin() + static_cast<std::ptrdiff_t>(last),
                file.begin() + static_cast<std::ptrdiff_t>(end));
  bomb.insert(bomb.end(), {0xff, 0xd9});
  const auto image = decode(bomb, {});
  ASSERT_FALSE(image);
  EXPECT_EQ(image.error().code, "InvalidImageFormat");
}

TEST(DecodePng, EveryColourTypeAndDepthIsRead) {
  const auto rgb = samples([](int x, int y) {
    const Pixel p = quarter(x, y);
    return std::vector<int>{p[0], p[1], p[2]};
  });
  expect_quarters(*decode(png({}, rgb), {}), 0);
  // 16 bits in the machine's (little-endian) order: the high byte counts.
  const auto rgb16 = samples([](int x, int y) {
    const Pixel p = quarter(x, y);
    return std::vector<int>{99, p[0], 99, p[1], 99, p[2]};
  });
  expect_quarters(*decode(png({.depth = 16}, rgb16), {}), 1);
  const auto red = [](int x, int y) {
    const int value = quarter(x, y)[0];
    return Pixel{value, value, value};
  };
  expect_quarters(*decode(png({.type = SPNG_COLOR_TYPE_GRAYSCALE},
                              samples([&](int x, int y) { return std::vector<int>{red(x, y)[0]}; })),
                          {}),
                  0, red);
  expect_quarters(*decode(png({.type = SPNG_COLOR_TYPE_GRAYSCALE, .depth = 16},
                              samples([&](int x, int y) { return std::vector<int>{99, red(x, y)[0]}; })),
                          {}),
                  1, red);
  // Two bits a pixel, four pixels a byte: 0, 1, 2, 3 become 0, 85, 170, 255.
  Bytes two_bits;
  for (int y = 0; y < kHeight; ++y)
    for (int x = 0; x < kWidth; x += 4) two_bits.push_back(static_cast<std::uint8_t>((x < kWidth / 2 ? 1 : 3) * 0x55));
  expect_quarters(*decode(png({.type = SPNG_COLOR_TYPE_GRAYSCALE, .depth = 2}, two_bits), {}), 0,
                  [](int x, int) { return x < kWidth / 2 ? Pixel{85, 85, 85} : Pixel{255, 255, 255}; });
}

TEST(DecodePng, PalettesAreReadAtEveryDepth) {
  spng_plte palette{};
  palette.n_entries = 2;
  palette.entries[0] = {10, 20, 30, 255};
  palette.entries[1] = {200, 100, 50, 255};
  for (const int depth : {1, 2, 4, 8}) {
    Bytes packed;
    for (int y = 0; y < kHeight; ++y)
      for (int x = 0; x < kWidth; x += 8 / depth) {
        int byte = 0;
        for (int i = 0; i < 8 / depth; ++i) byte = byte << depth | (x + i >= kWidth / 2 ? 1 : 0);
        packed.push_back(static_cast<std::uint8_t>(byte));
      }
    SCOPED_TRACE(depth);
    expect_quarters(*decode(png({.type = SPNG_COLOR_TYPE_INDEXED, .depth = depth, .palette = &palette}, packed), {}), 0,
                    [](int x, int) { return x < kWidth / 2 ? Pixel{10, 20, 30} : Pixel{200, 100, 50}; });
  }
}

TEST(DecodePng, TransparencyIsLaidOverWhite) {
  const auto over_white = [](int x, int y) {
    Pixel p = quarter(x, y);
    if (x < kWidth / 2) return Pixel{255, 255, 255};
    for (int& value : p) value = (value * 128 + 255 * 127 + 127) / 255;
    return p;
  };
  const auto rgba = samples([](int x, int y) {
    const Pixel p = quarter(x, y);
    return std::vector<int>{p[0], p[1], p[2], x < kWidth / 2 ? 0 : 128};
  });
  expect_quarters(*decode(png({.type = SPNG_COLOR_TYPE_TRUECOLOR_ALPHA}, rgba), {}), 1, over_white);
  const auto grey_alpha = samples([](int x, int y) { return std::vector<int>{quarter(x, y)[0], 255}; });
  expect_quarters(*decode(png({.type = SPNG_COLOR_TYPE_GRAYSCALE_ALPHA}, grey_alpha), {}), 0, [](int x, int y) {
    const int red = quarter(x, y)[0];
    return Pixel{red, red, red};
  });
  // One colour named as transparent.
  spng_trns transparency{};
  transparency.red = 200;
  transparency.green = 30;
  transparency.blue = 30;
  const auto rgb = samples([](int x, int y) {
    const Pixel p = quarter(x, y);
    return std::vector<int>{p[0], p[1], p[2]};
  });
  expect_quarters(*decode(png({.transparency = &transparency}, rgb), {}), 0, [](int x, int y) {
    return x < kWidth / 2 && y < kHeight / 2 ? Pixel{255, 255, 255} : quarter(x, y);
  });
}

TEST(DecodePng, InterlacedFilesAreReadWithAndWithoutAlpha) {
  const auto rgb = samples([](int x, int y) {
    const Pixel p = quarter(x, y);
    return std::vector<int>{p[0], p[1], p[2]};
  });
  expect_quarters(*decode(png({.interlaced = true}, rgb), {}), 0);
  const auto rgba = samples([](int x, int y) {
    const Pixel p = quarter(x, y);
    return std::vector<int>{p[0], p[1], p[2], 255};
  });
  expect_quarters(*decode(png({.type = SPNG_COLOR_TYPE_TRUECOLOR_ALPHA, .interlaced = true}, rgba), {}), 0);
}

TEST(DecodePng, AFileCutOrChangedAnywhereIsRefused) {
  const auto rgb = samples([](int x, int y) { return std::vector<int>{x * 2, y, (x * y) % 256}; });
  for (const bool interlaced : {false, true}) {
    const Bytes whole = png({.interlaced = interlaced}, rgb);
    for (std::size_t size = 0; size < whole.size(); size += 1 + size / 30) {
      SCOPED_TRACE(size);
      expect_refused(BytesView(whole).first(size), "InvalidImageFormat");
    }
    // Down to the name of the last chunk (IEND, 12 bytes); its checksum says nothing about the picture.
    for (std::size_t missing = 5; missing < 20; ++missing) {
      SCOPED_TRACE(missing);
      expect_refused(BytesView(whole).first(whole.size() - missing), "InvalidImageFormat");
    }
    for (std::size_t i = 50; i + 16 < whole.size(); i += 97) {
      Bytes changed = whole;
      changed[i] ^= 0x10;
      expect_refused(changed, "InvalidImageFormat");
    }
  }
}

TEST(DecodeWebp, IsReadOnlyWhereItIsAllowed) {
  const Image image = quarters();
  std::uint8_t* bytes = nullptr;
  const std::size_t size =
      WebPEncodeLosslessRGB(image.row(0), kWidth, kHeight, static_cast<int>(image.stride()), &bytes);
  const Bytes file(bytes, bytes + size);
  WebPFree(bytes);
  DecodeLimits webp;
  webp.allow_webp = true;
  expect_quarters(*decode(file, webp), 0);
  expect_refused(file, "InvalidImageFormat");
  expect_refused(BytesView(file).first(file.size() / 2), "InvalidImageFormat", webp);
  webp.max_side = 100;
  expect_refused(file, "ImageTooLarge", webp);
}

TEST(DecodeWebp, TransparencyIsLaidOverWhite) {
  const auto rgba = samples([](int x, int y) {
    const Pixel p = quarter(x, y);
    return std::vector<int>{p[0], p[1], p[2], x < kWidth / 2 ? 0 : 255};
  });
  std::uint8_t* bytes = nullptr;
  const std::size_t size = WebPEncodeLosslessRGBA(rgba.data(), kWidth, kHeight, kWidth * 4, &bytes);
  const Bytes file(bytes, bytes + size);
  WebPFree(bytes);
  DecodeLimits webp;
  webp.allow_webp = true;
  expect_quarters(*decode(file, webp), 0,
                  [](int x, int y) { return x < kWidth / 2 ? Pixel{255, 255, 255} : quarter(x, y); });
}

TEST(DecodeLimits, AreCheckedOnTheHeaderBeforePixels) {
  // Headers only: were a pixel needed, these files would be refused as damaged.
  const auto header = [](std::uint32_t width, std::uint32_t height) {
    Bytes file = png({}, samples([](int, int) { return std::vector<int>{0, 0, 0}; }));
    for (int i = 0; i < 4; ++i) {
      file[static_cast<std::size_t>(16 + i)] = static_cast<std::uint8_t>(width >> (24 - 8 * i));
      file[static_cast<std::size_t>(20 + i)] = static_cast<std::uint8_t>(height >> (24 - 8 * i));
    }
    std::uint32_t crc = 0xffffffff;
    for (std::size_t i = 12; i < 29; ++i) {
      crc ^= file[i];
      for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? 0xedb88320U : 0);
    }
    crc ^= 0xffffffff;
    for (int i = 0; i < 4; ++i) file[static_cast<std::size_t>(29 + i)] = static_cast<std::uint8_t>(crc >> (24 - 8 * i));
    file.resize(60);
    return file;
  };
  expect_refused(header(20'000, 100), "ImageTooLarge");
  expect_refused(header(100, 20'000), "ImageTooLarge");
  expect_refused(header(79, 100), "ImageTooSmall");
  expect_refused(header(100, 79), "ImageTooSmall");
  expect_refused(header(1, 1), "ImageTooSmall");
  DecodeLimits few_pixels;
  few_pixels.max_pixels = 9'999;
  expect_refused(header(100, 100), "ImageTooLarge", few_pixels);
  expect_refused(header(100, 100), "InvalidImageFormat");
}

TEST(DecodeLimits, OfBytesAndWorkingMemoryHold) {
  const Bytes file = jpeg(quarters(), {.progressive = true});
  DecodeLimits limits;
  limits.max_bytes = file.size() - 1;
  expect_refused(file, "ImageTooLarge", limits);
  limits = {};
  limits.max_working_bytes = 10'000;
  expect_refused(file, "ImageTooLarge", limits);
  limits.max_working_bytes = 10'000'000;
  EXPECT_TRUE(decode(file, limits));
}

TEST(Decode, WhatIsNoImageIsRefused) {
  expect_refused({}, "InvalidImageFormat");
  expect_refused(as_bytes("GIF89a and so on"), "InvalidImageFormat");
  expect_refused(as_bytes("\xff\xd8\xff"), "InvalidImageFormat");
  expect_refused(as_bytes("\x89PNG\r\n\x1a\n"), "InvalidImageFormat");
  expect_refused(as_bytes("RIFF....WEBPVP8 "), "InvalidImageFormat");
  DecodeLimits webp;
  webp.allow_webp = true;
  expect_refused(as_bytes("RIFF....WEBPVP8 "), "InvalidImageFormat", webp);
}

TEST(Exif, DamagedBlocksMeanUpright) {
  for (int orientation = 1; orientation <= 8; ++orientation)
    for (const bool big_endian : {false, true}) {
      const Bytes whole = tiff_with_orientation(orientation, big_endian);
      EXPECT_EQ(exif_orientation(whole), orientation);
      for (std::size_t size = 0; size < 20; ++size) {
        const int found = exif_orientation(BytesView(whole).first(size));
        EXPECT_TRUE(found == 1 || found == orientation) << size;
      }
    }
  EXPECT_EQ(exif_orientation(tiff_with_orientation(9, false)), 1);
  EXPECT_EQ(exif_orientation(tiff_with_orientation(0, false)), 1);
  // A directory that claims to lie beyond the block, and one that claims 65535 entries.
  EXPECT_EQ(exif_orientation(Bytes{'I', 'I', 42, 0, 0xff, 0xff, 0xff, 0xff, 1, 0}), 1);
  EXPECT_EQ(exif_orientation(Bytes{'M', 'M', 0, 42, 0, 0, 0, 8, 0xff, 0xff, 1, 1}), 1);
}

TEST(Encode, PngIsLosslessAndJpegNearlySo) {
  const Image image = quarters();
  const auto as_png = encode_png(image);
  ASSERT_TRUE(as_png);
  expect_quarters(*decode(*as_png, {}), 0);
  const auto as_jpeg = encode_jpeg(image, 95);
  ASSERT_TRUE(as_jpeg);
  expect_quarters(*decode(*as_jpeg, {}), 4);
  EXPECT_FALSE(encode_png(Image()));
  EXPECT_FALSE(encode_jpeg(Image()));
}

TEST(Decode, RealPhotosAreRead) {
  const char* cache = std::getenv("LIKENESS_CACHE");
  const char* home = std::getenv("HOME");
  const fs::path photos =
      (cache != nullptr ? fs::path(cache) : fs::path(home != nullptr ? home : "/") / ".cache/likeness") / "photos";
  if (!fs::exists(photos)) GTEST_SKIP() << "no photos in " << photos << ": run scripts/setup.sh";
  int count = 0;
  for (const auto& entry : fs::directory_iterator(photos)) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const auto image = decode(as_bytes(text), {});
    ASSERT_TRUE(image) << entry.path() << " " << image.error().detail;
    EXPECT_GE(image->width(), 80);
    ++count;
  }
  EXPECT_GE(count, 7);
}

}  // namespace
}  // namespace likeness::media
