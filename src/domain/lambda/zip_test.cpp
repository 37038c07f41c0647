#include "domain/lambda/zip.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "domain/lambda/testing.hpp"
#include "storage/testing.hpp"

namespace likeness::lambda {
namespace {

namespace fs = std::filesystem;
using testing::make_zip;
using testing::ZipEntry;

std::string text_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// What lies beside `folder`, too: a package must never write there.
class Unpacking : public ::testing::Test {
 protected:
  Unpacking() {
    fs::create_directory(folder());
    std::ofstream(outside()) << "untouched";
  }
  fs::path folder() const { return temporary_.path() / "code"; }
  fs::path outside() const { return temporary_.path() / "outside"; }
  Result<void> unpack(const std::vector<ZipEntry>& entries, const ZipLimits& limits = {}) {
    return unpack_zip(make_zip(entries), folder(), limits);
  }
  std::string refusal(const std::vector<ZipEntry>& entries) {
    auto done = unpack(entries);
    EXPECT_EQ(text_of(outside()), "untouched");
    return done ? "" : done.error().detail;
  }

  storage::TemporaryFolder temporary_;
};

TEST_F(Unpacking, FilesAreReadOnlyAndKeepTheirRightToRun) {
  ASSERT_TRUE(unpack({{"index.py", "print(1)"}, {"bin/run", "#!/bin/sh", 0100755}, {"empty/", "", 040755}}));
  EXPECT_EQ(text_of(folder() / "index.py"), "print(1)");
  struct stat info;
  ASSERT_EQ(::stat((folder() / "index.py").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0444u);
  ASSERT_EQ(::stat((folder() / "bin/run").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0555u);
  EXPECT_TRUE(fs::is_directory(folder() / "empty"));
}

TEST_F(Unpacking, PathsThatLeadOutAreRefused) {
  EXPECT_NE(refusal({{"../outside", "x"}}), "");
  EXPECT_NE(refusal({{"a/../../outside", "x"}}), "");
  EXPECT_NE(refusal({{"/tmp/outside", "x"}}), "");
}

TEST_F(Unpacking, LinksThatLeadOutAreRefused) {
  EXPECT_NE(refusal({{"etc", "/etc", 0120777}}), "");
  EXPECT_NE(refusal({{"up", "../outside", 0120777}}), "");
  // Each inside by its words alone, together they lead out.
  EXPECT_NE(refusal({{"a/b/c", "../..", 0120777}, {"out", "a/b/c/../outside", 0120777}}), "");
}

TEST_F(Unpacking, NothingIsWrittenThroughALink) {
  EXPECT_NE(refusal({{"link", "..", 0120777}, {"link/outside", "x"}}), "");
  EXPECT_NE(refusal({{"dir/", "", 040755}, {"dir", "..", 0120777}}), "");
}

TEST_F(Unpacking, LinksInsideAreKept) {
  ASSERT_TRUE(unpack({{"lib/real.so.1", "code"}, {"lib/real.so", "real.so.1", 0120777}}));
  EXPECT_EQ(text_of(folder() / "lib/real.so"), "code");
}

TEST_F(Unpacking, APathThatOccursTwiceIsRefused) {
  EXPECT_NE(refusal({{"a/x", "1"}, {"a/./x", "2"}}), "");
  EXPECT_NE(refusal({{"b", "file"}, {"b/c", "below a file"}}), "");
}

TEST_F(Unpacking, ManyBytesFromFewAreRefusedBeforeTheyAreWritten) {
  const auto bomb = make_zip({{"zeros", std::string(30u << 20, '\0')}});
  EXPECT_LT(bomb.size(), 100u << 10);
  const auto done = unpack_zip(bomb, folder(), {.unpacked = 1u << 20});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, "InvalidParameterValueException");
  EXPECT_EQ(done.error().message, "Unzipped size must be smaller than 1048576 bytes");
  EXPECT_TRUE(fs::is_empty(folder()));
}

TEST_F(Unpacking, AFileThatIsLongerThanItsDirectorySaysIsRefused) {
  auto zip = make_zip({{"a", std::string(100'000, 'a')}});
  // The size in the central directory (offset 24 of its header) and in the local header (offset 22).
  const std::string central("PK\x01\x02", 4);
  std::string text(as_text(zip));
  const auto at = text.find(central);
  ASSERT_NE(at, std::string::npos);
  for (std::size_t i = 0; i < 4; ++i) text[at + 24 + i] = text[22 + i] = i == 0 ? 10 : 0;
  const auto done = unpack_zip(as_bytes(text), folder());
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, "InvalidParameterValueException");
}

TEST(CheckZip, GivesTheSumOfTheFiles) { EXPECT_EQ(*check_zip(make_zip({{"a", "123"}, {"b/c", "4567"}})), 7u); }

TEST(CheckZip, RefusesWhatIsNoPackageInAwsWords) {
  const auto text = check_zip(as_bytes("this is no zip file"));
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, "InvalidParameterValueException");
  EXPECT_EQ(text.error().message, "Could not unzip uploaded file. Please check your file, then try to upload again.");
  EXPECT_FALSE(check_zip({}));
  auto damaged = make_zip({{"a", std::string(10'000, 'x') + "y"}});
  damaged[60] ^= 0xff;
  EXPECT_FALSE(check_zip(damaged));
}

}  // namespace
}  // namespace likeness::lambda
