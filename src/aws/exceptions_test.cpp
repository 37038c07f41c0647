#include "aws/exceptions.hpp"

#include <gtest/gtest.h>

#include "aws/constraints.hpp"
#include "aws/gateway.hpp"
#include "aws/gen/dynamodb.hpp"
#include "aws/gen/iam.hpp"
#include "aws/gen/s3.hpp"
#include "aws/gen/sts.hpp"
#include "aws/sigv4.hpp"

namespace likeness::aws {
namespace {

TEST(Exceptions, OfAModelKnowTheirCodeTextAndSide) {
  dynamodb::ConditionalCheckFailedException failed;
  failed.message = "The conditional request failed";
  const Error error = exception(failed, "for the log").value();
  EXPECT_EQ(error.code, "ConditionalCheckFailedException");
  EXPECT_EQ(error.message, "The conditional request failed");
  EXPECT_EQ(error.detail, "for the log");
  EXPECT_EQ(error.fault, Error::Fault::Client);
  EXPECT_EQ(exception(dynamodb::InternalServerError{}).value().fault, Error::Fault::Server);
  EXPECT_EQ(exception(iam::NoSuchEntityException{}).value().code, "NoSuchEntity");
}

TEST(Exceptions, ReachTheClientWithAllTheirMembers) {
  Service service(dynamodb::model());
  service.on<dynamodb::DeleteItem>(
      [](const RequestContext& context, const dynamodb::DeleteItemInput&) -> Result<dynamodb::DeleteItemOutput> {
        if (context.request == nullptr) return server_error("NoRequest", "");
        dynamodb::ConditionalCheckFailedException failed;
        failed.message = "The conditional request failed";
        failed.item.emplace()["id"].s = "a";
        return exception(std::move(failed));
      });
  service.on_response([](const RequestContext&, const net::Request&, net::Response& response) {
    response.headers.add("x-seen", std::to_string(response.status));
  });
  const AccessKey key{"AKIDEXAMPLE", "secret", "", policy::Principal::root("000000000000")};
  StaticCredentials credentials;
  credentials.add(key);
  Gateway gateway({}, credentials);
  gateway.add(service);
  net::Request request;
  request.method = "POST";
  request.target = "/";
  request.headers = {{"Host", "localhost"}, {"X-Amz-Target", "DynamoDB_20120810.DeleteItem"}};
  const std::string_view body = R"({"TableName":"people","Key":{"id":{"S":"a"}}})";
  request.body.assign(body.begin(), body.end());
  sign_headers(request, key,
               {.region = "us-east-1", .service = "dynamodb", .time = Clock::system().now(), .rules = {}});
  const auto answer = gateway.handle(request);
  EXPECT_EQ(answer.response.status, 400);
  EXPECT_EQ(answer.response.body,
            R"({"__type":"ConditionalCheckFailedException","message":"The conditional request failed",)"
            R"("Item":{"id":{"S":"a"}}})");
  EXPECT_EQ(answer.response.headers.get("x-seen"), "400");
}

TEST(Exceptions, EveryPatternOfTheServicesCanBeChecked) {
  for (const auto* model : {&dynamodb::model(), &iam::model(), &s3::model(), &sts::model()})
    EXPECT_EQ(unusable_patterns(*model), std::vector<std::string_view>()) << model->id;
}

}  // namespace
}  // namespace likeness::aws
