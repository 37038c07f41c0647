#include "vision/runtime/model_spec.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "vision/runtime/model_registry.hpp"

namespace likeness::vision {
namespace {

namespace fs = std::filesystem;

const std::string kDigest(64, 'a');

std::string manifest_with(const std::string& role, const std::string& file, const std::string& digest = kDigest) {
  return R"({"models":[{"role":")" + role + R"(","name":"own","version":"2","format":"onnx","licence":"MIT",
    "files":[{"file":")" +
         file + R"(","sha256":")" + digest + R"("}],
    "input":{"shape":[1,3,112,96],"layout":"NCHW","colour":"BGR","mean":[127.5,127.5,127.5],"scale":[128,128,128]},
    "outputs":[{"name":"out","shape":[1,512]}],"parameters":{"score":0.5}}]})";
}

class Folder {
 public:
  Folder() : path_(fs::temp_directory_path() / ("likeness_models_" + std::to_string(getpid()))) {
    fs::create_directories(path_);
  }
  ~Folder() { fs::remove_all(path_); }
  const fs::path& path() const { return path_; }
  void write(const std::string& name, const std::string& text) const { std::ofstream(path_ / name) << text; }

 private:
  fs::path path_;
};

TEST(Manifest, AModelIsReadWithItsInputForm) {
  const auto specs = parse_manifest(manifest_with("face_embedding", "own.onnx"), "/models", "test");
  ASSERT_TRUE(specs) << specs.error().message;
  const ModelSpec& spec = specs->at(0);
  EXPECT_EQ(spec.role, "face_embedding");
  EXPECT_EQ(spec.input.height(), 112);
  EXPECT_EQ(spec.input.width(), 96);
  EXPECT_EQ(spec.input.channels(), 3);
  EXPECT_EQ(spec.input.colour, ColourOrder::Bgr);
  EXPECT_EQ(spec.files.at(0).sha256[0], 0xaa);
  EXPECT_EQ(spec.parameter("score", 0), 0.5);
  EXPECT_EQ(spec.parameter("nms", 0.4), 0.4);
}

TEST(Manifest, AnErrorNamesTheModelAndTheMember) {
  const struct {
    std::string from, to, expected;
  } cases[] = {
      {"\"MIT\"", "7", "test, model r: \"licence\" must be a text"},
      {"\"onnx\"", "\"pt\"", "test, model r: \"format\" must be one of onnx, tflite, tfjs-graph, openvino-ir"},
      {kDigest, "abc", "test, model r files: \"sha256\" must be 64 hex digits"},
      {"own.onnx", "../../etc/passwd", "test, model r files: \"file\" must be a plain file name"},
      {"[128,128,128]", "[128,0,128]", "test, model r input: \"scale\" must not be 0"},
      {"[1,3,112,96]", "[1,112,96,3]",
       "test, model r input: \"shape\" does not have the channels of \"colour\" where "
       "\"layout\" says"},
      {"[1,512]", "[1,-5]", "test, model r outputs: \"shape\" must hold sizes from 1 to 100000"},
      {"0.5", "\"x\"", "test, model r: \"parameters\" must hold numbers"},
  };
  for (const auto& test : cases) {
    std::string text = manifest_with("r", "own.onnx");
    const auto at = text.find(test.from);
    ASSERT_NE(at, std::string::npos) << test.from;
    text.replace(at, test.from.size(), test.to);
    const auto specs = parse_manifest(text, "/models", "test");
    ASSERT_FALSE(specs) << test.expected;
    EXPECT_EQ(specs.error().code, "InvalidManifest");
    EXPECT_EQ(specs.error().message, test.expected);
  }
}

TEST(Manifest, ARoleIsAPlainWord) {
  for (const char* role : {"", "../up", "a b", "Face", "a/b"})
    EXPECT_FALSE(parse_manifest(manifest_with(role, "own.onnx"), "/models", "test")) << role;
  EXPECT_TRUE(parse_manifest(manifest_with("face_2", "own.onnx"), "/models", "test"));
}

TEST(Manifest, TextThatIsNoManifestIsRefused) {
  EXPECT_FALSE(parse_manifest("", "/models", "test"));
  EXPECT_FALSE(parse_manifest("[]", "/models", "test"));
  EXPECT_FALSE(parse_manifest(R"({"models":[7]})", "/models", "test"));
}

TEST(Registry, TheBuiltInManifestHasTheFaceModels) {
  const auto registry = ModelRegistry::load({"/nowhere", "/nowhere"});
  ASSERT_TRUE(registry) << registry.error().message;
  for (const char* role : {"face_detector", "face_mesh", "iris", "face_embedding", "age_gender", "emotion"})
    EXPECT_TRUE(registry->find(role)) << role;
  const auto missing = registry->find("palm_reader");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, "ModelMissing");
}

TEST(Registry, ADropInTakesTheRoleAndMayAddOne) {
  const Folder folder;
  folder.write("a.json", manifest_with("face_embedding", "own.onnx"));
  folder.write("b.json", manifest_with("hats", "hats.onnx"));
  folder.write("notes.txt", "not a manifest");
  const auto registry = ModelRegistry::load({"/nowhere", folder.path()});
  ASSERT_TRUE(registry) << registry.error().message;
  const auto embedding = registry->find("face_embedding");
  ASSERT_TRUE(embedding);
  EXPECT_EQ((*embedding)->name, "own");
  EXPECT_TRUE((*embedding)->drop_in);
  EXPECT_EQ((*embedding)->folder, folder.path());
  EXPECT_TRUE(registry->find("hats"));
  EXPECT_FALSE((*registry->find("face_mesh"))->drop_in);
}

TEST(Registry, ABrokenDropInStopsTheStart) {
  const Folder folder;
  folder.write("a.json", "{");
  EXPECT_FALSE(ModelRegistry::load({"/nowhere", folder.path()}));
}

TEST(Registry, AMissingFileSaysWhichCommandFetchesIt) {
  const auto registry = ModelRegistry::load({"/nowhere", "/nowhere"});
  const auto verified = verify_files(**registry->find("face_mesh"));
  ASSERT_FALSE(verified);
  EXPECT_EQ(verified.error().code, "ModelMissing");
  EXPECT_NE(verified.error().message.find("scripts/setup.sh"), std::string::npos);
}

TEST(Registry, AFileWithOtherContentsIsRefused) {
  const Folder folder;
  folder.write("own.onnx", "right");
  const std::string right = to_hex(sha256(as_bytes("right")));
  EXPECT_TRUE(verify_files(parse_manifest(manifest_with("r", "own.onnx", right), folder.path(), "test")->at(0)));
  folder.write("own.onnx", "wrong");
  const auto verified =
      verify_files(parse_manifest(manifest_with("r", "own.onnx", right), folder.path(), "test")->at(0));
  ASSERT_FALSE(verified);
  EXPECT_EQ(verified.error().code, "ModelDamaged");
}

}  // namespace
}  // namespace likeness::vision
