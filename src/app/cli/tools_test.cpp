#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "app/cli/completion.hpp"
#include "app/cli/environment.hpp"
#include "app/cli/face_json.hpp"
#include "app/cli/inputs.hpp"
#include "app/cli/parallel.hpp"
#include "app/cli/pictures.hpp"
#include "app/cli/terminal.hpp"

/// The tools that the commands are made of.
namespace likeness::app {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "likeness-cli-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string path(const std::string& name = "") const { return (path_ / name).string(); }
  std::string file(const std::string& name, const std::string& content = "x") const {
    fs::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name) << content;
    return path(name);
  }

 private:
  fs::path path_;
};

TEST(FindPhotos, TakesFilesFoldersAndPatternsOnceAndInOrder) {
  const Folder folder;
  const auto b = folder.file("b.JPG"), a = folder.file("deep/a.png"), w = folder.file("deep/w.webp");
  folder.file("notes.txt");
  folder.file(".hidden/c.jpg");
  folder.file("deep/.d.jpg");
  EXPECT_THAT(*find_photos({folder.path()}), ElementsAre(b, a, w));
  EXPECT_THAT(*find_photos({folder.path("deep/*.png"), b, a}), ElementsAre(a, b));
  EXPECT_THAT(*find_photos({folder.path("{deep/w,b}.*")}), ElementsAre(w, b));
}

TEST(FindPhotos, WhatIsNotThereStaysInTheListToBeReported) {
  EXPECT_THAT(*find_photos({"/no/such.jpg"}), ElementsAre("/no/such.jpg"));
}

TEST(FindPhotos, AnEmptyFolderOrAPatternWithoutMatchIsAnError) {
  const Folder folder;
  EXPECT_THAT(find_photos({folder.path()}).error().message, HasSubstr("no JPEG, PNG or WebP file"));
  EXPECT_THAT(find_photos({folder.path("*.jpg")}).error().message, HasSubstr("no file matches"));
}

