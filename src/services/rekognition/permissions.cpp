#include <fmt/format.h>

#include <string>
#include <vector>

#include "services/rekognition/convert.hpp"
#include "services/rekognition/operations.hpp"

namespace likeness::rekognition {
namespace {

/// AWS, Service Authorization Reference: these operations are about one collection.
template <class... Ops>
void about_a_collection(aws::Service& service) {
  (service.permissions<Ops>([](const aws::RequestContext& context, const typename Ops::Input& in) {
    policy::Permission permission;
    permission.action = "rekognition:" + std::string(Ops::kName);
    permission.resource = fmt::format("arn:aws:rekognition:{}:{}:collection/{}", context.region, context.account,
                                      in.collection_id.value_or(""));
    if constexpr (requires { in.tags; }) {
      if (in.tags)
        for (const auto& [key, value] : *in.tags) {
          permission.context["aws:RequestTag/" + key] = {value};
          permission.context["aws:TagKeys"].push_back(key);
        }
    }
    return std::vector{std::move(permission)};
  }),
   ...);
}

/// ... and these about what their ARN names.
template <class... Ops>
void about_an_arn(aws::Service& service) {
  (service.permissions<Ops>([](const aws::RequestContext&, const typename Ops::Input& in) {
    return std::vector{policy::Permission{.action = "rekognition:" + std::string(Ops::kName),
                                          .resource = in.resource_arn.value_or("")}};
  }),
   ...);
}

}  // namespace

/// The others (DetectFaces, CompareFaces, ListCollections ...) know no resources: the action on "*".
void register_permissions(aws::Service& service) {
  about_a_collection<shapes::CreateCollection, shapes::DeleteCollection, shapes::DescribeCollection, shapes::IndexFaces,
                     shapes::ListFaces, shapes::DeleteFaces, shapes::SearchFaces, shapes::SearchFacesByImage,
                     shapes::CreateUser, shapes::DeleteUser, shapes::ListUsers, shapes::AssociateFaces,
                     shapes::DisassociateFaces, shapes::SearchUsers, shapes::SearchUsersByImage>(service);
  about_an_arn<shapes::TagResource, shapes::UntagResource, shapes::ListTagsForResource>(service);
}

}  // namespace likeness::rekognition
