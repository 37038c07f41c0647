// Prints what the face pipeline measures on photos, one JSON object a line and photo: the input of whoever fits the
// calibration or wonders about a finding.
//
//   likeness_measure [--rejected] [--no-vectors] [--calibration FILE] [--rotate QUARTERS] [--turn DEGREES]
//                    [--face-width PIXELS] [--paint sunglasses|glasses|mask|block] [PHOTO...]
//
// --rotate and --turn (clockwise) turn the photo first; --face-width makes it so small that its largest face, as found
// in the photo as it is, has that width.
//
// --as-served runs only the models that a request for everything would run; --runs tells at the end, on stderr, how
// often and how long each model ran.
//
// Without photos, paths come from stdin, one a line.

#include <fmt/format.h>

#include <boost/json.hpp>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>

#include "base/metrics.hpp"
#include "media/decode.hpp"
#include "vision/face_pipeline.hpp"
#include "vision/pixels/sampler.hpp"
#include "vision/runtime/cpu_probe.hpp"
#include "vision/tools/paint.hpp"

namespace {

namespace json = boost::json;
namespace media = likeness::media;
namespace vision = likeness::vision;

struct Options {
  bool rejected = false;
  bool vectors = true;
  bool every_model = true;
  bool runs = false;
  std::string paint;      // what to paint over the largest face
  double degrees = 0;     // a further turn, on a grey ground
  double face_width = 0;  // 0: as it is
  int quarters = 0;       // turns by 90 degrees, to try rotated faces
  int max_faces = 100;
  std::optional<std::filesystem::path> calibration;
  std::vector<std::string> photos;
};

json::object flag_json(const vision::Flag& flag) { return {{"value", flag.value}, {"confidence", flag.confidence}}; }

json::object face_json(const vision::MeasuredFace& one, const Options& options, float width, float height) {
  const vision::Face& face = one.face;
  json::object result{
      {"box", {face.box.left * width, face.box.top * height, face.box.width * width, face.box.height * height}},
      {"detector_box",
       {one.candidate.box.left, one.candidate.box.top, one.candidate.box.width(), one.candidate.box.height()}},
      {"confidence", face.confidence},
      {"pose", {{"roll", face.pose.roll}, {"yaw", face.pose.yaw}, {"pitch", face.pose.pitch}}},
      {"quality", {{"brightness", face.quality.brightness}, {"sharpness", face.quality.sharpness}}}};
  json::object landmarks;
  for (const auto& landmark : face.landmarks)
    landmarks[vision::name_of(landmark.type)] = {landmark.x * width, landmark.y * height};
  result["landmarks"] = std::move(landmarks);

  json::object found;
  const auto flag = [&](const char* name, const std::optional<vision::Flag>& value) {
    if (value) found[name] = flag_json(*value);
  };
  flag("smile", face.smile);
  flag("eyeglasses", face.eyeglasses);
  flag("sunglasses", face.sunglasses);
  flag("beard", face.beard);
  flag("mustache", face.mustache);
  flag("eyes_open", face.eyes_open);
  flag("mouth_open", face.mouth_open);
  flag("face_occluded", face.face_occluded);
  flag("gender_male", face.gender_is_male);
  if (face.age_range) found["age_range"] = {face.age_range->low, face.age_range->high};
  if (face.liveness) found["liveness"] = *face.liveness;
  if (face.emotions) {
    json::object emotions;
    for (const auto& emotion : *face.emotions) emotions[vision::name_of(emotion.type)] = emotion.confidence;
    found["emotions"] = std::move(emotions);
  }
  if (face.eye_direction)
    found["eye_direction"] = {{"yaw", face.eye_direction->yaw},
                              {"pitch", face.eye_direction->pitch},
                              {"confidence", face.eye_direction->confidence}};
  result["attributes"] = std::move(found);

  json::object values;
  for (const auto& [name, value] : one.measured.values()) values[name] = value;
  result["measurements"] = std::move(values);
  if (options.vectors) {
    json::object vectors;
    for (const auto& [name, list] : one.measured.vectors()) vectors[name] = json::array(list.begin(), list.end());
    result["vectors"] = std::move(vectors);
  }
  return result;
}

media::Image turned(const media::Image& image) {
  media::Image result(image.height(), image.width());
  for (int y = 0; y < image.height(); ++y)
    for (int x = 0; x < image.width(); ++x)
      for (int channel = 0; channel < 3; ++channel)
        result.row(x)[(image.height() - 1 - y) * 3 + channel] = image.row(y)[x * 3 + channel];
  return result;
}

/// Turned about its middle and scaled, on a grey ground large enough for all of it.
media::Image resampled(const media::Image& image, double degrees, double factor) {
  const double turn = degrees * 3.14159265358979 / 180, c = std::cos(turn), s = std::sin(turn);
  const double across = std::abs(image.width() * c) + std::abs(image.height() * s);
  const double down = std::abs(image.width() * s) + std::abs(image.height() * c);
  const int width = std::max(static_cast<int>(std::lround(across * factor)), 1);
  const int height = std::max(static_cast<int>(std::lround(down * factor)), 1);
  const double a = c / factor, b = s / factor;
  const auto number = [](double value) { return static_cast<float>(value); };
  const vision::Affine to_image{number(a),  number(b), number(image.width() / 2.0 - a * width / 2 - b * height / 2),
                                number(-b), number(a), number(image.height() / 2.0 + b * width / 2 - a * height / 2)};
  const vision::PixelBox whole{0, 0, static_cast<float>(image.width()), static_cast<float>(image.height())};
  const vision::ImagePyramid pyramid(image, whole, to_image.scale());
  media::Image result(width, height);
  vision::warp_rows(pyramid.view_for(to_image.scale()), to_image, width, height, vision::Border::Grey,
                    [&](int row, std::span<const float> rgbx) {
                      for (int x = 0; x < width; ++x)
                        for (int channel = 0; channel < 3; ++channel)
                          result.row(row)[x * 3 + channel] =
                              static_cast<std::uint8_t>(std::lround(rgbx[static_cast<std::size_t>(x) * 4 + channel]));
                    });
  return result;
}

json::object measure_photo(vision::FacePipeline& pipeline, const std::string& path, const Options& options) {
  json::object line{{"photo", path}};
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  media::DecodeLimits limits;
  limits.max_bytes = 64 << 20;
  limits.min_side = 16;
  limits.allow_webp = true;
  auto image = media::decode({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, limits);
  if (!image) {
    line["error"] = image.error().message;
    return line;
  }
  for (int i = 0; i < options.quarters; ++i) *image = turned(*image);
  if (options.degrees != 0) *image = resampled(*image, options.degrees, 1);
  if (options.face_width > 0) {
    auto found = pipeline.measure(*image, {{}, 1}, {});
    if (!found || found->empty()) {
      line["error"] = "no face to be made small";
      return line;
    }
    const double width = static_cast<double>(found->front().face.box.width) * image->width();
    if (width > options.face_width) *image = resampled(*image, 0, options.face_width / width);
  }
  if (!options.paint.empty()) {
    auto found = pipeline.measure(*image, {{}, 1}, {});
    if (!found || found->empty()) {
      line["error"] = "no face to be painted over";
      return line;
    }
    // FNV-1a of the path: another pattern for each photo, the same one each time.
    std::uint64_t seed = 0xcbf29ce484222325;
    for (const char letter : path + options.paint) seed = (seed ^ static_cast<unsigned char>(letter)) * 0x100000001b3;
    vision::paint_over(*image, found->front().face, options.paint, seed);
    // Real photos of such things are seldom as sharp as portraits.
    const double width = static_cast<double>(found->front().face.box.width) * image->width();
    const double wanted_width = 60 + static_cast<double>(seed >> 40 & 0xff) * 0.7;
    if (width > wanted_width) *image = resampled(*image, 0, wanted_width / width);
  }
  const auto began = std::chrono::steady_clock::now();
  const auto wanted = vision::Features::attributes() | vision::Feature::Embedding | vision::Feature::Liveness;
  auto faces = pipeline.measure(*image, {wanted, options.max_faces}, {options.rejected, options.every_model});
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - began;
  line["width"] = image->width();
  line["height"] = image->height();
  line["milliseconds"] = took.count();
  if (!faces) {
    line["error"] = faces.error().message;
    return line;
  }
  json::array list;
  for (const auto& one : *faces)
    list.push_back(face_json(one, options, static_cast<float>(image->width()), static_cast<float>(image->height())));
  line["faces"] = std::move(list);
  return line;
}

int run(const Options& options) {
  likeness::Metrics metrics;
  vision::RuntimeOptions runtime_options;
  runtime_options.metrics = &metrics;
  auto runtime = vision::Runtime::create(runtime_options);
  if (!runtime) return fmt::print(stderr, "{}\n", runtime.error().message), 1;
  auto calibration = vision::load_calibration(options.calibration);
  if (!calibration) return fmt::print(stderr, "{}\n", calibration.error().message), 1;
  auto pipeline = vision::FacePipeline::create(**runtime, std::move(*calibration));
  if (!pipeline) return fmt::print(stderr, "{} {}\n", pipeline.error().message, pipeline.error().detail), 1;
  const auto print = [&](const std::string& path) {
    const std::string line = json::serialize(measure_photo(**pipeline, path, options));
    fmt::print("{}\n", line);
    std::fflush(stdout);
  };
  for (const std::string& path : options.photos) print(path);
  if (options.photos.empty())
    for (std::string path; std::getline(std::cin, path);)
      if (!path.empty()) print(path);
  if (options.runs) fmt::print(stderr, "{}", metrics.expose());
  return 0;
}

}  // namespace

int main(int count, char** words) {
  vision::probe_cpu_before_inference();
  Options options;
  for (int i = 1; i < count; ++i) {
    const std::string_view word = words[i];
    if (word == "--rejected")
      options.rejected = true;
    else if (word == "--no-vectors")
      options.vectors = false;
    else if (word == "--rotate" && i + 1 < count)
      options.quarters = static_cast<int>(std::strtol(words[++i], nullptr, 10));
    else if (word == "--turn" && i + 1 < count)
      options.degrees = std::strtod(words[++i], nullptr);
    else if (word == "--face-width" && i + 1 < count)
      options.face_width = std::strtod(words[++i], nullptr);
    else if (word == "--paint" && i + 1 < count)
      options.paint = words[++i];
    else if (word == "--runs")
      options.runs = true;
    else if (word == "--as-served")
      options.every_model = false;
    else if (word == "--max-faces" && i + 1 < count)
      options.max_faces = static_cast<int>(std::strtol(words[++i], nullptr, 10));
    else if (word == "--calibration" && i + 1 < count)
      options.calibration = words[++i];
    else if (word.substr(0, 2) == "--")
      return fmt::print(stderr, "unknown option {}\n", word), 2;
    else
      options.photos.emplace_back(word);
  }
  return run(options);
}
