#include <fmt/format.h>

#include <algorithm>

#include "aws/timestamps.hpp"
#include "services/s3/transfer.hpp"

namespace likeness::s3 {

namespace {

struct Target {
  objects::Bucket bucket;
  objects::Version version;
};

/// The version that a read is for. A delete marker answers as AWS does: as if there were nothing, but saying so.
template <class In>
Result<Target> target_of(State& state, const aws::RequestContext& context, const In& in) {
  auto bucket = bucket_of(state, in);
  if (!bucket) return fail(bucket);
  const auto version_id = non_empty(in.version_id);
  auto version = state.store.objects.find(*bucket, *in.key, version_id);
  if (!version) return absent(state, context, bucket->name, std::move(version.error()));
  if (version->is_delete_marker) {
    net::Headers headers{{"x-amz-delete-marker", "true"}, {"x-amz-version-id", version->version_id()}};
    if (!version_id)
      return aws::http_error(404, "NoSuchKey", "The specified key does not exist.", {{"Key", *in.key}}, headers);
    headers.add("Allow", "DELETE");
    return aws::http_error(
        405, "MethodNotAllowed", "The specified method is not allowed against this resource.",
        {{"Method", context.request != nullptr ? context.request->method : "GET"}, {"ResourceType", "DeleteMarker"}},
        headers);
  }
  return Target{.bucket = std::move(*bucket), .version = std::move(*version)};
}

template <class In>
Result<void> check(const In& in, const objects::Version& version) {
  const auto problem = unmet({.if_match = in.if_match,
                              .if_none_match = in.if_none_match,
                              .if_modified_since = in.if_modified_since,
                              .if_unmodified_since = in.if_unmodified_since},
                             version);
  if (!problem) return {};
  if (!problem->not_modified) return precondition_failed(problem->header);
  return aws::http_error(304, "NotModified", "Not Modified", {}, {{"ETag", in_quotes(version.etag)}});
}

std::optional<std::string> header(const objects::Metadata& metadata, const char* name) {
  const auto found = metadata.headers.find(name);
  return found == metadata.headers.end() ? std::nullopt : std::optional(found->second);
}

/// What GetObject and HeadObject say of a version.
template <class Out, class In>
void describe(const Target& target, const In& in, Out& out) {
  const auto& [bucket, version] = target;
  const auto& metadata = version.metadata;
  out.accept_ranges = "bytes";
  out.last_modified = version.modified;
  out.e_tag = in_quotes(version.etag);
  out.version_id = shown_version(bucket, version);
  out.content_type = in.response_content_type ? in.response_content_type : header(metadata, "content-type");
  if (!out.content_type) out.content_type = "binary/octet-stream";
  out.cache_control = in.response_cache_control ? in.response_cache_control : header(metadata, "cache-control");
  out.content_disposition =
      in.response_content_disposition ? in.response_content_disposition : header(metadata, "content-disposition");
  out.content_encoding =
      in.response_content_encoding ? in.response_content_encoding : header(metadata, "content-encoding");
  out.content_language =
      in.response_content_language ? in.response_content_language : header(metadata, "content-language");
  out.expires = in.response_expires ? aws::http_date(*in.response_expires) : header(metadata, "expires");
  out.website_redirect_location = header(metadata, "website-redirect-location");
  if (!metadata.user.empty()) out.metadata = metadata.user;
  set_encryption(out, metadata);
  if (metadata.storage_class != "STANDARD")
    out.storage_class = enumerator(metadata.storage_class, shapes::StorageClass::AwsBackupLowCostWarm);
  if (!metadata.tags.empty()) out.tag_count = static_cast<std::int32_t>(metadata.tags.size());
  if (metadata.retention) {
    out.object_lock_mode = metadata.retention->mode == objects::Retention::Mode::Compliance
                               ? shapes::ObjectLockMode::Compliance
                               : shapes::ObjectLockMode::Governance;
    out.object_lock_retain_until_date = metadata.retention->until;
  }
  if (metadata.legal_hold) out.object_lock_legal_hold_status = shapes::ObjectLockLegalHoldStatus::On;
}

Failure bad_range(const objects::Version& version, std::string_view asked) {
  return aws::http_error(416, "InvalidRange", "The requested range is not satisfiable",
                         {{"RangeRequested", std::string(asked)}, {"ActualObjectSize", std::to_string(version.size)}},
                         {{"Content-Range", fmt::format("bytes */{}", version.size)}});
}

Failure bad_part_number(int asked, int parts) {
  return aws::http_error(416, "InvalidPartNumber", "The requested partnumber is not satisfiable",
                         {{"PartNumberRequested", std::to_string(asked)}, {"ActualPartCount", std::to_string(parts)}});
}

/// The bytes asked for with Range or partNumber; nullopt: all of them.
template <class In, class Out>
Result<std::optional<ByteRange>> range_of(State& state, const objects::Version& version, const In& in, Out& out) {
  if (in.part_number) {
    if (in.range) return objects::bad_request("Cannot specify both Range header and partNumber query parameter");
    const int wanted = *in.part_number;
    if (wanted < 1 || wanted > objects::kMaxPartNumber)
      return objects::bad_argument("Part number must be an integer between 1 and 10000, inclusive");
    if (version.part_count == 0) {
      if (wanted == 1) return ByteRange{.first = 0, .length = version.size};
      return bad_part_number(wanted, 1);
    }
    auto pieces = state.store.objects.contents().pieces_of(version);
    if (!pieces) return fail(pieces);
    out.parts_count = version.part_count;
    std::uint64_t first = 0;
    for (const auto& piece : *pieces) {
      if (piece.part_number == wanted) return ByteRange{.first = first, .length = piece.size};
      first += piece.size;
    }
    return bad_part_number(wanted, version.part_count);
  }
  if (!in.range) return std::nullopt;
  auto range = parse_range(*in.range, version.size);
  if (!range) return bad_range(version, *in.range);
  return range;
}

template <class Out>
std::uint64_t set_length(const objects::Version& version, const std::optional<ByteRange>& range, Out& out) {
  const std::uint64_t length = range ? range->length : version.size;
  out.content_length = static_cast<std::int64_t>(length);
  if (range && length > 0)
    out.content_range = fmt::format("bytes {}-{}/{}", range->first, range->first + length - 1, version.size);
  return length;
}

Result<shapes::GetObjectOutput> get_object(State& state, const aws::RequestContext& context,
                                           const shapes::GetObjectRequest& in) {
  auto target = target_of(state, context, in);
  if (!target) return fail(target);
  const auto& version = target->version;
  if (auto met = check(in, version); !met) return fail(met);
  shapes::GetObjectOutput out;
  auto range = range_of(state, version, in, out);
  if (!range) return fail(range);
  describe(*target, in, out);
  const std::uint64_t length = set_length(version, *range, out);
  if (in.checksum_mode && (!*range || (*range)->length == version.size)) set_checksum(out, version.checksum);
  auto reader = state.store.objects.open(version, *range ? (*range)->first : 0, length);
  if (!reader) return fail(reader);
  out.body = stream_of(std::move(*reader), length);
  return out;
}

Result<shapes::HeadObjectOutput> head_object(State& state, const aws::RequestContext& context,
                                             const shapes::HeadObjectRequest& in) {
  auto target = target_of(state, context, in);
  if (!target) return fail(target);
  const auto& version = target->version;
  if (auto met = check(in, version); !met) return fail(met);
  shapes::HeadObjectOutput out;
  auto range = range_of(state, version, in, out);
  if (!range) return fail(range);
  describe(*target, in, out);
  set_length(version, *range, out);
  if (in.checksum_mode && !*range) set_checksum(out, version.checksum);
  return out;
}

Result<shapes::GetObjectAttributesOutput> get_attributes(State& state, const aws::RequestContext& context,
                                                         const shapes::GetObjectAttributesRequest& in) {
  auto target = target_of(state, context, in);
  if (!target) return fail(target);
  const auto& [bucket, version] = *target;
  shapes::GetObjectAttributesOutput out;
  out.last_modified = version.modified;
  out.version_id = shown_version(bucket, version);
  for (const auto wanted : in.object_attributes.value_or(std::vector<shapes::ObjectAttributes>())) {
    switch (wanted) {
      case shapes::ObjectAttributes::ETag: out.e_tag = version.etag; break;
      case shapes::ObjectAttributes::Checksum:
        if (auto checksum = version.checksum) {
          checksum->value.resize(
              std::min(checksum->value.size(), checksum->value.find('-')));  // no number of parts here
          set_checksum(out.checksum.emplace(), checksum);
        }
        break;
      case shapes::ObjectAttributes::StorageClass:
        out.storage_class = enumerator(version.metadata.storage_class, shapes::StorageClass::AwsBackupLowCostWarm);
        break;
      case shapes::ObjectAttributes::ObjectSize: out.object_size = static_cast<std::int64_t>(version.size); break;
      case shapes::ObjectAttributes::ObjectParts: {
        if (version.part_count == 0) break;
        auto& parts = out.object_parts.emplace();
        parts.total_parts_count = version.part_count;
        // The parts themselves are kept with a composite checksum only.
        if (!version.checksum || version.checksum->type != objects::Checksum::Type::Composite) break;
        auto pieces = state.store.objects.contents().pieces_of(version);
        if (!pieces) return fail(pieces);
        const int marker = in.part_number_marker.value_or(0);
        const auto limit = static_cast<std::size_t>(std::clamp(in.max_parts.value_or(1000), 0, 1000));
        parts.part_number_marker = marker;
        parts.max_parts = static_cast<std::int32_t>(limit);
        parts.is_truncated = false;
        auto& listed = parts.parts.emplace();
        for (const auto& piece : *pieces) {
          if (piece.part_number <= marker) continue;
          if (listed.size() == limit) {
            parts.is_truncated = true;
            break;
          }
          auto& part = listed.emplace_back();
          part.part_number = piece.part_number;
          part.size = static_cast<std::int64_t>(piece.size);
          set_checksum(part, version.checksum->algorithm, piece.checksum);
          parts.next_part_number_marker = piece.part_number;
        }
        break;
      }
    }
  }
  return out;
}

}  // namespace

void register_reads(aws::Service& service, State& state) {
  on<shapes::GetObject>(service, state, get_object, "SSE-C is not available.");
  on<shapes::HeadObject>(service, state, head_object);
  on<shapes::GetObjectAttributes>(service, state, get_attributes);
  needs<shapes::GetObject>(service, state, "s3:GetObject", "s3:GetObjectVersion");
  needs<shapes::HeadObject>(service, state, "s3:GetObject", "s3:GetObjectVersion");
  needs<shapes::GetObjectAttributes>(service, state, "s3:GetObjectAttributes", "s3:GetObjectVersionAttributes");
}

}  // namespace likeness::s3
