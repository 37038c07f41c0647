#include "domain/identity/service_roles.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "domain/identity/rules.hpp"
#include "storage/testing.hpp"

namespace likeness::identity {
namespace {

using testing::HasSubstr;

constexpr const char* kTrust = R"({"Version":"2012-10-17","Statement":{"Effect":"Allow",
    "Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole",
    "Condition":{"ArnLikeIfExists":{"aws:SourceArn":"arn:aws:lambda:*:111111111111:function:check"}}}})";
constexpr const char* kArn = "arn:aws:iam::111111111111:role/service/checker";

class ServiceRolesTest : public testing::Test {
 protected:
  ServiceRolesTest() {
    directory_ = std::move(*Directory::open(*store_, Clock::system(), "111111111111"));
    sessions_ = std::move(*Sessions::open(*store_));
    auto made = directory_->change([](State& state) {
      NewRole role;
      role.name = "checker";
      role.path = "/service/";
      role.trust = kTrust;
      return create_role(state, role);
    });
    EXPECT_TRUE(made) << made.error().message;
  }

  storage::TemporaryStore store_;
  std::unique_ptr<Directory> directory_;
  std::unique_ptr<Sessions> sessions_;
};

TEST_F(ServiceRolesTest, AServiceThatTheRoleTrustsGetsASessionOfIt) {
  const ServiceRoles roles(*directory_, *sessions_, Clock::system(), "us-east-1", true);
  const auto session = roles.assume(kArn, "lambda.amazonaws.com", "check");
  ASSERT_TRUE(session) << session.error().detail;
  EXPECT_EQ(session->principal.arn, "arn:aws:sts::111111111111:assumed-role/checker/check");
  EXPECT_EQ(session->principal.issuer_arn, kArn);
  // The credentials are those of the same session.
  const auto read = sessions_->read(session->credentials.access_key_id, session->credentials.session_token);
  ASSERT_TRUE(read);
  EXPECT_EQ(sessions_->principal_of(*directory_->read(), *read)->arn, session->principal.arn);
}

TEST_F(ServiceRolesTest, ATrustPolicyMayAskWhatForTheServiceWantsIt) {
  const ServiceRoles roles(*directory_, *sessions_, Clock::system(), "us-east-1", true);
  const std::string function = "arn:aws:lambda:us-east-1:111111111111:function:";
  EXPECT_TRUE(roles.assume(kArn, "lambda.amazonaws.com", "s", function + "check"));
  EXPECT_FALSE(roles.assume(kArn, "lambda.amazonaws.com", "s", function + "other"));
}

TEST_F(ServiceRolesTest, NobodyLearnsWhetherARoleIsMissingOrDoesNotTrust) {
  const ServiceRoles roles(*directory_, *sessions_, Clock::system(), "us-east-1", true);
  const auto untrusted = roles.assume(kArn, "states.amazonaws.com", "s");
  ASSERT_FALSE(untrusted);
  EXPECT_EQ(untrusted.error().code, "AccessDenied");
  const auto missing = roles.assume("arn:aws:iam::111111111111:role/ghost", "states.amazonaws.com", "s");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, "AccessDenied");
  EXPECT_THAT(missing.error().message, HasSubstr("states.amazonaws.com is not authorized to perform: sts:AssumeRole"));
  EXPECT_NE(untrusted.error().detail, missing.error().detail);
}

TEST_F(ServiceRolesTest, WithPoliciesOffARoleHasOnlyToBeThere) {
  const ServiceRoles roles(*directory_, *sessions_, Clock::system(), "us-east-1", false);
  EXPECT_TRUE(roles.assume(kArn, "states.amazonaws.com", "s"));
  EXPECT_FALSE(roles.assume("arn:aws:iam::111111111111:role/ghost", "states.amazonaws.com", "s"));
}

}  // namespace
}  // namespace likeness::identity
