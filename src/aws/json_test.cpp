#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>

#include "aws/gen/rekognition.hpp"
#include "aws/json_reader.hpp"
#include "aws/json_writer.hpp"
#include "aws/timestamps.hpp"

namespace likeness::aws {
namespace {

using rekognition::Attribute;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

template <class Op>
Result<typename Op::Input> read(std::string_view text) {
  typename Op::Input input;
  auto result = read_json(text, *Op::operation().input, &input);
  if (!result) return fail(result);
  EXPECT_THAT(*result, IsEmpty());
  return input;
}

template <class Op>
std::string problem(std::string_view text) {
  auto result = read<Op>(text);
  if (result) return "no problem";
  EXPECT_EQ(result.error().code, "SerializationException");
  return result.error().message;
}

template <class Op>
std::string written(const typename Op::Output& output) {
  std::string out;
  write_json(*Op::operation().output, &output, out);
  return out;
}

TEST(JsonReader, FillsTheStructOfAnOperation) {
  const auto in = read<rekognition::IndexFaces>(
      R"( {"CollectionId":"people","Image":{"Bytes":"aGVsbG8="},"MaxFaces":3,
           "DetectionAttributes":["ALL","SMILE"],"QualityFilter":"NONE","ExternalImageId":"\u00e9t\u00E9 \"x\""} )");
  ASSERT_TRUE(in);
  EXPECT_EQ(in->collection_id, "people");
  EXPECT_EQ(as_text(*in->image->bytes), "hello");
  EXPECT_FALSE(in->image->s3_object.has_value());
  EXPECT_EQ(in->max_faces, 3);
  EXPECT_THAT(*in->detection_attributes, ElementsAre(Attribute::All, Attribute::Smile));
  EXPECT_EQ(in->quality_filter, rekognition::QualityFilter::None);
  EXPECT_EQ(in->external_image_id, "\u00e9t\u00e9 \"x\"");
}

TEST(JsonReader, SkipsMembersThatTheModelLacks) {
  const auto in = read<rekognition::DescribeCollection>(
      R"({"New":{"a":[1,{"CollectionId":"no"}],"b":null},"x":"y","CollectionId":"yes","z":[[],{}],"n":1e5,"t":true})");
  ASSERT_TRUE(in);
  EXPECT_EQ(in->collection_id, "yes");
}

TEST(JsonReader, TakesNullForAbsent) {
  const auto in = read<rekognition::SearchFaces>(R"({"CollectionId":null,"MaxFaces":null,"FaceId":"x"})");
  ASSERT_TRUE(in);
  EXPECT_FALSE(in->collection_id.has_value());
  EXPECT_FALSE(in->max_faces.has_value());
  EXPECT_EQ(in->face_id, "x");
}

TEST(JsonReader, ReadsMaps) {
  const auto in = read<rekognition::TagResource>(R"({"Tags":{"a":"1","b":"2"},"ResourceArn":"arn"})");
  ASSERT_TRUE(in);
  EXPECT_EQ(in->tags->at("a"), "1");
  EXPECT_EQ(in->tags->size(), 2u);
}

TEST(JsonReader, RefusesADoubledMemberAndADoubledKey) {
  EXPECT_THAT(problem<rekognition::SearchFaces>(R"({"FaceId":"a","FaceId":"b"})"),
              HasSubstr("Duplicate field 'FaceId'"));
  EXPECT_THAT(problem<rekognition::SearchFaces>(R"({"FaceId":null,"FaceId":"b"})"), HasSubstr("Duplicate field"));
  EXPECT_THAT(problem<rekognition::TagResource>(R"({"Tags":{"a":"1","a":"2"}})"), HasSubstr("Duplicate key 'a'"));
}

TEST(JsonReader, NamesTheTypeThatItFoundAndTheOneThatItWanted) {
  using Op = rekognition::IndexFaces;
  EXPECT_EQ(problem<Op>(R"({"CollectionId":7})"), "NUMBER_VALUE can not be converted to a String");
  EXPECT_EQ(problem<Op>(R"({"CollectionId":true})"), "TRUE_VALUE can not be converted to a String");
  EXPECT_EQ(problem<Op>(R"({"CollectionId":1.5})"), "DECIMAL_VALUE can not be converted to a String");
  EXPECT_EQ(problem<Op>(R"({"CollectionId":["a"]})"), "Start of list found where not expected");
  EXPECT_EQ(problem<Op>(R"({"CollectionId":{}})"), "Start of structure or map found where not expected.");
  EXPECT_EQ(problem<Op>(R"({"MaxFaces":"3"})"), "STRING_VALUE can not be converted to an Integer");
  EXPECT_EQ(problem<Op>(R"({"MaxFaces":2.5})"), "DECIMAL_VALUE can not be converted to an Integer");
  EXPECT_EQ(problem<Op>(R"({"DetectionAttributes":"ALL"})"), "Expected list or null");
  EXPECT_EQ(problem<Op>(R"({"Image":"x"})"), "Expected null");
  EXPECT_EQ(problem<Op>(R"({"Image":[]})"), "Start of list found where not expected");
  EXPECT_EQ(problem<rekognition::TagResource>(R"({"Tags":3})"), "Expected map or null");
}

TEST(JsonReader, BoundsNumbers) {
  using Op = rekognition::IndexFaces;
  EXPECT_EQ(read<Op>(R"({"MaxFaces":80.0})")->max_faces, 80);
  EXPECT_EQ(read<Op>(R"({"MaxFaces":-2147483648})")->max_faces, INT32_MIN);
  EXPECT_THAT(problem<Op>(R"({"MaxFaces":2147483648})"), HasSubstr("out of range"));
  EXPECT_THAT(problem<Op>(R"({"MaxFaces":99999999999999999999})"), HasSubstr("Integer"));
  EXPECT_THAT(problem<Op>(R"({"MaxFaces":1e300})"), HasSubstr("Integer"));
  using Search = rekognition::SearchFaces;
  EXPECT_EQ(read<Search>(R"({"FaceMatchThreshold":80})")->face_match_threshold, 80.0f);
  EXPECT_EQ(read<Search>(R"({"FaceMatchThreshold":99.9})")->face_match_threshold, 99.9f);
  EXPECT_EQ(read<Search>(R"({"FaceMatchThreshold":1e-60})")->face_match_threshold, 0.0f);
  EXPECT_TRUE(std::isnan(*read<Search>(R"({"FaceMatchThreshold":"NaN"})")->face_match_threshold));
  EXPECT_THAT(problem<Search>(R"({"FaceMatchThreshold":1e60})"), HasSubstr("out of range"));
  EXPECT_THAT(problem<Search>(R"({"FaceMatchThreshold":"80"})"),
              HasSubstr("STRING_VALUE can not be converted to a Float"));
}

TEST(JsonReader, ReadsFloatsToTheNearestValue) {
  for (const char* text : {"0.3834420144557953", "99.99999", "0.1", "1.17549435e-38", "33.333332"}) {
    const auto in = read<rekognition::SearchFaces>(std::string(R"({"FaceMatchThreshold":)") + text + "}");
    ASSERT_TRUE(in);
    EXPECT_EQ(in->face_match_threshold, std::strtof(text, nullptr)) << text;
  }
}

TEST(JsonReader, RefusesWhatIsNoBase64) {
  using Op = rekognition::DetectFaces;
  EXPECT_EQ(
      problem<Op>(R"({"Image":{"Bytes":"23456"}})"),
      "'23456' can not be converted to a Blob: Base64 encoded length is expected a multiple of 4 bytes but found: 5");
  EXPECT_THAT(problem<Op>(R"({"Image":{"Bytes":"ab!?"}})"), HasSubstr("Invalid Base64 character"));
  EXPECT_LT(problem<Op>(R"({"Image":{"Bytes":")" + std::string(100001, '!') + R"("}})").size(), 300u);
}

TEST(JsonReader, RefusesWhatIsNoJsonObject) {
  using Op = rekognition::DescribeCollection;
  for (const char* text : {"",
                           " ",
                           "{",
                           "{\"CollectionId\"",
                           "{\"CollectionId\":\"a\"",
                           "[]",
                           "\"x\"",
                           "null",
                           "true",
                           "5",
                           "{,}",
                           "{}x",
                           "{} {}",
                           "{\"CollectionId\":\"\xff\"}",
                           "{\"CollectionId\":\"\\ud800\"}",
                           "{'a':1}",
                           "{\"CollectionId\":\"a\nb\"}",
                           "{\"a\":01}",
                           "\xEF\xBB\xBF{}",
                           "{\"a\":nul}"})
    EXPECT_NE(problem<Op>(text), "no problem") << text;
}

TEST(JsonReader, LimitsTheDepth) {
  std::string deep(100000, '[');
  EXPECT_THAT(problem<rekognition::DescribeCollection>("{\"a\":" + deep), HasSubstr("96 levels"));
}

TEST(JsonReader, ReportsEnumValuesThatTheModelLacks) {
  rekognition::IndexFacesRequest input;
  const auto result = read_json(R"({"QualityFilter":"BEST","DetectionAttributes":["ALL","NOSE"]})",
                                *rekognition::IndexFaces::operation().input, &input);
  ASSERT_TRUE(result);
  ASSERT_THAT(*result, SizeIs(2));
  EXPECT_EQ((*result)[0].path, "qualityFilter");
  EXPECT_EQ((*result)[0].value, "'BEST'");
  EXPECT_EQ((*result)[0].requirement, "Member must satisfy enum value set: [NONE, AUTO, LOW, MEDIUM, HIGH]");
  EXPECT_EQ((*result)[1].path, "detectionAttributes");
  EXPECT_EQ((*result)[1].value, "'[ALL, NOSE]'");
  EXPECT_THAT((*result)[1].requirement,
              HasSubstr("Member must satisfy constraint: [Member must satisfy enum value set: ["));
}

TEST(JsonReader, ReportsNullInsideAList) {
  rekognition::DeleteFacesRequest input;
  const auto result = read_json(R"({"FaceIds":["a",null]})", *rekognition::DeleteFaces::operation().input, &input);
  ASSERT_TRUE(result);
  ASSERT_THAT(*result, SizeIs(1));
  EXPECT_EQ((*result)[0].path, "faceIds.2.member");
  EXPECT_EQ((*result)[0].value, "null");
}

TEST(JsonReader, LeavesUnknownEnumValuesOutWhereAClientReads) {
  rekognition::IndexFacesRequest input;
  const auto result = read_json(R"({"QualityFilter":"BEST","DetectionAttributes":["ALL","NOSE"]})",
                                *rekognition::IndexFaces::operation().input, &input, {.lenient = true});
  ASSERT_TRUE(result);
  EXPECT_THAT(*result, IsEmpty());
  EXPECT_FALSE(input.quality_filter.has_value());
  EXPECT_THAT(*input.detection_attributes, ElementsAre(Attribute::All));
}

TEST(JsonWriter, WritesFloatsAsDoubles) {
  rekognition::DetectFacesResponse out;
  auto& face = out.face_details.emplace().emplace_back();
  auto& box = face.bounding_box.emplace();
  box.width = 0.38344201445579529f;
  box.height = 0.5f;
  box.left = -0.01f;
  face.confidence = 100.0f;
  EXPECT_EQ(written<rekognition::DetectFaces>(out),
            R"({"FaceDetails":[{"BoundingBox":{"Width":0.3834420144557953,"Height":0.5,"Left":-0.009999999776482582},)"
            R"("Confidence":100.0}]})");
}

TEST(JsonWriter, LeavesAbsentMembersOutAndKeepsEmptyLists) {
  rekognition::DetectFacesResponse out;
  EXPECT_EQ(written<rekognition::DetectFaces>(out), "{}");
  out.face_details.emplace();
  EXPECT_EQ(written<rekognition::DetectFaces>(out), R"({"FaceDetails":[]})");
}

TEST(JsonWriter, WritesTimesEnumsAndIntegers) {
  rekognition::DescribeCollectionResponse out;
  out.face_count = 12;
  out.creation_timestamp = TimePoint(std::chrono::milliseconds(1480629862123));
  EXPECT_EQ(written<rekognition::DescribeCollection>(out), R"({"FaceCount":12,"CreationTimestamp":1480629862.123})");
  rekognition::AssociateFacesResponse associated;
  associated.user_status = rekognition::UserStatus::Updating;
  EXPECT_EQ(written<rekognition::AssociateFaces>(associated), R"({"UserStatus":"UPDATING"})");
}

TEST(JsonWriter, EscapesStrings) {
  std::string out;
  write_json_string(std::string_view("a\"b\\c\n\t\r\b\f\x01\x1f/\u00e9\0z", 17), out);
  EXPECT_EQ(out, "\"a\\\"b\\\\c\\n\\t\\r\\b\\f\\u0001\\u001f/\u00e9\\u0000z\"");
}

TEST(JsonWriter, GivesBackWhatTheReaderTook) {
  const std::string text =
      R"({"CollectionId":"people","Image":{"S3Object":{"Bucket":"b12","Name":"n \u0007 \u20ac"}},"MaxFaces":-1})";
  const auto in = read<rekognition::IndexFaces>(text);
  ASSERT_TRUE(in);
  std::string out;
  write_json(*rekognition::IndexFaces::operation().input, &*in, out);
  const auto again = read<rekognition::IndexFaces>(out);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->image->s3_object->name, in->image->s3_object->name);
  EXPECT_EQ(again->max_faces, -1);
}

