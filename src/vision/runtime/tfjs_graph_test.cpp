#include "vision/runtime/tfjs_graph.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <openvino/openvino.hpp>

#include "vision/runtime/model_registry.hpp"

namespace likeness::vision {
namespace {

namespace fs = std::filesystem;

/// A picture with edges and gradients that needs no file: the same formula made the expected values.
std::vector<float> picture(int side, int channels) {
  std::vector<float> values;
  for (int y = 0; y < side; ++y)
    for (int x = 0; x < side; ++x)
      for (int c = 0; c < channels; ++c)
        values.push_back(static_cast<float>((x * 2 + y * 3 + c * 40 + ((x * y) % 17) * 5) % 256));
  return values;
}

std::vector<float> run(const std::shared_ptr<ov::Model>& model, const std::vector<float>& input,
                       const std::string& output) {
  ov::Core core;
  auto compiled = core.compile_model(model, "CPU", ov::hint::inference_precision(ov::element::f32));
  auto request = compiled.create_infer_request();
  auto tensor = request.get_input_tensor();
  EXPECT_EQ(tensor.get_size(), input.size());
  std::copy(input.begin(), input.end(), tensor.data<float>());
  request.infer();
  const auto found = request.get_tensor(output);
  return {found.data<float>(), found.data<float>() + found.get_size()};
}

class RealGraph : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(models_ / "faceres.json")) GTEST_SKIP() << "no models in " << models_ << ": run scripts/setup.sh";
  }
  const fs::path models_ = default_models_folder();
};

// The expected values were computed by npm @tensorflow/tfjs 4.22.0 (backend "cpu") in node, from the same files and the
// same picture. The two add in different orders, hence the tolerance.
TEST_F(RealGraph, EmotionAgreesWithTensorFlowJs) {
  const auto model = import_tfjs_graph(models_ / "emotion.json", models_ / "emotion.bin", {1, 64, 64, 1});
  ASSERT_TRUE(model) << model.error().message;
  std::vector<float> input = picture(64, 1);
  for (float& value : input) value = value / 127.5F - 1;
  const auto found = run(*model, input, "Identity");
  const std::vector<float> expected = {2.9776967e-5F, 5.7584186e-14F, 0.0043125162F, 2.0377622e-10F,
                                       6.4537418e-4F, 0.9950119F,     4.3092575e-7F};
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1e-5 + expected[i] * 1e-3);
}

// These two come as bare weights; the expected values were computed by the package's own code in node.
TEST_F(RealGraph, TheTopologiesWrittenForBareWeightsAgreeWithThePackagesOwnCode) {
  std::vector<float> input = picture(112, 3);
  const float mean[] = {122.782F, 117.001F, 104.298F};
  for (std::size_t i = 0; i < input.size(); ++i) input[i] = (input[i] - mean[i % 3]) / 255;
  struct Case {
    const char* name;
    const char* output;
    std::vector<float> expected;
  };
  const Case cases[] = {{"face_expression",
                         "expression",
                         {-3.0338178F, -6.1072369F, -5.1469488F, -2.1727567F, -7.3306355F, -9.8896580F, -4.8814235F}},
                        {"age_gender", "age", {63.962582F}},
                        {"age_gender", "gender", {1.9400701F, -0.9898474F}}};
  for (const Case& test : cases) {
    const auto model = import_tfjs_graph(models_ / (std::string(test.name) + ".json"),
                                         models_ / (std::string(test.name) + ".bin"), {1, 112, 112, 3});
    ASSERT_TRUE(model) << model.error().message;
    const auto found = run(*model, input, test.output);
    ASSERT_EQ(found.size(), test.expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], test.expected[i], 1e-3) << test.output << i;
  }
}

