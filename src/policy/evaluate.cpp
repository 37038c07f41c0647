#include "policy/evaluate.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "policy/text.hpp"

namespace likeness::policy {
namespace {

using Kind = Principal::Kind;
using Outcome = Decision::Outcome;

/// How closely the principals of a statement name the caller. It matters: what a bucket grants a user or a session
/// itself holds whatever its own policies say; what it grants the role is still cut by boundary and session; what it
/// grants the account is for the account's policies to pass on.
enum class Named { No, Account, Role, Directly };

Named named_by(const std::string& entry, const Principal& caller) {
  if (entry == caller.arn) return Named::Directly;
  if (!caller.account.empty() && (entry == caller.account || entry == "arn:aws:iam::" + caller.account + ":root"))
    return caller.kind == Kind::Root ? Named::Directly : Named::Account;
  if (caller.kind == Kind::AssumedRole && !caller.issuer_arn.empty() && entry == caller.issuer_arn) return Named::Role;
  // Unique ids: "AIDA..." of a user, "AROA..." of a role, "AROA...:session".
  if (entry.starts_with("AIDA") || entry.starts_with("AROA")) {
    if (entry == caller.user_id) return Named::Directly;
    if (caller.user_id.size() > entry.size() && caller.user_id.starts_with(entry) &&
        caller.user_id[entry.size()] == ':')
      return Named::Role;
  }
  return Named::No;
}

/// `trust`: of a role. "*" there is every identity, elsewhere it is services too.
Named named_in(const PrincipalList& list, const Principal& caller, bool trust) {
  Named best = Named::No;
  switch (caller.kind) {
    case Kind::Anonymous: return list.everyone ? Named::Directly : Named::No;
    case Kind::Service:
      if (list.everyone && !trust) return Named::Directly;
      return std::ranges::find(list.services, caller.name) != list.services.end() ? Named::Directly : best;
    case Kind::WebIdentity:
      return std::ranges::any_of(list.federated,
                                 [&](const auto& entry) { return entry == caller.issuer_arn || entry == caller.name; })
                 ? Named::Directly
                 : best;
    default: break;
  }
  if (list.everyone) best = caller.kind == Kind::AssumedRole ? Named::Role : Named::Directly;
  for (const auto& entry : list.aws) best = std::max(best, named_by(entry, caller));
  if (!caller.account.empty())
    for (const auto& id : list.canonical)
      if (id == canonical_user_id(caller.account)) best = std::max(best, Named::Account);
  return best;
}

bool any_matches(const std::vector<Pattern>& patterns, std::string_view text, const Context& context) {
  return std::ranges::any_of(patterns, [&](const Pattern& pattern) { return pattern.matches(text, context); });
}

bool applies(const Statement& statement, const Context& context) {
  const auto& permission = context.permission();
  if (any_matches(statement.actions, permission.action, context) == statement.not_actions) return false;
  // Trust policies have none: they are about the role that they belong to.
  if (!statement.resources.empty() &&
      any_matches(statement.resources, permission.resource, context) == statement.not_resources)
    return false;
  return std::ranges::all_of(statement.conditions,
                             [&](const Condition& condition) { return condition.holds(context); });
}

/// What the statements of one layer say.
struct Votes {
  std::vector<Decision::Match> allows, denies;
  Named granted_as = Named::No;  // of a resource policy: the closest of its allows
};

void collect(Layer layer, const std::string& name, const Document& document, const Context& context, Votes& votes) {
  const auto& statements = document.statements();
  for (std::size_t at = 0; at < statements.size(); ++at) {
    const auto& statement = statements[at];
    Named named = Named::Directly;
    if (layer == Layer::Resource && statement.principals) {
      named = named_in(*statement.principals, context.principal(), context.permission().resource_policy_decides);
      if (statement.not_principals) named = named == Named::No ? Named::Directly : Named::No;
    }
    if (named == Named::No || !applies(statement, context)) continue;
    auto& list = statement.effect == Effect::Deny ? votes.denies : votes.allows;
    list.push_back({layer, name, at, statement.sid});
    if (statement.effect == Effect::Allow) votes.granted_as = std::max(votes.granted_as, named);
  }
}

Decision denied(Layer layer, std::vector<Decision::Match> by) {
  return {by.empty() ? Outcome::ImplicitDeny : Outcome::ExplicitDeny, layer, std::move(by)};
}

Decision allowed(Layer layer, std::vector<Decision::Match> by) { return {Outcome::Allowed, layer, std::move(by)}; }

/// A root that has locked itself out of a bucket or a table can still take the policy away.
bool is_for_root_always(std::string_view action) {
  return action == "s3:GetBucketPolicy" || action == "s3:PutBucketPolicy" || action == "s3:DeleteBucketPolicy" ||
         action == "dynamodb:DeleteResourcePolicy";
}

}  // namespace

Decision evaluate(const Principal& principal, const Permission& permission, const IdentityPolicies& policies,
                  const Environment& environment) {
  const Context context(principal, permission, environment);
  const bool same_account = account_of(permission, environment) == principal.account;

  Votes identity, boundary, resource;
  for (const auto& policy : policies.identity)
    collect(Layer::Identity, policy.name, *policy.document, context, identity);
  if (policies.boundary)
    collect(Layer::Boundary, policies.boundary->name, *policies.boundary->document, context, boundary);
  if (permission.resource_policy != nullptr)
    collect(Layer::Resource, "of " + permission.resource, *permission.resource_policy, context, resource);
  Votes session;
  for (const auto& document : principal.session_policies)
    collect(Layer::Session, "of the session", *document, context, session);

  if (principal.kind == Kind::Root && same_account) {
    if (!resource.denies.empty() && !is_for_root_always(permission.action))
      return denied(Layer::Resource, std::move(resource.denies));
    if (permission.resource_policy_decides && resource.allows.empty()) return denied(Layer::Resource, {});
    return allowed(Layer::Root, {});
  }

  if (!identity.denies.empty()) return denied(Layer::Identity, std::move(identity.denies));
  if (!resource.denies.empty()) return denied(Layer::Resource, std::move(resource.denies));
  if (!boundary.denies.empty()) return denied(Layer::Boundary, std::move(boundary.denies));
  if (!session.denies.empty()) return denied(Layer::Session, std::move(session.denies));

  const bool granted = permission.granted_by_resource || resource.granted_as != Named::No;
  if (principal.kind == Kind::Anonymous || principal.kind == Kind::Service || principal.kind == Kind::WebIdentity)
    return granted ? allowed(Layer::Resource, std::move(resource.allows)) : denied(Layer::Resource, {});
  if (permission.resource_policy_decides && !granted) return denied(Layer::Resource, {});
  if (!same_account && !granted) return denied(Layer::Resource, {});

  const bool bounded = policies.boundary.has_value();
  const bool in_session = !principal.session_policies.empty();
  if (same_account) {
    if (resource.granted_as == Named::Directly) return allowed(Layer::Resource, std::move(resource.allows));
    const bool by_resource = permission.granted_by_resource || resource.granted_as == Named::Role;
    if (identity.allows.empty() && !by_resource) return denied(Layer::Identity, {});
  } else if (identity.allows.empty()) {
    return denied(Layer::Identity, {});
  }
  if (bounded && boundary.allows.empty()) return denied(Layer::Boundary, {});
  if (in_session && session.allows.empty()) return denied(Layer::Session, {});
  if (identity.allows.empty()) return allowed(Layer::Resource, std::move(resource.allows));
  return allowed(Layer::Identity, std::move(identity.allows));
}

std::string denial_message(const Principal& principal, const Permission& permission, const Decision& decision) {
  if (principal.kind == Kind::Anonymous) return "Access Denied";
  // S3 puts quotes around the resource, the others do not.
  const std::string_view quote = permission.action.starts_with("s3:") ? "\"" : "";
  std::string text = fmt::format("User: {} is not authorized to perform: {} on resource: {}{}{}", principal.arn,
                                 permission.action, quote, permission.resource, quote);
  if (permission.resource_policy_decides && decision.outcome == Outcome::ImplicitDeny) return text;
  const bool is_explicit = decision.outcome == Outcome::ExplicitDeny;
  std::string_view policy;
  switch (decision.layer) {
    case Layer::Root:
    case Layer::Identity: policy = is_explicit ? "an identity-based policy" : "identity-based policy"; break;
    case Layer::Resource: policy = is_explicit ? "a resource-based policy" : "resource-based policy"; break;
    case Layer::Boundary: policy = is_explicit ? "a permissions boundary" : "permissions boundary"; break;
    case Layer::Session: policy = is_explicit ? "a session policy" : "session policy"; break;
  }
  if (is_explicit) return text + fmt::format(" with an explicit deny in {}", policy);
  return text + fmt::format(" because no {} allows the {} action", policy, permission.action);
}

std::string explain(const Decision& decision, const IdentityPolicies& policies) {
  if (!decision.matches.empty()) {
    const auto& match = decision.matches.front();
    const auto statement = match.sid.empty() ? fmt::format("number {}", match.statement + 1) : match.sid;
    return fmt::format("{} by statement {} of policy {}", decision.allowed() ? "allowed" : "denied", statement,
                       match.policy);
  }
  if (decision.allowed()) return decision.layer == Layer::Root ? "allowed to root" : "allowed by the resource";
  switch (decision.layer) {
    case Layer::Resource: return "no statement of the resource's policy allows it";
    case Layer::Boundary: return "no statement of the permissions boundary " + policies.boundary->name + " allows it";
    case Layer::Session: return "no statement of the session's policies allows it";
    default: break;
  }
  if (policies.identity.empty()) return "the caller has no policies";
  std::string names;
  for (const auto& policy : policies.identity) names.append(names.empty() ? "" : ", ").append(policy.name);
  return "no statement allows it in " + names;
}

}  // namespace likeness::policy
