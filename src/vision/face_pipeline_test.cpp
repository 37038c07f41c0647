#include "vision/face_pipeline.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <thread>

#include "media/decode.hpp"
#include "vision/runtime/model_registry.hpp"

namespace likeness::vision {
namespace {

/// The photos and models that scripts/setup.sh fetches.
media::Image photo(const std::string& name) {
  const auto path = default_cache_folder() / "photos" / name;
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  auto image = media::decode({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, {});
  EXPECT_TRUE(image) << path << ": " << image.error().message;
  return image ? std::move(*image) : media::Image();
}

media::Image quarter_turned(const media::Image& image) {
  media::Image result(image.height(), image.width());
  for (int y = 0; y < image.height(); ++y)
    for (int x = 0; x < image.width(); ++x)
      std::memcpy(result.row(x) + (image.height() - 1 - y) * 3, image.row(y) + x * 3, 3);
  return result;
}

media::Image part_of(const media::Image& image, int left, int top, int width, int height) {
  media::Image result(width, height);
  for (int y = 0; y < height; ++y)
    std::memcpy(result.row(y), image.row(top + y) + left * 3, static_cast<std::size_t>(width) * 3);
  return result;
}

class FacePipelineOnPhotos : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto runtime = Runtime::create({});
    ASSERT_TRUE(runtime) << runtime.error().message;
    runtime_ = std::move(*runtime);
    auto analyzer = make_face_analyzer(*runtime_);
    ASSERT_TRUE(analyzer) << analyzer.error().message;
    analyzer_ = std::move(*analyzer);
  }
  static void TearDownTestSuite() {
    analyzer_.reset();
    runtime_.reset();
  }

  static std::vector<Face> faces_in(const media::Image& image, Features wanted = {}, int max_faces = 100) {
    auto faces = analyzer_->analyze(image, {wanted, max_faces});
    EXPECT_TRUE(faces) << faces.error().message;
    return faces ? std::move(*faces) : std::vector<Face>();
  }

  static float cosine(const Face& a, const Face& b) {
    float sum = 0;
    for (std::size_t i = 0; i < kEmbeddingSize; ++i) sum += (*a.embedding)[i] * (*b.embedding)[i];
    return sum;
  }