TEST_F(RealGraph, AgeAndGenderAgreeWithTensorFlowJs) {
  const auto model = import_tfjs_graph(models_ / "faceres.json", models_ / "faceres.bin", {1, 224, 224, 3});
  ASSERT_TRUE(model) << model.error().message;
  const std::vector<float> input = picture(224, 3);
  EXPECT_NEAR(run(*model, input, "gender_pred/Sigmoid").at(0), 0.7667364F, 1e-4);
  const auto ages = run(*model, input, "age_pred/Softmax");
  ASSERT_EQ(ages.size(), 100U);
  const std::vector<float> first = {0.019985974F, 0.0010502368F, 8.6337567e-4F, 0.0013335458F,
                                    0.022981701F, 0.0025498462F, 0.0037316419F, 0.0057393122F};
  for (std::size_t i = 0; i < first.size(); ++i) EXPECT_NEAR(ages[i], first[i], 1e-5);
  EXPECT_NEAR(ages[50], 0.0076641776F, 1e-5);
  double mean = 0;
  for (std::size_t i = 0; i < ages.size(); ++i) mean += ages[i] * static_cast<double>(i);
  EXPECT_NEAR(mean, 32.695511, 1e-2);
  const auto features = run(*model, input, "global_pooling/Mean");
  ASSERT_EQ(features.size(), 1024U);
  EXPECT_NEAR(features[7], 1.8072705F, 1e-3);
  EXPECT_NEAR(std::accumulate(features.begin(), features.end(), 0.0), 14.9616597, 1e-2);
}

/// y = (x + weights) of two numbers, with weights stored as the test wants.
class SmallGraph : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(folder_); }
  void TearDown() override { fs::remove_all(folder_); }

  Result<std::shared_ptr<ov::Model>> import(const std::string& weight, const std::string& bytes,
                                            const std::string& operation = "AddV2") {
    std::ofstream(folder_ / "m.json") << R"({"format":"graph-model","modelTopology":{"node":[
          {"name":"sum","op":")" << operation
                                      << R"(","input":["x","w"],"attr":{}},
          {"name":"x","op":"Placeholder","attr":{"shape":{"shape":{"dim":[{"size":"-1"},{"size":"2"}]}}}},
          {"name":"w","op":"Const","attr":{}}]},
          "weightsManifest":[{"paths":["m.bin"],"weights":[{"name":"w","shape":[2],)"
                                      << weight << "}]}]}";
    std::ofstream(folder_ / "m.bin", std::ios::binary) << bytes;
    return import_tfjs_graph(folder_ / "m.json", folder_ / "m.bin", {1, 2});
  }

  fs::path folder_ = fs::temp_directory_path() / ("likeness_tfjs_" + std::to_string(getpid()));
};

TEST_F(SmallGraph, QuantisedWeightsAreDecoded) {
  const auto bytes =
      import(R"("dtype":"float32","quantization":{"dtype":"uint8","scale":0.5,"min":-1})", {"\x02\xff", 2});
  ASSERT_TRUE(bytes) << bytes.error().message;
  EXPECT_EQ(run(*bytes, {10, 20}, "sum"), (std::vector<float>{10, 20 + 126.5F}));
  const auto words =
      import(R"("dtype":"float32","quantization":{"dtype":"uint16","scale":2,"min":1})", {"\x01\x00\x00\x01", 4});
  ASSERT_TRUE(words) << words.error().message;
  EXPECT_EQ(run(*words, {0, 0}, "sum"), (std::vector<float>{3, 513}));
  // 1.5 and -2 as IEEE half precision.
  const auto halves = import(R"("dtype":"float32","quantization":{"dtype":"float16"})", {"\x00\x3e\x00\xc0", 4});
  ASSERT_TRUE(halves) << halves.error().message;
  EXPECT_EQ(run(*halves, {0, 0}, "sum"), (std::vector<float>{1.5F, -2}));
}

TEST_F(SmallGraph, AnUnknownOperationIsNamed) {
  const auto model = import(R"("dtype":"float32")", std::string(8, '\0'), "Conv3D");
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().code, "ModelUnreadable");
  EXPECT_NE(model.error().message.find("operation Conv3D (node sum) is not known"), std::string::npos);
}

TEST_F(SmallGraph, DamagedFilesAreRefused) {
  EXPECT_FALSE(import(R"("dtype":"float32")", "short"));
  EXPECT_FALSE(import(R"("dtype":"float32")", std::string(9, '\0'))) << "left-over bytes";
  EXPECT_FALSE(import(R"("dtype":"complex64")", std::string(16, '\0')));
  EXPECT_FALSE(import(R"("dtype":"float32","quantization":{"dtype":"uint8"})", "ab")) << "no scale";
  EXPECT_FALSE(import_tfjs_graph(folder_ / "absent.json", folder_ / "m.bin", {1, 2}));
}

}  // namespace
}  // namespace likeness::vision
