#include "app/cli/commands.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <set>
#include <sstream>

#include "app/cli/inputs.hpp"
#include "app/cli/remote_service.hpp"
#include "media/encode.hpp"

/// The commands over a service that makes no use of models: what they print, write and return.
namespace likeness::app {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using testing::HasSubstr;

/// Answers by the width of the photo: 200 has a good face, 201 one that smiles, 202 none, 203 cannot be analyzed.
class FakeService final : public FaceService {
 public:
  static vision::Face face(bool smile) {
    vision::Face out;
    out.box = {0.25f, 0.25f, 0.5f, 0.5f};
    out.confidence = 99;
    out.smile = vision::Flag{smile, 96};
    out.sunglasses = vision::Flag{false, 96};
    out.eyes_open = vision::Flag{true, 96};
    out.mouth_open = vision::Flag{false, 96};
    return out;
  }

  Result<std::vector<vision::Face>> detect(const Photo& photo, vision::Features) override {
    if (fatal) return server_error("ModelMissing", "fr_detect.onnx is missing.");
    switch (photo.image.width()) {
      case 201: return std::vector{face(true), face(false)};
      case 202: return std::vector<vision::Face>{};
      case 203: return client_error("InvalidImageFormatException", "Request has invalid image format");
      default: return std::vector{face(false)};
    }
  }
  Result<Comparison> compare(const Photo&, const Photo& target, float) override {
    Comparison out;
    if (target.image.width() == 200)
      out.matches.push_back({97.5f, face(false)});
    else
      out.unmatched.push_back(face(false));
    return out;
  }
  Result<std::vector<CollectionInfo>> collections() override {
    return std::vector<CollectionInfo>{{"staff", 3, 1, "7.0"}};
  }
  Result<CollectionInfo> describe_collection(const std::string& id) override {
    if (!made.contains(id))
      return client_error("ResourceNotFoundException", "The collection id: " + id + " does not exist");
    return CollectionInfo{id, 0, 0, "7.0"};
  }
  Result<void> create_collection(const std::string& id) override {
    made.insert(id);
    return {};
  }
  Result<void> delete_collection(const std::string&) override { return {}; }
  Result<Indexed> index(const std::string&, const Photo& photo, const IndexRequest& request) override {
    Indexed out;
    if (photo.image.width() == 202) {
      out.left.push_back({{"LOW_SHARPNESS"}, face(false)});
      return out;
    }
    const std::lock_guard lock(mutex);
    out.records.push_back({{.face_id = "id-" + std::to_string(++ids),
                            .image_id = "i",
                            .external_image_id = request.external_image_id,
                            .user_id = "",
                            .box = {},
                            .confidence = 99},
                           face(false)});
    return out;
  }
  Result<Searched> search(const std::string& collection, const Photo& photo, const SearchRequest&) override {
    if (!made.contains(collection))
      return client_error("ResourceNotFoundException", "The collection id: x does not exist");
    if (photo.image.width() == 202)
      return client_error("InvalidParameterException", "There are no faces in the image.");
    Searched out;
    out.box = face(false).box;
    if (photo.image.width() == 200)
      out.matches.push_back({98,
                             {.face_id = "id-1",
                              .image_id = "i",
                              .external_image_id = "ann",
                              .user_id = "",
                              .box = {},
                              .confidence = 99}});
    return out;
  }
  Result<std::vector<PersonInfo>> people(const std::string&) override {
    return std::vector<PersonInfo>{{"ann", "ACTIVE"}};
  }
  Result<std::vector<StoredFace>> faces(const std::string&, const std::optional<std::string>&) override {
    return std::vector<StoredFace>{
        {.face_id = "id-1", .image_id = "", .external_image_id = "", .user_id = "ann", .box = {}, .confidence = 99}};
  }
  Result<void> create_person(const std::string&, const std::string&) override {
    return client_error("ConflictException", "exists");
  }
  Result<std::vector<std::string>> add_faces(const std::string&, const std::string&,
                                             const std::vector<std::string>& face_ids) override {
    added = face_ids;
    return std::vector<std::string>{};
  }
  Result<void> delete_person(const std::string&, const std::string&) override { return {}; }
  Result<void> delete_faces(const std::string&, const std::vector<std::string>& face_ids) override {
    deleted = face_ids;
    return {};
  }
  std::optional<double> false_match_rate(float) override { return 0.0002; }

