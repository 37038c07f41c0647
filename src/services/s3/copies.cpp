#include <fmt/format.h>

#include <memory>

#include "services/s3/transfer.hpp"

namespace likeness::s3 {

namespace {

struct Source {
  objects::Bucket bucket;
  objects::Version version;
  bool by_version = false;  // the request names it
};

/// The source of a copy, read with the caller's rights.
template <class In>
Result<Source> copy_source(State& state, const aws::RequestContext& context, const In& in) {
  auto named = parse_copy_source(in.copy_source.value_or(""));
  if (!named) return fail(named);
  if (auto may = context.allowed(permission(state, context, named->version_id ? "s3:GetObjectVersion" : "s3:GetObject",
                                            named->bucket, named->key, named->version_id));
      !may)
    return fail(may);
  auto bucket = state.store.buckets.get(named->bucket);
  if (!bucket) return Failure(finish(std::move(bucket.error()), named->bucket, {}));
  if (in.expected_source_bucket_owner && *in.expected_source_bucket_owner != bucket->account)
    return objects::access_denied();
  auto version = state.store.objects.find(*bucket, named->key, named->version_id);
  if (!version)
    return Failure(finish(std::move(absent(state, context, bucket->name, std::move(version.error())).value()),
                          named->bucket, named->key));
  if (version->is_delete_marker) {
    if (named->version_id)
      return objects::bad_request(
          "The source of a copy request may not specifically refer to a delete marker by version id.");
    return Failure(finish(std::move(objects::no_such_key().value()), named->bucket, named->key));
  }
  const auto problem = unmet({.if_match = in.copy_source_if_match,
                              .if_none_match = in.copy_source_if_none_match,
                              .if_modified_since = in.copy_source_if_modified_since,
                              .if_unmodified_since = in.copy_source_if_unmodified_since},
                             *version);
  if (problem) return precondition_failed("x-amz-copy-source-" + problem->header);
  return Source{
      .bucket = std::move(*bucket), .version = std::move(*version), .by_version = named->version_id.has_value()};
}

objects::Source bytes_of(std::unique_ptr<objects::ContentReader> reader) {
  return [shared = std::shared_ptr<objects::ContentReader>(std::move(reader))](std::span<std::uint8_t> into) {
    return shared->read(into);
  };
}

Result<shapes::CopyObjectOutput> copy_object(State& state, const aws::RequestContext& context,
                                             const shapes::CopyObjectRequest& in) {
  auto bucket = bucket_of(state, in);
  if (!bucket) return fail(bucket);
  auto source = copy_source(state, context, in);
  if (!source) return fail(source);
  const auto& from = source->version;
  if (from.size > objects::kMaxSinglePut)
    return objects::bad_request(
        fmt::format("The specified copy source is larger than the maximum allowable size for a copy source: {}",
                    objects::kMaxSinglePut));
  const bool replace = in.metadata_directive == shapes::MetadataDirective::Replace;
  const bool retag = in.tagging_directive == shapes::TaggingDirective::Replace;
  const bool onto_itself = source->bucket.id == bucket->id && from.key == *in.key;
  if (onto_itself && !source->by_version && !replace && !in.storage_class && !in.website_redirect_location &&
      !in.server_side_encryption && !in.acl)
    return objects::bad_request(
        "This copy request is illegal because it is trying to copy an object to itself without changing the object's "
        "metadata, storage class, website redirect location or encryption attributes.");
  auto conditions = write_conditions(in);
  if (!conditions) return fail(conditions);
  auto metadata = metadata_of(state, context, *bucket, in, replace);
  if (!metadata) return fail(metadata);
  if (!replace) {
    for (const char* name :
         {"content-type", "cache-control", "content-disposition", "content-language", "content-encoding", "expires"})
      if (const auto found = from.metadata.headers.find(name); found != from.metadata.headers.end())
        metadata->headers.insert(*found);
    metadata->user = from.metadata.user;
  }
  if (!retag) metadata->tags = from.metadata.tags;
  auto reader = state.store.objects.open(from, 0, from.size);
  if (!reader) return fail(reader);
  objects::Expected expected;
  expected.size = from.size;
  if (in.checksum_algorithm) {
    const auto algorithm = algorithm_of(*in.checksum_algorithm);
    if (!algorithm) return not_implemented("This checksum algorithm is not available");
    expected.algorithm = *algorithm;
  } else if (from.checksum && from.checksum->type == objects::Checksum::Type::FullObject) {
    expected.algorithm = from.checksum->algorithm;
  }
  auto made = state.store.objects.put(*bucket, {.key = *in.key,
                                                .metadata = std::move(*metadata),
                                                .source = bytes_of(std::move(*reader)),
                                                .expected = std::move(expected),
                                                .conditions = std::move(*conditions),
                                                .origin = origin_of(context),
                                                .kind = "ObjectCreated:Copy"});
  if (!made) return fail(made);
  shapes::CopyObjectOutput out;
  out.version_id = shown_version(*bucket, *made);
  out.copy_source_version_id = shown_version(source->bucket, from);
  set_encryption(out, made->metadata);
  auto& result = out.copy_object_result.emplace();
  result.e_tag = in_quotes(made->etag);
  result.last_modified = made->modified;
  set_checksum(result, made->checksum);
  return out;
}

Result<shapes::UploadPartCopyOutput> upload_part_copy(State& state, const aws::RequestContext& context,
                                                      const shapes::UploadPartCopyRequest& in) {
  auto bucket = bucket_of(state, in);
  if (!bucket) return fail(bucket);
  auto upload = state.store.uploads.get(*bucket, *in.key, in.upload_id.value_or(""));
  if (!upload) return fail(upload);
  auto source = copy_source(state, context, in);
  if (!source) return fail(source);
  ByteRange range{.first = 0, .length = source->version.size};
  if (in.copy_source_range) {
    auto parsed = parse_copy_range(*in.copy_source_range, source->version.size);
    if (!parsed) return fail(parsed);
    range = *parsed;
  }
  auto reader = state.store.objects.open(source->version, range.first, range.length);
  if (!reader) return fail(reader);
  objects::Expected expected;
  expected.size = range.length;
  auto part = state.store.uploads.put_part(*bucket, {.key = *in.key,
                                                     .upload_id = *in.upload_id,
                                                     .number = in.part_number.value_or(0),
                                                     .source = bytes_of(std::move(*reader)),
                                                     .expected = std::move(expected)});
  if (!part) return fail(part);
  shapes::UploadPartCopyOutput out;
  out.copy_source_version_id = shown_version(source->bucket, source->version);
  set_encryption(out, upload->metadata);
  auto& result = out.copy_part_result.emplace();
  result.e_tag = in_quotes(part->etag);
  result.last_modified = part->modified;
  if (upload->algorithm) set_checksum(result, *upload->algorithm, part->checksum);
  return out;
}

}  // namespace

void register_copies(aws::Service& service, State& state) {
  on<shapes::CopyObject>(service, state, copy_object, "The bytes are copied, whatever the size; no access points.");
  on<shapes::UploadPartCopy>(service, state, upload_part_copy);
  needs<shapes::CopyObject>(service, state, "s3:PutObject");
  needs<shapes::UploadPartCopy>(service, state, "s3:PutObject");
}

}  // namespace likeness::s3
