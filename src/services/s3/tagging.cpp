#include "services/s3/transfer.hpp"

namespace likeness::s3 {

namespace {

constexpr std::size_t kMostOfObject = 10;
constexpr std::size_t kMostOfBucket = 50;

Result<shapes::PutObjectTaggingOutput> put_object_tags(State& state, const aws::RequestContext& context,
                                                       const shapes::PutObjectTaggingRequest& in) {
  auto bucket = bucket_of(state, in);
  if (!bucket) return fail(bucket);
  if (!in.tagging) return malformed_xml();
  auto tags = tags_of(in.tagging->tag_set.value_or(std::vector<shapes::Tag>()), kMostOfObject);
  if (!tags) return fail(tags);
  auto done = state.store.objects.modify(
      *bucket, *in.key, non_empty(in.version_id),
      [&](objects::Metadata& metadata) -> Result<void> {
        metadata.tags = *tags;
        return {};
      },
      "ObjectTagging:Put", origin_of(context));
  if (!done) return fail(done);
  return shapes::PutObjectTaggingOutput{.version_id = shown_version(*bucket, *done)};
}

Result<shapes::GetObjectTaggingOutput> get_object_tags(State& state, const aws::RequestContext& context,
                                                       const shapes::GetObjectTaggingRequest& in) {
  auto bucket = bucket_of(state, in);
  if (!bucket) return fail(bucket);
  auto version = state.store.objects.find(*bucket, *in.key, non_empty(in.version_id));
  if (!version) return absent(state, context, bucket->name, std::move(version.error()));
  if (version->is_delete_marker) return objects::method_not_allowed();
  shapes::GetObjectTaggingOutput out;
  out.version_id = shown_version(*bucket, *version);
  out.tag_set = to_shapes(version->metadata.tags);
  return out;
}

Result<shapes::DeleteObjectTaggingOutput> delete_object_tags(State& state, const aws::RequestContext& context,
                                                             const shapes::DeleteObjectTaggingRequest& in) {
  auto bucket = bucket_of(state, in);
  if (!bucket) return fail(bucket);
  auto done = state.store.objects.modify(
      *bucket, *in.key, non_empty(in.version_id),
      [](objects::Metadata& metadata) -> Result<void> {
        metadata.tags.clear();
        return {};
      },
      "ObjectTagging:Delete", origin_of(context));
  if (!done) return fail(done);
  return shapes::DeleteObjectTaggingOutput{.version_id = shown_version(*bucket, *done)};
}

Result<aws::Empty> put_bucket_tags(State& state, const aws::RequestContext&,
                                   const shapes::PutBucketTaggingRequest& in) {
  if (auto bucket = bucket_of(state, in); !bucket) return fail(bucket);
  if (!in.tagging) return malformed_xml();
  auto tags = tags_of(in.tagging->tag_set.value_or(std::vector<shapes::Tag>()), kMostOfBucket);
  if (!tags) return fail(tags);
  auto done = state.store.buckets.update(*in.bucket, [&](objects::Bucket& bucket) -> Result<void> {
    bucket.configurations[configuration::kTagging] =
        write_configuration(shape_of_member(*shapes::PutBucketTagging::operation().input, "Tagging"), &*in.tagging);
    return {};
  });
  if (!done) return fail(done);
  return aws::Empty{};
}

Result<shapes::GetBucketTaggingOutput> get_bucket_tags(State& state, const aws::RequestContext&,
                                                       const shapes::GetBucketTaggingRequest& in) {
  auto bucket = bucket_of(state, in);
  if (!bucket) return fail(bucket);
  auto tagging = configured<shapes::PutBucketTagging, shapes::Tagging>(*bucket, configuration::kTagging, "Tagging");
  if (!tagging || !tagging->tag_set || tagging->tag_set->empty())
    return client_error("NoSuchTagSet", "The TagSet does not exist");
  return shapes::GetBucketTaggingOutput{.tag_set = std::move(tagging->tag_set)};
}

Result<aws::Empty> delete_bucket_tags(State& state, const aws::RequestContext&,
                                      const shapes::DeleteBucketTaggingRequest& in) {
  if (auto bucket = bucket_of(state, in); !bucket) return fail(bucket);
  auto done = state.store.buckets.update(*in.bucket, [](objects::Bucket& bucket) -> Result<void> {
    bucket.configurations.erase(configuration::kTagging);
    return {};
  });
  if (!done) return fail(done);
  return aws::Empty{};
}

}  // namespace

void register_tagging(aws::Service& service, State& state) {
  on<shapes::PutObjectTagging>(service, state, put_object_tags);
  on<shapes::GetObjectTagging>(service, state, get_object_tags);
  on<shapes::DeleteObjectTagging>(service, state, delete_object_tags);
  on<shapes::PutBucketTagging>(service, state, put_bucket_tags);
  on<shapes::GetBucketTagging>(service, state, get_bucket_tags);
  on<shapes::DeleteBucketTagging>(service, state, delete_bucket_tags);
  needs<shapes::PutObjectTagging>(service, state, "s3:PutObjectTagging", "s3:PutObjectVersionTagging");
  needs<shapes::GetObjectTagging>(service, state, "s3:GetObjectTagging", "s3:GetObjectVersionTagging");
  needs<shapes::DeleteObjectTagging>(service, state, "s3:DeleteObjectTagging", "s3:DeleteObjectVersionTagging");
  needs<shapes::PutBucketTagging>(service, state, "s3:PutBucketTagging");
  needs<shapes::GetBucketTagging>(service, state, "s3:GetBucketTagging");
  needs<shapes::DeleteBucketTagging>(service, state, "s3:PutBucketTagging");
}

}  // namespace likeness::s3
