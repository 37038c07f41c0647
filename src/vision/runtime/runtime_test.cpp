#include "vision/runtime/runtime.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

namespace likeness::vision {
namespace {

namespace fs = std::filesystem;

std::vector<float> noise(std::size_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(generator() % 1000) / 1000.0F;
  return values;
}

bool same_bits(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].shape != b[i].shape || a[i].values.size() != b[i].values.size()) return false;
    if (std::memcmp(a[i].values.data(), b[i].values.data(), a[i].values.size() * sizeof(float)) != 0) return false;
  }
  return true;
}

/// With the real models; without them there is nothing to test here.
class RuntimeTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(default_models_folder() / "fr_detect.onnx"))
      GTEST_SKIP() << "no models in " << default_models_folder() << ": run scripts/setup.sh";
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  RuntimeOptions options() const {
    RuntimeOptions options;
    options.folders.drop_in = folder_ / "models.d";
    options.compiled_folder = folder_ / "compiled";
    options.threads = 2;
    return options;
  }

  fs::path folder_ = fs::temp_directory_path() / ("likeness_runtime_" + std::to_string(getpid()));
};

TEST_F(RuntimeTest, EveryModelOfTheManifestLoadsAndFitsItsDescription) {
  const auto runtime = Runtime::create(options());
  ASSERT_TRUE(runtime) << runtime.error().message;
  for (const ModelSpec& spec : (*runtime)->registry().specs()) {
    const auto pool = (*runtime)->model(spec.role);
    ASSERT_TRUE(pool) << pool.error().message << " " << pool.error().detail;
    const auto outputs = (*pool)->run({{noise(spec.input.elements(), 1)}});
    ASSERT_TRUE(outputs) << outputs.error().message << " " << outputs.error().detail;
    for (const Tensor& output : *outputs) {
      ASSERT_FALSE(output.values.empty()) << spec.role;
      for (const float value : output.values) ASSERT_TRUE(std::isfinite(value)) << spec.role;
    }
    for (const OutputForm& output : spec.outputs) EXPECT_TRUE((*pool)->output_named(output.name)) << output.name;
  }
}

TEST_F(RuntimeTest, TheSameInputGivesTheSameBitsFromTheCacheOnAnyWorkerUnderLoad) {
  const std::vector<float> input = noise(64 * 64 * 3, 7);
  std::vector<Tensor> alone;
  {
    const auto runtime = Runtime::create(options());
    ASSERT_TRUE(runtime);
    alone = *(*runtime->get()->model("iris"))->run({{input}});
  }
  const auto runtime = Runtime::create(options());
  ASSERT_TRUE(runtime);
  ModelPool& pool = **(*runtime)->model("iris");
  std::vector<std::thread> callers;
  for (unsigned c = 0; c < 6; ++c)
    callers.emplace_back([&, c] {
      for (unsigned i = 0; i < 20; ++i) {
        EXPECT_TRUE(pool.run({{noise(64 * 64 * 3, 100 * c + i)}}));
        EXPECT_TRUE(same_bits(*pool.run({{input}}), alone));
      }
    });
  for (auto& caller : callers) caller.join();
}

TEST_F(RuntimeTest, ManyCropsAreSpreadAndKeepTheirPlaces) {
  const auto runtime = Runtime::create(options());
  ASSERT_TRUE(runtime);
  ModelPool& pool = **(*runtime)->model("eye_state");
  std::vector<std::vector<float>> crops;
  for (unsigned i = 0; i < 40; ++i) crops.push_back(noise(24 * 24, i));
  std::vector<float> found(crops.size());
  ASSERT_TRUE(pool.infer_many(
      crops.size(),
      [&](std::size_t i, InputTensors& inputs) {
        std::copy(crops[i].begin(), crops[i].end(), inputs.floats().begin());
      },
      [&](std::size_t i, const OutputTensors& outputs) { found[i] = outputs.floats(0)[0]; }));
  for (std::size_t i = 0; i < crops.size(); ++i) EXPECT_EQ(found[i], pool.run({{crops[i]}})->at(0).values[0]);
}

TEST_F(RuntimeTest, ADamagedCacheEntryIsReplaced) {
  {
    ASSERT_TRUE((*Runtime::create(options()))->model("eye_state"));
  }
  ASSERT_FALSE(fs::is_empty(folder_ / "compiled"));
  const fs::path entry = fs::directory_iterator(folder_ / "compiled")->path();
  const auto size = fs::file_size(entry);
  fs::resize_file(entry, size / 2);
  EXPECT_TRUE((*Runtime::create(options()))->model("eye_state"));
  EXPECT_EQ(fs::file_size(entry), size);
}

TEST_F(RuntimeTest, ACacheThatCannotBeWrittenOnlyCostsTime) {
  RuntimeOptions wanted = options();
  wanted.compiled_folder = "/proc/nowhere";
  EXPECT_TRUE((*Runtime::create(wanted))->model("eye_state"));
}