TEST(Timestamps, AreReadInTheirThreeForms) {
  const auto expected = TimePoint(std::chrono::seconds(946845296));
  EXPECT_EQ(parse_iso8601("2000-01-02T20:34:56Z"), expected);
  EXPECT_EQ(parse_iso8601("2000-01-02T21:34:56.000+01:00"), expected);
  EXPECT_EQ(parse_iso8601("2000-01-02T20:34:56.5Z"), expected + std::chrono::milliseconds(500));
  EXPECT_EQ(parse_http_date("Sun, 02 Jan 2000 20:34:56 GMT"), expected);
  EXPECT_EQ(parse_iso8601_basic("20000102T203456Z"), expected);
  EXPECT_EQ(from_epoch_seconds(946845296), expected);
  for (const char* bad : {"", "2000", "2000-13-02T20:34:56Z", "2000-02-30T20:34:56Z", "2000-01-02T25:34:56Z",
                          "2000-01-02T20:34:56", "2000-01-02T20:34:56Zz", "9999-01-02T20:34:56Z"})
    EXPECT_EQ(parse_iso8601(bad), std::nullopt) << bad;
  EXPECT_EQ(parse_http_date("Sun, 02 Foo 2000 20:34:56 GMT"), std::nullopt);
  EXPECT_EQ(from_epoch_seconds(1e300), std::nullopt);
  EXPECT_EQ(from_epoch_seconds(NAN), std::nullopt);
}

