#pragma once

#include <optional>
#include <string>

#include "services/s3/access.hpp"
#include "services/s3/common.hpp"
#include "services/s3/conditions.hpp"

/// Between the headers of uploads and downloads and what the object store keeps.
namespace likeness::s3 {

/// The checksum that a request gives; nullopt for none. Errors: InvalidRequest (several, or one that is no base64 of
/// its length), NotImplemented (a kind that we do not compute).
struct GivenChecksum {
  std::optional<objects::Checksum::Algorithm> algorithm;
  std::string value;  // empty: in a trailer, or only asked for
};
Result<GivenChecksum> one_checksum(
    std::initializer_list<std::pair<objects::Checksum::Algorithm, std::optional<std::string>>>);

template <class In>
Result<GivenChecksum> checksum_in(const In& in) {
  if (in.checksum_sha512 || in.checksum_md5 || in.checksum_xxhash64 || in.checksum_xxhash3 || in.checksum_xxhash128)
    return not_implemented("Checksums other than CRC32, CRC32C, CRC64NVME, SHA1 and SHA256 are not available");
  using enum objects::Checksum::Algorithm;
  return one_checksum({{Crc32, in.checksum_crc32},
                       {Crc32c, in.checksum_crc32_c},
                       {Crc64Nvme, in.checksum_crc64_nvme},
                       {Sha1, in.checksum_sha1},
                       {Sha256, in.checksum_sha256}});
}

/// Sets the member of the checksum's algorithm.
template <class Out>
void set_checksum(Out& out, objects::Checksum::Algorithm algorithm, const std::string& value) {
  using enum objects::Checksum::Algorithm;
  switch (algorithm) {
    case Crc32: out.checksum_crc32 = value; break;
    case Crc32c: out.checksum_crc32_c = value; break;
    case Crc64Nvme: out.checksum_crc64_nvme = value; break;
    case Sha1: out.checksum_sha1 = value; break;
    case Sha256: out.checksum_sha256 = value; break;
  }
}
inline shapes::ChecksumType to_shape(objects::Checksum::Type type) {
  return type == objects::Checksum::Type::FullObject ? shapes::ChecksumType::FullObject
                                                     : shapes::ChecksumType::Composite;
}
template <class Out>
void set_checksum(Out& out, const std::optional<objects::Checksum>& checksum) {
  if (!checksum) return;
  set_checksum(out, checksum->algorithm, checksum->value);
  if constexpr (requires { out.checksum_type; }) out.checksum_type = to_shape(checksum->type);
}

std::optional<objects::Checksum::Algorithm> algorithm_of(shapes::ChecksumAlgorithm algorithm);
std::optional<shapes::ChecksumAlgorithm> to_shape(objects::Checksum::Algorithm algorithm);

/// What the bytes of an upload have to be: length, Content-MD5, checksum in a header or a trailer. Errors:
/// InvalidDigest, InvalidRequest, NotImplemented.
struct ExpectedBytes {
  objects::Expected expected;
  bool checksum_given = false;
};
ExpectedBytes with_trailer(const aws::RequestContext& context, objects::Expected expected, bool given);
Result<Bytes> parse_md5(const std::string& header);

template <class In>
Result<ExpectedBytes> expected_of(const aws::RequestContext& context, const In& in) {
  objects::Expected expected;
  if (in.body && in.body->length) expected.size = in.body->length;
  if (in.content_md5) {
    auto digest = parse_md5(*in.content_md5);
    if (!digest) return fail(digest);
    expected.md5 = std::move(*digest);
  }
  auto given = checksum_in(in);
  if (!given) return fail(given);
  if (given->algorithm) {
    expected.algorithm = *given->algorithm;
    expected.checksum = given->value;
  } else if (in.checksum_algorithm) {
    const auto algorithm = algorithm_of(*in.checksum_algorithm);
    if (!algorithm) return not_implemented("This checksum algorithm is not available");
    expected.algorithm = *algorithm;
    return with_trailer(context, std::move(expected), true);
  }
  return with_trailer(context, std::move(expected), given->algorithm.has_value());
}

objects::Source source_of(const std::optional<aws::Stream>& body);
/// An object's bytes as the answer's body.
aws::Stream stream_of(std::unique_ptr<objects::ContentReader> reader, std::uint64_t length);

/// Metadata of a write. Errors: InvalidArgument, InvalidTag, MetadataTooLarge, NotImplemented, those of the ACL.
Result<void> check_user_metadata(const std::map<std::string, std::string>& user);
Result<void> take_lock(const objects::Bucket& bucket, TimePoint now, std::optional<objects::Retention::Mode> mode,
                       const std::optional<TimePoint>& until, bool legal_hold, objects::Metadata& metadata);
std::string lower_case(std::string text);
std::string without_aws_chunked(std::string_view encoding);

template <class In>
void content_headers(const In& in, objects::Metadata& metadata) {
  const auto keep = [&](const char* name, const std::optional<std::string>& value) {
    if (value && !value->empty()) metadata.headers[name] = *value;
  };
  keep("content-type", in.content_type);
  keep("cache-control", in.cache_control);
  keep("content-disposition", in.content_disposition);
  keep("content-language", in.content_language);
  keep("expires", in.expires);
  if (in.content_encoding) keep("content-encoding", without_aws_chunked(*in.content_encoding));
  if (in.metadata)
    for (const auto& [name, value] : *in.metadata) metadata.user[lower_case(name)] = value;
}

template <class In>
Result<objects::Metadata> metadata_of(State& state, const aws::RequestContext& context, const objects::Bucket& bucket,
                                      const In& in, bool with_content = true) {
  if (in.sse_customer_algorithm || in.sse_customer_key)
    return not_implemented("Server-side encryption with keys of the customer (SSE-C) is not available");
  objects::Metadata metadata;
  if (with_content) content_headers(in, metadata);
  if (auto checked = check_user_metadata(metadata.user); !checked) return fail(checked);
  if (in.website_redirect_location) metadata.headers["website-redirect-location"] = *in.website_redirect_location;
  if (in.server_side_encryption) {
    metadata.headers["server-side-encryption"] = shapes::to_text(*in.server_side_encryption);
    if (in.ssekms_key_id) metadata.headers["kms-key-id"] = *in.ssekms_key_id;
  }
  if (in.storage_class) metadata.storage_class = shapes::to_text(*in.storage_class);
  if (in.tagging) {
    auto tags = parse_tagging(*in.tagging);
    if (!tags) return fail(tags);
    metadata.tags = std::move(*tags);
    if (!metadata.tags.empty())
      if (auto may = context.allowed(permission(state, context, "s3:PutObjectTagging", *in.bucket, *in.key)); !may)
        return fail(may);
  }
  auto acl = acl_of(bucket, acl_headers(in));
  if (!acl) return fail(acl);
  metadata.acl = std::move(*acl);
  std::optional<objects::Retention::Mode> mode;
  if (in.object_lock_mode)
    mode = *in.object_lock_mode == shapes::ObjectLockMode::Compliance ? objects::Retention::Mode::Compliance
                                                                      : objects::Retention::Mode::Governance;
  if (auto locked = take_lock(bucket, context.time, mode, in.object_lock_retain_until_date,
                              in.object_lock_legal_hold_status == shapes::ObjectLockLegalHoldStatus::On, metadata);
      !locked)
    return fail(locked);
  return metadata;
}

/// The server-side encryption that answers name.
template <class Out>
void set_encryption(Out& out, const objects::Metadata& metadata) {
  const auto found = metadata.headers.find("server-side-encryption");
  out.server_side_encryption = found == metadata.headers.end()
                                   ? shapes::ServerSideEncryption::Aes256
                                   : enumerator(found->second, shapes::ServerSideEncryption::AwsKmsDsse);
  if constexpr (requires { out.ssekms_key_id; })
    if (const auto key = metadata.headers.find("kms-key-id"); key != metadata.headers.end())
      out.ssekms_key_id = key->second;
}

/// The id that answers give of a version; nullopt where the bucket never had versions.
inline std::optional<std::string> shown_version(const objects::Bucket& bucket, const objects::Version& version) {
  if (bucket.versioning == objects::Versioning::Off && version.is_null) return std::nullopt;
  return version.version_id();
}

/// Conditions of a write. Error: NotImplemented (If-None-Match other than *).
template <class In>
Result<objects::WriteConditions> write_conditions(const In& in) {
  objects::WriteConditions conditions;
  if (in.if_match) conditions.if_match = unquoted(*in.if_match);
  if (in.if_none_match) {
    if (*in.if_none_match != "*")
      return not_implemented("A header you provided implies functionality that is not implemented");
    conditions.if_none_match = true;
  }
  return conditions;
}

Failure precondition_failed(std::string_view header);

}  // namespace likeness::s3
