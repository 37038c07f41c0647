#include "aws/cbor.hpp"

#include <gtest/gtest.h>

#include "aws/codec.hpp"
#include "aws/gen/cloudwatch.hpp"
#include "aws/router.hpp"

namespace likeness::aws {
namespace {

const Shape& input_shape() { return *cloudwatch::model().find_operation("PutMetricData")->input; }

Bytes bytes(std::string_view hex) { return from_hex(hex).value(); }

Result<std::vector<Violation>> read(std::string_view hex, cloudwatch::PutMetricDataInput& into) {
  return read_cbor(bytes(hex), input_shape(), &into);
}

std::string problem(std::string_view hex) {
  cloudwatch::PutMetricDataInput input;
  const auto result = read(hex, input);
  return result ? "" : result.error().code;
}

TEST(Cbor, WhatIsWrittenIsReadBack) {
  cloudwatch::PutMetricDataInput input;
  input.namespace_ = "Photos";
  cloudwatch::MetricDatum datum;
  datum.metric_name = "Seen";
  datum.values = {1.5, -3, 1e300};
  datum.counts = {1, 2, 3};
  datum.timestamp = TimePoint(std::chrono::milliseconds(1'700'000'000'123));
  datum.unit = cloudwatch::StandardUnit::BytesSecond;
  datum.storage_resolution = 60;
  input.metric_data = std::vector{datum};
  std::string out;
  write_cbor(input_shape(), &input, out);
  cloudwatch::PutMetricDataInput again;
  const auto read_again = read_cbor(as_bytes(out), input_shape(), &again);
  ASSERT_TRUE(read_again) << read_again.error().message;
  EXPECT_EQ(again.namespace_, "Photos");
  ASSERT_TRUE(again.metric_data);
  EXPECT_EQ(again.metric_data->front().values, datum.values);
  EXPECT_EQ(again.metric_data->front().timestamp, datum.timestamp);
  EXPECT_EQ(again.metric_data->front().unit, datum.unit);
  EXPECT_EQ(again.metric_data->front().storage_resolution, 60);
}

TEST(Cbor, LengthsMayBeOpen) {
  cloudwatch::PutMetricDataInput input;
  // {_ "Namespace": (_ "Ph", "otos"), "Unknown": [_ 1, {"a": h'00'}], "MetricData": null}
  const auto result = read(
      "bf694e616d6573706163657f625068646f746f73ff67556e6b6e6f776e9f01a161614100ff6a4d657472696344617461f6ff", input);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(input.namespace_, "Photos");
  EXPECT_FALSE(input.metric_data);
}

TEST(Cbor, BrokenBytesAreRefused) {
  EXPECT_EQ(problem(""), "SerializationException");
  EXPECT_EQ(problem("80"), "SerializationException");                        // an array
  EXPECT_EQ(problem("a1"), "SerializationException");                        // nothing follows
  EXPECT_EQ(problem("a000"), "SerializationException");                      // something follows
  EXPECT_EQ(problem("a1694e616d65737061636501"), "SerializationException");  // a number for a text
  EXPECT_EQ(problem("a1694e616d657370616365fb"), "SerializationException");
  EXPECT_EQ(problem("a1694e616d6573706163657bffffffffffffffff"), "SerializationException");  // longer than it is
  EXPECT_EQ(problem("a1694e616d65737061636561ff"), "SerializationException");                // no UTF-8
  EXPECT_EQ(problem("a2694e616d6573706163656161694e616d6573706163656161"), "SerializationException");  // doubled
  EXPECT_EQ(problem("bf01ff"), "SerializationException");
  std::string deep = "a161";
  deep += "61";
  for (int i = 0; i < 200; ++i) deep += "81";
  deep += "00";
  EXPECT_EQ(problem(deep), "SerializationException");
  EXPECT_EQ(problem("a0"), "");
}

TEST(Cbor, ARequestSaysWithItsPathWhatItCalls) {
  const Service service(cloudwatch::model());
  Router router({"localhost"});
  router.add(service);
  net::Request request;
  request.method = "POST";
  request.target = "/service/GraniteServiceVersion20100801/operation/PutMetricData";
  request.headers.add("smithy-protocol", "rpc-v2-cbor");
  const auto route = router.find(request);
  ASSERT_NE(route.operation, nullptr);
  EXPECT_EQ(route.operation->name, "PutMetricData");
  EXPECT_EQ(codec_for(cloudwatch::model(), request), &cbor_codec());
  request.target = "/service/SomethingElse/operation/PutMetricData";
  EXPECT_EQ(router.find(request).service, nullptr);
  net::Request old;
  old.method = "POST";
  old.headers.add("x-amz-target", "GraniteServiceVersion20100801.PutMetricData");
  EXPECT_EQ(router.find(old).operation, route.operation);
  EXPECT_EQ(codec_for(cloudwatch::model(), old), &json_codec("1.0"));
}

TEST(Cbor, ErrorsCarryTheCodeThatTheQueryProtocolHasForThem) {
  net::Response response;
  ErrorAnswer error{
      .code = "InvalidParameterValueException", .message = "No.", .request_id = "id", .model = &cloudwatch::model()};
  for (const Shape* shape : cloudwatch::model().shapes)
    if (shape->name == "InvalidParameterValueException") error.shape = shape;
  ASSERT_NE(error.shape, nullptr);
  cbor_codec().write_error(error, response);
  EXPECT_EQ(response.headers.get("x-amzn-query-error"), "InvalidParameterValue;Sender");
  EXPECT_NE(response.body.find("#InvalidParameterValueException"), std::string::npos);
  EXPECT_NE(response.body.find("No."), std::string::npos);
}

}  // namespace
}  // namespace likeness::aws
