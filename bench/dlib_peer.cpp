// The pipeline of Python's face_recognition package in C++: dlib's HOG detector (one upsampling, its default), five
// landmarks, ResNet embedding of the largest face. In-process and without HTTP, which favours dlib.
//
//   dlib_peer THREADS SECONDS PHOTO...        prints {"photos_per_second": ..., "p50_ms": ..., "faces_found": ...}
#include <dlib/dnn.h>
#include <dlib/image_io.h>
#include <dlib/image_processing.h>
#include <dlib/image_processing/frontal_face_detector.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace {

// The network that dlib's published weights belong to; its shape is dictated by the file.
template <template <int, template <typename> class, int, typename> class Block, int N, template <typename> class Norm,
          typename Below>
using Residual = dlib::add_prev1<Block<N, Norm, 1, dlib::tag1<Below>>>;
template <template <int, template <typename> class, int, typename> class Block, int N, template <typename> class Norm,
          typename Below>
using ResidualDown =
    dlib::add_prev2<dlib::avg_pool<2, 2, 2, 2, dlib::skip1<dlib::tag2<Block<N, Norm, 2, dlib::tag1<Below>>>>>>;
template <int N, template <typename> class Norm, int Stride, typename Below>
using Pair = Norm<dlib::con<N, 3, 3, 1, 1, dlib::relu<Norm<dlib::con<N, 3, 3, Stride, Stride, Below>>>>>;
template <int N, typename Below>
using Level = dlib::relu<Residual<Pair, N, dlib::affine, Below>>;
template <int N, typename Below>
using LevelDown = dlib::relu<ResidualDown<Pair, N, dlib::affine, Below>>;
template <typename Below>
using Level0 = LevelDown<256, Below>;
template <typename Below>
using Level1 = Level<256, Level<256, LevelDown<256, Below>>>;
template <typename Below>
using Level2 = Level<128, Level<128, LevelDown<128, Below>>>;
template <typename Below>
using Level3 = Level<64, Level<64, Level<64, LevelDown<64, Below>>>>;
template <typename Below>
using Level4 = Level<32, Level<32, Level<32, Below>>>;
using Network = dlib::loss_metric<dlib::fc_no_bias<
    128, dlib::avg_pool_everything<Level0<Level1<Level2<Level3<Level4<dlib::max_pool<
             3, 3, 2, 2, dlib::relu<dlib::affine<dlib::con<32, 7, 7, 2, 2, dlib::input_rgb_image_sized<150>>>>>>>>>>>>>;

struct Pipeline {
  explicit Pipeline(const std::string& models) : detector(dlib::get_frontal_face_detector()) {
    dlib::deserialize(models + "/shape_predictor_5_face_landmarks.dat") >> predictor;
    dlib::deserialize(models + "/dlib_face_recognition_resnet_model_v1.dat") >> network;
  }

  bool embed_largest(const std::string& file) {
    dlib::matrix<dlib::rgb_pixel> image;
    dlib::load_image(image, file);
    dlib::matrix<dlib::rgb_pixel> larger = image;
    dlib::pyramid_up(larger);
    const auto faces = detector(larger);
    if (faces.empty()) return false;
    const auto largest =
        *std::max_element(faces.begin(), faces.end(), [](const auto& a, const auto& b) { return a.area() < b.area(); });
    dlib::matrix<dlib::rgb_pixel> chip;
    const auto box = dlib::pyramid_down<2>().rect_down(largest);
    dlib::extract_image_chip(image, dlib::get_face_chip_details(predictor(image, box), 150, 0.25), chip);
    return network(chip).size() == 128;
  }

  dlib::frontal_face_detector detector;
  dlib::shape_predictor predictor;
  Network network;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  const int threads = std::atoi(argv[1]);
  const double seconds = std::atof(argv[2]);
  const std::vector<std::string> photos(argv + 3, argv + argc);
  const char* models = std::getenv("DLIB_MODELS");
  if (models == nullptr) return 2;

  using Clock = std::chrono::steady_clock;
  std::vector<double> latencies;
  std::mutex mutex;
  std::atomic<int> found = 0;
  std::vector<std::thread> workers;
  for (int t = 0; t < threads; ++t)
    workers.emplace_back([&, t] {
      Pipeline pipeline(models);
      pipeline.embed_largest(photos[0]);
      const auto end = Clock::now() + std::chrono::duration<double>(seconds);
      for (std::size_t i = static_cast<std::size_t>(t); Clock::now() < end; ++i) {
        const auto begun = Clock::now();
        if (pipeline.embed_largest(photos[i % photos.size()])) ++found;
        const double ms = std::chrono::duration<double, std::milli>(Clock::now() - begun).count();
        const std::lock_guard lock(mutex);
        latencies.push_back(ms);
      }
    });
  for (auto& worker : workers) worker.join();
  std::sort(latencies.begin(), latencies.end());
  std::printf("{\"photos_per_second\": %.2f, \"p50_ms\": %.1f, \"faces_found\": %.2f}\n",
              static_cast<double>(latencies.size()) / seconds, latencies[latencies.size() / 2],
              static_cast<double>(found) / static_cast<double>(latencies.size()));
}
