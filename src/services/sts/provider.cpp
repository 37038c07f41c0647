#include "services/sts/provider.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "aws/gen/sts.hpp"
#include "domain/identity/rules.hpp"
#include "domain/identity/service_roles.hpp"
#include "policy/evaluate.hpp"
#include "policy/text.hpp"

namespace likeness::sts {
namespace {

namespace shapes = aws::sts;
using Kind = policy::Principal::Kind;
using identity::role_of;
using identity::Session;
using std::chrono::seconds;

constexpr std::int64_t kHour = 3600;
/// What policies and tags of a session may take together. AWS packs them in a way of its own and only tells a
/// percentage.
constexpr std::size_t kPackedBytes = 8192;

struct Parts {
  const identity::Directory& directory;
  const identity::Sessions& sessions;
  const identity::WebIdentities& web_identities;
};

Failure denied(std::string message, std::string detail = {}) {
  Error error{aws::kAccessDenied, std::move(message), Error::Fault::Client, std::move(detail)};
  return Failure(std::move(error));
}

Failure invalid(std::string message) { return client_error("ValidationError", std::move(message)); }

shapes::Credentials credentials_of(const identity::SessionCredentials& issued, TimePoint expires) {
  return {.access_key_id = issued.access_key_id,
          .secret_access_key = issued.secret_access_key,
          .session_token = issued.session_token,
          .expiration = expires};
}

/// Policies and tags of the request into the session; how much of the allowed size they take, in percent.
template <class Input>
Result<std::optional<std::int32_t>> add_bounds(const identity::State& state, const Input& in, Session& session) {
  std::size_t total = 0;
  if (in.policy) {
    if (auto parsed = policy::Document::parse(*in.policy, policy::DocumentKind::Identity); !parsed) return fail(parsed);
    session.policies.push_back(*in.policy);
    total += policy::policy_size(*in.policy);
  }
  if (in.policy_arns) {
    if (in.policy_arns->size() > 10) return invalid("A session can have up to 10 managed policies.");
    for (const auto& descriptor : *in.policy_arns) {
      const auto arn = descriptor.arn.value_or("");
      if (!state.policies.contains(arn))
        return client_error("MalformedPolicyDocument",
                            fmt::format("The managed policy {} does not exist or is not attachable.", arn));
      session.policy_arns.push_back(arn);
      total += arn.size();
    }
  }
  for (const auto& [key, value] : session.tags) total += key.size() + value.size();
  if (total == 0) return std::optional<std::int32_t>();
  if (total > kPackedBytes)
    return client_error("PackedPolicyTooLarge",
                        fmt::format("Serialized token too large for session: {} of {} bytes", total, kPackedBytes));
  return std::optional(static_cast<std::int32_t>((total * 100 + kPackedBytes - 1) / kPackedBytes));
}

/// What the conditions of a trust policy may ask for.
policy::ContextKeys keys_of(const shapes::AssumeRoleRequest& in, const Session& session) {
  policy::ContextKeys keys;
  if (in.external_id) keys["sts:ExternalId"] = {*in.external_id};
  keys["sts:RoleSessionName"] = {session.name};
  if (in.duration_seconds) keys["sts:DurationSeconds"] = {std::to_string(*in.duration_seconds)};
  if (in.source_identity) keys["sts:SourceIdentity"] = {*in.source_identity};
  if (in.tags) {
    auto& names = keys["aws:TagKeys"];
    names.reserve(in.tags->size());
    for (const auto& tag : *in.tags) {
      names.push_back(tag.key.value_or(""));
      keys["aws:RequestTag/" + tag.key.value_or("")] = {tag.value.value_or("")};
    }
  }
  if (in.transitive_tag_keys) keys["sts:TransitiveTagKeys"] = *in.transitive_tag_keys;
  return keys;
}

Result<void> check_duration(const identity::Role& role, std::int64_t wanted, bool chained) {
  if (wanted > role.max_session_seconds)
    return invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
  if (chained && wanted > kHour)
    return invalid(
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.");
  return {};
}

Result<void> add_tags(const shapes::AssumeRoleRequest& in, const policy::Principal& caller, Session& session) {
  session.tags = caller.kind == Kind::AssumedRole ? caller.transitive_tags : identity::Tags();
  for (const auto& [key, value] : session.tags) session.transitive.insert(key);
  if (!in.tags) return {};
  if (in.tags->size() > identity::quotas::kTags) return invalid("A session can have up to 50 tags.");
  for (const auto& tag : *in.tags) {
    const auto key = tag.key.value_or("");
    for (const auto& inherited : session.transitive)
      if (policy::same_ignoring_case(inherited, key))
        return client_error(
            "InvalidParameterValue",
            fmt::format("One of the specified transitive tag keys can't be set because it conflicts with a "
                        "transitive tag key from the calling session: {}",
                        key));
    if (!session.tags.emplace(key, tag.value.value_or("")).second)
      return client_error("InvalidParameterValue",
                          "Duplicate tag keys found. Please note that Tag keys are case insensitive.");
  }
  for (const auto& key : in.transitive_tag_keys.value_or(std::vector<std::string>())) {
    if (!session.tags.contains(key))
      return client_error("InvalidParameterValue",
                          "The specified transitive tag key must be included in the requested tags.");
    session.transitive.insert(key);
  }
  return {};
}

Result<shapes::AssumeRoleResponse> assume_role(const Parts& parts, const aws::RequestContext& context,
                                               const shapes::AssumeRoleRequest& in) {
  const auto state = parts.directory.read();
  const auto role = role_of(*state, *in.role_arn);
  // What is not there is answered like what is not allowed, so that nobody can find out which roles there are.
  if (role == nullptr)
    return denied(fmt::format("User: {} is not authorized to perform: sts:AssumeRole on resource: {}",
                              context.caller_arn, *in.role_arn),
                  "there is no such role");
  Session session;
  session.kind = Session::Kind::Role;
  session.owner = role->name;
  session.owner_id = role->id;
  session.name = *in.role_session_name;
  session.source_identity = in.source_identity.value_or(context.principal.source_identity);
  if (auto added = add_tags(in, context.principal, session); !added) return fail(added);

  policy::Permission permission{.action = "sts:AssumeRole", .resource = *in.role_arn, .context = keys_of(in, session)};
  permission.resource_policy = role->trust.document;
  permission.resource_policy_decides = true;
  if (auto allowed = context.allowed(permission); !allowed) return fail(allowed);
  if (in.tags && !in.tags->empty()) {
    permission.action = "sts:TagSession";
    if (auto allowed = context.allowed(permission); !allowed) return fail(allowed);
  }
  if (in.source_identity) {
    permission.action = "sts:SetSourceIdentity";
    if (auto allowed = context.allowed(permission); !allowed) return fail(allowed);
  }

  const std::int64_t duration = in.duration_seconds.value_or(kHour);
  if (auto checked = check_duration(*role, duration, context.principal.kind == Kind::AssumedRole); !checked)
    return fail(checked);
  auto packed = add_bounds(*state, in, session);
  if (!packed) return fail(packed);
  session.issued = context.time;
  session.expires = context.time + seconds(duration);
  shapes::AssumeRoleResponse out;
  out.credentials = credentials_of(parts.sessions.issue(session), session.expires);
  out.assumed_role_user = shapes::AssumedRoleUser{
      .assumed_role_id = role->id + ":" + session.name,
      .arn = fmt::format("arn:aws:sts::{}:assumed-role/{}/{}", context.account, role->name, session.name)};
  out.packed_policy_size = *packed;
  if (!session.source_identity.empty()) out.source_identity = session.source_identity;
  return out;
}

Result<shapes::AssumeRoleWithWebIdentityResponse> assume_role_with_web_identity(
    const Parts& parts, const aws::RequestContext& context, const shapes::AssumeRoleWithWebIdentityRequest& in) {
  const auto state = parts.directory.read();
  auto identified = parts.web_identities.verify(*state, *in.web_identity_token, context.time);
  if (!identified) return fail(identified);
  const auto role = role_of(*state, *in.role_arn);
  policy::Permission permission{.action = "sts:AssumeRoleWithWebIdentity", .resource = *in.role_arn};
  permission.context = identified->keys;
  permission.context["sts:RoleSessionName"] = {*in.role_session_name};
  const auto refused = [] { return denied("Not authorized to perform sts:AssumeRoleWithWebIdentity"); };
  if (role == nullptr) return refused();
  permission.resource_policy = role->trust.document;
  permission.resource_policy_decides = true;
  policy::Environment environment{.time = context.time, .account = context.account, .region = context.region};
  environment.source_ip = context.source_ip;
  if (context.request != nullptr) environment.secure = context.request->secure;
  // Nobody has signed, so it is the token's subject that is judged.
  const auto decision = policy::evaluate(identified->principal, permission, {}, environment);
  if (!decision.allowed())
    return denied("Not authorized to perform sts:AssumeRoleWithWebIdentity", policy::explain(decision, {}));

  const std::int64_t duration = in.duration_seconds.value_or(kHour);
  if (auto checked = check_duration(*role, duration, false); !checked) return fail(checked);
  Session session;
  session.kind = Session::Kind::Role;
  session.owner = role->name;
  session.owner_id = role->id;
  session.name = *in.role_session_name;
  auto packed = add_bounds(*state, in, session);
  if (!packed) return fail(packed);
  session.issued = context.time;
  session.expires = context.time + seconds(duration);
  shapes::AssumeRoleWithWebIdentityResponse out;
  out.credentials = credentials_of(parts.sessions.issue(session), session.expires);
  out.subject_from_web_identity_token = identified->subject;
  out.audience = identified->audience;
  out.provider = identified->principal.issuer_arn;
  out.packed_policy_size = *packed;
  out.assumed_role_user = shapes::AssumedRoleUser{
      .assumed_role_id = role->id + ":" + session.name,
      .arn = fmt::format("arn:aws:sts::{}:assumed-role/{}/{}", context.account, role->name, session.name)};
  return out;
}

/// Whose the session will be who calls with a long-term key.
Result<void> own(const identity::State& state, const policy::Principal& caller, std::string_view operation,
                 Session& session) {
  if (caller.temporary || (caller.kind != Kind::Root && caller.kind != Kind::User))
    return denied(fmt::format("Cannot call {} with session credentials", operation));
  if (caller.kind == Kind::Root) return {};
  auto user = identity::find_user(state, caller.name);
  if (!user) return fail(user);
  session.owner = (*user)->name;
  session.owner_id = (*user)->id;
  return {};
}

Result<shapes::GetSessionTokenResponse> get_session_token(const Parts& parts, const aws::RequestContext& context,
                                                          const shapes::GetSessionTokenRequest& in) {
  if (in.serial_number || in.token_code)
    return denied("MultiFactorAuthentication failed with invalid MFA one time pass code.");
  Session session;
  if (auto owned = own(*parts.directory.read(), context.principal, "GetSessionToken", session); !owned)
    return fail(owned);
  const bool root = context.principal.kind == Kind::Root;
  session.kind = root ? Session::Kind::Root : Session::Kind::User;
  // AWS: root's last an hour at most, users' twelve hours unless they say otherwise.
  const std::int64_t duration = root ? std::min<std::int64_t>(in.duration_seconds.value_or(kHour), kHour)
                                     : in.duration_seconds.value_or(12 * kHour);
  session.issued = context.time;
  session.expires = context.time + seconds(duration);
  return shapes::GetSessionTokenResponse{.credentials = credentials_of(parts.sessions.issue(session), session.expires)};
}

Result<shapes::GetFederationTokenResponse> get_federation_token(const Parts& parts, const aws::RequestContext& context,
                                                                const shapes::GetFederationTokenRequest& in) {
  const auto state = parts.directory.read();
  Session session;
  session.kind = Session::Kind::Federated;
  session.name = *in.name;
  if (auto owned = own(*state, context.principal, "GetFederationToken", session); !owned) return fail(owned);
  for (const auto& tag : in.tags.value_or(std::vector<shapes::Tag>()))
    session.tags[tag.key.value_or("")] = tag.value.value_or("");
  auto packed = add_bounds(*state, in, session);
  if (!packed) return fail(packed);
  const bool root = context.principal.kind == Kind::Root;
  const std::int64_t duration = root ? std::min<std::int64_t>(in.duration_seconds.value_or(kHour), kHour)
                                     : in.duration_seconds.value_or(12 * kHour);
  session.issued = context.time;
  session.expires = context.time + seconds(duration);
  shapes::GetFederationTokenResponse out;
  out.credentials = credentials_of(parts.sessions.issue(session), session.expires);
  out.federated_user =
      shapes::FederatedUser{.federated_user_id = context.account + ":" + session.name,
                            .arn = fmt::format("arn:aws:sts::{}:federated-user/{}", context.account, session.name)};
  out.packed_policy_size = *packed;
  return out;
}

}  // namespace

std::unique_ptr<aws::Service> make_sts(const identity::Directory& directory, const identity::Sessions& sessions,
                                       const identity::WebIdentities& web_identities) {
  auto service = std::make_unique<aws::Service>(shapes::model());
  const Parts parts{directory, sessions, web_identities};
  const auto with = [&](auto function) {
    return [parts, function](const auto& context, const auto& in) { return function(parts, context, in); };
  };
  service->on<shapes::GetCallerIdentity>([](const aws::RequestContext& context,
                                            const auto&) -> Result<shapes::GetCallerIdentityResponse> {
    const auto& caller = context.principal;
    return shapes::GetCallerIdentityResponse{.user_id = caller.user_id, .account = caller.account, .arn = caller.arn};
  });
  service->on<shapes::AssumeRole>(with(assume_role), "MFA is not there: a SerialNumber is not looked at.");
  service->on<shapes::AssumeRoleWithWebIdentity>(
      with(assume_role_with_web_identity),
      "Tokens are checked with the keys that lie in the folder oidc_keys; nothing is fetched from providers.");
  service->on<shapes::GetSessionToken>(with(get_session_token), "Without MFA.");
  service->on<shapes::GetFederationToken>(with(get_federation_token));
  service->on<shapes::GetAccessKeyInfo>(
      [](const aws::RequestContext& context, const auto&) -> Result<shapes::GetAccessKeyInfoResponse> {
        return shapes::GetAccessKeyInfoResponse{.account = context.account};
      },
      "There is one account, so every key is of that.");

  // Everybody may ask who he is and for a session of his own; who may take a role is asked with the role at hand.
  const auto nothing = [](const auto&, const auto&) { return std::vector<policy::Permission>(); };
  service->permissions<shapes::GetCallerIdentity>(nothing);
  service->permissions<shapes::GetSessionToken>(nothing);
  service->permissions<shapes::AssumeRole>(nothing);
  service->permissions<shapes::AssumeRoleWithWebIdentity>(nothing);
  service->permissions<shapes::GetFederationToken>(
      [](const aws::RequestContext& context, const shapes::GetFederationTokenRequest& in) {
        return std::vector{policy::Permission{
            .action = "sts:GetFederationToken",
            .resource = fmt::format("arn:aws:sts::{}:federated-user/{}", context.account, in.name.value_or(""))}};
      });
  return service;
}

}  // namespace likeness::sts
