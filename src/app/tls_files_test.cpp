#include "app/tls_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>

namespace likeness::app {
namespace {

using ::testing::HasSubstr;
using ::testing::IsSupersetOf;

class TlsFilesTest : public ::testing::Test {
 protected:
  TlsFilesTest() : folder_(std::filesystem::temp_directory_path() / ("tls_files_" + std::to_string(::getpid()))) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    settings_.tls_listen = "box.example:4601";
  }
  ~TlsFilesTest() override { std::filesystem::remove_all(folder_); }
  Result<net::TlsIdentity> identity(std::chrono::hours later = {}) {
    return tls_identity(settings_, folder_, std::chrono::system_clock::now() + later);
  }

  std::filesystem::path folder_;
  config::Settings settings_;
};

TEST_F(TlsFilesTest, ASelfSignedCertificateIsMadeOnceAndKept) {
  settings_.tls_self_signed = true;
  settings_.tls_names = "media.local,10.0.0.7";
  const auto first = identity();
  ASSERT_TRUE(first) << first.error().message;
  const auto facts = net::read_certificate(first->certificate);
  ASSERT_TRUE(facts);
  EXPECT_THAT(facts->names, IsSupersetOf({"localhost", "127.0.0.1", "::1", "box.example", "media.local", "10.0.0.7"}));
  struct stat about{};
  ASSERT_EQ(::stat((folder_ / "tls/key.pem").c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600u);
  const auto second = identity();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->certificate, first->certificate);
  EXPECT_EQ(second->private_key, first->private_key);
}

TEST_F(TlsFilesTest, ItIsMadeAnewForAnotherNameBeforeItsEndAndWhenItIsDamaged) {
  settings_.tls_self_signed = true;
  const auto first = identity();
  ASSERT_TRUE(first);
  EXPECT_EQ(identity(std::chrono::hours(24) * 780)->certificate, first->certificate);
  const auto later = identity(std::chrono::hours(24) * 800);
  EXPECT_NE(later->certificate, first->certificate);
  settings_.tls_names = "new.example";
  std::filesystem::remove_all(folder_ / "tls");
  const auto named = identity();
  settings_.tls_names = "newer.example";
  EXPECT_NE(identity()->certificate, named->certificate);
  std::ofstream(folder_ / "tls/key.pem") << "broken";
  const auto mended = identity();
  ASSERT_TRUE(mended) << mended.error().message;
  EXPECT_TRUE(net::TlsContext::open(*mended));
}

TEST_F(TlsFilesTest, GivenFilesAreRead) {
  settings_.tls_self_signed = true;
  const auto made = identity();
  ASSERT_TRUE(made);
  settings_.tls_self_signed = false;
  settings_.tls_certificate = folder_ / "tls/certificate.pem";
  settings_.tls_key = folder_ / "tls/key.pem";
  const auto given = identity();
  ASSERT_TRUE(given) << given.error().message;
  EXPECT_EQ(given->private_key, made->private_key);
}

TEST_F(TlsFilesTest, WhatIsMissingIsNamed) {
  EXPECT_THAT(identity().error().message, HasSubstr("--tls-self-signed"));
  settings_.tls_certificate = folder_ / "none.pem";
  EXPECT_THAT(identity().error().message, HasSubstr("--tls-key"));
  settings_.tls_key = folder_ / "key.pem";
  EXPECT_THAT(identity().error().message, HasSubstr("none.pem"));
  settings_.tls_self_signed = true;
  EXPECT_THAT(identity().error().message, HasSubstr("leave one of them out"));
}

}  // namespace
}  // namespace likeness::app
