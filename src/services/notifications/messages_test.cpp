#include "services/notifications/messages.hpp"

#include <gtest/gtest.h>

namespace likeness::notifications {
namespace {

Told told(std::string kind) {
  return {
      .position = 258,
      .time = TimePoint(std::chrono::milliseconds(1'795'291'200'123)),
      .kind = std::move(kind),
      .bucket = "photos",
      .change = {
          .key = "in/a b@1.jpg",
          .version_id = "v1",
          .etag = "e1",
          .size = 9,
          .account = "000000000000",
          .region = "us-east-1",
          .origin = {.principal = "arn:aws:iam::000000000000:user/ann", .source_ip = "127.0.0.1", .request_id = "R1"}}};
}

TEST(BucketMessages, RecordsAreInAwssForm) {
  const std::string message = records_message(told("ObjectCreated:Put"), "c1");
  EXPECT_EQ(
      message.find(R"({"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"us-east-1",)"
                   R"("eventTime":"2026-11-21T20:00:00.123Z","eventName":"ObjectCreated:Put",)"
                   R"("userIdentity":{"principalId":"AWS:ann"},"requestParameters":{"sourceIPAddress":"127.0.0.1"},)"
                   R"("responseElements":{"x-amz-request-id":"R1","x-amz-id-2":")"),
      0u)
      << message;
  EXPECT_NE(message.find(R"("configurationId":"c1","bucket":{"name":"photos","ownerIdentity":{"principalId":")"),
            std::string::npos);
  EXPECT_TRUE(message.ends_with(R"("arn":"arn:aws:s3:::photos"},"object":{"key":"in/a+b%401.jpg","size":9,"eTag":"e1",)"
                                R"("versionId":"v1","sequencer":"000000000000000102"}}}]})"))
      << message;
}

TEST(BucketMessages, EventBridgeHasTheKeyAsItIs) {
  const auto event = bus_event(told("ObjectCreated:CompleteMultipartUpload"));
  EXPECT_EQ(event.detail_type, "Object Created");
  EXPECT_EQ(event.detail,
            R"({"version":"0","bucket":{"name":"photos"},"object":{"key":"in/a b@1.jpg","size":9,"etag":"e1",)"
            R"("version-id":"v1","sequencer":"000000000000000102"},"request-id":"R1","requester":"000000000000",)"
            R"("source-ip-address":"127.0.0.1","reason":"CompleteMultipartUpload"})");
  const auto gone = bus_event(told("ObjectRemoved:DeleteMarkerCreated"));
  EXPECT_EQ(gone.detail_type, "Object Deleted");
  EXPECT_NE(gone.detail.find(R"("reason":"DeleteObject","deletion-type":"Delete Marker Created"})"), std::string::npos);
  EXPECT_EQ(bus_event(told("ObjectAcl:Put")).detail_type, "Object ACL Updated");
}

TEST(BucketMessages, FiltersDecideWhoIsTold) {
  aws::s3::NotificationConfiguration configuration;
  auto& queue = configuration.queue_configurations.emplace().emplace_back();
  queue.id = "q";
  queue.queue_arn = "arn:aws:sqs:us-east-1:000000000000:q";
  queue.events = {aws::s3::Event::S3ObjectCreated};
  auto& rules = queue.filter.emplace().key.emplace().filter_rules.emplace();
  rules.push_back({aws::s3::FilterRuleName::Prefix, "in/"});
  rules.push_back({aws::s3::FilterRuleName::Suffix, ".jpg"});
  EXPECT_EQ(interested_in(told("ObjectCreated:Copy"), configuration).size(), 1u);
  EXPECT_TRUE(interested_in(told("ObjectRemoved:Delete"), configuration).empty());
  rules[1].value = ".png";
  EXPECT_TRUE(interested_in(told("ObjectCreated:Copy"), configuration).empty());
}

}  // namespace
}  // namespace likeness::notifications
