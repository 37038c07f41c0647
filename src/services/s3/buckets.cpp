#include <fmt/format.h>

#include <algorithm>

#include "services/s3/access.hpp"
#include "services/s3/common.hpp"

namespace likeness::s3 {

namespace {

Result<shapes::CreateBucketOutput> create_bucket(State& state, const aws::RequestContext& context,
                                                 const shapes::CreateBucketRequest& in) {
  objects::NewBucket wanted{.name = *in.bucket,
                            .account = context.account,
                            .region = context.region,
                            .object_lock = in.object_lock_enabled_for_bucket.value_or(false),
                            .configurations = {}};
  objects::Tags tags;
  if (const auto& configuration = in.create_bucket_configuration) {
    if (configuration->location_constraint) {
      const auto constraint = *configuration->location_constraint;
      wanted.region = constraint == shapes::BucketLocationConstraint::Eu ? "eu-west-1" : shapes::to_text(constraint);
      // The endpoint of us-east-1 makes buckets of every region; they all are here.
      if (wanted.region != context.region && context.region != "us-east-1")
        return client_error(
            "IllegalLocationConstraintException",
            fmt::format("The {} location constraint is incompatible for the region specific endpoint this "
                        "request was sent to.",
                        wanted.region));
    }
    if (configuration->tags) {
      auto given = tags_of(*configuration->tags, 50);
      if (!given) return fail(given);
      tags = std::move(*given);
    }
  }
  // What AWS sets up for new buckets: no ACLs, no public access.
  shapes::OwnershipControls ownership;
  ownership.rules.emplace().push_back(
      {.object_ownership = in.object_ownership.value_or(shapes::ObjectOwnership::BucketOwnerEnforced)});
  shapes::PublicAccessBlockConfiguration block{.block_public_acls = true,
                                               .ignore_public_acls = true,
                                               .block_public_policy = true,
                                               .restrict_public_buckets = true};
  wanted.configurations[configuration::kOwnership] = write_configuration(
      shape_of_member(*shapes::PutBucketOwnershipControls::operation().input, "OwnershipControls"), &ownership);
  wanted.configurations[configuration::kPublicAccess] = write_configuration(
      shape_of_member(*shapes::PutPublicAccessBlock::operation().input, "PublicAccessBlockConfiguration"), &block);
  if (!tags.empty()) {
    shapes::Tagging tagging{.tag_set = to_shapes(tags)};
    wanted.configurations[configuration::kTagging] =
        write_configuration(shape_of_member(*shapes::PutBucketTagging::operation().input, "Tagging"), &tagging);
  }
  objects::Bucket as_made{.name = wanted.name, .id = {}, .account = wanted.account, .region = {}, .created = {}};
  as_made.configurations = wanted.configurations;
  auto acl = acl_of(as_made, acl_headers(in));
  if (!acl) {
    if (acl.error().code == "AccessControlListNotSupported" && in.acl != shapes::BucketCannedACL::Private)
      return client_error("InvalidBucketAclWithObjectOwnership",
                          "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting");
    if (in.acl != shapes::BucketCannedACL::Private) return fail(acl);
  } else if (!acl->empty()) {
    wanted.configurations[configuration::kAcl] = *acl;
  }
  auto out = shapes::CreateBucketOutput{.location = "/" + wanted.name, .bucket_arn = {}};
  auto made = state.store.buckets.create(wanted);
  if (made) return out;
  // In this region AWS answers so for the sake of old clients, and changes nothing.
  if (made.error().code == "BucketAlreadyOwnedByYou" && context.region == "us-east-1") return out;
  return fail(made);
}

Result<shapes::HeadBucketOutput> head_bucket(State& state, const aws::RequestContext&,
                                             const shapes::HeadBucketRequest& in) {
  auto bucket = bucket_of(state, in);
  if (!bucket) return fail(bucket);
  shapes::HeadBucketOutput out;
  out.bucket_region = bucket->region;
  out.access_point_alias = false;
  return out;
}

Result<shapes::ListBucketsOutput> list_buckets(State& state, const aws::RequestContext& context,
                                               const shapes::ListBucketsRequest& in) {
  auto all = state.store.buckets.list();
  if (!all) return fail(all);
  shapes::ListBucketsOutput out;
  out.owner = owner_of(context.account);
  out.prefix = in.prefix;
  auto& buckets = out.buckets.emplace();
  const auto limit = static_cast<std::size_t>(in.max_buckets.value_or(10'000));
  std::string after;
  if (const auto token = non_empty(in.continuation_token)) {
    const auto bytes = from_base64(*token);
    if (!bytes) return objects::bad_argument("The continuation token provided is incorrect");
    after = as_text(*bytes);
  }
  for (const auto& bucket : *all) {
    if (bucket.account != context.account || bucket.name <= after) continue;
    if (in.prefix && !bucket.name.starts_with(*in.prefix)) continue;
    if (in.bucket_region && bucket.region != *in.bucket_region) continue;
    if (buckets.size() == limit) {
      out.continuation_token = to_base64(as_bytes(*buckets.back().name));
      break;
    }
    shapes::Bucket shape;
    shape.name = bucket.name;
    shape.creation_date = bucket.created;
    // As AWS: the region only in answers to requests of the newer form.
    if (in.max_buckets || in.prefix || in.bucket_region || in.continuation_token) shape.bucket_region = bucket.region;
    buckets.push_back(std::move(shape));
  }
  return out;
}

Result<aws::Empty> delete_bucket(State& state, const aws::RequestContext&, const shapes::DeleteBucketRequest& in) {
  if (auto bucket = bucket_of(state, in); !bucket) return fail(bucket);
  auto removed = state.store.buckets.remove(*in.bucket);
  if (!removed) return fail(removed);
  state.requests.forget(*in.bucket);
  if (auto forgotten = state.store.uploads.forget(*removed); !forgotten) return fail(forgotten);
  return aws::Empty{};
}

Result<shapes::GetBucketLocationOutput> get_location(State& state, const aws::RequestContext&,
                                                     const shapes::GetBucketLocationRequest& in) {
  auto bucket = bucket_of(state, in);
  if (!bucket) return fail(bucket);
  shapes::GetBucketLocationOutput out;
  if (bucket->region != "us-east-1")  // which has none, for historical reasons
    out.location_constraint = enumerator(bucket->region, shapes::BucketLocationConstraint::UsWest2);
  return out;
}

Result<shapes::GetBucketVersioningOutput> get_versioning(State& state, const aws::RequestContext&,
                                                         const shapes::GetBucketVersioningRequest& in) {
  auto bucket = bucket_of(state, in);
  if (!bucket) return fail(bucket);
  shapes::GetBucketVersioningOutput out;
  if (bucket->versioning != objects::Versioning::Off)
    out.status = bucket->versioning == objects::Versioning::Enabled ? shapes::BucketVersioningStatus::Enabled
                                                                    : shapes::BucketVersioningStatus::Suspended;
  return out;
}

Result<aws::Empty> put_versioning(State& state, const aws::RequestContext&,
                                  const shapes::PutBucketVersioningRequest& in) {
  if (auto bucket = bucket_of(state, in); !bucket) return fail(bucket);
  if (!in.versioning_configuration || !in.versioning_configuration->status)
    return client_error("IllegalVersioningConfigurationException", "The Versioning element must be specified");
  if (in.versioning_configuration->mfa_delete == shapes::MFADelete::Enabled)
    return not_implemented("MFA delete is not available");
  const bool enable = in.versioning_configuration->status == shapes::BucketVersioningStatus::Enabled;
  auto done = state.store.buckets.update(*in.bucket, [&](objects::Bucket& bucket) -> Result<void> {
    if (!enable && bucket.object_lock)
      return client_error("InvalidBucketState",
                          "An Object Lock configuration is present on this bucket, so the versioning state cannot be "
                          "changed.");
    bucket.versioning = enable ? objects::Versioning::Enabled : objects::Versioning::Suspended;
    return {};
  });
  if (!done) return fail(done);
  return aws::Empty{};
}

}  // namespace

void register_buckets(aws::Service& service, State& state) {
  on<shapes::CreateBucket>(service, state, create_bucket, "Buckets of every region are in the one server.");
  on<shapes::HeadBucket>(service, state, head_bucket);
  on<shapes::ListBuckets>(service, state, list_buckets);
  on<shapes::DeleteBucket>(service, state, delete_bucket);
  on<shapes::GetBucketLocation>(service, state, get_location);
  on<shapes::GetBucketVersioning>(service, state, get_versioning);
  on<shapes::PutBucketVersioning>(service, state, put_versioning, "MFA delete is refused.");
  needs<shapes::CreateBucket>(service, state, "s3:CreateBucket");
  needs<shapes::HeadBucket>(service, state, "s3:ListBucket");
  service.permissions<shapes::ListBuckets>([](const aws::RequestContext&, const shapes::ListBucketsRequest&) {
    return std::vector{policy::Permission{.action = "s3:ListAllMyBuckets", .resource = "*"}};
  });
  needs<shapes::DeleteBucket>(service, state, "s3:DeleteBucket");
  needs<shapes::GetBucketLocation>(service, state, "s3:GetBucketLocation");
  needs<shapes::GetBucketVersioning>(service, state, "s3:GetBucketVersioning");
  needs<shapes::PutBucketVersioning>(service, state, "s3:PutBucketVersioning");
}

}  // namespace likeness::s3
