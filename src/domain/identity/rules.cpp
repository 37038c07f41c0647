#include "domain/identity/rules.hpp"

#include <algorithm>

#include "domain/identity/rules_common.hpp"
#include "policy/text.hpp"

namespace likeness::identity {
namespace {

template <class T>
Result<std::shared_ptr<const T>> find_in(const Entities<T>& entities, std::string_view kind, std::string_view name) {
  const auto at = entities.find(key_of(name));
  if (at == entities.end()) return no_such_entity(fmt::format("The {} with name {} cannot be found.", kind, name));
  return at->second;
}

/// The identity to be changed.
Result<Identity*> edit(State& state, Owner owner, std::string_view name) {
  if (auto found = find(state, owner, name); !found) return fail(found);
  const auto key = key_of(name);
  switch (owner) {
    case Owner::User: return &identity::edit(state.users, key);
    case Owner::Group: return &identity::edit(state.groups, key);
    case Owner::Role: break;
  }
  return &identity::edit(state.roles, key);
}

std::string_view word(Owner owner) { return owner == Owner::User ? "user" : owner == Owner::Group ? "group" : "role"; }

std::size_t inline_limit(Owner owner) {
  switch (owner) {
    case Owner::User: return quotas::kUserInline;
    case Owner::Group: return quotas::kGroupInline;
    case Owner::Role: break;
  }
  return quotas::kRoleInline;
}

/// "arn:aws:iam::ACCOUNT:user/path/name" names an identity that is there.
bool names_somebody(const State& state, std::string_view principal) {
  const auto parts = policy::split(principal, ':', 6);
  if (parts.size() != 6 || parts[4] != state.account || (parts[2] != "iam" && parts[2] != "sts")) return true;
  const auto name = parts[5].substr(parts[5].rfind('/') + 1);
  if (parts[5].starts_with("user/")) {
    const auto at = state.users.find(key_of(name));
    return at != state.users.end() && user_arn(state, *at->second) == principal;
  }
  if (parts[5].starts_with("role/")) {
    const auto at = state.roles.find(key_of(name));
    return at != state.roles.end() && role_arn(state, *at->second) == principal;
  }
  return !parts[5].starts_with("group/");  // groups are no principals
}

bool is_principal(std::string_view text) {
  const bool is_account = text.size() == 12 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  return is_account || text.starts_with("arn:aws:") || text.starts_with("AIDA") || text.starts_with("AROA");
}

}  // namespace

Failure no_such_entity(std::string message) { return client_error("NoSuchEntity", std::move(message)); }

Result<PolicyText> parse_policy(std::string_view text, policy::DocumentKind kind) {
  auto document = policy::Document::parse(text, kind);
  if (!document) return fail(document);
  return PolicyText{std::string(text), std::move(*document)};
}

Result<PolicyText> parse_trust(const State& state, std::string_view text) {
  auto parsed = parse_policy(text, policy::DocumentKind::Trust);
  if (!parsed) return fail(parsed);
  if (policy::policy_size(text) > quotas::kTrust) return over_quota("ACLSizePerRole", quotas::kTrust);
  for (const auto& statement : parsed->document->statements())
    for (const auto& principal : statement.principals->aws)
      if (!is_principal(principal) || !names_somebody(state, principal))
        return client_error("MalformedPolicyDocument",
                            fmt::format("Invalid principal in policy: \"AWS\":\"{}\"", principal));
  return parsed;
}

Result<void> check_boundary(const State& state, std::string_view arn) {
  if (arn.empty() || state.policies.contains(arn)) return {};
  return no_such_entity(fmt::format("Scope ARN: {} does not exist or is not attachable.", arn));
}

Result<void> check_path(std::string_view path) {
  if (path == "/" || (path.size() > 1 && path.front() == '/' && path.back() == '/')) return {};
  return client_error("ValidationError",
                      "The specified value for path is invalid. It must begin and end with / and contain only "
                      "alphanumeric characters and/or / characters.");
}

Result<void> add_tags(Tags& out, const Tags& more) {
  for (const auto& [key, value] : more) {
    if (policy::starts_ignoring_case(key, "aws:"))
      return client_error("InvalidInput", "Tag keys must not start with the reserved prefix aws:");
    // The same key in another case is the same tag.
    std::erase_if(out, [&](const auto& tag) { return policy::same_ignoring_case(tag.first, key); });
    out[key] = value;
  }
  if (out.size() > quotas::kTags)
    return client_error("LimitExceeded",
                        fmt::format("The number of tags has reached the maximum limit: {}", quotas::kTags));
  return {};
}

void remove_tags(Tags& out, const std::vector<std::string>& keys) {
  for (const auto& key : keys)
    std::erase_if(out, [&](const auto& tag) { return policy::same_ignoring_case(tag.first, key); });
}

// -- finding

Result<std::shared_ptr<const User>> find_user(const State& state, std::string_view name) {
  return find_in(state.users, "user", name);
}
Result<std::shared_ptr<const Group>> find_group(const State& state, std::string_view name) {
  return find_in(state.groups, "group", name);
}
Result<std::shared_ptr<const Role>> find_role(const State& state, std::string_view name) {
  return find_in(state.roles, "role", name);
}

Result<std::shared_ptr<const Identity>> find(const State& state, Owner owner, std::string_view name) {
  switch (owner) {
    case Owner::User: return find_user(state, name);
    case Owner::Group: return find_group(state, name);
    case Owner::Role: break;
  }
  return find_role(state, name);
}

Result<std::shared_ptr<const ManagedPolicy>> find_policy(const State& state, std::string_view arn) {
  const auto at = state.policies.find(arn);
  if (at == state.policies.end()) return no_such_entity(fmt::format("Policy {} was not found.", arn));
  return at->second;
}

Result<std::shared_ptr<const InstanceProfile>> find_profile(const State& state, std::string_view name) {
  const auto at = state.profiles.find(key_of(name));
  if (at == state.profiles.end()) return no_such_entity(fmt::format("Instance Profile {} cannot be found.", name));
  return at->second;
}

Result<std::shared_ptr<const OidcProvider>> find_provider(const State& state, std::string_view arn) {
  const auto at = state.providers.find(arn);
  if (at == state.providers.end())
    return no_such_entity(fmt::format("OpenIDConnect Provider not found for arn {}", arn));
  return at->second;
}

Result<PolicyText> inline_policy(const State& state, Owner owner, std::string_view name, std::string_view policy) {
  const auto found = find(state, owner, name);
  if (!found) return Failure(found.error());
  const auto& policies = (*found)->inline_policies;
  const auto at = policies.find(std::string(policy));
  if (at == policies.end())
    return no_such_entity(fmt::format("The {} policy with name {} cannot be found.", word(owner), policy));
  return at->second;
}

// -- what users, groups and roles have in common

Result<void> put_inline_policy(State& state, Owner owner, std::string_view name, std::string_view policy,
                               std::string_view document) {
  auto identity = edit(state, owner, name);
  if (!identity) return fail(identity);
  auto parsed = parse_policy(document, policy::DocumentKind::Identity);
  if (!parsed) return fail(parsed);
  (*identity)->inline_policies[std::string(policy)] = std::move(*parsed);
  std::size_t total = 0;
  for (const auto& [other, text] : (*identity)->inline_policies) total += policy::policy_size(text.text);
  if (total > inline_limit(owner))
    return client_error("LimitExceeded", fmt::format("Maximum policy size of {} bytes exceeded for {} {}",
                                                     inline_limit(owner), word(owner), (*identity)->name));
  return {};
}

Result<void> delete_inline_policy(State& state, Owner owner, std::string_view name, std::string_view policy) {
  if (auto found = inline_policy(state, owner, name, policy); !found) return fail(found);
  auto identity = edit(state, owner, name);
  if (!identity) return fail(identity);
  (*identity)->inline_policies.erase(std::string(policy));
  return {};
}

Result<void> attach_policy(State& state, Owner owner, std::string_view name, std::string_view arn) {
  auto identity = edit(state, owner, name);
  if (!identity) return fail(identity);
  if (!state.policies.contains(arn))
    return no_such_entity(fmt::format("Policy {} does not exist or is not attachable.", arn));
  auto& attached = (*identity)->attached;
  attached.emplace(arn);
  if (attached.size() > quotas::kAttached) {
    const std::string_view what = owner == Owner::User    ? "PoliciesPerUser"
                                  : owner == Owner::Group ? "PoliciesPerGroup"
                                                          : "PoliciesPerRole";
    return over_quota(what, quotas::kAttached);
  }
  return {};
}

Result<void> detach_policy(State& state, Owner owner, std::string_view name, std::string_view arn) {
  auto identity = edit(state, owner, name);
  if (!identity) return fail(identity);
  if ((*identity)->attached.erase(std::string(arn)) == 0)
    return no_such_entity(fmt::format("Policy {} was not found.", arn));
  return {};
}

Result<void> set_boundary(State& state, Owner owner, std::string_view name, std::string_view arn) {
  auto identity = edit(state, owner, name);
  if (!identity) return fail(identity);
  if (auto checked = check_boundary(state, arn); !checked) return fail(checked);
  (*identity)->boundary = arn;
  return {};
}

Result<void> tag(State& state, Owner owner, std::string_view name, const Tags& tags) {
  auto identity = edit(state, owner, name);
  if (!identity) return fail(identity);
  return add_tags((*identity)->tags, tags);
}

Result<void> untag(State& state, Owner owner, std::string_view name, const std::vector<std::string>& keys) {
  auto identity = edit(state, owner, name);
  if (!identity) return fail(identity);
  remove_tags((*identity)->tags, keys);
  return {};
}

}  // namespace likeness::identity