  bool fatal = false;
  std::set<std::string> made;
  std::vector<std::string> added, deleted;
  std::mutex mutex;
  int ids = 0;
};

class Commands : public testing::Test {
 protected:
  Commands() {
    std::string name = (fs::temp_directory_path() / "likeness-cli-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~Commands() override { fs::remove_all(folder_); }

  std::string photo(const std::string& name, int width) const {
    media::Image image(width, 200);
    for (int y = 0; y < 200; ++y) std::memset(image.row(y), 90, image.stride());
    EXPECT_TRUE(write_file(path(name), *media::encode_png(image)));
    return path(name);
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  Console& console(bool as_json = false) {
    out_.str("");
    err_.str("");
    console_.emplace(Console{out_, err_, Terminal(false, true), as_json, false});
    return *console_;
  }
  std::vector<json::value> lines() const {
    std::vector<json::value> found;
    std::istringstream text(out_.str());
    for (std::string line; std::getline(text, line);) found.push_back(json::parse(line));
    return found;
  }

  FakeService service_;
  fs::path folder_;
  std::ostringstream out_, err_;
  std::optional<Console> console_;
};

TEST_F(Commands, CheckPassesWithZeroAndFailsWithOne) {
  const auto good = photo("good.png", 200), smiling = photo("smiling.png", 201), empty = photo("empty.png", 202);
  EXPECT_EQ(run_check({.photos = {good}}, service_, console()), kDone);
  EXPECT_THAT(out_.str(), HasSubstr("PASS"));
  EXPECT_EQ(run_check({.photos = {good, smiling}}, service_, console()), kNo);
  EXPECT_THAT(out_.str(), HasSubstr("✗  Smile       Yes 96.0 %  wanted No > 90 %   -86.0"));
  EXPECT_THAT(out_.str(), HasSubstr("1 passed, 1 failed the rules 'passport'"));
  EXPECT_EQ(run_check({.photos = {empty}}, service_, console()), kNo);
  EXPECT_THAT(out_.str(), HasSubstr("no face"));
}

TEST_F(Commands, CheckSaysAllOfItInJson) {
  const auto smiling = photo("smiling.png", 201);
  EXPECT_EQ(run_check({.photos = {smiling}}, service_, console(true)), kNo);
  const json::value line = lines().at(0);
  EXPECT_EQ(line.at("Verdict"), "FAIL");
  EXPECT_EQ(line.at("Photo"), json::string(smiling));
  EXPECT_EQ(line.at("FaceDetails").as_array().size(), 2u);
  EXPECT_EQ(line.at("Rules").at(0).at("Rule"), "Smile");
  EXPECT_EQ(line.at("Rules").at(0).at("Measured").at("Value"), true);
  EXPECT_EQ(line.at("Rules").at(0).at("Wanted").at("Confidence"), 90.0);
  EXPECT_EQ(line.at("Rules").at(1).at("Result"), "PASS");
}

TEST_F(Commands, AnUnusablePhotoAmongGoodOnesIsReportedAndTheOthersAreDone) {
  const auto good = photo("a.png", 200), refused = photo("b.png", 203);
  ASSERT_TRUE(write_file(path("c.jpg"), as_bytes("no picture")));
  EXPECT_EQ(run_check({.photos = {good, refused, path("c.jpg"), path("none.jpg"), good}}, service_, console()),
            kSomeFailed);
  EXPECT_THAT(err_.str(), HasSubstr("b.png: Request has invalid image format"));
  EXPECT_THAT(err_.str(), HasSubstr("c.jpg: "));
  EXPECT_THAT(err_.str(), HasSubstr("none.jpg: No such file"));
  EXPECT_THAT(out_.str(), HasSubstr("3 could not be used"));
  EXPECT_EQ(run_detect({.photos = {good, path("none.jpg")}}, service_, console(true)), kSomeFailed);
  EXPECT_EQ(lines().at(1).at("Error").at("Code"), "NotFound");
}

TEST_F(Commands, WhatHitsEveryPhotoIsSaidOnceAndEndsTheCommand) {
  service_.fatal = true;
  std::vector<std::string> photos;
  for (int i = 0; i < 50; ++i) photos.push_back(photo("p" + std::to_string(i) + ".png", 200));
  EXPECT_EQ(run_detect({.photos = photos}, service_, console()), kFailed);
  const std::string text = err_.str();
  EXPECT_EQ(text.find("is missing"), text.rfind("is missing"));
  EXPECT_THAT(text, HasSubstr("setup.sh"));
}

TEST_F(Commands, WrongUseIsTwo) {
  const auto good = photo("good.png", 200);
  EXPECT_EQ(run_check({.photos = {good}, .rules = "nothing"}, service_, console()), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("built-in sets passport, strict"));
  ASSERT_TRUE(write_file(path("bad.yaml"), as_bytes("rules:\n  - rule: Smlie\n    value: no\n")));
  EXPECT_EQ(run_check({.photos = {good}, .rules = path("bad.yaml")}, service_, console()), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("line 2: there is no rule 'Smlie'"));
  EXPECT_EQ(run_detect({.photos = {path("*.gif")}}, service_, console()), kUsage);
  EXPECT_EQ(run_detect({.photos = {good, photo("b.png", 200)}, .draw = path("one.png")}, service_, console()), kUsage);
}

TEST_F(Commands, DrawWritesPicturesOfTheRightKind) {
  const auto good = photo("good.png", 200);
  EXPECT_EQ(run_check({.photos = {good}, .draw = path("out/")}, service_, console()), kDone);
  EXPECT_TRUE(as_text(*read_file(path("out/good.png"), 1 << 20)).starts_with("\x89PNG"));
  EXPECT_EQ(run_detect({.photos = {good}, .draw = path("x.jpg")}, service_, console(true)), kDone);
  EXPECT_TRUE(as_text(*read_file(path("x.jpg"), 1 << 20)).starts_with("\xff\xd8"));
  EXPECT_EQ(lines().at(0).at("Picture"), json::string(path("x.jpg")));
  EXPECT_EQ(run_detect({.photos = {good}, .draw = path("good.png/below.png")}, service_, console()), kFailed);
}

TEST_F(Commands, CompareTellsWhoIsTheSameAndHowOftenStrangersAre) {
  const auto a = photo("a.png", 200), b = photo("b.png", 201);
  EXPECT_EQ(run_compare({.source = a, .targets = {a, b}}, service_, console()), kDone);
  EXPECT_THAT(out_.str(), HasSubstr("SAME   " + a + "  similarity 97.5 % (strangers reach it 1 time in 5000)"));
  EXPECT_THAT(out_.str(), HasSubstr("OTHER  " + b));
  EXPECT_EQ(run_compare({.source = a, .targets = {b}}, service_, console(true)), kNo);
  EXPECT_EQ(lines().at(0).at("UnmatchedFaces").as_array().size(), 1u);
  EXPECT_EQ(run_compare({.source = path("none"), .targets = {b}}, service_, console()), kFailed);
}

TEST_F(Commands, IndexMakesTheCollectionAndNamesFacesAfterTheirFile) {
  const auto a = photo("Zoë (1).png", 200), blurred = photo("b.png", 202);
  EXPECT_EQ(run_index({.collection = "staff", .photos = {a, blurred}}, service_, console(true)), kDone);
  EXPECT_TRUE(service_.made.contains("staff"));
  const auto found = lines();
  EXPECT_EQ(found.at(0).at("FaceRecords").at(0).at("Face").at("ExternalImageId"), "Zo____1_");
  EXPECT_EQ(found.at(1).at("UnindexedFaces").at(0).at("Reasons").at(0), "LOW_SHARPNESS");
  EXPECT_EQ(run_index({.collection = "staff", .photos = {blurred}}, service_, console()), kNo);
}

TEST_F(Commands, SearchNamesWhoMatchesAndIsNoWhenNobodyDoes) {
  const auto a = photo("a.png", 200), b = photo("b.png", 201);
  EXPECT_EQ(run_search({.collection = "staff", .photos = {a}}, service_, console()), kFailed) << "no such collection";
  service_.made.insert("staff");
  EXPECT_EQ(run_search({.collection = "staff", .photos = {a, b}}, service_, console()), kDone);
  EXPECT_THAT(out_.str(), HasSubstr("98.0 %  ann"));
  EXPECT_THAT(out_.str(), HasSubstr("nobody that is known"));
  EXPECT_EQ(run_search({.collection = "staff", .photos = {b}}, service_, console(true)), kNo);
  EXPECT_EQ(lines().at(0).at("FaceMatches").as_array().size(), 0u);
  EXPECT_EQ(run_search({.collection = "staff", .photos = {b}, .all_faces = true}, service_, console(true)), kNo);
  EXPECT_EQ(lines().at(0).at("SearchedFaces").as_array().size(), 2u);
}

TEST_F(Commands, PeopleGivesAKnownPersonMoreFaces) {
  const auto a = photo("a.png", 200);
  PeopleOptions options{.action = PeopleOptions::Action::Create, .collection = "staff", .person = "ann", .photos = {a}};
  EXPECT_EQ(run_people(options, service_, console()), kDone);
  EXPECT_EQ(service_.added, std::vector<std::string>{"id-1"});
  options.action = PeopleOptions::Action::Delete;
  options.with_faces = true;
  EXPECT_EQ(run_people(options, service_, console()), kDone);
  EXPECT_EQ(service_.deleted, std::vector<std::string>{"id-1"});
  EXPECT_EQ(run_people({.collection = "staff"}, service_, console(true)), kDone);
  EXPECT_EQ(lines().at(0).at("Users").at(0).at("FaceCount"), 1);
}

TEST_F(Commands, AServersAnswersAreReadAndItsErrorsPassedOn) {
  std::vector<std::string> asked;
  const auto service =
      make_remote_service([&](std::string_view operation, std::string_view input) -> Result<std::string> {
        asked.push_back(std::string(operation));
        if (operation == "DetectFaces")
          return R"({"FaceDetails":[{"BoundingBox":{"Width":0.1,"Height":0.1,"Left":0,"Top":0},"Confidence":99},)"
                 R"({"BoundingBox":{"Width":0.4,"Height":0.4,"Left":0,"Top":0},"Confidence":98,)"
                 R"("Smile":{"Value":true,"Confidence":97}}]})";
        if (operation == "ListFaces" && input.find("NextToken") == std::string_view::npos)
          return R"({"Faces":[{"FaceId":"1"}],"NextToken":"more"})";
        if (operation == "ListFaces") return R"({"Faces":[{"FaceId":"2","UserId":"ann"}]})";
        if (operation == "CreateCollection") return "<html>";
        return client_error("AccessDeniedException", "no");
      });
  const Photo photo{"p", {0xff, 0xd8}, media::Image(100, 100)};
  const auto faces = service->detect(photo, vision::Feature::Smile);
  ASSERT_TRUE(faces);
  EXPECT_EQ((*faces)[0].confidence, 98) << "the largest is first";
  EXPECT_TRUE((*faces)[0].smile->value);
  EXPECT_EQ(service->faces("staff", std::nullopt)->size(), 2u) << "both pages";
  EXPECT_EQ(service->create_collection("x").error().code, "Unreachable");
  EXPECT_EQ(service->search("staff", photo, {}).error().code, "AccessDeniedException");
}

TEST_F(Commands, APhotoThatTheApiDoesNotTakeIsSentAsJpeg) {
  std::string sent;
  const auto service = make_remote_service([&](std::string_view, std::string_view input) -> Result<std::string> {
    sent = json::parse(json::string_view(input.data(), input.size())).at("Image").at("Bytes").as_string().c_str();
    return R"({"FaceDetails":[]})";
  });
  media::Image image(100, 100);
  for (int y = 0; y < 100; ++y) std::memset(image.row(y), 90, image.stride());
  ASSERT_TRUE(service->detect({"p.webp", {'R', 'I', 'F', 'F'}, std::move(image)}, {}));
  const auto bytes = from_base64(sent);
  ASSERT_TRUE(bytes);
  EXPECT_TRUE(as_text(*bytes).starts_with("\xff\xd8"));
}

}  // namespace
}  // namespace likeness::app
