#include <utility>

#include "services/rekognition/convert.hpp"
#include "services/rekognition/defaults.hpp"
#include "services/rekognition/operations.hpp"

namespace likeness::rekognition {

namespace {

constexpr std::int32_t kOk = 200;

Result<shapes::CreateCollectionResponse> create(domain::Recognition& recognition, const aws::RequestContext& context,
                                                const shapes::CreateCollectionRequest& in) {
  const auto caller = caller_of(context);
  auto made = recognition.collections.create(caller, *in.collection_id, in.tags.value_or(domain::Tags()));
  if (!made) return fail(made);
  return shapes::CreateCollectionResponse{.status_code = kOk,
                                          .collection_arn = domain::short_collection_arn(caller, made->id),
                                          .face_model_version = std::move(made->face_model_version)};
}

Result<shapes::DescribeCollectionResponse> describe(domain::Recognition& recognition,
                                                    const aws::RequestContext& context,
                                                    const shapes::DescribeCollectionRequest& in) {
  auto found = recognition.collections.describe(caller_of(context), *in.collection_id);
  if (!found) return fail(found);
  return shapes::DescribeCollectionResponse{.face_count = static_cast<std::int64_t>(found->face_count),
                                            .face_model_version = std::move(found->collection.face_model_version),
                                            .collection_arn = std::move(found->arn),
                                            .creation_timestamp = found->collection.created,
                                            .user_count = static_cast<std::int64_t>(found->user_count)};
}

Result<shapes::ListCollectionsResponse> list(domain::Recognition& recognition, const aws::RequestContext& context,
                                             const shapes::ListCollectionsRequest& in) {
  auto listing = recognition.collections.list(caller_of(context), count_of(in.max_results, kPageSize), in.next_token);
  if (!listing) return fail(listing);
  shapes::ListCollectionsResponse out;
  auto& ids = out.collection_ids.emplace();
  auto& versions = out.face_model_versions.emplace();
  for (auto& item : listing->items) {
    ids.push_back(std::move(item.id));
    versions.push_back(std::move(item.face_model_version));
  }
  out.next_token = std::move(listing->next_token);
  return out;
}

Result<shapes::DeleteCollectionResponse> remove(domain::Recognition& recognition, const aws::RequestContext& context,
                                                const shapes::DeleteCollectionRequest& in) {
  if (auto removed = recognition.collections.remove(caller_of(context), *in.collection_id); !removed)
    return fail(removed);
  return shapes::DeleteCollectionResponse{.status_code = kOk};
}

Result<shapes::TagResourceResponse> tag(domain::Recognition& recognition, const aws::RequestContext& context,
                                        const shapes::TagResourceRequest& in) {
  if (auto done = recognition.collections.tag(caller_of(context), *in.resource_arn, *in.tags); !done) return fail(done);
  return shapes::TagResourceResponse{};
}

Result<shapes::UntagResourceResponse> untag(domain::Recognition& recognition, const aws::RequestContext& context,
                                            const shapes::UntagResourceRequest& in) {
  if (auto done = recognition.collections.untag(caller_of(context), *in.resource_arn, *in.tag_keys); !done)
    return fail(done);
  return shapes::UntagResourceResponse{};
}

Result<shapes::ListTagsForResourceResponse> list_tags(domain::Recognition& recognition,
                                                      const aws::RequestContext& context,
                                                      const shapes::ListTagsForResourceRequest& in) {
  auto tags = recognition.collections.tags_of(caller_of(context), *in.resource_arn);
  if (!tags) return fail(tags);
  return shapes::ListTagsForResourceResponse{.tags = std::move(*tags)};
}

}  // namespace

void register_collections(aws::Service& service, domain::Recognition& recognition) {
  const auto with = [&](auto function) {
    return [&recognition, function](const auto& context, const auto& in) { return function(recognition, context, in); };
  };
  const std::string only_collections =
      "Collections are the only resources that can be tagged: stream processors and models are not there yet.";
  service.on<shapes::CreateCollection>(with(create));
  service.on<shapes::DescribeCollection>(with(describe));
  service.on<shapes::ListCollections>(with(list));
  service.on<shapes::DeleteCollection>(with(remove));
  service.on<shapes::TagResource>(with(tag), only_collections);
  service.on<shapes::UntagResource>(with(untag), only_collections);
  service.on<shapes::ListTagsForResource>(with(list_tags), only_collections);
}

}  // namespace likeness::rekognition