  static std::unique_ptr<Runtime> runtime_;
  static std::unique_ptr<FaceAnalyzer> analyzer_;
};
std::unique_ptr<Runtime> FacePipelineOnPhotos::runtime_;
std::unique_ptr<FaceAnalyzer> FacePipelineOnPhotos::analyzer_;

TEST_F(FacePipelineOnPhotos, TheAstronautIsOneSmilingWomanWithOpenEyes) {
  const auto faces = faces_in(photo("astronaut.png"), Features::attributes());
  ASSERT_EQ(faces.size(), 1u);
  const Face& face = faces[0];
  EXPECT_GT(face.confidence, 99);
  EXPECT_FALSE(face.gender_is_male->value);
  EXPECT_TRUE(face.smile->value);
  EXPECT_GT(face.smile->confidence, 90);
  EXPECT_TRUE(face.eyes_open->value);
  EXPECT_FALSE(face.eyeglasses->value);
  EXPECT_FALSE(face.sunglasses->value);
  EXPECT_FALSE(face.beard->value);
  EXPECT_FALSE(face.mustache->value);
  EXPECT_FALSE(face.face_occluded->value);
  EXPECT_EQ((*face.emotions)[0].type, EmotionType::Happy);
  EXPECT_GT(face.quality.brightness, 50);
  EXPECT_GT(face.quality.sharpness, 50);
  EXPECT_LT(std::abs(face.pose.roll), 8);
  EXPECT_LT(std::abs(face.pose.yaw), 10);
  EXPECT_LT(std::abs(face.pose.pitch), 12);
  EXPECT_LE(face.age_range->low, 45);
  EXPECT_GE(face.age_range->high, 28);
}

TEST_F(FacePipelineOnPhotos, EveryPersonOfTheSamplesIsFound) {
  const std::map<std::string, std::size_t> people{{"sample1.jpg", 3}, {"sample2.jpg", 3}, {"sample3.jpg", 3},
                                                  {"sample4.jpg", 4}, {"sample5.jpg", 5}, {"sample6.jpg", 4}};
  for (const auto& [name, count] : people) {
    const auto faces = faces_in(photo(name));
    EXPECT_EQ(faces.size(), count) << name;
    for (std::size_t i = 1; i < faces.size(); ++i) EXPECT_GE(faces[i - 1].box.area(), faces[i].box.area()) << name;
  }
}

TEST_F(FacePipelineOnPhotos, LandmarksLieWhereTheirNamesSay) {
  const auto faces = faces_in(photo("astronaut.png"), Features::attributes());
  ASSERT_EQ(faces.size(), 1u);
  const auto at = [&](LandmarkType type) { return faces[0].landmarks[static_cast<std::size_t>(type)]; };
  for (std::size_t i = 0; i < kLandmarkCount; ++i) {
    EXPECT_EQ(static_cast<std::size_t>(faces[0].landmarks[i].type), i);
    EXPECT_GT(faces[0].landmarks[i].x, faces[0].box.left - 0.02f);
    EXPECT_LT(faces[0].landmarks[i].x, faces[0].box.left + faces[0].box.width + 0.02f);
    EXPECT_GT(faces[0].landmarks[i].y, faces[0].box.top);
    EXPECT_LT(faces[0].landmarks[i].y, faces[0].box.top + faces[0].box.height);
  }
  EXPECT_LT(at(LandmarkType::EyeLeft).x, at(LandmarkType::Nose).x);
  EXPECT_LT(at(LandmarkType::Nose).x, at(LandmarkType::EyeRight).x);
  EXPECT_LT(at(LandmarkType::LeftEyeBrowUp).y, at(LandmarkType::LeftEyeUp).y);
  EXPECT_LT(at(LandmarkType::LeftEyeUp).y, at(LandmarkType::LeftEyeDown).y);
  EXPECT_LT(at(LandmarkType::MouthUp).y, at(LandmarkType::MouthDown).y);
  EXPECT_LT(at(LandmarkType::MouthDown).y, at(LandmarkType::ChinBottom).y);
  EXPECT_LT(at(LandmarkType::UpperJawlineLeft).x, at(LandmarkType::LeftEyeLeft).x);
  EXPECT_NEAR(at(LandmarkType::LeftPupil).x, at(LandmarkType::EyeLeft).x, 0.01f);
  EXPECT_NEAR(at(LandmarkType::LeftPupil).y, at(LandmarkType::EyeLeft).y, 0.01f);
  // A portrait box, as AWS draws it.
  EXPECT_GT(faces[0].box.height, faces[0].box.width);
}

TEST_F(FacePipelineOnPhotos, OnlyWhatWasAskedForIsThere) {
  const Face plain = faces_in(photo("astronaut.png")).at(0);
  EXPECT_FALSE(plain.smile || plain.age_range || plain.emotions || plain.embedding || plain.liveness ||
               plain.eye_direction || plain.gender_is_male);
  const Face some = faces_in(photo("astronaut.png"), Features(Feature::Smile) | Feature::Embedding).at(0);
  EXPECT_TRUE(some.smile && some.embedding);
  EXPECT_FALSE(some.age_range || some.emotions || some.liveness || some.eye_direction);
}

TEST_F(FacePipelineOnPhotos, EmotionsAreEightFallingAndSumToAHundred) {
  for (const Face& face : faces_in(photo("sample6.jpg"), Feature::Emotions)) {
    float sum = 0;
    for (std::size_t i = 0; i < kEmotionCount; ++i) {
      sum += (*face.emotions)[i].confidence;
      if (i > 0) EXPECT_GE((*face.emotions)[i - 1].confidence, (*face.emotions)[i].confidence);
    }
    EXPECT_NEAR(sum, 100, 0.01);
  }
}

TEST_F(FacePipelineOnPhotos, TheLargestFacesAreKept) {
  const auto all = faces_in(photo("sample5.jpg")), two = faces_in(photo("sample5.jpg"), {}, 2);
  ASSERT_EQ(two.size(), 2u);
  EXPECT_EQ(two[0].box.left, all[0].box.left);
  EXPECT_EQ(two[1].box.left, all[1].box.left);
}

TEST_F(FacePipelineOnPhotos, WhoWantsTheLargestGetsTheSameAsWhoWantsAll) {
  for (int number = 1; number <= 6; ++number) {
    const media::Image image = photo("sample" + std::to_string(number) + ".jpg");
    const auto all = faces_in(image), largest = faces_in(image, {}, 1);
    ASSERT_EQ(largest.size(), 1u) << number;
    EXPECT_EQ(largest[0].box.left, all[0].box.left) << number;
    EXPECT_EQ(largest[0].box.width, all[0].box.width) << number;
  }
}

TEST_F(FacePipelineOnPhotos, ATurnedFaceIsFoundWithItsRollAndIsTheSamePerson) {
  media::Image image = photo("astronaut.png");
  const Face upright = faces_in(image, Feature::Embedding).at(0);
  for (int quarters = 1; quarters < 4; ++quarters) {
    image = quarter_turned(image);
    const auto faces = faces_in(image, Feature::Embedding);
    ASSERT_EQ(faces.size(), 1u) << quarters;
    const float expected = upright.pose.roll + 90.0f * static_cast<float>(quarters);
    EXPECT_NEAR(std::remainder(faces[0].pose.roll - expected, 360), 0, 5) << quarters;
    EXPECT_GT(cosine(upright, faces[0]), 0.9f) << quarters;
  }
}

TEST_F(FacePipelineOnPhotos, AFaceThatFillsThePictureIsFound) {
  const media::Image image = photo("astronaut.png");
  const Box box = faces_in(image).at(0).box;
  const auto pixels = [](float share) { return static_cast<int>(std::lround(share * 512)); };
  const auto faces = faces_in(part_of(image, pixels(box.left), pixels(box.top), pixels(box.width), pixels(box.height)));
  ASSERT_EQ(faces.size(), 1u);
  EXPECT_GT(faces[0].box.area(), 0.7f);
}

TEST_F(FacePipelineOnPhotos, ASmallFaceInALargePhotoIsFound) {
  // 40 pixels wide in 1920 x 1080: the least that AWS promises to find.
  const media::Image astronaut = photo("astronaut.png");
  const PixelView view = view_of(astronaut);
  const float scale = 96.0f / 40;
  const ReducedImage half(view, {0, 0, 512, 512}, 2, 2);
  const int side = static_cast<int>(512 / scale);
  media::Image scene(1920, 1080);
  for (int y = 0; y < 1080; ++y)
    for (int x = 0; x < 1920 * 3; ++x) scene.row(y)[x] = static_cast<std::uint8_t>(90 + (x / 300 + y / 100) % 3 * 30);
  warp_rows(half.view(), {scale, 0, 0, 0, scale, 0}, side, side, Border::Nearest,
            [&](int row, std::span<const float> rgbx) {
              for (int x = 0; x < side; ++x)
                for (int c = 0; c < 3; ++c)
                  scene.row(700 + row)[(1200 + x) * 3 + c] =
                      static_cast<std::uint8_t>(rgbx[static_cast<std::size_t>(x * 4 + c)]);
            });
  const auto faces = faces_in(scene);
  ASSERT_EQ(faces.size(), 1u);
  EXPECT_NEAR(faces[0].box.width * 1920, 40, 6);
}

TEST_F(FacePipelineOnPhotos, BlurLowersSharpnessAndDarknessLowersBrightness) {
  const media::Image image = photo("astronaut.png");
  media::Image dark(512, 512), blurred(512, 512);
  for (int y = 0; y < 512; ++y)
    for (int x = 0; x < 512 * 3; ++x) dark.row(y)[x] = static_cast<std::uint8_t>(image.row(y)[x] / 3);
  const ReducedImage coarse(view_of(image), {0, 0, 512, 512}, 3, 3);
  warp_rows(coarse.view(), {}, 512, 512, Border::Nearest, [&](int row, std::span<const float> rgbx) {
    for (int x = 0; x < 512; ++x)
      for (int c = 0; c < 3; ++c)
        blurred.row(row)[x * 3 + c] = static_cast<std::uint8_t>(rgbx[static_cast<std::size_t>(x * 4 + c)]);
  });
  const Quality clear = faces_in(image).at(0).quality, dim = faces_in(dark).at(0).quality,
                soft = faces_in(blurred).at(0).quality;
  EXPECT_GT(clear.sharpness, 80);
  EXPECT_LT(soft.sharpness, 40);
  EXPECT_NEAR(soft.brightness, clear.brightness, 3);
  EXPECT_GT(clear.brightness, 70);
  EXPECT_LT(dim.brightness, 45);
  EXPECT_GT(dim.sharpness, 60);
}

TEST_F(FacePipelineOnPhotos, WithoutAFaceThereIsNothing) {
  media::Image flat(640, 480), noise(640, 480);
  std::uint32_t state = 1;
  for (int y = 0; y < 480; ++y)
    for (int x = 0; x < 640 * 3; ++x) {
      flat.row(y)[x] = 128;
      noise.row(y)[x] = static_cast<std::uint8_t>((state = state * 1664525u + 1013904223u) >> 24);
    }
  EXPECT_TRUE(faces_in(flat, Features::attributes()).empty());
  EXPECT_TRUE(faces_in(noise, Features::attributes()).empty());
  EXPECT_TRUE(faces_in(media::Image()).empty());
  // Sizes that no photo has.
  EXPECT_TRUE(faces_in(part_of(flat, 0, 0, 1, 1)).empty());
  EXPECT_TRUE(faces_in(part_of(flat, 0, 0, 640, 2)).empty());
}

TEST_F(FacePipelineOnPhotos, DifferentPeopleAreApartAndOnePersonIsNot) {
  const Face astronaut = faces_in(photo("astronaut.png"), Feature::Embedding).at(0);
  double norm = 0;
  for (const float value : *astronaut.embedding) norm += static_cast<double>(value) * static_cast<double>(value);
  EXPECT_NEAR(norm, 1, 1e-5);
  const auto strangers = faces_in(photo("sample6.jpg"), Feature::Embedding);
  for (const Face& stranger : strangers) EXPECT_LT(analyzer_->similarity(cosine(astronaut, stranger)), 50);
  for (std::size_t i = 1; i < strangers.size(); ++i)
    EXPECT_LT(analyzer_->similarity(cosine(strangers[0], strangers[i])), 70);
  EXPECT_GT(analyzer_->similarity(1), 99.9f);
}

/// All numbers of a face, bit by bit.
std::string fingerprint(const std::vector<Face>& faces) {
  std::string bits;
  const auto add = [&](float value) { bits.append(reinterpret_cast<const char*>(&value), sizeof value); };
  for (const Face& face : faces) {
    for (const float value :
         {face.box.left, face.box.top, face.box.width, face.box.height, face.confidence, face.pose.roll, face.pose.yaw,
          face.pose.pitch, face.quality.brightness, face.quality.sharpness, face.smile->confidence,
          face.eyeglasses->confidence, face.gender_is_male->confidence, face.eyes_open->confidence,
          face.eye_direction->yaw, *face.liveness})
      add(value);
    for (const auto& landmark : face.landmarks) add(landmark.x), add(landmark.y);
    for (const auto& emotion : *face.emotions) add(emotion.confidence);
    for (const float value : *face.embedding) add(value);
  }
  return bits;
}

TEST_F(FacePipelineOnPhotos, NumbersAreTheSameWhateverElseRuns) {
  const Features everything = Features::attributes() | Feature::Embedding | Feature::Liveness;
  std::vector<media::Image> images;
  images.push_back(photo("astronaut.png"));
  images.push_back(part_of(photo("sample1.jpg"), 700, 300, 420, 420));
  images.push_back(part_of(photo("sample6.jpg"), 560, 200, 560, 560));
  std::vector<std::string> alone;
  for (const media::Image& image : images) {
    alone.push_back(fingerprint(faces_in(image, everything)));
    EXPECT_FALSE(alone.back().empty());
  }
  std::vector<std::thread> threads;
  std::atomic<int> differing = 0, done = 0;
  for (std::size_t t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      for (std::size_t i = 0; i < images.size(); ++i) {
        const std::size_t which = (i + t) % images.size();
        auto faces = analyzer_->analyze(images[which], {everything, 100});
        if (!faces || fingerprint(*faces) != alone[which]) ++differing;
        ++done;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(done, 24);
  EXPECT_EQ(differing, 0);
}

}  // namespace
}  // namespace likeness::vision
