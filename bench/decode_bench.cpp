// Processor time of media::decode beside the libraries alone: libjpeg-turbo's own tjDecompress2 and spng_decode_image
// into memory allocated for each picture, without limits, orientation or checks for damage. Prints one Markdown table.
//
//   decode_bench [ROUNDS] [FOLDER OF PHOTOS]
#include <spng.h>
#include <turbojpeg.h>

#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "media/decode.hpp"
#include "media/encode.hpp"

namespace {

using likeness::Bytes;
using likeness::media::Image;

struct Case {
  std::string name;
  Bytes file;
  bool png = false;
};

bool alone(const Case& test) {
  if (test.png) {
    const std::unique_ptr<spng_ctx, void (*)(spng_ctx*)> context(spng_ctx_new(0), spng_ctx_free);
    std::size_t size = 0;
    if (spng_set_png_buffer(context.get(), test.file.data(), test.file.size()) != 0 ||
        spng_decoded_image_size(context.get(), SPNG_FMT_RGB8, &size) != 0)
      return false;
    const auto pixels = std::make_unique_for_overwrite<std::uint8_t[]>(size);
    return spng_decode_image(context.get(), pixels.get(), size, SPNG_FMT_RGB8, 0) == 0;
  }
  const std::unique_ptr<void, int (*)(void*)> handle(tjInitDecompress(), tjDestroy);
  int width = 0, height = 0, subsampling = 0, colours = 0;
  if (tjDecompressHeader3(handle.get(), test.file.data(), test.file.size(), &width, &height, &subsampling, &colours) !=
      0)
    return false;
  const Image image(width, height);
  return tjDecompress2(handle.get(), test.file.data(), test.file.size(), const_cast<std::uint8_t*>(image.row(0)), width,
                       0, height, TJPF_RGB, 0) == 0;
}

/// Of the processor in this thread, all of the decoding: what else the machine does counts as little as can be.
double milliseconds(const std::function<void()>& work) {
  const auto now = [] {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1000 + static_cast<double>(time.tv_nsec) / 1e6;
  };
  const double begin = now();
  work();
  return now() - begin;
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

/// A photo made larger by repeating it: real content, 12 megapixels.
Image tiled(const Image& photo, int width, int height) {
  Image large(width, height);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; x += photo.width())
      std::copy_n(photo.row(y % photo.height()), static_cast<std::size_t>(std::min(photo.width(), width - x)) * 3,
                  large.row(y) + static_cast<std::size_t>(x) * 3);
  return large;
}

Bytes jpeg_420(const Image& image, int flags) {
  const std::unique_ptr<void, int (*)(void*)> handle(tjInitCompress(), tjDestroy);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  tjCompress2(handle.get(), image.row(0), image.width(), 0, image.height(), TJPF_RGB, &bytes, &size, TJSAMP_420, 85,
              flags);
  const Bytes file(bytes, bytes + size);
  tjFree(bytes);
  return file;
}

Bytes with_orientation(const Bytes& jpeg, std::uint8_t orientation) {
  const Bytes segment = {0xff, 0xe1, 0,    34, 'E', 'x', 'i', 'f', 0, 0, 'I',         'I', 42, 0, 8, 0, 0, 0,
                         1,    0,    0x12, 1,  3,   0,   1,   0,   0, 0, orientation, 0,   0,  0, 0, 0, 0, 0};
  Bytes file(jpeg.begin(), jpeg.begin() + 2);
  file.insert(file.end(), segment.begin(), segment.end());
  file.insert(file.end(), jpeg.begin() + 2, jpeg.end());
  return file;
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 25;
  const char* cache = std::getenv("LIKENESS_CACHE");
  const std::filesystem::path photos =
      argc > 2 ? std::filesystem::path(argv[2])
               : (cache != nullptr ? std::filesystem::path(cache)
                                   : std::filesystem::path(std::getenv("HOME")) / ".cache/likeness") /
                     "photos";
  likeness::media::DecodeLimits limits;
  limits.max_bytes = 64 << 20;
  std::vector<Case> cases;
  for (const auto& entry : std::filesystem::directory_iterator(photos)) {
    std::ifstream stream(entry.path(), std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(stream), {}};
    cases.push_back(
        {entry.path().filename().string(), Bytes(text.begin(), text.end()), entry.path().extension() == ".png"});
  }
  std::sort(cases.begin(), cases.end(), [](const Case& a, const Case& b) { return a.name < b.name; });
  if (cases.empty() || rounds < 1) {
    std::fprintf(stderr, "no photos in %s: run scripts/setup.sh\n", photos.c_str());
    return 1;
  }
  const auto photo = likeness::media::decode(cases.back().file, limits);
  if (!photo) {
    std::fprintf(stderr, "%s: %s\n", cases.back().name.c_str(), photo.error().message.c_str());
    return 1;
  }
  const Image large = tiled(*photo, 4000, 3000);
  cases.push_back({"12 MP", jpeg_420(large, 0)});
  cases.push_back({"12 MP, turned by 90 degrees", with_orientation(cases.back().file, 6)});
  cases.push_back({"12 MP, progressive", jpeg_420(large, TJFLAG_PROGRESSIVE)});

  std::printf("| picture | ms | library alone, ms | ratio |\n|---|---|---|---|\n");
  for (const Case& test : cases) {
    std::vector<double> ours, theirs;
    bool right = true;
    // In turns, so that what else the machine does falls on both.
    for (int i = 0; i < rounds; ++i) {
      // Whoever comes first finds the memory cold.
      for (const bool our_turn : {i % 2 == 0, i % 2 != 0}) {
        if (our_turn) {
          ours.push_back(
              milliseconds([&] { right = right && likeness::media::decode(test.file, limits).has_value(); }));
        } else {
          theirs.push_back(milliseconds([&] { right = right && alone(test); }));
        }
      }
    }
    if (!right) {
      std::fprintf(stderr, "%s could not be decoded\n", test.name.c_str());
      return 1;
    }
    std::printf("| %s | %.2f | %.2f | %.2f |\n", test.name.c_str(), median(ours), median(theirs),
                median(ours) / median(theirs));
  }
  return 0;
}
