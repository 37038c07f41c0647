#include <algorithm>

#include "domain/identity/rules_common.hpp"
#include "policy/text.hpp"

namespace likeness::identity {
namespace {

/// A managed policy to be changed; those of AWS are not.
Result<ManagedPolicy*> edit_policy(State& state, std::string_view arn) {
  const auto found = find_policy(state, arn);
  if (!found) return Failure(found.error());
  if ((*found)->of_aws) return client_error("AccessDenied", "Cannot change an AWS managed policy.");
  return &edit(state.policies, std::string(arn));
}

Result<PolicyText> parse_managed(std::string_view document) {
  auto parsed = parse_policy(document, policy::DocumentKind::Identity);
  if (!parsed) return fail(parsed);
  if (policy::policy_size(document) > quotas::kManagedPolicy) return over_quota("PolicySize", quotas::kManagedPolicy);
  return parsed;
}

Failure version_not_found(std::string_view arn, std::string_view version) {
  return no_such_entity(fmt::format("Policy {} version {} does not exist or is not attachable.", arn, version));
}

template <class Matches>
Usage usage(const State& state, const Matches& matches) {
  Usage out;
  for (const auto& [key, user] : state.users)
    if (matches(*user)) out.users.push_back(user);
  for (const auto& [key, group] : state.groups)
    if (matches(*group)) out.groups.push_back(group);
  for (const auto& [key, role] : state.roles)
    if (matches(*role)) out.roles.push_back(role);
  return out;
}

Result<void> check_thumbprints(const std::vector<std::string>& thumbprints) {
  if (thumbprints.size() > 5) return client_error("InvalidInput", "Thumbprint list must contain fewer than 5 entries.");
  return {};
}

bool is_alias(std::string_view alias) {
  const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  return alias.size() >= 3 && alias.size() <= 63 && std::ranges::all_of(alias, fits) && alias.front() != '-' &&
         alias.back() != '-' && alias.find("--") == std::string_view::npos;
}

}  // namespace

Result<std::shared_ptr<const ManagedPolicy>> create_policy(State& state, const NewPolicy& wanted) {
  if (auto checked = check_path(wanted.path); !checked) return fail(checked);
  auto parsed = parse_managed(wanted.document);
  if (!parsed) return fail(parsed);
  std::size_t own = 0;
  for (const auto& [arn, policy] : state.policies) {
    if (policy->of_aws) continue;
    ++own;
    if (policy::same_ignoring_case(policy->name, wanted.name))
      return already_exists(
          fmt::format("A policy called {} already exists. Duplicate names are not allowed.", wanted.name));
  }
  if (own >= quotas::kPolicies) return over_quota("PoliciesPerAccount", quotas::kPolicies);
  auto made = std::make_shared<ManagedPolicy>();
  made->name = wanted.name;
  made->path = wanted.path;
  made->id = new_id("ANPA");
  made->arn = policy_arn(state.account, wanted.path, wanted.name);
  made->description = wanted.description;
  made->created = made->updated = state.now;
  if (auto tagged = add_tags(made->tags, wanted.tags); !tagged) return fail(tagged);
  made->versions.push_back({"v1", std::move(*parsed), state.now});
  made->default_version = "v1";
  state.policies[made->arn] = made;
  return made;
}

Result<void> delete_policy(State& state, std::string_view arn) {
  const auto policy = edit_policy(state, arn);
  if (!policy) return Failure(policy.error());
  if (attached_to(state, arn).size() + bounded_by(state, arn).size() > 0)
    return delete_conflict("Cannot delete a policy attached to entities.");
  if ((*policy)->versions.size() > 1)
    return delete_conflict(
        "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The "
        "default version is deleted with the policy.");
  state.policies.erase(std::string(arn));
  return {};
}

Result<PolicyVersion> create_policy_version(State& state, std::string_view arn, std::string_view document,
                                            bool set_default) {
  const auto policy = edit_policy(state, arn);
  if (!policy) return Failure(policy.error());
  auto parsed = parse_managed(document);
  if (!parsed) return fail(parsed);
  ManagedPolicy& changed = **policy;
  if (changed.versions.size() >= quotas::kVersions)
    return client_error(
        "LimitExceeded",
        "A managed policy can have up to 5 versions. Before you create a new version, you must delete an "
        "existing version.");
  PolicyVersion version{fmt::format("v{}", changed.next_version++), std::move(*parsed), state.now};
  if (set_default) changed.default_version = version.id;
  changed.updated = state.now;
  return changed.versions.emplace_back(std::move(version));
}

Result<void> set_default_version(State& state, std::string_view arn, std::string_view version) {
  const auto policy = edit_policy(state, arn);
  if (!policy) return Failure(policy.error());
  if ((*policy)->version(version) == nullptr) return version_not_found(arn, version);
  (*policy)->default_version = version;
  (*policy)->updated = state.now;
  return {};
}

Result<void> delete_policy_version(State& state, std::string_view arn, std::string_view version) {
  const auto policy = edit_policy(state, arn);
  if (!policy) return Failure(policy.error());
  if ((*policy)->version(version) == nullptr) return version_not_found(arn, version);
  if ((*policy)->default_version == version) return delete_conflict("Cannot delete the default version of a policy.");
  std::erase_if((*policy)->versions, [&](const PolicyVersion& known) { return known.id == version; });
  return {};
}

Result<void> tag_policy(State& state, std::string_view arn, const Tags& tags) {
  const auto policy = edit_policy(state, arn);
  if (!policy) return Failure(policy.error());
  return add_tags((*policy)->tags, tags);
}

Result<void> untag_policy(State& state, std::string_view arn, const std::vector<std::string>& keys) {
  const auto policy = edit_policy(state, arn);
  if (!policy) return Failure(policy.error());
  remove_tags((*policy)->tags, keys);
  return {};
}

Usage attached_to(const State& state, std::string_view arn) {
  return usage(state, [key = std::string(arn)](const Identity& identity) { return identity.attached.contains(key); });
}

Usage bounded_by(const State& state, std::string_view arn) {
  return usage(state, [arn](const Identity& identity) { return identity.boundary == arn; });
}

// -- instance profiles

Result<std::shared_ptr<const InstanceProfile>> create_profile(State& state, const NewEntity& wanted) {
  if (auto checked = check_path(wanted.path); !checked) return fail(checked);
  const auto key = key_of(wanted.name);
  if (state.profiles.contains(key))
    return already_exists(fmt::format("Instance Profile {} already exists.", wanted.name));
  if (state.profiles.size() >= quotas::kProfiles) return over_quota("InstanceProfilesPerAccount", quotas::kProfiles);
  auto made = std::make_shared<InstanceProfile>();
  made->name = wanted.name;
  made->path = wanted.path;
  made->id = new_id("AIPA");
  made->created = state.now;
  if (auto tagged = add_tags(made->tags, wanted.tags); !tagged) return fail(tagged);
  state.profiles[key] = made;
  return made;
}

Result<void> delete_profile(State& state, std::string_view name) {
  const auto profile = find_profile(state, name);
  if (!profile) return Failure(profile.error());
  if (!(*profile)->role.empty())
    return delete_conflict("Cannot delete entity, must remove roles from instance profile first.");
  state.profiles.erase(key_of(name));
  return {};
}

Result<void> tag_profile(State& state, std::string_view name, const Tags& tags) {
  if (auto found = find_profile(state, name); !found) return fail(found);
  return add_tags(edit(state.profiles, key_of(name)).tags, tags);
}

Result<void> untag_profile(State& state, std::string_view name, const std::vector<std::string>& keys) {
  if (auto found = find_profile(state, name); !found) return fail(found);
  remove_tags(edit(state.profiles, key_of(name)).tags, keys);
  return {};
}

Result<void> add_role_to_profile(State& state, std::string_view name, std::string_view role) {
  if (auto found = find_profile(state, name); !found) return fail(found);
  if (auto found = find_role(state, role); !found) return fail(found);
  auto& profile = edit(state.profiles, key_of(name));
  if (!profile.role.empty()) return over_quota("InstanceSessionsPerInstanceProfile", 1);
  profile.role = key_of(role);
  return {};
}

Result<void> remove_role_from_profile(State& state, std::string_view name, std::string_view role) {
  if (auto found = find_profile(state, name); !found) return fail(found);
  auto& profile = edit(state.profiles, key_of(name));
  if (profile.role != key_of(role)) return no_such_entity(fmt::format("The role with name {} cannot be found.", role));
  profile.role.clear();
  return {};
}

// -- identity providers

Result<std::shared_ptr<const OidcProvider>> create_provider(State& state, const NewProvider& wanted) {
  constexpr std::string_view kHttps = "https://";
  if (!wanted.url.starts_with(kHttps) || wanted.url.size() == kHttps.size())
    return client_error("ValidationError", "Invalid Open ID Connect Provider URL");
  auto made = std::make_shared<OidcProvider>();
  made->url = wanted.url.substr(kHttps.size());
  if (made->url.back() == '/') made->url.pop_back();
  made->arn = fmt::format("arn:aws:iam::{}:oidc-provider/{}", state.account, made->url);
  if (state.providers.contains(made->arn))
    return already_exists(fmt::format("Provider with url {} already exists.", wanted.url));
  if (state.providers.size() >= quotas::kProviders)
    return over_quota("OpenIdConnectProvidersPerAccount", quotas::kProviders);
  if (wanted.clients.size() > 100) return over_quota("ClientIdsPerOpenIdConnectProvider", 100);
  if (auto checked = check_thumbprints(wanted.thumbprints); !checked) return fail(checked);
  made->clients.insert(wanted.clients.begin(), wanted.clients.end());
  made->thumbprints = wanted.thumbprints;
  made->created = state.now;
  if (auto tagged = add_tags(made->tags, wanted.tags); !tagged) return fail(tagged);
  state.providers[made->arn] = made;
  return made;
}

Result<void> delete_provider(State& state, std::string_view arn) {
  // AWS: deleting one that is not there succeeds.
  if (const auto at = state.providers.find(arn); at != state.providers.end()) state.providers.erase(at);
  return {};
}

Result<void> change_client(State& state, std::string_view arn, const std::string& client, bool add) {
  if (auto found = find_provider(state, arn); !found) return fail(found);
  auto& clients = edit(state.providers, std::string(arn)).clients;
  if (add)
    clients.insert(client);
  else
    clients.erase(client);
  return {};
}

Result<void> set_thumbprints(State& state, std::string_view arn, const std::vector<std::string>& thumbprints) {
  if (auto found = find_provider(state, arn); !found) return fail(found);
  if (auto checked = check_thumbprints(thumbprints); !checked) return fail(checked);
  edit(state.providers, std::string(arn)).thumbprints = thumbprints;
  return {};
}

Result<void> tag_provider(State& state, std::string_view arn, const Tags& tags) {
  if (auto found = find_provider(state, arn); !found) return fail(found);
  return add_tags(edit(state.providers, std::string(arn)).tags, tags);
}

Result<void> untag_provider(State& state, std::string_view arn, const std::vector<std::string>& keys) {
  if (auto found = find_provider(state, arn); !found) return fail(found);
  remove_tags(edit(state.providers, std::string(arn)).tags, keys);
  return {};
}

// -- the account

Result<void> set_alias(State& state, const std::string& alias) {
  if (!is_alias(alias))
    return client_error(
        "ValidationError",
        fmt::format("1 validation error detected: Value '{}' at 'accountAlias' failed to satisfy constraint: "
                    "Member must satisfy regular expression pattern: ^[a-z0-9]([a-z0-9]|-(?!-)){{1,61}}[a-z0-9]$",
                    alias));
  state.alias = std::make_shared<const std::string>(alias);
  return {};
}

Result<void> delete_alias(State& state, const std::string& alias) {
  if (!state.alias || *state.alias != alias)
    return no_such_entity(fmt::format("The account alias {} cannot be found.", alias));
  state.alias = nullptr;
  return {};
}

}  // namespace likeness::identity
