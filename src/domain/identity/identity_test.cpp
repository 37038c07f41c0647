#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "domain/identity/directory.hpp"
#include "domain/identity/rules.hpp"
#include "domain/identity/sessions.hpp"
#include "storage/testing.hpp"

namespace likeness::identity {
namespace {

using testing::ElementsAre;
using testing::MatchesRegex;

constexpr const char* kAccount = "111111111111";
constexpr const char* kAllowGet =
    R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}})";
constexpr const char* kLambdaTrust =
    R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}})";

class IdentityTest : public testing::Test {
 protected:
  IdentityTest() { open(); }
  void open() {
    auto opened = Directory::open(*store_, Clock::system(), kAccount);
    ASSERT_TRUE(opened) << opened.error().detail;
    directory_ = std::move(*opened);
  }
  void reopen() {
    directory_.reset();
    store_.reopen();
    open();
  }
  /// The error that a change ends with, "CODE: message"; empty if it worked.
  template <class Function>
  std::string change(Function function) {
    auto result = directory_->change(function);
    return result ? "" : result.error().code + ": " + result.error().message;
  }
  std::string make_user(const std::string& name) {
    return change([&](State& state) { return create_user(state, {.name = name}); });
  }
  std::string make_role(const std::string& name, const std::string& trust = kLambdaTrust) {
    return change([&](State& state) {
      NewRole role;
      role.name = name;
      role.trust = trust;
      return create_role(state, role);
    });
  }

  storage::TemporaryStore store_;
  std::unique_ptr<Directory> directory_;
};

TEST_F(IdentityTest, KeepsWhatWasMadeOverARestart) {
  ASSERT_EQ(change([](State& state) {
              return create_user(state, {.name = "Ann", .path = "/staff/", .tags = {{"team", "faces"}}});
            }),
            "");
  ASSERT_EQ(change([](State& state) { return put_inline_policy(state, Owner::User, "ann", "read", kAllowGet); }), "");
  ASSERT_EQ(change([](State& state) { return create_group(state, {.name = "readers"}); }), "");
  ASSERT_EQ(change([](State& state) { return add_to_group(state, "readers", "Ann"); }), "");
  ASSERT_EQ(make_role("worker"), "");
  ASSERT_EQ(change([](State& state) {
              return attach_policy(state, Owner::Role, "worker",
                                   "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole");
            }),
            "");
  const auto key = directory_->change([](State& state) { return create_access_key(state, "Ann"); });
  ASSERT_TRUE(key);
  ASSERT_EQ(change([](State& state) { return set_alias(state, "my-faces"); }), "");
  reopen();
  const auto state = directory_->read();
  const auto user = *find_user(*state, "ann");
  EXPECT_EQ(user->name, "Ann");
  EXPECT_EQ(user_arn(*state, *user), "arn:aws:iam::111111111111:user/staff/Ann");
  EXPECT_THAT(user->id, MatchesRegex("AIDA[A-Z2-7]{17}"));
  EXPECT_EQ(user->tags.at("team"), "faces");
  EXPECT_EQ(user->inline_policies.at("read").text, kAllowGet);
  EXPECT_THAT(user->groups, ElementsAre("readers"));
  EXPECT_EQ(state->key_owners.at(key->id), "ann");
  EXPECT_EQ(user->keys.at(0).secret, key->secret);
  const auto role = *find_role(*state, "worker");
  EXPECT_EQ(role->trust.text, kLambdaTrust);
  EXPECT_EQ(role->attached.size(), 1u);
  EXPECT_EQ(*state->alias, "my-faces");
}

TEST_F(IdentityTest, ChangesNothingWhenItFails) {
  ASSERT_EQ(make_user("ann"), "");
  EXPECT_EQ(change([](State& state) -> Result<void> {
              auto made = create_user(state, {.name = "bob"});
              if (!made) return fail(made);
              return client_error("InvalidInput", "after all");
            }),
            "InvalidInput: after all");
  EXPECT_FALSE(find_user(*directory_->read(), "bob"));
  reopen();
  EXPECT_FALSE(find_user(*directory_->read(), "bob"));
  EXPECT_TRUE(find_user(*directory_->read(), "ann"));
}

