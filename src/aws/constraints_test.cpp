#include "aws/constraints.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <string>

#include "aws/gen/rekognition.hpp"

namespace likeness::aws {
namespace {

using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

template <class Op>
std::string message(const typename Op::Input& input) {
  std::vector<Violation> violations;
  check_constraints(*Op::operation().input, &input, violations);
  return violations.empty() ? "fine" : validation_message(violations);
}

using Tags = std::map<std::string, std::string>;

constexpr char kFaceId[] = "11111111-2222-3333-4444-555555555555";

TEST(Constraints, AcceptAGoodRequest) {
  rekognition::SearchFacesRequest in;
  in.collection_id = "people_1.a-b";
  in.face_id = kFaceId;
  in.max_faces = 4096;
  in.face_match_threshold = 100.0f;
  EXPECT_EQ(message<rekognition::SearchFaces>(in), "fine");
}

TEST(Constraints, NameAMissingMember) {
  rekognition::DescribeCollectionRequest in;
  EXPECT_EQ(message<rekognition::DescribeCollection>(in),
            "1 validation error detected: Value null at 'collectionId' failed to satisfy constraint: Member must not "
            "be null");
}

TEST(Constraints, NameALengthAndAPattern) {
  rekognition::DescribeCollectionRequest in;
  in.collection_id = "";
  EXPECT_EQ(
      message<rekognition::DescribeCollection>(in),
      "2 validation errors detected: Value '' at 'collectionId' failed to satisfy constraint: Member must have length "
      "greater than or equal to 1; Value '' at 'collectionId' failed to satisfy constraint: Member must satisfy "
      "regular expression pattern: [a-zA-Z0-9_.\\-]+");
  in.collection_id = "a b";
  EXPECT_EQ(
      message<rekognition::DescribeCollection>(in),
      "1 validation error detected: Value 'a b' at 'collectionId' failed to satisfy constraint: Member must satisfy "
      "regular expression pattern: [a-zA-Z0-9_.\\-]+");
  in.collection_id = std::string(256, 'a');
  EXPECT_THAT(message<rekognition::DescribeCollection>(in),
              testing::EndsWith("Member must have length less than or equal to 255"));
}

TEST(Constraints, NameARange) {
  rekognition::SearchFacesRequest in;
  in.collection_id = "a";
  in.face_id = kFaceId;
  in.max_faces = 5000;
  EXPECT_EQ(message<rekognition::SearchFaces>(in),
            "1 validation error detected: Value '5000' at 'maxFaces' failed to satisfy constraint: Member must have "
            "value less "
            "than or equal to 4096");
  in.max_faces = 0;
  EXPECT_EQ(message<rekognition::SearchFaces>(in),
            "1 validation error detected: Value '0' at 'maxFaces' failed to satisfy constraint: Member must have value "
            "greater "
            "than or equal to 1");
  in.max_faces = 1;
  in.face_match_threshold = 120.0f;
  EXPECT_EQ(message<rekognition::SearchFaces>(in),
            "1 validation error detected: Value '120.0' at 'faceMatchThreshold' failed to satisfy constraint: Member "
            "must have "
            "value less than or equal to 100");
  in.face_match_threshold = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(message<rekognition::SearchFaces>(in), StartsWith("2 validation errors"));
}

TEST(Constraints, ReachIntoStructuresAndShowBlobsAsAwsDoes) {
  // The first is as the service answered in public logs.
  rekognition::DetectTextRequest in;
  in.image.emplace().bytes.emplace();
  EXPECT_EQ(message<rekognition::DetectText>(in),
            "1 validation error detected: Value 'java.nio.HeapByteBuffer[pos=0 lim=0 cap=0]' at 'image.bytes' failed "
            "to satisfy "
            "constraint: Member must have length greater than or equal to 1");
  in.image->bytes->resize(5242881);
  EXPECT_EQ(message<rekognition::DetectText>(in),
            "1 validation error detected: Value 'java.nio.HeapByteBuffer[pos=0 lim=5242881 cap=5242881]' at "
            "'image.bytes' failed "
            "to satisfy constraint: Member must have length less than or equal to 5242880");
  in.image->bytes.reset();
  in.image->s3_object.emplace().bucket = "b";
  EXPECT_EQ(message<rekognition::DetectText>(in),
            "1 validation error detected: Value 'b' at 'image.s3Object.bucket' failed to satisfy constraint: Member "
            "must have "
            "length greater than or equal to 3");
}

TEST(Constraints, TellOnceWhatTheItemsOfAListHaveToSatisfy) {
  rekognition::DeleteFacesRequest in;
  in.collection_id = "a";
  in.face_ids = {kFaceId, "X", "Y"};
  EXPECT_EQ(message<rekognition::DeleteFaces>(in),
            "1 validation error detected: Value '[11111111-2222-3333-4444-555555555555, X, Y]' at 'faceIds' failed to "
            "satisfy "
            "constraint: Member must satisfy constraint: [Member must satisfy regular expression pattern: "
            "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}]");
  in.face_ids->clear();
  EXPECT_EQ(message<rekognition::DeleteFaces>(in),
            "1 validation error detected: Value '[]' at 'faceIds' failed to satisfy constraint: Member must have "
            "length greater "
            "than or equal to 1");
}

TEST(Constraints, CheckKeysAndValuesOfMaps) {
  rekognition::TagResourceRequest in;
  in.resource_arn = "arn:aws:rekognition:us-east-1:000000000000:collection/a";
  in.tags = Tags{{"team", "vision"}};
  EXPECT_EQ(message<rekognition::TagResource>(in), "fine");
  in.tags = Tags{{"aws:team", "vision"}};
  EXPECT_THAT(
      message<rekognition::TagResource>(in),
      StartsWith(
          "1 validation error detected: Value '{aws:team=vision}' at 'tags' failed to satisfy constraint: Map keys "
          "must satisfy constraint: [Member must have length less than or equal to 128"));
  in.tags = Tags{{"team", std::string(300, 'x')}};
  EXPECT_THAT(message<rekognition::TagResource>(in), testing::HasSubstr("Map value must satisfy constraint: ["));
}

TEST(Constraints, CountCharactersAndNotBytes) {
  rekognition::TagResourceRequest in;
  in.resource_arn = "arn:aws:rekognition:us-east-1:000000000000:collection/a";
  std::string umlauts;
  for (int i = 0; i < 128; ++i) umlauts += "\u00e4";
  in.tags = Tags{{umlauts, "1"}};
  EXPECT_EQ(message<rekognition::TagResource>(in), "fine");
}

TEST(Constraints, CutLongValuesBetweenCharacters) {
  std::string umlauts = "x";
  for (int i = 0; i < 1000; ++i) umlauts += "\u00e4";
  const auto shown = shown_value(umlauts);
  EXPECT_LT(shown.size(), 520u);
  EXPECT_THAT(shown, testing::EndsWith("\u00e4...'"));
}

TEST(Constraints, StopCountingAtTen) {
  rekognition::DetectLabelsRequest in;
  auto& general = in.settings.emplace().general_labels.emplace();
  general.label_inclusion_filters.emplace(200, std::string(60, 'x'));
  rekognition::CompareFacesRequest empty;
  std::vector<Violation> violations(10, Violation{"x", "'y'", "z"});
  check_constraints(*rekognition::CompareFaces::operation().input, &empty, violations);
  EXPECT_THAT(violations, SizeIs(10));
}

TEST(Constraints, EveryPatternOfTheModelIsOneThatRe2Takes) {
  EXPECT_THAT(unusable_patterns(rekognition::model()), IsEmpty());
}

}  // namespace
}  // namespace likeness::aws
