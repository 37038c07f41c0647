#include <gtest/gtest.h>

#include <string>

#include "aws/codec.hpp"
#include "aws/gen/sqs.hpp"

namespace likeness::aws {
namespace {

/// A service whose model speaks JSON and that the query protocol still reaches.
class SqsProtocols : public testing::Test {
 protected:
  net::Request form(std::string body) {
    net::Request request;
    request.method = "POST";
    request.headers.set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
    request.body.assign(body.begin(), body.end());
    return request;
  }
  net::Request json(const std::string& target) {
    net::Request request;
    request.method = "POST";
    request.headers.set("Content-Type", "application/x-amz-json-1.0");
    request.headers.set("X-Amz-Target", target);
    return request;
  }
};

TEST_F(SqsProtocols, TheRequestSaysInWhichProtocolItIsAnswered) {
  EXPECT_EQ(codec_for(sqs::model(), form("Action=ListQueues")), &query_codec());
  EXPECT_EQ(codec_for(sqs::model(), json("AmazonSQS.ListQueues")), &json_codec("1.0"));
}

TEST_F(SqsProtocols, FormsHaveTheNamesOfTheOlderModel) {
  const auto request = form(
      "Action=SendMessageBatch&QueueUrl=u&SendMessageBatchRequestEntry.1.Id=a&SendMessageBatchRequestEntry.1."
      "MessageBody=b"
      "&SendMessageBatchRequestEntry.1.MessageAttribute.1.Name=n&SendMessageBatchRequestEntry.1.MessageAttribute.1."
      "Value."
      "DataType=String&SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.StringValue=v");
  sqs::SendMessageBatchRequest in;
  const auto read =
      query_codec().read({.request = request, .body = request.body}, sqs::SendMessageBatch::operation(), &in);
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_TRUE(in.entries && in.entries->size() == 1);
  EXPECT_EQ(in.entries->front().message_attributes->at("n").string_value, "v");

  const auto attributes = form(
      "Action=CreateQueue&QueueName=q&Attribute.1.Name=DelaySeconds&Attribute.1.Value=3&Tag.1.Key=k&Tag.1.Value=v");
  sqs::CreateQueueRequest create;
  ASSERT_TRUE(
      query_codec().read({.request = attributes, .body = attributes.body}, sqs::CreateQueue::operation(), &create));
  EXPECT_EQ(create.attributes->at("DelaySeconds"), "3");
  EXPECT_EQ(create.tags->at("k"), "v");
}

TEST_F(SqsProtocols, AnswersInXmlHaveThemToo) {
  sqs::ReceiveMessageResult out;
  sqs::Message message;
  message.message_id = "m";
  message.attributes.emplace()["SenderId"] = "s";
  out.messages.emplace().push_back(std::move(message));
  net::Response response;
  query_codec().write(sqs::model(), sqs::ReceiveMessage::operation(), &out, "id", response);
  EXPECT_NE(response.body.find("<Message><MessageId>m</MessageId><Attribute><Name>SenderId</Name><Value>s</Value>"
                               "</Attribute></Message>"),
            std::string::npos)
      << response.body;
  response = {};
  json_codec("1.0").write(sqs::model(), sqs::ReceiveMessage::operation(), &out, "id", response);
  EXPECT_EQ(response.body, R"({"Messages":[{"MessageId":"m","Attributes":{"SenderId":"s"}}]})");
}

TEST_F(SqsProtocols, ErrorsInJsonComeWithTheCodeOfTheQueryProtocol) {
  ErrorAnswer error{.code = "QueueDoesNotExist", .message = "The specified queue does not exist.", .request_id = {}};
  error.model = &sqs::model();
  for (const Shape* shape : sqs::model().shapes)
    if (shape->name == "QueueDoesNotExist") error.shape = shape;
  net::Response response;
  json_codec("1.0").write_error(error, response);
  EXPECT_EQ(response.headers.get("x-amzn-query-error"), "AWS.SimpleQueueService.NonExistentQueue;Sender");
  EXPECT_EQ(response.body,
            R"({"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"The specified queue does not exist."})");
  response = {};
  query_codec().write_error(error, response);
  EXPECT_NE(response.body.find("<Code>AWS.SimpleQueueService.NonExistentQueue</Code>"), std::string::npos);

  ErrorAnswer unmodelled{.code = "InvalidParameterValueException", .message = "no", .request_id = {}};
  unmodelled.model = &sqs::model();
  response = {};
  json_codec("1.0").write_error(unmodelled, response);
  EXPECT_EQ(response.headers.get("x-amzn-query-error"), "InvalidParameterValue;Sender");
  EXPECT_EQ(response.body, R"({"__type":"com.amazon.coral.service#InvalidParameterValueException","message":"no"})");
}

}  // namespace
}  // namespace likeness::aws
