#include "app/deployment.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace likeness::app {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kDescription = R"({
  "description": "Two calls",
  "parameters": {"Bucket": "photos"},
  "calls": [
    {"service": "s3", "operation": "CreateBucket", "input": {"Bucket": "${Bucket}"}, "unless": ["BucketAlreadyOwnedByYou"]},
    {"service": "iam", "operation": "CreateRole",
     "input": {"RoleName": "r", "AssumeRolePolicyDocument": {"$json": {"Account": "${Account}"}}},
     "unless": ["EntityAlreadyExists"],
     "otherwise": {"service": "iam", "operation": "UpdateRole", "input": {"RoleName": "r"}}}
  ]})";

TEST(Deployment, FillsInParametersAndDocuments) {
  const auto deployment = parse_deployment(kDescription, {{"Account", "111122223333"}, {"Bucket", "other"}});
  ASSERT_TRUE(deployment) << deployment.error().message;
  ASSERT_EQ(deployment->calls.size(), 2u);
  EXPECT_EQ(deployment->calls[0].input, R"({"Bucket":"other"})");
  EXPECT_EQ(deployment->calls[1].input,
            R"({"RoleName":"r","AssumeRolePolicyDocument":"{\"Account\":\"111122223333\"}"})");
}

TEST(Deployment, WhatIsThereIsLeftOrBroughtUpToDate) {
  const auto deployment = parse_deployment(kDescription, {{"Account", "1"}});
  std::vector<std::string> calls, outcomes;
  const auto done = deploy(
      *deployment,
      [&](const std::string&, const std::string& operation, const std::string&) -> Result<std::string> {
        calls.push_back(operation);
        if (operation == "CreateBucket") return client_error("BucketAlreadyOwnedByYou", "it is yours");
        if (operation == "CreateRole") return client_error("EntityAlreadyExists", "it is there");
        return "{}";
      },
      [&](const Deployment::Call& call, std::string_view outcome) {
        outcomes.push_back(call.operation + " " + std::string(outcome));
      });
  EXPECT_TRUE(done);
  EXPECT_THAT(calls, ElementsAre("CreateBucket", "CreateRole", "UpdateRole"));
  EXPECT_THAT(outcomes, ElementsAre("CreateBucket is there", "CreateRole updated"));
}

TEST(Deployment, StopsAtTheFirstErrorAndNamesTheCall) {
  const auto deployment = parse_deployment(kDescription, {{"Account", "1"}});
  const auto done = deploy(
      *deployment,
      [](const auto&, const auto&, const auto&) -> Result<std::string> { return client_error("Denied", "no"); },
      [](const auto&, auto) { FAIL() << "nothing was made"; });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message, "s3 CreateBucket: no");
}

TEST(Deployment, SaysWhatIsWrongWithADescription) {
  const auto problem = [](const char* text) { return parse_deployment(text, {}).error().message; };
  EXPECT_EQ(problem("["), "The description is not a JSON object.");
  EXPECT_EQ(problem("{}"), "There are no \"calls\".");
  EXPECT_EQ(problem(R"({"calls":[{"service":"s3"}]})"), "Call 1 has no service or no operation.");
  EXPECT_EQ(problem(R"({"calls":[{"service":"s3","operation":"X","input":{"A":"${B}"}}]})"),
            "Call 1: There is no parameter B.");
  EXPECT_THAT(problem(R"({"calls":[{"service":"s3","operation":"X","unles":[]}]})"), HasSubstr("\"unles\""));
}

}  // namespace
}  // namespace likeness::app