TEST_F(IdentityTest, AnswersInIamsWords) {
  ASSERT_EQ(make_user("ann"), "");
  EXPECT_EQ(make_user("ANN"), "EntityAlreadyExists: User with name ANN already exists.");
  EXPECT_EQ(change([](State& state) { return delete_user(state, "bob"); }),
            "NoSuchEntity: The user with name bob cannot be found.");
  ASSERT_EQ(make_role("worker"), "");
  EXPECT_EQ(make_role("worker"), "EntityAlreadyExists: Role with name worker already exists.");
  EXPECT_EQ(change([](State& state) { return delete_role(state, "none"); }),
            "NoSuchEntity: The role with name none cannot be found.");
  EXPECT_EQ(
      change([](State& state) { return attach_policy(state, Owner::User, "ann", "arn:aws:iam::aws:policy/None"); }),
      "NoSuchEntity: Policy arn:aws:iam::aws:policy/None does not exist or is not attachable.");
  EXPECT_EQ(change([](State& state) { return delete_inline_policy(state, Owner::Role, "worker", "p"); }),
            "NoSuchEntity: The role policy with name p cannot be found.");
  EXPECT_EQ(change([](State& state) { return put_inline_policy(state, Owner::User, "ann", "p", "{}"); }),
            "MalformedPolicyDocument: Syntax errors in policy.");
}

TEST_F(IdentityTest, DeletesOnlyWhatNothingHangsOn) {
  ASSERT_EQ(make_user("ann"), "");
  const auto refused = [&](const char* text) {
    EXPECT_EQ(change([](State& state) { return delete_user(state, "ann"); }), "DeleteConflict: " + std::string(text));
  };
  auto key = directory_->change([](State& state) { return create_access_key(state, "ann"); });
  refused("Cannot delete entity, must delete access keys first.");
  ASSERT_EQ(change([&](State& state) { return delete_access_key(state, "ann", key->id); }), "");
  const std::string arn = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";
  ASSERT_EQ(change([&](State& state) { return attach_policy(state, Owner::User, "ann", arn); }), "");
  refused("Cannot delete entity, must detach all policies first.");
  ASSERT_EQ(change([&](State& state) { return detach_policy(state, Owner::User, "ann", arn); }), "");
  ASSERT_EQ(change([](State& state) { return put_inline_policy(state, Owner::User, "ann", "p", kAllowGet); }), "");
  refused("Cannot delete entity, must delete policies first.");
  ASSERT_EQ(change([](State& state) { return delete_inline_policy(state, Owner::User, "ann", "p"); }), "");
  EXPECT_EQ(change([](State& state) { return delete_user(state, "ann"); }), "");
}

TEST_F(IdentityTest, KeepsFiveVersionsOfAPolicy) {
  auto made = directory_->change([](State& state) {
    return create_policy(state, {.name = "p", .path = "/", .document = kAllowGet, .description = "", .tags = {}});
  });
  ASSERT_TRUE(made);
  const auto arn = (*made)->arn;
  EXPECT_EQ(arn, "arn:aws:iam::111111111111:policy/p");
  const auto add = [&] {
    return change([&](State& state) { return create_policy_version(state, arn, kAllowGet, false); });
  };
  for (int i = 0; i < 4; ++i) EXPECT_EQ(add(), "");
  EXPECT_EQ(
      add(),
      "LimitExceeded: A managed policy can have up to 5 versions. Before you create a new version, you must delete an "
      "existing version.");
  EXPECT_EQ(change([&](State& state) { return delete_policy_version(state, arn, "v1"); }),
            "DeleteConflict: Cannot delete the default version of a policy.");
  EXPECT_EQ(change([&](State& state) { return set_default_version(state, arn, "v3"); }), "");
  EXPECT_EQ(change([&](State& state) { return delete_policy_version(state, arn, "v1"); }), "");
  reopen();
  const auto policy = *find_policy(*directory_->read(), arn);
  EXPECT_EQ(policy->default_version, "v3");
  EXPECT_EQ(policy->versions.size(), 4u);
  ASSERT_EQ(add(), "");
  EXPECT_NE((*find_policy(*directory_->read(), arn))->version("v6"), nullptr);
}

TEST_F(IdentityTest, TrustsOnlyIdentitiesThatAreThere) {
  const auto trust = [](const std::string& principal) {
    return R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":")" + principal +
           R"("},"Action":"sts:AssumeRole"}})";
  };
  EXPECT_EQ(make_role("r", trust("arn:aws:iam::111111111111:user/ghost")),
            "MalformedPolicyDocument: Invalid principal in policy: \"AWS\":\"arn:aws:iam::111111111111:user/ghost\"");
  EXPECT_EQ(make_role("r", trust("ghost")), "MalformedPolicyDocument: Invalid principal in policy: \"AWS\":\"ghost\"");
  ASSERT_EQ(make_user("ann"), "");
  EXPECT_EQ(make_role("r", trust("arn:aws:iam::111111111111:user/ann")), "");
  EXPECT_EQ(make_role("other", trust("222222222222")), "");
}