TEST_F(RuntimeTest, RunsAreCountedByModel) {
  Metrics metrics;
  RuntimeOptions wanted = options();
  wanted.metrics = &metrics;
  const auto runtime = Runtime::create(wanted);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE((*(*runtime)->model("eye_state"))->run({{noise(24 * 24, 1)}}));
  EXPECT_NE(metrics.expose().find("likeness_model_runs_total{model=\"eye_state\"} 3"), std::string::npos)
      << metrics.expose();
}

TEST_F(RuntimeTest, OutputsAreFoundByNameAndBySize) {
  const auto runtime = Runtime::create(options());
  ModelPool& mesh = **(*runtime)->model("face_mesh");
  EXPECT_EQ(mesh.outputs()[*mesh.output_of_size(1404)].name, "conv2d_20");
  EXPECT_EQ(*mesh.output_named("conv2d_20"), *mesh.output_of_size(1404));
  EXPECT_EQ(mesh.output_named("nose").error().code, "ModelMismatch");
  EXPECT_EQ(mesh.output_of_size(5).error().code, "ModelMismatch");
  EXPECT_EQ((*(*runtime)->model("face_pose"))->output_of_size(66).error().code, "ModelMismatch") << "three have it";
}

TEST_F(RuntimeTest, ADropInModelIsRunInsteadOfTheBuiltInOne) {
  RuntimeOptions wanted = options();
  fs::create_directories(wanted.folders.drop_in);
  fs::copy_file(default_models_folder() / "fr_eye.onnx", wanted.folders.drop_in / "mine.onnx");
  const auto registry = ModelRegistry::load({default_models_folder(), "/nowhere"});
  const std::string digest = to_hex((*registry->find("eye_state"))->files[0].sha256);
  std::ofstream(wanted.folders.drop_in / "mine.json")
      << R"({"models":[{"role":"emotion","name":"mine","version":"9","format":"onnx","licence":"my own",
            "files":[{"file":"mine.onnx","sha256":")"
      << digest << R"("}],"input":{"shape":[1,1,24,24],"layout":"NCHW","colour":"grey","mean":[0],"scale":[255]},
            "outputs":[{"name":"output","shape":[1,2]}]}]})";
  const auto runtime = Runtime::create(wanted);
  ASSERT_TRUE(runtime) << runtime.error().message;
  const auto pool = (*runtime)->model("emotion");
  ASSERT_TRUE(pool) << pool.error().message;
  EXPECT_EQ((*pool)->spec().version, "9");
  EXPECT_EQ((*pool)->outputs()[0].shape, (std::vector<std::int64_t>{1, 2}));
}

TEST_F(RuntimeTest, AModelThatIsNotWhatItsManifestSaysIsRefused) {
  RuntimeOptions wanted = options();
  fs::create_directories(wanted.folders.drop_in);
  fs::copy_file(default_models_folder() / "fr_eye.onnx", wanted.folders.drop_in / "mine.onnx");
  const auto registry = ModelRegistry::load({default_models_folder(), "/nowhere"});
  const std::string digest = to_hex((*registry->find("eye_state"))->files[0].sha256);
  std::ofstream(wanted.folders.drop_in / "mine.json")
      << R"({"models":[{"role":"emotion","name":"mine","version":"9","format":"onnx","licence":"my own",
            "files":[{"file":"mine.onnx","sha256":")"
      << digest << R"("}],"input":{"shape":[1,1,64,64],"layout":"NCHW","colour":"grey","mean":[0],"scale":[255]},
            "outputs":[{"name":"output","shape":[1,2]}]}]})";
  const auto runtime = Runtime::create(wanted);
  ASSERT_TRUE(runtime) << runtime.error().message;
  const auto pool = (*runtime)->model("emotion");
  ASSERT_FALSE(pool);
  EXPECT_EQ(pool.error().code, "ModelMismatch");
}

TEST_F(RuntimeTest, AMissingModelIsAClearError) {
  RuntimeOptions wanted = options();
  wanted.folders.models = "/nowhere";
  const auto runtime = Runtime::create(wanted);
  ASSERT_TRUE(runtime);
  const auto loaded = (*runtime)->load({"face_mesh", "iris"});
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, "ModelMissing");
  EXPECT_EQ(loaded.error().message,
            "Model face_mesh (face_landmark.tflite) is not there: run scripts/setup.sh, which fetches it");
}

TEST_F(RuntimeTest, AnInputOfTheWrongSizeIsRefused) {
  const auto runtime = Runtime::create(options());
  const auto outputs = (*(*runtime)->model("eye_state"))->run({{noise(7, 1)}});
  ASSERT_FALSE(outputs);
  EXPECT_EQ(outputs.error().code, "ModelMismatch");
}

}  // namespace
}  // namespace likeness::vision
