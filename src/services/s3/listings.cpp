#include <algorithm>

#include "base/bytes.hpp"
#include "domain/objects/listing.hpp"
#include "services/s3/access.hpp"

namespace likeness::s3 {

namespace {

constexpr int kMostKeys = 1000;

Result<std::size_t> limit_of(const std::optional<std::int32_t>& asked, const char* name) {
  if (asked && *asked < 0)
    return objects::bad_argument(std::string("Argument ") + name + " must be an integer between 0 and 2147483647");
  return static_cast<std::size_t>(std::min(asked.value_or(kMostKeys), kMostKeys));
}

/// Encodes keys where the request asks for it.
struct Encoder {
  bool url = false;
  std::string operator()(const std::string& text) const { return url ? url_encoded(text) : text; }
  std::optional<std::string> operator()(const std::optional<std::string>& text) const {
    return text ? std::optional((*this)(*text)) : std::nullopt;
  }
};
template <class In>
Encoder encoder_of(const In& in) {
  return {.url = in.encoding_type == shapes::EncodingType::Url};
}

std::vector<shapes::CommonPrefix> to_shapes(const std::vector<std::string>& prefixes, const Encoder& encode) {
  std::vector<shapes::CommonPrefix> out;
  out.reserve(prefixes.size());
  for (const auto& prefix : prefixes) out.push_back({.prefix = encode(prefix)});
  return out;
}

template <class Shape>
void describe_checksum(const objects::Version& version, Shape& shape) {
  if (!version.checksum) return;
  if (const auto algorithm =
          enumerator(objects::name_of(version.checksum->algorithm), shapes::ChecksumAlgorithm::Crc64nvme))
    shape.checksum_algorithm.emplace().push_back(*algorithm);
  shape.checksum_type = version.checksum->type == objects::Checksum::Type::FullObject ? shapes::ChecksumType::FullObject
                                                                                      : shapes::ChecksumType::Composite;
}

std::vector<shapes::Object_> to_shapes(const std::vector<objects::Version>& versions, const Encoder& encode,
                                       const std::optional<shapes::Owner>& owner) {
  std::vector<shapes::Object_> out;
  out.reserve(versions.size());
  for (const auto& version : versions) {
    auto& shape = out.emplace_back();
    shape.key = encode(version.key);
    shape.last_modified = version.modified;
    shape.e_tag = in_quotes(version.etag);
    shape.size = static_cast<std::int64_t>(version.size);
    shape.storage_class = enumerator(version.metadata.storage_class, shapes::ObjectStorageClass::AwsBackupLowCostWarm);
    shape.owner = owner;
    describe_checksum(version, shape);
  }
  return out;
}

Result<shapes::ListObjectsOutput> list_objects(State& state, const aws::RequestContext&,
                                               const shapes::ListObjectsRequest& in) {
  auto bucket = bucket_of(state, in);
  if (!bucket) return fail(bucket);
  auto limit = limit_of(in.max_keys, "max-keys");
  if (!limit) return fail(limit);
  auto list = objects::list_objects(state.store.store, *bucket,
                                    {.prefix = in.prefix.value_or(""),
                                     .delimiter = in.delimiter.value_or(""),
                                     .after = in.marker.value_or(""),
                                     .limit = *limit});
  if (!list) return fail(list);
  const Encoder encode = encoder_of(in);
  shapes::ListObjectsOutput out;
  out.name = bucket->name;
  out.prefix = encode(in.prefix.value_or(""));
  out.marker = encode(in.marker.value_or(""));
  out.max_keys = static_cast<std::int32_t>(*limit);
  out.delimiter = encode(non_empty(in.delimiter));
  out.encoding_type = in.encoding_type;
  out.is_truncated = list->truncated;
  if (list->truncated && non_empty(in.delimiter)) out.next_marker = encode(list->last);
  if (!list->objects.empty()) out.contents = to_shapes(list->objects, encode, owner_of(bucket->account));
  if (!list->common_prefixes.empty()) out.common_prefixes = to_shapes(list->common_prefixes, encode);
  return out;
}

Result<shapes::ListObjectsV2Output> list_objects_v2(State& state, const aws::RequestContext&,
                                                    const shapes::ListObjectsV2Request& in) {
  auto bucket = bucket_of(state, in);
  if (!bucket) return fail(bucket);
  auto limit = limit_of(in.max_keys, "max-keys");
  if (!limit) return fail(limit);
  std::string after = in.start_after.value_or("");
  if (in.continuation_token) {
    const auto bytes = from_base64(*in.continuation_token);
    if (!bytes || bytes->empty()) return objects::bad_argument("The continuation token provided is incorrect");
    after = as_text(*bytes);
  }
  auto list = objects::list_objects(
      state.store.store, *bucket,
      {.prefix = in.prefix.value_or(""), .delimiter = in.delimiter.value_or(""), .after = after, .limit = *limit});
  if (!list) return fail(list);
  const Encoder encode = encoder_of(in);
  shapes::ListObjectsV2Output out;
  out.name = bucket->name;
  out.prefix = encode(in.prefix.value_or(""));
  out.max_keys = static_cast<std::int32_t>(*limit);
  out.delimiter = encode(non_empty(in.delimiter));
  out.encoding_type = in.encoding_type;
  out.start_after = encode(in.start_after);
  out.continuation_token = in.continuation_token;
  out.is_truncated = list->truncated;
  out.key_count = static_cast<std::int32_t>(list->objects.size() + list->common_prefixes.size());
  if (list->truncated) out.next_continuation_token = to_base64(as_bytes(list->last));
  if (!list->objects.empty())
    out.contents = to_shapes(list->objects, encode,
                             in.fetch_owner.value_or(false) ? std::optional(owner_of(bucket->account)) : std::nullopt);
  if (!list->common_prefixes.empty()) out.common_prefixes = to_shapes(list->common_prefixes, encode);
  return out;
}

Result<shapes::ListObjectVersionsOutput> list_versions(State& state, const aws::RequestContext&,
                                                       const shapes::ListObjectVersionsRequest& in) {
  auto bucket = bucket_of(state, in);
  if (!bucket) return fail(bucket);
  auto limit = limit_of(in.max_keys, "max-keys");
  if (!limit) return fail(limit);
  if (in.version_id_marker && !non_empty(in.key_marker))
    return objects::bad_argument("A version-id marker cannot be specified without a key marker.");
  if (in.version_id_marker && in.version_id_marker->empty())
    return objects::bad_argument("A version-id marker cannot be empty.");
  auto list = objects::list_versions(state.store.store, *bucket,
                                     {.prefix = in.prefix.value_or(""),
                                      .delimiter = in.delimiter.value_or(""),
                                      .key_marker = in.key_marker.value_or(""),
                                      .version_marker = in.version_id_marker.value_or(""),
                                      .limit = *limit});
  if (!list) return fail(list);
  const Encoder encode = encoder_of(in);
  shapes::ListObjectVersionsOutput out;
  out.name = bucket->name;
  out.prefix = encode(in.prefix.value_or(""));
  out.key_marker = encode(in.key_marker.value_or(""));
  out.version_id_marker = in.version_id_marker.value_or("");
  out.max_keys = static_cast<std::int32_t>(*limit);
  out.delimiter = encode(non_empty(in.delimiter));
  out.encoding_type = in.encoding_type;
  out.is_truncated = list->truncated;
  if (list->truncated) {
    out.next_key_marker = encode(list->next_key);
    if (!list->next_version.empty()) out.next_version_id_marker = list->next_version;
  }
  const auto owner = owner_of(bucket->account);
  for (const auto& version : list->versions) {
    if (version.is_delete_marker) {
      if (!out.delete_markers) out.delete_markers.emplace();
      auto& shape = out.delete_markers->emplace_back();
      shape.owner = owner;
      shape.key = encode(version.key);
      shape.version_id = version.version_id();
      shape.is_latest = version.is_latest;
      shape.last_modified = version.modified;
      continue;
    }
    if (!out.versions) out.versions.emplace();
    auto& shape = out.versions->emplace_back();
    shape.owner = owner;
    shape.key = encode(version.key);
    shape.version_id = version.version_id();
    shape.is_latest = version.is_latest;
    shape.last_modified = version.modified;
    shape.e_tag = in_quotes(version.etag);
    shape.size = static_cast<std::int64_t>(version.size);
    shape.storage_class = shapes::ObjectVersionStorageClass::Standard;
    describe_checksum(version, shape);
  }
  if (!list->common_prefixes.empty()) out.common_prefixes = to_shapes(list->common_prefixes, encode);
  return out;
}

Result<shapes::ListMultipartUploadsOutput> list_uploads(State& state, const aws::RequestContext&,
                                                        const shapes::ListMultipartUploadsRequest& in) {
  auto bucket = bucket_of(state, in);
  if (!bucket) return fail(bucket);
  auto limit = limit_of(in.max_uploads, "max-uploads");
  if (!limit) return fail(limit);
  auto list = state.store.uploads.list(*bucket, {.prefix = in.prefix.value_or(""),
                                                 .delimiter = in.delimiter.value_or(""),
                                                 .key_marker = in.key_marker.value_or(""),
                                                 .upload_marker = in.upload_id_marker.value_or(""),
                                                 .limit = *limit});
  if (!list) return fail(list);
  const Encoder encode = encoder_of(in);
  shapes::ListMultipartUploadsOutput out;
  out.bucket = bucket->name;
  out.key_marker = encode(in.key_marker.value_or(""));
  out.upload_id_marker = in.upload_id_marker.value_or("");
  out.prefix = encode(in.prefix.value_or(""));
  out.delimiter = encode(non_empty(in.delimiter));
  out.max_uploads = static_cast<std::int32_t>(*limit);
  out.encoding_type = in.encoding_type;
  out.is_truncated = list->truncated;
  if (list->truncated) {
    out.next_key_marker = encode(list->next_key);
    out.next_upload_id_marker = list->next_upload;
  }
  for (const auto& upload : list->uploads) {
    if (!out.uploads) out.uploads.emplace();
    auto& shape = out.uploads->emplace_back();
    shape.upload_id = upload.id;
    shape.key = encode(upload.key);
    shape.initiated = upload.initiated;
    shape.storage_class = enumerator(upload.metadata.storage_class, shapes::StorageClass::AwsBackupLowCostWarm);
    shape.owner = owner_of(bucket->account);
    shape.initiator = shapes::Initiator{.id = canonical_id(bucket->account), .display_name = {}};
    if (upload.algorithm) {
      shape.checksum_algorithm = enumerator(objects::name_of(*upload.algorithm), shapes::ChecksumAlgorithm::Crc64nvme);
      shape.checksum_type = upload.checksum_type == objects::Checksum::Type::FullObject
                                ? shapes::ChecksumType::FullObject
                                : shapes::ChecksumType::Composite;
    }
  }
  if (!list->common_prefixes.empty()) out.common_prefixes = to_shapes(list->common_prefixes, encode);
  return out;
}

}  // namespace

void register_listings(aws::Service& service, State& state) {
  on<shapes::ListObjects>(service, state, list_objects);
  on<shapes::ListObjectsV2>(service, state, list_objects_v2);
  on<shapes::ListObjectVersions>(service, state, list_versions);
  on<shapes::ListMultipartUploads>(service, state, list_uploads);
  needs<shapes::ListObjects>(service, state, "s3:ListBucket");
  needs<shapes::ListObjectsV2>(service, state, "s3:ListBucket");
  needs<shapes::ListObjectVersions>(service, state, "s3:ListBucketVersions");
  needs<shapes::ListMultipartUploads>(service, state, "s3:ListBucketMultipartUploads");
}

}  // namespace likeness::s3
