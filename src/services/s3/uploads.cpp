#include <algorithm>

#include "services/s3/transfer.hpp"

namespace likeness::s3 {

namespace {

Result<shapes::CreateMultipartUploadOutput> create_upload(State& state, const aws::RequestContext& context,
                                                          const shapes::CreateMultipartUploadRequest& in) {
  auto bucket = bucket_of(state, in);
  if (!bucket) return fail(bucket);
  auto metadata = metadata_of(state, context, *bucket, in);
  if (!metadata) return fail(metadata);
  objects::NewUpload wanted{.key = *in.key, .metadata = std::move(*metadata), .algorithm = {}, .checksum_type = {}};
  if (in.checksum_algorithm) {
    wanted.algorithm = algorithm_of(*in.checksum_algorithm);
    if (!wanted.algorithm) return not_implemented("This checksum algorithm is not available");
  }
  if (in.checksum_type)
    wanted.checksum_type = *in.checksum_type == shapes::ChecksumType::FullObject ? objects::Checksum::Type::FullObject
                                                                                 : objects::Checksum::Type::Composite;
  auto upload = state.store.uploads.create(*bucket, wanted);
  if (!upload) return fail(upload);
  shapes::CreateMultipartUploadOutput out;
  out.bucket = bucket->name;
  out.key = upload->key;
  out.upload_id = upload->id;
  set_encryption(out, upload->metadata);
  if (upload->algorithm) {
    out.checksum_algorithm = to_shape(*upload->algorithm);
    out.checksum_type = to_shape(upload->checksum_type);
  }
  return out;
}

Result<shapes::UploadPartOutput> upload_part(State& state, const aws::RequestContext& context,
                                             const shapes::UploadPartRequest& in) {
  auto bucket = bucket_of(state, in);
  if (!bucket) return fail(bucket);
  auto expected = expected_of(context, in);
  if (!expected) return fail(expected);
  const auto algorithm = expected->expected.algorithm;
  auto part = state.store.uploads.put_part(*bucket, {.key = *in.key,
                                                     .upload_id = in.upload_id.value_or(""),
                                                     .number = in.part_number.value_or(0),
                                                     .source = source_of(in.body),
                                                     .expected = std::move(expected->expected),
                                                     .checksum_given = expected->checksum_given});
  if (!part) return fail(part);
  shapes::UploadPartOutput out;
  out.e_tag = in_quotes(part->etag);
  out.server_side_encryption = shapes::ServerSideEncryption::Aes256;
  if (expected->checksum_given) set_checksum(out, algorithm, part->checksum);
  return out;
}

Result<shapes::CompleteMultipartUploadOutput> complete_upload(State& state, const aws::RequestContext& context,
                                                              const shapes::CompleteMultipartUploadRequest& in) {
  auto bucket = bucket_of(state, in);
  if (!bucket) return fail(bucket);
  auto conditions = write_conditions(in);
  if (!conditions) return fail(conditions);
  objects::Completion completion;
  completion.key = *in.key;
  completion.upload_id = in.upload_id.value_or("");
  completion.conditions = std::move(*conditions);
  completion.origin = origin_of(context);
  if (in.mpu_object_size) completion.size = static_cast<std::uint64_t>(*in.mpu_object_size);
  if (in.checksum_type)
    completion.checksum_type = *in.checksum_type == shapes::ChecksumType::FullObject
                                   ? objects::Checksum::Type::FullObject
                                   : objects::Checksum::Type::Composite;
  auto whole = checksum_in(in);
  if (!whole) return fail(whole);
  if (whole->algorithm) completion.checksum = objects::Checksum{.algorithm = *whole->algorithm, .value = whole->value};
  if (in.multipart_upload && in.multipart_upload->parts) {
    completion.parts.reserve(in.multipart_upload->parts->size());
    for (const auto& named : *in.multipart_upload->parts) {
      if (!named.part_number || !named.e_tag) return malformed_xml();
      auto given = checksum_in(named);
      if (!given) return fail(given);
      completion.parts.push_back({.number = *named.part_number,
                                  .etag = unquoted(*named.e_tag),
                                  .algorithm = given->algorithm,
                                  .checksum = given->value});
    }
  }
  auto made = state.store.uploads.complete(*bucket, completion);
  if (!made) {
    if (made.error().code == "PreconditionFailed")
      return precondition_failed(in.if_none_match ? "If-None-Match" : "If-Match");
    return fail(made);
  }
  shapes::CompleteMultipartUploadOutput out;
  const auto host = context.request != nullptr ? context.request->headers.get("host") : std::string_view();
  out.location = std::string(context.request != nullptr && context.request->secure ? "https://" : "http://") +
                 std::string(host) + "/" + bucket->name + "/" + url_encoded(made->key);
  out.bucket = bucket->name;
  out.key = made->key;
  out.e_tag = in_quotes(made->etag);
  out.version_id = shown_version(*bucket, *made);
  set_checksum(out, made->checksum);
  set_encryption(out, made->metadata);
  return out;
}

Result<shapes::AbortMultipartUploadOutput> abort_upload(State& state, const aws::RequestContext&,
                                                        const shapes::AbortMultipartUploadRequest& in) {
  auto bucket = bucket_of(state, in);
  if (!bucket) return fail(bucket);
  auto done = state.store.uploads.abort(*bucket, *in.key, in.upload_id.value_or(""));
  if (!done) return fail(done);
  return shapes::AbortMultipartUploadOutput{};
}

Result<shapes::ListPartsOutput> list_parts(State& state, const aws::RequestContext&,
                                           const shapes::ListPartsRequest& in) {
  auto bucket = bucket_of(state, in);
  if (!bucket) return fail(bucket);
  const int marker = std::max(in.part_number_marker.value_or(0), 0);
  const int limit = std::clamp(in.max_parts.value_or(1000), 0, 1000);
  auto list = state.store.uploads.list_parts(*bucket, *in.key, in.upload_id.value_or(""), marker,
                                             static_cast<std::size_t>(limit));
  if (!list) return fail(list);
  shapes::ListPartsOutput out;
  out.bucket = bucket->name;
  out.key = *in.key;
  out.upload_id = list->upload.id;
  out.part_number_marker = marker;
  out.max_parts = limit;
  out.is_truncated = list->truncated;
  out.next_part_number_marker = list->parts.empty() ? 0 : list->parts.back().number;
  out.owner = owner_of(bucket->account);
  out.initiator = shapes::Initiator{.id = canonical_id(bucket->account), .display_name = {}};
  out.storage_class = enumerator(list->upload.metadata.storage_class, shapes::StorageClass::AwsBackupLowCostWarm);
  if (list->upload.algorithm) {
    out.checksum_algorithm = to_shape(*list->upload.algorithm);
    out.checksum_type = to_shape(list->upload.checksum_type);
  }
  if (!list->parts.empty()) {
    auto& parts = out.parts.emplace();
    parts.reserve(list->parts.size());
    for (const auto& part : list->parts) {
      auto& shape = parts.emplace_back();
      shape.part_number = part.number;
      shape.last_modified = part.modified;
      shape.e_tag = in_quotes(part.etag);
      shape.size = static_cast<std::int64_t>(part.size);
      if (list->upload.algorithm) set_checksum(shape, *list->upload.algorithm, part.checksum);
    }
  }
  return out;
}

}  // namespace

void register_uploads(aws::Service& service, State& state) {
  on<shapes::CreateMultipartUpload>(service, state, create_upload, "SSE-C is not available.");
  on<shapes::UploadPart>(service, state, upload_part);
  on<shapes::CompleteMultipartUpload>(service, state, complete_upload,
                                      "Can be repeated while its object is the current version.");
  on<shapes::AbortMultipartUpload>(service, state, abort_upload);
  on<shapes::ListParts>(service, state, list_parts);
  needs<shapes::CreateMultipartUpload>(service, state, "s3:PutObject");
  needs<shapes::UploadPart>(service, state, "s3:PutObject");
  needs<shapes::CompleteMultipartUpload>(service, state, "s3:PutObject");
  needs<shapes::AbortMultipartUpload>(service, state, "s3:AbortMultipartUpload");
  needs<shapes::ListParts>(service, state, "s3:ListMultipartUploadParts");
}

}  // namespace likeness::s3
