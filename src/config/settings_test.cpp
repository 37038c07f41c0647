#include "config/settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "config/values.hpp"

namespace likeness::config {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;

class SettingsTest : public ::testing::Test {
 protected:
  Result<Settings> load_text(const std::string& yaml, std::vector<std::string> set = {}) {
    const std::filesystem::path file = std::filesystem::path(::testing::TempDir()) / "settings_test.yaml";
    std::ofstream(file) << yaml;
    Sources sources;
    sources.file = file.string();
    sources.environment = [this](const char* name) {
      const auto found = environment_.find(name);
      return found == environment_.end() ? nullptr : found->second.c_str();
    };
    sources.set = std::move(set);
    return load(sources);
  }
  std::string error_of(const std::string& yaml, std::vector<std::string> set = {}) {
    auto loaded = load_text(yaml, std::move(set));
    return loaded ? "no error" : loaded.error().message;
  }
  std::map<std::string, std::string> environment_;
};

TEST_F(SettingsTest, TheCommandLineWinsOverTheEnvironmentAndThatOverTheFile) {
  environment_ = {{"LIKENESS_REGION", "eu-west-1"}, {"LIKENESS_ACCOUNT", "111111111111"}};
  const auto loaded = load_text("region: us-west-2\naccount: '222222222222'\nmax_faces: 7\n", {"account=333333333333"});
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->max_faces, 7);
  EXPECT_EQ(loaded->region, "eu-west-1");
  EXPECT_EQ(loaded->account, "333333333333");
}

TEST_F(SettingsTest, UnitsAndMapsAreUnderstood) {
  const auto loaded =
      load_text("image_max_bytes: 6MiB\nidle_timeout: 2m\nthrottle_rates:\n  DetectFaces: 2.5\n  IndexFaces: 1\n");
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->image_max_bytes, 6 * 1024 * 1024);
  EXPECT_EQ(loaded->idle_timeout, 2min);
  EXPECT_EQ(loaded->throttle_rates, (std::map<std::string, double>{{"DetectFaces", 2.5}, {"IndexFaces", 1}}));
}

TEST_F(SettingsTest, AnEmptyFileIsAllDefaults) {
  const auto loaded = load_text("# nothing\n");
  ASSERT_TRUE(loaded);
  EXPECT_EQ(as_table(*loaded), as_table(Settings()));
}

TEST_F(SettingsTest, AnUnknownNameIsNamedWithItsPlaceAndTheNearestKnownOne) {
  const std::string message = error_of("region: us-east-1\nmax_face: 3\n");
  EXPECT_THAT(message, HasSubstr(".yaml:2: there is no setting 'max_face'"));
  EXPECT_THAT(message, HasSubstr("did you mean 'max_faces'?"));
  EXPECT_THAT(error_of("", {"colour=red"}), HasSubstr("there is no setting 'colour'."));
}

TEST_F(SettingsTest, ValuesOutOfBoundsSayWhatIsAllowed) {
  EXPECT_THAT(error_of("", {"io_threads=0"}),
              HasSubstr("'0' is not a value of io_threads, which is of type integer (1 to 8)"));
  for (const char* bad : {"io_threads=2x", "idle_timeout=30", "image_max_bytes=-1", "account=12",
                          "region=", "listen=4600", "listen=h:99999", "throttling=on", "metrics=2",
                          "throttle_rates=DetectFaces", "throttle_rates=A=-1", "max_request_body=99999999999GiB"})
    EXPECT_THAT(error_of("", {bad}), HasSubstr("is not a value of")) << bad;
  environment_ = {{"LIKENESS_LOG_LEVEL", "loud"}};
  EXPECT_THAT(error_of(""), HasSubstr("environment LIKENESS_LOG_LEVEL: 'loud'"));
}

TEST_F(SettingsTest, BrokenFilesAreRefusedWithASentence) {
  EXPECT_THAT(error_of("a: [1"), HasSubstr("not YAML"));
  EXPECT_THAT(error_of("- a\n"), HasSubstr("lines of `name: value`"));
  EXPECT_THAT(error_of("region: a\nregion: b\n"), HasSubstr("region is set twice"));
  EXPECT_THAT(error_of("", {"region"}), HasSubstr("the form is key=value"));
  EXPECT_FALSE(load({"/no/such/file.yaml", nullptr, {}}));
}

TEST_F(SettingsTest, EveryDefaultIsWithinItsOwnBounds) {
  for (const Description& d : describe(Settings())) {
    const auto loaded = load({"", nullptr, {d.name + "=" + d.default_value}});
    EXPECT_TRUE(loaded) << d.name << ": " << loaded.error().message;
    EXPECT_FALSE(d.help.empty()) << d.name;
  }
}

TEST_F(SettingsTest, TheDocumentationIsCurrent) {
  std::stringstream written;
  written << std::ifstream("docs/configuration.md").rdbuf();
  EXPECT_EQ(written.str(), as_markdown())
      << "make it anew: build/release/likeness config --markdown > docs/configuration.md";
}

TEST(Values, SizesAndDurationsPrintAsTheyParse) {
  for (const std::int64_t bytes : {0ll, 1ll, 1023ll, 1024ll, 5242880ll, 1ll << 40})
    EXPECT_EQ(parse_size(format_size(bytes)), bytes) << format_size(bytes);
  for (const auto time : {0ms, 1ms, 250ms, 1000ms, 65000ms, 3600000ms})
    EXPECT_EQ(parse_duration(format_duration(time)), time) << format_duration(time);
  EXPECT_FALSE(parse_size("9999999999999GiB"));
  EXPECT_FALSE(parse_size(""));
  EXPECT_EQ(parse_size("15 MB"), 15'000'000);
}

}  // namespace
}  // namespace likeness::config
