#include "apps/image_workflow/image_workflow.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "apps/testing.hpp"

namespace likeness::apps {
namespace {

namespace json = boost::json;

constexpr const char* kCreated =
    R"({"source":"aws.s3","detail-type":"Object Created","detail":{"bucket":{"name":"images"},"object":{"key":"a b.jpg"}}})";

class ImageWorkflowTest : public ::testing::Test {
 protected:
  ImageWorkflowTest() {
    at_.variables = {{"TABLE_NAME", "Metadata"}, {"TOPIC_ARN", "arn:aws:sns:us-east-1:000000000000:results"}};
    at_.answers["PutItem"] = "{}";
    at_.answers["Publish"] = R"({"MessageId":"m-1"})";
  }
  testing::Surroundings at_;
};

TEST_F(ImageWorkflowTest, AFaceIsStoredAndTold) {
  at_.answers["DetectFaces"] = R"({"FaceDetails":[)" + testing::face(true, 99) + "]}";
  const auto processed = process_image(at_, kCreated);
  ASSERT_TRUE(processed) << processed.error().message;
  const auto item = json::parse(at_.input_of("dynamodb:PutItem")).at("Item");
  EXPECT_EQ(item.at("ImageID").at("S"), "a b.jpg");
  EXPECT_EQ(item.at("FaceDetected").at("BOOL"), true);
  EXPECT_EQ(json::parse(std::string(item.at("FaceDetails").at("S").get_string())).at(0).at("Smile").at("Value"), true);

  const auto told = send_notification(at_, *processed);
  ASSERT_TRUE(told) << told.error().message;
  const auto published = json::parse(at_.input_of("sns:Publish"));
  EXPECT_EQ(published.at("Message"), "Face detected in image: a b.jpg");
  EXPECT_EQ(published.at("TopicArn"), "arn:aws:sns:us-east-1:000000000000:results");
  EXPECT_EQ(json::parse(*told).at("body").at("message_id"), "m-1");
}

TEST_F(ImageWorkflowTest, NoFaceIsAnAnswerToo) {
  at_.answers["DetectFaces"] = R"({"FaceDetails":[]})";
  const auto processed = process_image(at_, kCreated);
  ASSERT_TRUE(processed);
  EXPECT_EQ(json::parse(at_.input_of("dynamodb:PutItem")).at("Item").at("FaceDetected").at("BOOL"), false);
  ASSERT_TRUE(send_notification(at_, *processed));
  EXPECT_EQ(json::parse(at_.input_of("sns:Publish")).at("Message"), "No face detected in image: a b.jpg");
}

TEST_F(ImageWorkflowTest, APhotoThatCannotBeReadIsStoredAsThat) {
  at_.answers["DetectFaces"] = client_error("InvalidImageFormatException", "Request has invalid image format");
  const auto processed = process_image(at_, kCreated);
  ASSERT_TRUE(processed);
  EXPECT_EQ(json::parse(at_.input_of("dynamodb:PutItem")).at("Item").at("Problem").at("S"),
            "InvalidImageFormatException: Request has invalid image format");
  ASSERT_TRUE(send_notification(at_, *processed));
  EXPECT_EQ(json::parse(at_.input_of("sns:Publish")).at("Message"),
            "Image a b.jpg cannot be read. InvalidImageFormatException: Request has invalid image format");
}

TEST_F(ImageWorkflowTest, FailedCallsAreErrorsThatTheStateMachineSees) {
  at_.answers["DetectFaces"] = client_error("AccessDeniedException", "not authorized");
  EXPECT_EQ(process_image(at_, kCreated).error().code, "AccessDeniedException");
  at_.variables.erase("TOPIC_ARN");
  EXPECT_EQ(send_notification(at_, R"({"body":{"s3_key":"a"}})").error().code, "InvalidConfiguration");
}

TEST_F(ImageWorkflowTest, AnEventWithoutAnObjectIsAnsweredWith400) {
  const auto processed = process_image(at_, R"({"source":"aws.s3"})");
  ASSERT_TRUE(processed);
  EXPECT_EQ(json::parse(*processed).at("statusCode"), 400);
  EXPECT_TRUE(at_.calls.empty());
  EXPECT_EQ(send_notification(at_, *processed).error().code, "InvalidEvent");
}

}  // namespace
}  // namespace likeness::apps