TEST(ReadFile, ReadsAllOfItAndRefusesWhatIsTooLargeOrNoFile) {
  const Folder folder;
  const auto file = folder.file("f", std::string(200'000, 'y'));
  EXPECT_EQ(read_file(file, 200'000)->size(), 200'000u);
  EXPECT_EQ(read_file(file, 199'999).error().code, "TooLarge");
  EXPECT_EQ(read_file(folder.path("none"), 10).error().code, "NotFound");
  EXPECT_EQ(read_file(folder.path(), 10).error().code, "NotReadable");
  EXPECT_EQ(read_file("/dev/zero", 100'000).error().code, "TooLarge");
}

TEST(WriteFile, LeavesNothingBehindWhenItFails) {
  const Folder folder;
  ASSERT_TRUE(write_file(folder.path("out"), as_bytes("hello")));
  EXPECT_EQ(as_text(*read_file(folder.path("out"), 10)), "hello");
  EXPECT_EQ(write_file(folder.path("no/out"), as_bytes("hello")).error().code, "NotWritable");
  fs::create_directories(folder.path("taken/x"));
  EXPECT_FALSE(write_file(folder.path("taken"), as_bytes("hello")));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 2);
}

TEST(PicturePaths, AFolderGetsOnePictureAPhotoAndAFileOnlyOne) {
  const Folder folder;
  EXPECT_THAT(*picture_paths(folder.path("new"), {"x/a.jpg", "y/a.png", "b.webp"}),
              ElementsAre(folder.path("new/a.png"), folder.path("new/a-2.png"), folder.path("new/b.png")));
  EXPECT_TRUE(fs::is_directory(folder.path("new")));
  EXPECT_THAT(*picture_paths(folder.path("one.JPEG"), {"a.jpg"}), ElementsAre(folder.path("one.JPEG")));
  EXPECT_EQ(picture_paths(folder.path("one.png"), {"a.jpg", "b.jpg"}).error().code, "Usage");
  EXPECT_EQ(picture_paths(folder.file("file"), {"a.jpg"}).error().code, "NotWritable");
}

TEST(Table, AlignsWhatIsShownNotBytesNorColours) {
  const Terminal plain(false, true), colored(true, true);
  Table table;
  table.header({"who", "n"});
  table.row({{"Zoë", Style::Good}, {"7", Style::Plain, true}});
  table.row({{"李小龙"}, {"12", Style::Plain, true}});
  EXPECT_EQ(table.text(plain, " "), " who     n\n Zoë      7\n 李小龙  12\n");
  EXPECT_THAT(table.text(colored), HasSubstr("\x1b[32mZoë\x1b[0m      7\n"));
}

TEST(Printable, ANameCannotSteerTheTerminal) {
  EXPECT_EQ(printable("a\x1b[2J\nb"), "a?[2J?b");
  EXPECT_EQ(printable("\xc2\x9b"), "??");
  EXPECT_EQ(printable("Zoë"), "Zoë");
}

TEST(ProgressLine, ShowsRateAndTimeLeftWithinTheWidth) {
  const std::string line = progress_line(30, 120, 3, "photos", 80);
  EXPECT_THAT(line, HasSubstr("30/120  10.0 photos/s  9 s left"));
  EXPECT_THAT(line, HasSubstr("[####"));
  for (const std::size_t width : {1u, 10u, 40u, 60u, 200u})
    EXPECT_LT(progress_line(5, 9, 2, "photos", width).size(), width + 0u) << width;
  EXPECT_EQ(duration_text(59.2), "1 min 0 s");
  EXPECT_EQ(duration_text(3 * 3600 + 61), "3 h 1 min");
}

TEST(ParallelInOrder, HandsResultsOnInOrderAndBoundsWhatWaits) {
  std::vector<std::size_t> seen;
  std::atomic<std::size_t> begun = 0;
  std::size_t taken = 0, most_ahead = 0;
  parallel_in_order(
      500, 4,
      [&](std::size_t i) {
        ++begun;
        return i * 2;
      },
      [&](std::size_t i, std::size_t result) {
        EXPECT_EQ(result, i * 2);
        seen.push_back(i);
        most_ahead = std::max(most_ahead, begun.load() - taken);
        ++taken;
      });
  EXPECT_EQ(seen.size(), 500u);
  EXPECT_TRUE(std::ranges::is_sorted(seen));
  EXPECT_LE(most_ahead, 4u * 8 + 4 + 1);
}

TEST(Credentials, AreReadFromTheirProfile) {
  const std::string text =
      "[default]\naws_access_key_id = A1\n# note\naws_secret_access_key=S1\n\n[other]\r\n"
      "aws_access_key_id=A2\r\naws_secret_access_key = S/2+=\r\naws_session_token = T\n";
  EXPECT_EQ(key_of_profile(text, "default")->secret, "S1");
  EXPECT_EQ(key_of_profile(text, "other")->secret, "S/2+=");
  EXPECT_EQ(key_of_profile(text, "other")->session_token, "T");
  EXPECT_FALSE(key_of_profile(text, "none"));
  EXPECT_FALSE(key_of_profile("[default]\naws_access_key_id=A\n", "default"));
}

vision::Face full_face() {
  vision::Face face;
  face.box = {0.25f, 0.125f, 0.5f, 0.75f};
  face.confidence = 99.5f;
  face.pose = {.roll = 1, .yaw = -2, .pitch = 3};
  face.quality = {60, 70};
  for (std::size_t i = 0; i < vision::kLandmarkCount; ++i)
    face.landmarks[i] = {static_cast<vision::LandmarkType>(i), 0.5f, 0.01f * static_cast<float>(i + 1)};
  face.age_range = vision::AgeRange{20, 30};
  face.smile = vision::Flag{true, 91};
  face.eyes_open = vision::Flag{false, 80};
  face.gender_is_male = vision::Flag{false, 95};
  face.emotions.emplace();
  for (std::size_t i = 0; i < vision::kEmotionCount; ++i)
    (*face.emotions)[i] = {static_cast<vision::EmotionType>(i), i == 0 ? 100.f : 0.f};
  face.eye_direction = vision::EyeDirection{4, 5, 66};
  return face;
}

TEST(FaceJson, HasTheNamesOfTheApiAndReadsBackTheSame) {
  const vision::Face face = full_face();
  const boost::json::value detail = face_detail_json(face);
  EXPECT_EQ(detail.at("Smile").at("Value"), true);
  EXPECT_EQ(detail.at("Gender").at("Value"), "Female");
  EXPECT_EQ(detail.at("Emotions").at(0).at("Type"), "HAPPY");
  EXPECT_EQ(detail.at("Landmarks").as_array().size(), 30u);
  EXPECT_EQ(detail.at("Landmarks").at(0).at("Type"), "eyeLeft");
  EXPECT_EQ(detail.at("BoundingBox").at("Width"), 0.5);
  EXPECT_FALSE(detail.as_object().contains("Beard")) << "was not measured";
  const vision::Face back = face_of_json(detail);
  EXPECT_EQ(boost::json::value(face_detail_json(back)), detail);
}

TEST(FaceJson, AStrangeAnswerIsReadWithoutHarm) {
  for (const char* text : {"null", "[]", "{}", R"({"BoundingBox":3,"Emotions":[1],"Landmarks":[{"Type":3}],"Pose":[]})",
                           R"({"AgeRange":{"Low":1e300,"High":-5},"Smile":{"Value":"yes"},"Confidence":"high"})"})
    EXPECT_NO_THROW(face_of_json(boost::json::parse(text))) << text;
}

TEST(Completion, NamesCommandsAndOptionsForEachShell) {
  CommandTree root{"likeness", "", {{{"--version"}, "v", false, {}}}, {}};
  root.commands.push_back({"check", "it's a check", {{{"--rules"}, "r", true, {"passport", "strict"}}}, {}});
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const auto script = completion_script(root, shell);
    ASSERT_TRUE(script) << shell;
    EXPECT_THAT(*script, HasSubstr("check"));
    EXPECT_THAT(*script, HasSubstr("passport strict"));
  }
  EXPECT_FALSE(completion_script(root, "csh"));
}

}  // namespace
}  // namespace likeness::app
