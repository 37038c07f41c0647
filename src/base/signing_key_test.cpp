#include "base/signing_key.hpp"

#include <gtest/gtest.h>

#include "base/certificate.hpp"

namespace likeness {
namespace {

TEST(SigningKey, SurvivesItsTextAndVouchesForItself) {
  const auto key = SigningKey::make();
  ASSERT_TRUE(key);
  const auto again = SigningKey::read(key->pem());
  ASSERT_TRUE(again);
  EXPECT_EQ(key->sign(Digest::Kind::Sha256, "text"), again->sign(Digest::Kind::Sha256, "text"));
  EXPECT_NE(key->sign(Digest::Kind::Sha256, "text"), key->sign(Digest::Kind::Sha1, "text"));
  EXPECT_EQ(key->sign(Digest::Kind::Sha1, "text").size(), 256u);
  const auto certificate = key->certificate("sns", std::chrono::system_clock::now(), std::chrono::hours(24));
  ASSERT_TRUE(certificate);
  EXPECT_TRUE(is_certificate(*certificate));
  EXPECT_FALSE(SigningKey::read("nonsense"));
}

}  // namespace
}  // namespace likeness
