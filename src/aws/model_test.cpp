#include "aws/model.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "aws/gen/rekognition.hpp"
#include "aws/service.hpp"

namespace likeness::aws {
namespace {

TEST(Model, KnowsEveryOperationOfRekognition) {
  const auto& model = rekognition::model();
  EXPECT_EQ(model.operations.size(), 75u);
  ASSERT_NE(model.find_operation("DetectFaces"), nullptr);
  EXPECT_EQ(model.find_operation("DetectFaces"), &rekognition::DetectFaces::operation());
  EXPECT_EQ(model.find_operation("DetectCats"), nullptr);
  for (const auto& operation : model.operations) EXPECT_EQ(model.find_operation(operation.name), &operation);
}

TEST(Model, ReachesMembersThroughTheTable) {
  rekognition::IndexFacesRequest request;
  const Shape& shape = *rekognition::IndexFaces::operation().input;
  const Member* id = shape.find_member("CollectionId");
  ASSERT_NE(id, nullptr);
  EXPECT_TRUE(id->required);
  EXPECT_EQ(id->find(&request), nullptr);

  *static_cast<std::string*>(id->ops->emplace(id->slot(&request))) = "people";
  EXPECT_EQ(request.collection_id, "people");

  const Member* attributes = shape.find_member("DetectionAttributes");
  void* list = attributes->ops->emplace(attributes->slot(&request));
  const auto all = static_cast<std::uint16_t>(rekognition::Attribute::All);
  std::memcpy(attributes->shape->list->append(list), &all, sizeof all);
  EXPECT_EQ(request.detection_attributes->at(0), rekognition::Attribute::All);
  EXPECT_EQ(rekognition::to_text(rekognition::Attribute::All), "ALL");
}

TEST(Service, CallsTheProviderOfAnOperationAndKnowsTheOthersAsMissing) {
  Service service(rekognition::model());
  service.on<rekognition::DescribeCollection>(
      [](const RequestContext& context,
         const rekognition::DescribeCollectionRequest& in) -> Result<rekognition::DescribeCollectionResponse> {
        if (in.collection_id != "people") return client_error("ResourceNotFoundException", "no");
        rekognition::DescribeCollectionResponse out;
        out.collection_arn = context.region + "/people";
        return out;
      },
      "always empty");
  EXPECT_EQ(service.handler(rekognition::DetectFaces::operation()), nullptr);
  const auto* handler = service.handler(rekognition::DescribeCollection::operation());
  ASSERT_NE(handler, nullptr);
  EXPECT_EQ(service.difference(rekognition::DescribeCollection::operation()), "always empty");

  RequestContext context;
  context.region = "eu-west-1";
  rekognition::DescribeCollectionRequest request;
  EXPECT_EQ((*handler)(context, &request).error().code, "ResourceNotFoundException");
  request.collection_id = "people";
  const auto answer = (*handler)(context, &request);
  ASSERT_TRUE(answer);
  EXPECT_EQ(static_cast<const rekognition::DescribeCollectionResponse*>(answer->get())->collection_arn,
            "eu-west-1/people");
}

}  // namespace
}  // namespace likeness::aws
