#include "services/s3/access.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace likeness::s3 {

namespace {

constexpr std::string_view kAllUsers = "http://acs.amazonaws.com/groups/global/AllUsers";
constexpr std::string_view kAuthenticatedUsers = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers";
constexpr std::string_view kLogDelivery = "http://acs.amazonaws.com/groups/s3/LogDelivery";

const aws::Shape& acl_shape() {
  return shape_of_member(*shapes::PutBucketAcl::operation().input, "AccessControlPolicy");
}

std::string stored(const shapes::AccessControlPolicy& acl) { return write_configuration(acl_shape(), &acl); }

shapes::AccessControlPolicy read_acl(const std::string& text) {
  shapes::AccessControlPolicy acl;
  if (!text.empty()) read_configuration(acl_shape(), text, &acl);
  return acl;
}

shapes::Grant grant_to_owner(const objects::Bucket& bucket) {
  shapes::Grant grant;
  grant.grantee.emplace().id = canonical_id(bucket.account);
  grant.grantee->type = shapes::Type::CanonicalUser;
  grant.permission = shapes::Permission::FullControl;
  return grant;
}

shapes::Grant grant_to_group(std::string_view uri, shapes::Permission permission) {
  shapes::Grant grant;
  grant.grantee.emplace().uri = std::string(uri);
  grant.grantee->type = shapes::Type::Group;
  grant.permission = permission;
  return grant;
}

bool is_public(const shapes::AccessControlPolicy& acl) {
  return acl.grants && std::ranges::any_of(*acl.grants, [](const shapes::Grant& grant) {
           const auto uri = grant.grantee ? grant.grantee->uri.value_or("") : std::string();
           return uri == kAllUsers || uri == kAuthenticatedUsers;
         });
}

shapes::PublicAccessBlockConfiguration public_access_of(const objects::Bucket& bucket) {
  return configured<shapes::PutPublicAccessBlock, shapes::PublicAccessBlockConfiguration>(
             bucket, configuration::kPublicAccess, "PublicAccessBlockConfiguration")
      .value_or(shapes::PublicAccessBlockConfiguration{});
}

shapes::ObjectOwnership ownership_of(const objects::Bucket& bucket) {
  const auto controls = configured<shapes::PutBucketOwnershipControls, shapes::OwnershipControls>(
      bucket, configuration::kOwnership, "OwnershipControls");
  if (!controls || !controls->rules || controls->rules->empty()) return shapes::ObjectOwnership::ObjectWriter;
  return controls->rules->front().object_ownership.value_or(shapes::ObjectOwnership::ObjectWriter);
}

/// What an ACL has to grant for an action; nullopt: ACLs say nothing to it.
std::optional<shapes::Permission> of_bucket_acl(std::string_view action) {
  using enum shapes::Permission;
  if (action == "s3:ListBucket" || action == "s3:ListBucketVersions" || action == "s3:ListBucketMultipartUploads")
    return Read;
  if (action == "s3:PutObject" || action == "s3:DeleteObject" || action == "s3:DeleteObjectVersion") return Write;
  if (action == "s3:GetBucketAcl") return ReadAcp;
  if (action == "s3:PutBucketAcl") return WriteAcp;
  return std::nullopt;
}
std::optional<shapes::Permission> of_object_acl(std::string_view action) {
  using enum shapes::Permission;
  if (action == "s3:GetObject" || action == "s3:GetObjectVersion") return Read;
  if (action == "s3:GetObjectAcl" || action == "s3:GetObjectVersionAcl") return ReadAcp;
  if (action == "s3:PutObjectAcl" || action == "s3:PutObjectVersionAcl") return WriteAcp;
  return std::nullopt;
}

bool grants(const shapes::AccessControlPolicy& acl, const aws::RequestContext& context, shapes::Permission wanted,
            bool ignore_public) {
  if (!acl.grants) return false;
  const bool anonymous = context.access_key_id.empty();
  return std::ranges::any_of(*acl.grants, [&](const shapes::Grant& grant) {
    if (grant.permission != wanted && grant.permission != shapes::Permission::FullControl) return false;
    if (!grant.grantee) return false;
    if (const auto& uri = grant.grantee->uri) {
      if (ignore_public) return false;
      return *uri == kAllUsers || (*uri == kAuthenticatedUsers && !anonymous);
    }
    // Users of the account itself need policies of their own.
    return !anonymous && context.principal.account != context.account &&
           grant.grantee->id == canonical_id(context.principal.account);
  });
}

bool acl_grants(State& state, const objects::Bucket& bucket, const aws::RequestContext& context,
                std::string_view action, const std::string& key, const std::optional<std::string>& version_id) {
  if (!has_acls(bucket)) return false;
  const bool ignore_public = public_access_of(bucket).ignore_public_acls.value_or(false);
  if (const auto wanted = of_bucket_acl(action)) {
    const std::string* acl = bucket.configuration(configuration::kAcl);
    return acl != nullptr && grants(read_acl(*acl), context, *wanted, ignore_public);
  }
  if (const auto wanted = of_object_acl(action)) {
    const auto version = state.store.objects.find(bucket, key, version_id);
    return version && grants(read_acl(version->metadata.acl), context, *wanted, ignore_public);
  }
  return false;
}

bool is_public(const policy::Document& document) {
  return std::ranges::any_of(document.statements(), [](const policy::Statement& statement) {
    if (statement.effect != policy::Effect::Allow || !statement.principals || !statement.principals->everyone)
      return false;
    // Conditions on fixed values of these keys make a statement non-public.
    constexpr std::array kFixed{"aws:sourcearn",
                                "aws:sourcevpc",
                                "aws:sourcevpce",
                                "aws:sourceowner",
                                "aws:sourceip",
                                "aws:sourceaccount",
                                "aws:principalorgid",
                                "aws:principalarn",
                                "aws:userid",
                                "s3:x-amz-server-side-encryption-aws-kms-key-id",
                                "s3:dataaccesspointarn",
                                "s3:dataaccesspointaccount"};
    return std::ranges::none_of(statement.conditions, [&](const policy::Condition& condition) {
      if (condition.negated) return false;
      std::string name = condition.key;
      std::ranges::transform(name, name.begin(),
                             [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
      return std::ranges::find(kFixed, name) != kFixed.end();
    });
  });
}

Failure acls_not_supported() { return client_error("AccessControlListNotSupported", "The bucket does not allow ACLs"); }

Result<void> add_grants(const std::optional<std::string>& header, shapes::Permission permission,
                        shapes::AccessControlPolicy& acl) {
  if (!header) return {};
  std::string_view rest = *header;
  while (!rest.empty()) {
    const auto comma = rest.find(',');
    std::string_view one = rest.substr(0, comma);
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    while (!one.empty() && one.front() == ' ') one.remove_prefix(1);
    const auto equals = one.find('=');
    if (equals == std::string_view::npos) return objects::bad_argument("Argument format not recognized");
    const std::string_view kind = one.substr(0, equals);
    const std::string value = unquoted(one.substr(equals + 1));
    shapes::Grant grant;
    auto& grantee = grant.grantee.emplace();
    grant.permission = permission;
    if (kind == "uri") {
      if (value != kAllUsers && value != kAuthenticatedUsers && value != kLogDelivery)
        return objects::bad_argument("Invalid group uri");
      grantee.uri = value;
      grantee.type = shapes::Type::Group;
    } else if (kind == "id") {
      if (value.size() != 64) return objects::bad_argument("Invalid id");
      grantee.id = value;
      grantee.type = shapes::Type::CanonicalUser;
    } else {
      return not_implemented("Grants to e-mail addresses are not available");
    }
    acl.grants->push_back(std::move(grant));
  }
  return {};
}

Result<void> check_acl(const objects::Bucket& bucket, const shapes::AccessControlPolicy& acl) {
  if (!acl.grants || acl.grants->size() > 100) return malformed_xml();
  for (const auto& grant : *acl.grants) {
    if (!grant.grantee || !grant.permission || (!grant.grantee->uri && !grant.grantee->id)) return malformed_xml();
    if (const auto& uri = grant.grantee->uri;
        uri && *uri != kAllUsers && *uri != kAuthenticatedUsers && *uri != kLogDelivery)
      return objects::bad_argument("Invalid group uri");
  }
  if (public_access_of(bucket).block_public_acls.value_or(false) && is_public(acl)) return objects::access_denied();
  return {};
}

bool asks_for_none(const AclHeaders& headers) {
  return !headers.canned && !headers.full_control && !headers.read && !headers.write && !headers.read_acp &&
         !headers.write_acp;
}

shapes::AccessControlPolicy shown(const objects::Bucket& bucket, const std::string& text) {
  shapes::AccessControlPolicy acl = has_acls(bucket) ? read_acl(text) : shapes::AccessControlPolicy{};
  acl.owner = owner_of(bucket.account);
  if (!acl.grants) acl.grants.emplace().push_back(grant_to_owner(bucket));
  return acl;
}

/// The ACL of a request in whichever of the three ways it was given.
template <class In>
Result<std::string> acl_of_request(const objects::Bucket& bucket, const In& in) {
  const auto headers = acl_headers(in);
  if (!asks_for_none(headers)) return acl_of(bucket, headers);
  if (!in.access_control_policy)
    return client_error("MissingSecurityHeader", "Your request was missing a required header");
  if (!has_acls(bucket)) return acls_not_supported();
  if (auto checked = check_acl(bucket, *in.access_control_policy); !checked) return fail(checked);
  return stored(*in.access_control_policy);
}

// -- the operations

Result<shapes::GetBucketAclOutput> get_bucket_acl(State& state, const aws::RequestContext&,
                                                  const shapes::GetBucketAclRequest& in) {
  auto bucket = bucket_of(state, in);
  if (!bucket) return fail(bucket);
  const std::string* text = bucket->configuration(configuration::kAcl);
  auto acl = shown(*bucket, text != nullptr ? *text : std::string());
  return shapes::GetBucketAclOutput{.owner = std::move(acl.owner), .grants = std::move(acl.grants)};
}

Result<aws::Empty> put_bucket_acl(State& state, const aws::RequestContext&, const shapes::PutBucketAclRequest& in) {
  auto bucket = bucket_of(state, in);
  if (!bucket) return fail(bucket);
  auto acl = acl_of_request(*bucket, in);
  if (!acl) return fail(acl);
  auto done = state.store.buckets.update(*in.bucket, [&](objects::Bucket& changed) -> Result<void> {
    changed.configurations[configuration::kAcl] = *acl;
    return {};
  });
  if (!done) return fail(done);
  return aws::Empty{};
}

Result<shapes::GetObjectAclOutput> get_object_acl(State& state, const aws::RequestContext& context,
                                                  const shapes::GetObjectAclRequest& in) {
  auto bucket = bucket_of(state, in);
  if (!bucket) return fail(bucket);
  auto version = state.store.objects.find(*bucket, *in.key, non_empty(in.version_id));
  if (!version) return absent(state, context, bucket->name, std::move(version.error()));
  if (version->is_delete_marker) return objects::no_such_key();
  auto acl = shown(*bucket, version->metadata.acl);
  shapes::GetObjectAclOutput out;
  out.owner = std::move(acl.owner);
  out.grants = std::move(acl.grants);
  return out;
}

Result<shapes::PutObjectAclOutput> put_object_acl(State& state, const aws::RequestContext& context,
                                                  const shapes::PutObjectAclRequest& in) {
  auto bucket = bucket_of(state, in);
  if (!bucket) return fail(bucket);
  auto acl = acl_of_request(*bucket, in);
  if (!acl) return fail(acl);
  auto done = state.store.objects.modify(
      *bucket, *in.key, non_empty(in.version_id),
      [&](objects::Metadata& metadata) -> Result<void> {
        metadata.acl = *acl;
        return {};
      },
      "ObjectAcl:Put", origin_of(context));
  if (!done) return fail(done);
  return shapes::PutObjectAclOutput{};
}

Result<aws::Empty> put_policy(State& state, const aws::RequestContext&, const shapes::PutBucketPolicyRequest& in) {
  auto bucket = bucket_of(state, in);
  if (!bucket) return fail(bucket);
  const std::string text = in.policy.value_or("");
  if (text.empty()) return client_error("MissingRequestBodyError", "Request Body is empty");
  if (text.size() > 20 * 1024) return client_error("PolicyTooLarge", "Policy exceeds the maximum allowed size");
  auto document = policy::Document::parse(text, policy::DocumentKind::Resource);
  if (!document) return fail(document);
  // Every resource has to be of this bucket.
  for (const auto& statement : (*document)->statements()) {
    for (const auto& resource : statement.resources) {
      const std::string arn = bucket_arn(bucket->name);
      const std::string& named = resource.text();
      if (named != "*" && named != arn && !named.starts_with(arn + "/") && !named.starts_with(arn + "*"))
        return client_error("MalformedPolicy", "Policy has invalid resource");
    }
  }
  if (public_access_of(*bucket).block_public_policy.value_or(false) && is_public(**document))
    return client_error(
        "AccessDenied",
        "User is not authorized to perform: s3:PutBucketPolicy on resource: \"" + bucket_arn(bucket->name) +
            "\" because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public "
            "Access.");
  auto done = state.store.buckets.update(*in.bucket, [&](objects::Bucket& changed) -> Result<void> {
    changed.configurations[configuration::kPolicy] = text;
    return {};
  });
  if (!done) return fail(done);
  return aws::Empty{};
}

Failure no_policy() { return client_error("NoSuchBucketPolicy", "The bucket policy does not exist"); }

Result<shapes::GetBucketPolicyOutput> get_policy(State& state, const aws::RequestContext&,
                                                 const shapes::GetBucketPolicyRequest& in) {
  auto bucket = bucket_of(state, in);
  if (!bucket) return fail(bucket);
  const std::string* text = bucket->configuration(configuration::kPolicy);
  if (text == nullptr) return no_policy();
  return shapes::GetBucketPolicyOutput{.policy = *text};
}

Result<shapes::GetBucketPolicyStatusOutput> get_policy_status(State& state, const aws::RequestContext&,
                                                              const shapes::GetBucketPolicyStatusRequest& in) {
  auto bucket = bucket_of(state, in);
  if (!bucket) return fail(bucket);
  const std::string* text = bucket->configuration(configuration::kPolicy);
  if (text == nullptr) return no_policy();
  const auto document = state.policies.get(*text);
  shapes::GetBucketPolicyStatusOutput out;
  out.policy_status.emplace().is_public = document != nullptr && is_public(*document);
  return out;
}

Result<aws::Empty> delete_policy(State& state, const aws::RequestContext&,
                                 const shapes::DeleteBucketPolicyRequest& in) {
  auto bucket = bucket_of(state, in);
  if (!bucket) return fail(bucket);
  auto done = state.store.buckets.update(*in.bucket, [](objects::Bucket& changed) -> Result<void> {
    changed.configurations.erase(configuration::kPolicy);
    return {};
  });
  if (!done) return fail(done);
  return aws::Empty{};
}

}  // namespace

bool has_acls(const objects::Bucket& bucket) {
  return ownership_of(bucket) != shapes::ObjectOwnership::BucketOwnerEnforced;
}

Result<std::string> acl_of(const objects::Bucket& bucket, const AclHeaders& headers) {
  if (asks_for_none(headers)) return std::string();
  const bool is_harmless = headers.canned == "bucket-owner-full-control";
  if (!has_acls(bucket)) {
    if (is_harmless && !headers.full_control && !headers.read && !headers.write && !headers.read_acp &&
        !headers.write_acp)
      return std::string();
    return acls_not_supported();
  }
  shapes::AccessControlPolicy acl;
  acl.owner = owner_of(bucket.account);
  acl.grants.emplace();
  if (headers.canned) {
    if (headers.full_control || headers.read || headers.write || headers.read_acp || headers.write_acp)
      return objects::bad_request("Specifying both Canned ACLs and Header Grants is not allowed");
    acl.grants->push_back(grant_to_owner(bucket));
    if (headers.canned == "public-read" || headers.canned == "public-read-write")
      acl.grants->push_back(grant_to_group(kAllUsers, shapes::Permission::Read));
    if (headers.canned == "public-read-write")
      acl.grants->push_back(grant_to_group(kAllUsers, shapes::Permission::Write));
    if (headers.canned == "authenticated-read")
      acl.grants->push_back(grant_to_group(kAuthenticatedUsers, shapes::Permission::Read));
  }
  using enum shapes::Permission;
  for (const auto& [header, permission] :
       {std::pair(&headers.full_control, FullControl), std::pair(&headers.read, Read), std::pair(&headers.write, Write),
        std::pair(&headers.read_acp, ReadAcp), std::pair(&headers.write_acp, WriteAcp)})
    if (auto added = add_grants(*header, permission, acl); !added) return fail(added);
  if (auto checked = check_acl(bucket, acl); !checked) return fail(checked);
  return stored(acl);
}

policy::Permission permission(State& state, const aws::RequestContext& context, std::string action,
                              const std::string& bucket_name, const std::string& key,
                              const std::optional<std::string>& version_id, policy::ContextKeys keys) {
  policy::Permission needed;
  needed.resource = key.empty() ? bucket_arn(bucket_name) : object_arn(bucket_name, key);
  needed.context = std::move(keys);
  if (version_id) needed.context["s3:VersionId"] = {*version_id};
  if (context.request != nullptr)
    for (const auto& header : context.request->headers)
      if (header.name.size() > 6 && net::equal_ignoring_case(header.name.substr(0, 6), "x-amz-"))
        needed.context["s3:" + header.name] = {header.value};
  needed.action = std::move(action);
  const auto bucket = state.store.buckets.get(bucket_name);
  if (!bucket) return needed;
  needed.resource_account = bucket->account;
  if (const std::string* text = bucket->configuration(configuration::kPolicy)) {
    needed.resource_policy = state.policies.get(*text);
    const bool restricted = public_access_of(*bucket).restrict_public_buckets.value_or(false);
    const bool foreign = context.access_key_id.empty() || context.principal.account != bucket->account;
    if (needed.resource_policy && restricted && foreign && is_public(*needed.resource_policy))
      needed.resource_policy = nullptr;
    if (needed.resource_policy && !key.empty() && text->find("s3:ExistingObjectTag") != std::string::npos)
      if (const auto version = state.store.objects.find(*bucket, key, version_id))
        for (const auto& [name, value] : version->metadata.tags)
          needed.context["s3:ExistingObjectTag/" + name] = {value};
  }
  needed.granted_by_resource = acl_grants(state, *bucket, context, needed.action, key, version_id);
  return needed;
}

Failure absent(State& state, const aws::RequestContext& context, const std::string& bucket, Error error) {
  if (error.code != "NoSuchKey") return Failure(std::move(error));
  if (auto may_list = context.allowed(permission(state, context, "s3:ListBucket", bucket)); !may_list)
    return objects::access_denied();
  return Failure(std::move(error));
}

void register_access(aws::Service& service, State& state) {
  on<shapes::GetBucketAcl>(service, state, get_bucket_acl);
  on<shapes::PutBucketAcl>(service, state, put_bucket_acl, "No grants to e-mail addresses.");
  on<shapes::GetObjectAcl>(service, state, get_object_acl);
  on<shapes::PutObjectAcl>(service, state, put_object_acl, "No grants to e-mail addresses.");
  on<shapes::PutBucketPolicy>(service, state, put_policy);
  on<shapes::GetBucketPolicy>(service, state, get_policy);
  on<shapes::GetBucketPolicyStatus>(service, state, get_policy_status);
  on<shapes::DeleteBucketPolicy>(service, state, delete_policy);
  needs<shapes::GetBucketAcl>(service, state, "s3:GetBucketAcl");
  needs<shapes::PutBucketAcl>(service, state, "s3:PutBucketAcl");
  needs<shapes::GetObjectAcl>(service, state, "s3:GetObjectAcl", "s3:GetObjectVersionAcl");
  needs<shapes::PutObjectAcl>(service, state, "s3:PutObjectAcl", "s3:PutObjectVersionAcl");
  needs<shapes::PutBucketPolicy>(service, state, "s3:PutBucketPolicy");
  needs<shapes::GetBucketPolicy>(service, state, "s3:GetBucketPolicy");
  needs<shapes::GetBucketPolicyStatus>(service, state, "s3:GetBucketPolicyStatus");
  needs<shapes::DeleteBucketPolicy>(service, state, "s3:DeleteBucketPolicy");
}

}  // namespace likeness::s3
