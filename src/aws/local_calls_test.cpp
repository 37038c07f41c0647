#include "aws/local_calls.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "aws/gateway.hpp"
#include "aws/gen/lambda.hpp"
#include "aws/gen/rekognition.hpp"
#include "aws/service.hpp"

namespace likeness::aws {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

/// Allows what the permission's own condition keys tell.
class OnlyFromRule final : public Authorizer {
 public:
  Result<void> authorize(const RequestContext& context, const policy::Permission& permission) const override {
    const auto source = permission.context.find("aws:SourceArn");
    if (context.principal.name == "events.amazonaws.com" && source != permission.context.end() &&
        source->second == std::vector<std::string>{"arn:aws:events:us-east-1:000000000000:rule/uploads"})
      return {};
    return client_error(kAccessDenied, "User: " + context.caller_arn + " is not authorized");
  }
};

class LocalCallsTest : public testing::Test {
 protected:
  LocalCallsTest() {
    service_.on<rekognition::DescribeCollection>(
        [this](const RequestContext& context,
               const rekognition::DescribeCollectionRequest& in) -> Result<rekognition::DescribeCollectionResponse> {
          seen_ = context;
          if (in.collection_id != "people")
            return client_error("ResourceNotFoundException", "The collection id: ghosts does not exist");
          rekognition::DescribeCollectionResponse out;
          out.face_count = 3;
          out.creation_timestamp = TimePoint(std::chrono::seconds(1'700'000'000));
          return out;
        });
    lambda_.on<lambda::Invoke>(
        [](const RequestContext&, const lambda::InvocationRequest& in) -> Result<lambda::InvocationResponse> {
          lambda::InvocationResponse out;
          out.status_code = 200;
          out.payload = in.payload;
          out.executed_version = *in.function_name + ":" + in.qualifier.value_or("none");
          return out;
        });
    gateway_.add(service_);
    gateway_.add(lambda_);
    gateway_.set_authorizer(authorizer_);
    gateway_.on_local_call([this](const CallRecord& record) { records_.push_back(record); });
  }

  const LocalCaller rule_ =
      service_caller("events.amazonaws.com", "arn:aws:events:us-east-1:000000000000:rule/uploads", "000000000000");
  const OnlyFromRule authorizer_;
  StaticCredentials credentials_;
  Service service_{rekognition::model(), ErrorForm::CodeAndLogref};
  Service lambda_{lambda::model()};
  Gateway gateway_{{}, credentials_};
  const LocalCalls& calls_ = gateway_.local_calls();
  RequestContext seen_;
  std::vector<CallRecord> records_;
};

TEST_F(LocalCallsTest, AProviderAnswersWithItsOwnTypes) {
  const auto found = calls_.call<rekognition::DescribeCollection>(rule_, {.collection_id = "people"});
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->face_count, 3);
  EXPECT_EQ(seen_.principal.name, "events.amazonaws.com");
  ASSERT_EQ(records_.size(), 1u);
  EXPECT_EQ(records_[0].operation, "DescribeCollection");
  EXPECT_EQ(records_[0].status, 200);
}

TEST_F(LocalCallsTest, WhatCallsFromElsewhereIsDenied) {
  const auto other = service_caller("events.amazonaws.com", "arn:aws:events:us-east-1:000000000000:rule/other", "0");
  const auto found = calls_.call<rekognition::DescribeCollection>(other, {.collection_id = "people"});
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, "AccessDeniedException");
  EXPECT_THAT(found.error().message, HasSubstr("is not authorized"));
}

TEST_F(LocalCallsTest, ErrorsAreTheModelled) {
  const auto missing = calls_.call<rekognition::DescribeCollection>(rule_, {.collection_id = "ghosts"});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, "ResourceNotFoundException");
  EXPECT_EQ(missing.error().message, "The collection id: ghosts does not exist");
  const auto invalid = calls_.call<rekognition::DescribeCollection>(rule_, {.collection_id = "no spaces"});
  ASSERT_FALSE(invalid);
  EXPECT_THAT(invalid.error().message, HasSubstr("failed to satisfy constraint"));
  const auto absent = calls_.call<rekognition::ListCollections>(rule_, {});
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().code, "UnknownOperationException");
  EXPECT_THAT(absent.error().message, HasSubstr("ListCollections"));
}

TEST_F(LocalCallsTest, JsonHasTheNamesOfTheSdks) {
  const auto described = calls_.call_json(rule_, "rekognition", "DescribeCollection", R"({"CollectionId":"people"})");
  ASSERT_TRUE(described) << described.error().message;
  EXPECT_EQ(*described, R"({"FaceCount":3,"CreationTimestamp":"2023-11-14T22:13:20Z"})");
  // FunctionName travels in the path, Qualifier in the query, StatusCode in the status: here they are members.
  const auto invoked =
      calls_.call_json(rule_, "lambda", "Invoke", R"({"FunctionName":"check","Qualifier":"live","Payload":"e30="})");
  ASSERT_TRUE(invoked) << invoked.error().message;
  EXPECT_EQ(*invoked, R"({"StatusCode":200,"Payload":"e30=","ExecutedVersion":"check:live"})");
}

TEST_F(LocalCallsTest, UnknownNamesAndBrokenInputAreRefused) {
  EXPECT_EQ(calls_.call_json(rule_, "teleport", "Go", "{}").error().code, "UnknownOperationException");
  EXPECT_EQ(calls_.call_json(rule_, "rekognition", "Teleport", "{}").error().code, "UnknownOperationException");
  EXPECT_EQ(calls_.call_json(rule_, "rekognition", "DescribeCollection", "{").error().code, "SerializationException");
}

}  // namespace
}  // namespace likeness::aws
