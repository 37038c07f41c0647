#include "apps/photo_check/photo_check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "apps/calls.hpp"
#include "apps/testing.hpp"

namespace likeness::apps {
namespace {

namespace json = boost::json;
using ::testing::HasSubstr;

constexpr const char* kEvent =
    R"({"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"photos"},"object":{"key":"a+b%2Bc.jpg"}}}]})";

class PhotoCheckTest : public ::testing::Test {
 protected:
  PhotoCheckTest() { at_.answers["PutItem"] = "{}"; }

  /// The row that was written for a photo on which these faces are.
  json::value row(const std::string& faces) {
    at_.answers["DetectFaces"] = R"({"FaceDetails":[)" + faces + "]}";
    answer_ = photo_check(at_, kEvent);
    EXPECT_TRUE(answer_) << answer_.error().message;
    return json::parse(at_.input_of("dynamodb:PutItem")).at("Item");
  }
  static std::string text_of(const json::value& row, const char* attribute) {
    return std::string(row.at(attribute).at("S").get_string());
  }

  testing::Surroundings at_;
  Result<std::string> answer_;
};

TEST_F(PhotoCheckTest, APhotoThatKeepsTheRulesPasses) {
  const auto item = row(testing::face(false, 99));
  EXPECT_EQ(text_of(item, "FileName"), "a b+c.jpg");
  EXPECT_EQ(text_of(item, "ValidationResult"), "PASS");
  EXPECT_EQ(text_of(item, "FailureReasons"), "[]");
  EXPECT_EQ(text_of(item, "FileLocation"), "photos/a b+c.jpg");
  EXPECT_EQ(json::parse(text_of(item, "FaceDetails")).at("EyesOpen").at("Value"), true);
  EXPECT_EQ(json::parse(at_.input_of("dynamodb:PutItem")).at("TableName"), "ValidationRequests");
  EXPECT_EQ(json::parse(at_.input_of("rekognition:DetectFaces")),
            json::parse(R"({"Image":{"S3Object":{"Bucket":"photos","Name":"a b+c.jpg"}},"Attributes":["ALL"]})"));
  EXPECT_EQ(*answer_, R"({"Photos":[{"FileName":"a b+c.jpg","ValidationResult":"PASS","FailureReasons":"[]"}]})");
}

TEST_F(PhotoCheckTest, AReasonCarriesWhatWasMeasuredAndTheThreshold) {
  const auto item = row(testing::face(true, 98));
  EXPECT_EQ(text_of(item, "ValidationResult"), "FAIL");
  EXPECT_EQ(text_of(item, "FailureReasons"), R"(["Smile"])");
  const auto& reason = item.at("Reasons").at("L").at(0).at("M");
  EXPECT_EQ(reason.at("Measured").at("S"), "Yes 98.0 %");
  EXPECT_EQ(reason.at("Threshold").at("S"), "No > 90 %");
  EXPECT_THAT(at_.lines, ::testing::Contains(HasSubstr("FAIL")));
}

TEST_F(PhotoCheckTest, TheRightValueWithTooLittleConfidenceFailsToo) {
  EXPECT_EQ(text_of(row(testing::face(false, 89)), "FailureReasons"), R"(["Smile"])");
}

TEST_F(PhotoCheckTest, NoFaceAndSeveralFacesAreReasons) {
  EXPECT_EQ(text_of(row(""), "FailureReasons"), R"(["NoFace"])");
  at_.calls.clear();
  // The larger one is judged.
  const auto item = row(testing::face(true, 99, .1) + "," + testing::face(false, 99, .5));
  EXPECT_EQ(text_of(item, "FailureReasons"), R"(["SeveralFaces"])");
}

TEST_F(PhotoCheckTest, AFileThatIsNoPhotoIsAReasonAndNotACrash) {
  at_.answers["DetectFaces"] = client_error("InvalidImageFormatException", "Request has invalid image format");
  const auto answer = photo_check(at_, kEvent);
  ASSERT_TRUE(answer);
  const auto item = json::parse(at_.input_of("dynamodb:PutItem")).at("Item");
  EXPECT_EQ(text_of(item, "FailureReasons"), R"(["UnreadablePhoto"])");
  EXPECT_THAT(std::string(item.at("Reasons").at("L").at(0).at("M").at("Reason").at("S").get_string()),
              HasSubstr("Request has invalid image format"));
}

TEST_F(PhotoCheckTest, WhatAnotherAttemptMayMendIsAnErrorAndWritesNothing) {
  at_.answers["DetectFaces"] = client_error("AccessDeniedException", "User is not authorized");
  EXPECT_EQ(photo_check(at_, kEvent).error().code, "AccessDeniedException");
  EXPECT_EQ(at_.input_of("dynamodb:PutItem"), "");
  at_.answers["DetectFaces"] = R"({"FaceDetails":[]})";
  at_.answers["PutItem"] = client_error("ResourceNotFoundException", "Requested resource not found");
  EXPECT_EQ(photo_check(at_, kEvent).error().code, "ResourceNotFoundException");
}

TEST_F(PhotoCheckTest, RulesAndTableComeFromTheEnvironment) {
  at_.variables["TABLE_NAME"] = "Checked";
  at_.variables["RULES"] =
      "rules:\n  - rule: Smile\n    value: true\n    min_confidence: 50\n  - rule: FaceCount\n    max: 3\n";
  const auto item = row(testing::face(true, 60) + "," + testing::face(false, 99, .1));
  EXPECT_EQ(text_of(item, "ValidationResult"), "PASS");
  EXPECT_EQ(json::parse(at_.input_of("dynamodb:PutItem")).at("TableName"), "Checked");
  at_.variables["RULES"] = "strict";
  EXPECT_EQ(photo_check(at_, kEvent).error().code, "InvalidRules");
}

TEST_F(PhotoCheckTest, OtherEventsAreLeftAlone) {
  const auto answer = photo_check(at_, R"({"Service":"Amazon S3","Event":"s3:TestEvent"})");
  ASSERT_TRUE(answer);
  EXPECT_EQ(*answer, R"({"Photos":[]})");
  EXPECT_TRUE(at_.calls.empty());
  EXPECT_EQ(photo_check(at_, "[]").error().code, "InvalidEvent");
  EXPECT_EQ(photo_check(at_, R"({"Records":[{}]})").error().code, "InvalidEvent");
}

TEST(KeyOfEvent, IsDecodedAsS3EncodesIt) {
  EXPECT_EQ(key_of_event("caf%C3%A9/a+b.jpg"), "caf\xc3\xa9/a b.jpg");
  EXPECT_EQ(key_of_event("100%"), "100%");
  EXPECT_EQ(key_of_event("%zz%4"), "%zz%4");
}

}  // namespace
}  // namespace likeness::apps