TEST(Timestamps, AreWrittenWithMillisecondsOnlyWhereThereAreAny) {
  const auto time = TimePoint(std::chrono::seconds(946845296));
  EXPECT_EQ(iso8601_millis(time), "2000-01-02T20:34:56Z");
  EXPECT_EQ(iso8601_millis(time + std::chrono::milliseconds(123)), "2000-01-02T20:34:56.123Z");
  EXPECT_EQ(http_date(time), "Sun, 02 Jan 2000 20:34:56 GMT");
  EXPECT_EQ(epoch_text(time + std::chrono::milliseconds(7)), "946845296.007");
  EXPECT_EQ(epoch_text(TimePoint(std::chrono::milliseconds(-1500))), "-1.500");
}

TEST(Json, WhatIsWrittenIsUtf8) {
  const auto written = [](std::string_view text) {
    std::string out;
    write_json_string(text, out);
    return out;
  };
  EXPECT_EQ(written("\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80"), "\"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\"");
  for (const std::string_view broken : {"\xFF", "\x80", "\xC0", "\xC1", "\xF5"})
    EXPECT_EQ(written("a" + std::string(broken) + "b"),
              "\"a\xEF\xBF\xBD"
              "b\"");
  EXPECT_EQ(written("\xC3"), "\"\xEF\xBF\xBD\"");
  EXPECT_EQ(written("\xED\xA0\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");  // half of a pair
  EXPECT_EQ(written("\xE2\x82\""), "\"\xEF\xBF\xBD\xEF\xBF\xBD\\\"\"");
}

}  // namespace
}  // namespace likeness::aws