TEST_F(IdentityTest, BoundsSizesAndCounts) {
  ASSERT_EQ(make_user("ann"), "");
  std::string big =
      R"({"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":["arn:aws:s3:::)" +
      std::string(2048, 'b') + R"("]}})";
  EXPECT_EQ(change([&](State& state) { return put_inline_policy(state, Owner::User, "ann", "p", big); }),
            "LimitExceeded: Maximum policy size of 2048 bytes exceeded for user ann");
  for (int i = 0; i < 2; ++i) EXPECT_EQ(change([](State& state) { return create_access_key(state, "ann"); }), "");
  EXPECT_EQ(change([](State& state) { return create_access_key(state, "ann"); }),
            "LimitExceeded: Cannot exceed quota for AccessKeysPerUser: 2");
}

TEST_F(IdentityTest, CollectsThePoliciesOfAUserAndItsGroups) {
  ASSERT_EQ(make_user("ann"), "");
  ASSERT_EQ(change([](State& state) { return create_group(state, {.name = "readers"}); }), "");
  ASSERT_EQ(change([](State& state) { return add_to_group(state, "readers", "ann"); }), "");
  ASSERT_EQ(change([](State& state) { return put_inline_policy(state, Owner::Group, "readers", "g", kAllowGet); }), "");
  ASSERT_EQ(change([](State& state) { return put_inline_policy(state, Owner::User, "ann", "u", kAllowGet); }), "");
  const std::string boundary = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";
  ASSERT_EQ(change([&](State& state) { return set_boundary(state, Owner::User, "ann", boundary); }), "");
  const auto state = directory_->read();
  const auto policies = policies_of(*state, principal_of(*state, **find_user(*state, "ann")));
  ASSERT_EQ(policies.identity.size(), 2u);
  EXPECT_EQ(policies.identity[0].name, "user/ann/u");
  EXPECT_EQ(policies.identity[1].name, "group/readers/g");
  EXPECT_EQ(policies.boundary->name, boundary);
}

TEST_F(IdentityTest, EndsSessionsWithTheirRole) {
  ASSERT_EQ(make_role("worker"), "");
  auto sessions = Sessions::open(*store_);
  ASSERT_TRUE(sessions);
  const auto state = directory_->read();
  Session session;
  session.owner = "worker";
  session.owner_id = (*find_role(*state, "worker"))->id;
  session.name = "s1";
  session.tags = {{"team", "faces"}};
  session.policies = {kAllowGet};
  const auto issued = (*sessions)->issue(session);
  EXPECT_THAT(issued.access_key_id, MatchesRegex("ASIA[A-Z2-7]{16}"));
  EXPECT_EQ(issued.secret_access_key.size(), 40u);

  const auto read = (*sessions)->read(issued.access_key_id, issued.session_token);
  ASSERT_TRUE(read);
  const auto principal = (*sessions)->principal_of(*state, *read);
  ASSERT_TRUE(principal);
  EXPECT_EQ(principal->arn, "arn:aws:sts::111111111111:assumed-role/worker/s1");
  EXPECT_EQ(principal->policy_arn(), "arn:aws:iam::111111111111:role/worker");
  EXPECT_EQ(principal->tags.at("team"), "faces");
  EXPECT_EQ(principal->session_policies.size(), 1u);

  EXPECT_FALSE((*sessions)->read("ASIAOTHER", issued.session_token));
  auto forged = *from_base64(issued.session_token);
  for (std::size_t at = 0; at < forged.size(); at += 7) {
    auto changed = forged;
    changed[at] ^= 1;
    EXPECT_FALSE((*sessions)->read(issued.access_key_id, to_base64(changed))) << at;
  }
  // A role made anew under the same name is another.
  ASSERT_EQ(change([](State& s) { return delete_role(s, "worker"); }), "");
  ASSERT_EQ(make_role("worker"), "");
  EXPECT_FALSE((*sessions)->principal_of(*directory_->read(), *read));
}

}  // namespace
}  // namespace likeness::identity
