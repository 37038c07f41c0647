#include "aws/compatibility.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "aws/gen/rekognition.hpp"

namespace likeness::aws {
namespace {

using testing::HasSubstr;

TEST(Compatibility, TellsDoneDiffersAndAbsentOfEveryOperation) {
  Service service(rekognition::model());
  const auto never = [](const RequestContext&, const auto&) -> Result<rekognition::ListCollectionsResponse> {
    return client_error("x", "y");
  };
  service.on<rekognition::ListCollections>(never);
  service.on<rekognition::DetectFaces>(
      [](const RequestContext&, const auto&) -> Result<rekognition::DetectFacesResponse> {
        return client_error("x", "y");
      },
      "Without a | bar.");
  const auto page = compatibility_page({&service});
  EXPECT_THAT(
      page,
      HasSubstr(
          "## Amazon Rekognition\n\nModel of 2016-06-27, 75 operations: 1 done, 1 with a difference, 73 absent."));
  EXPECT_THAT(page, HasSubstr("| ListCollections | done |  |\n"));
  EXPECT_THAT(page, HasSubstr("| DetectFaces | differs | Without a \\| bar. |\n"));
  EXPECT_THAT(page, HasSubstr("| DetectLabels | absent |  |\n"));
}

}  // namespace
}  // namespace likeness::aws
