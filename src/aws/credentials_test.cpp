#include "aws/credentials.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace likeness::aws {
namespace {

class RootKey : public testing::Test {
 protected:
  RootKey() {
    ::unsetenv("AWS_ACCESS_KEY_ID");
    ::unsetenv("AWS_SECRET_ACCESS_KEY");
    char name[] = "/tmp/likeness_credentials_XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  ~RootKey() override { std::filesystem::remove_all(folder_); }

  Result<AccessKey> load() { return load_or_create_root_key(folder_, "123456789012", "eu-west-1"); }
  std::string file() {
    std::ifstream in(folder_ / "credentials");
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
  }

  std::filesystem::path folder_;
};

TEST_F(RootKey, IsMadeOnceAndFoundAgain) {
  const auto first = load();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->id.size(), 20u);
  EXPECT_EQ(first->secret.size(), 40u);
  EXPECT_EQ(first->principal.arn, "arn:aws:iam::123456789012:root");
  const auto second = load();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->id, first->id);
  EXPECT_EQ(second->secret, first->secret);
}

TEST_F(RootKey, StandsInAFileThatOnlyItsOwnerReads) {
  const auto key = load();
  ASSERT_TRUE(key);
  struct stat info{};
  ASSERT_EQ(::stat((folder_ / "credentials").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_THAT(file(), testing::HasSubstr("[default]\naws_access_key_id = " + key->id + "\n"));
}

TEST_F(RootKey, IsThatOfTheEnvironmentWhereBothPartsAreSet) {
  ASSERT_TRUE(load());
  ::setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE", 1);
  EXPECT_NE(load()->id, "AKIDEXAMPLE");
  ::setenv("AWS_SECRET_ACCESS_KEY", "secret/+=", 1);
  EXPECT_EQ(load()->id, "AKIDEXAMPLE");
  ::unsetenv("AWS_ACCESS_KEY_ID");
  EXPECT_EQ(load()->secret, "secret/+=");
}

TEST_F(RootKey, OfTheEnvironmentHasToBeUsable) {
  ::setenv("AWS_ACCESS_KEY_ID", "two\nlines", 1);
  ::setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
  const auto key = load();
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().code, "BadCredentials");
  EXPECT_EQ(file(), "");
}

TEST_F(RootKey, OfAnotherProfileIsNotOurs) {
  std::ofstream(folder_ / "credentials") << "[other]\naws_access_key_id=A\naws_secret_access_key=B\n[default]\n"
                                            "aws_access_key_id=C\n aws_secret_access_key = D \n";
  EXPECT_EQ(load()->id, "C");
  EXPECT_EQ(load()->secret, "D");
}

TEST_F(RootKey, CannotBeKeptInAFolderThatIsNotThere) {
  const auto key = load_or_create_root_key(folder_ / "missing", "123456789012", "eu-west-1");
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().code, "CredentialsFile");
}

}  // namespace
}  // namespace likeness::aws
