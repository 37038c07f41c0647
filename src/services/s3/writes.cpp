#include <algorithm>

#include "services/s3/transfer.hpp"

namespace likeness::s3 {

namespace {

constexpr std::size_t kMaxDeletes = 1000;

Result<shapes::PutObjectOutput> put_object(State& state, const aws::RequestContext& context,
                                           const shapes::PutObjectRequest& in) {
  auto bucket = bucket_of(state, in);
  if (!bucket) return fail(bucket);
  if (in.write_offset_bytes)
    return not_implemented("Appending to objects is for directory buckets, which are not available");
  auto conditions = write_conditions(in);
  if (!conditions) return fail(conditions);
  auto metadata = metadata_of(state, context, *bucket, in);
  if (!metadata) return fail(metadata);
  auto expected = expected_of(context, in);
  if (!expected) return fail(expected);
  auto made = state.store.objects.put(*bucket, {.key = *in.key,
                                                .metadata = std::move(*metadata),
                                                .source = source_of(in.body),
                                                .expected = std::move(expected->expected),
                                                .conditions = std::move(*conditions),
                                                .origin = origin_of(context)});
  if (!made) {
    if (made.error().code == "PreconditionFailed")
      return precondition_failed(in.if_none_match ? "If-None-Match" : "If-Match");
    return fail(made);
  }
  shapes::PutObjectOutput out;
  out.e_tag = in_quotes(made->etag);
  out.version_id = shown_version(*bucket, *made);
  set_checksum(out, made->checksum);
  set_encryption(out, made->metadata);
  return out;
}

/// Whether the caller asks to go past governance locks. Error: AccessDenied.
Result<bool> bypasses(State& state, const aws::RequestContext& context, const std::optional<bool>& asked,
                      const std::string& bucket, const std::string& key) {
  if (!asked.value_or(false)) return false;
  auto may = context.allowed(permission(state, context, "s3:BypassGovernanceRetention", bucket, key));
  if (!may) return fail(may);
  return true;
}

Result<shapes::DeleteObjectOutput> delete_object(State& state, const aws::RequestContext& context,
                                                 const shapes::DeleteObjectRequest& in) {
  auto bucket = bucket_of(state, in);
  if (!bucket) return fail(bucket);
  auto bypass = bypasses(state, context, in.bypass_governance_retention, *in.bucket, *in.key);
  if (!bypass) return fail(bypass);
  auto removed = state.store.objects.remove(
      *bucket, {.key = *in.key,
                .version_id = non_empty(in.version_id),
                .bypass_governance = *bypass,
                .if_match = in.if_match ? std::optional(unquoted(*in.if_match)) : std::nullopt,
                .origin = origin_of(context)});
  if (!removed) {
    if (removed.error().code == "PreconditionFailed") return precondition_failed("If-Match");
    return fail(removed);
  }
  shapes::DeleteObjectOutput out;
  if (removed->made_marker || removed->removed_marker) out.delete_marker = true;
  if (!removed->version_id.empty()) out.version_id = removed->version_id;
  return out;
}

Result<shapes::DeleteObjectsOutput> delete_objects(State& state, const aws::RequestContext& context,
                                                   const shapes::DeleteObjectsRequest& in) {
  auto bucket = bucket_of(state, in);
  if (!bucket) return fail(bucket);
  if (!in.delete_ || !in.delete_->objects || in.delete_->objects->empty() || in.delete_->objects->size() > kMaxDeletes)
    return malformed_xml();
  const bool quiet = in.delete_->quiet.value_or(false);
  shapes::DeleteObjectsOutput out;
  std::vector<shapes::DeletedObject> deleted;
  std::vector<shapes::Error_> errors;
  for (const auto& object : *in.delete_->objects) {
    const std::string key = object.key.value_or("");
    const auto version = non_empty(object.version_id);
    const auto refuse = [&](const Error& error) {
      shapes::Error_ shape;
      shape.key = key;
      shape.version_id = version;
      shape.code = error.code;
      shape.message = error.message;
      errors.push_back(std::move(shape));
    };
    auto may = context.allowed(
        permission(state, context, version ? "s3:DeleteObjectVersion" : "s3:DeleteObject", *in.bucket, key, version));
    if (!may) {
      refuse(Error{.code = "AccessDenied", .message = may.error().message, .detail = {}});
      continue;
    }
    auto bypass = bypasses(state, context, in.bypass_governance_retention, *in.bucket, key);
    if (!bypass) {
      refuse(bypass.error());
      continue;
    }
    auto removed = state.store.objects.remove(
        *bucket, {.key = key,
                  .version_id = version,
                  .bypass_governance = *bypass,
                  .if_match = object.e_tag ? std::optional(unquoted(*object.e_tag)) : std::nullopt,
                  .origin = origin_of(context)});
    if (!removed) {
      refuse(removed.error());
      continue;
    }
    if (quiet) continue;
    shapes::DeletedObject shape;
    shape.key = key;
    shape.version_id = version;
    if (removed->made_marker || removed->removed_marker) {
      shape.delete_marker = true;
      shape.delete_marker_version_id = removed->version_id;
    }
    deleted.push_back(std::move(shape));
  }
  if (!deleted.empty()) out.deleted = std::move(deleted);
  if (!errors.empty()) out.errors = std::move(errors);
  return out;
}

}  // namespace

void register_writes(aws::Service& service, State& state) {
  on<shapes::PutObject>(service, state, put_object, "SSE-C is not available; keys of KMS are noted, not used.");
  on<shapes::DeleteObject>(service, state, delete_object);
  on<shapes::DeleteObjects>(service, state, delete_objects);
  needs<shapes::PutObject>(service, state, "s3:PutObject");
  needs<shapes::DeleteObject>(service, state, "s3:DeleteObject", "s3:DeleteObjectVersion");
  // Each key is asked for by itself: a refused one is an entry of the answer.
  service.permissions<shapes::DeleteObjects>([](const aws::RequestContext&, const shapes::DeleteObjectsRequest&) {
    return std::vector<policy::Permission>();
  });
}

}  // namespace likeness::s3
