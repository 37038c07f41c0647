#include "services/iam/registrar.hpp"

namespace likeness::iam {
namespace {

using identity::State;

/// A line of GetAccountAuthorizationDetails: one of the four is there.
struct Detail {
  std::optional<shapes::UserDetail> user;
  std::optional<shapes::GroupDetail> group;
  std::optional<shapes::RoleDetail> role;
  std::optional<shapes::ManagedPolicyDetail> policy;
};

shapes::UserDetail detail_of(const State& state, const identity::User& user) {
  shapes::UserDetail out{.path = user.path,
                         .user_name = user.name,
                         .user_id = user.id,
                         .arn = identity::user_arn(state, user),
                         .create_date = user.created};
  if (!user.inline_policies.empty()) out.user_policy_list = inline_policies_of(user);
  out.group_list.emplace();
  for (const auto& key : user.groups) out.group_list->push_back(state.groups.at(key)->name);
  out.attached_managed_policies = attached_to(state, user);
  out.permissions_boundary = boundary_of(user);
  out.tags = tags_of(user.tags);
  return out;
}

shapes::GroupDetail detail_of(const State& state, const identity::Group& group) {
  return {.path = group.path,
          .group_name = group.name,
          .group_id = group.id,
          .arn = identity::group_arn(state, group),
          .create_date = group.created,
          .group_policy_list = inline_policies_of(group),
          .attached_managed_policies = attached_to(state, group)};
}

shapes::RoleDetail detail_of(const State& state, const identity::Role& role) {
  shapes::RoleDetail out{.path = role.path,
                         .role_name = role.name,
                         .role_id = role.id,
                         .arn = identity::role_arn(state, role),
                         .create_date = role.created,
                         .assume_role_policy_document = encoded(role.trust.text)};
  out.instance_profile_list.emplace();
  for (const auto& [key, profile] : state.profiles)
    if (profile->role == identity::key_of(role.name))
      out.instance_profile_list->push_back(shape_of(state, *profile, false));
  out.role_policy_list = inline_policies_of(role);
  out.attached_managed_policies = attached_to(state, role);
  out.permissions_boundary = boundary_of(role);
  out.tags = tags_of(role.tags);
  return out;
}

shapes::ManagedPolicyDetail detail_of(const State& state, const identity::ManagedPolicy& policy) {
  auto shape = shape_of(state, policy, false);
  shapes::ManagedPolicyDetail out{.policy_name = shape.policy_name,
                                  .policy_id = shape.policy_id,
                                  .arn = shape.arn,
                                  .path = shape.path,
                                  .default_version_id = shape.default_version_id,
                                  .attachment_count = shape.attachment_count,
                                  .permissions_boundary_usage_count = shape.permissions_boundary_usage_count,
                                  .is_attachable = shape.is_attachable,
                                  .create_date = shape.create_date,
                                  .update_date = shape.update_date};
  auto& versions = out.policy_version_list.emplace();
  for (const auto& version : policy.versions) versions.push_back(shape_of(policy, version, true));
  return out;
}

using Response = shapes::GetAccountAuthorizationDetailsResponse;

Result<Response> authorization_details(const State& state, const aws::RequestContext&,
                                       const shapes::GetAccountAuthorizationDetailsRequest& in) {
  using Type = shapes::EntityType;
  const auto wanted = [&](Type type) {
    return !in.filter || in.filter->empty() || std::ranges::find(*in.filter, type) != in.filter->end();
  };
  std::vector<std::pair<std::string, Detail>> all;
  if (wanted(Type::User))
    for (const auto& [key, user] : state.users) all.emplace_back("1" + key, Detail{.user = detail_of(state, *user)});
  if (wanted(Type::Group))
    for (const auto& [key, group] : state.groups)
      all.emplace_back("2" + key, Detail{.group = detail_of(state, *group)});
  if (wanted(Type::Role))
    for (const auto& [key, role] : state.roles) all.emplace_back("3" + key, Detail{.role = detail_of(state, *role)});
  for (const auto& [arn, policy] : state.policies)
    if (wanted(policy->of_aws ? Type::AWSManagedPolicy : Type::LocalManagedPolicy))
      all.emplace_back("4" + arn, Detail{.policy = detail_of(state, *policy)});

  // One marker goes through the four lists.
  struct Page {
    std::optional<std::vector<Detail>> details;
    std::optional<bool> is_truncated;
    std::optional<std::string> marker;
  };
  auto page = listed(&Page::details, std::move(all), in);
  if (!page) return fail(page);
  Response out;
  out.user_detail_list.emplace();
  out.group_detail_list.emplace();
  out.role_detail_list.emplace();
  out.policies.emplace();
  for (auto& detail : *page->details) {
    if (detail.user) out.user_detail_list->push_back(std::move(*detail.user));
    if (detail.group) out.group_detail_list->push_back(std::move(*detail.group));
    if (detail.role) out.role_detail_list->push_back(std::move(*detail.role));
    if (detail.policy) out.policies->push_back(std::move(*detail.policy));
  }
  out.is_truncated = page->is_truncated;
  out.marker = std::move(page->marker);
  return out;
}

Result<shapes::GetAccountSummaryResponse> account_summary(const State& state, const aws::RequestContext&,
                                                          const aws::Empty&) {
  using namespace identity::quotas;  // NOLINT(google-build-using-namespace): their names say what they are
  const auto own = std::ranges::count_if(state.policies, [](const auto& entry) { return !entry.second->of_aws; });
  std::size_t versions = 0;
  for (const auto& [arn, policy] : state.policies)
    if (!policy->of_aws) versions += policy->versions.size();
  const std::pair<const char*, std::size_t> figures[] = {
      {"Users", state.users.size()},
      {"UsersQuota", kUsers},
      {"Groups", state.groups.size()},
      {"GroupsQuota", kGroups},
      {"Roles", state.roles.size()},
      {"RolesQuota", kRoles},
      {"Policies", static_cast<std::size_t>(own)},
      {"PoliciesQuota", kPolicies},
      {"PolicyVersionsInUse", versions},
      {"VersionsPerPolicyQuota", kVersions},
      {"InstanceProfiles", state.profiles.size()},
      {"InstanceProfilesQuota", kProfiles},
      {"Providers", state.providers.size()},
      {"GroupsPerUserQuota", kGroupsPerUser},
      {"AccessKeysPerUserQuota", kKeysPerUser},
      {"AttachedPoliciesPerUserQuota", kAttached},
      {"AttachedPoliciesPerGroupQuota", kAttached},
      {"AttachedPoliciesPerRoleQuota", kAttached},
      {"UserPolicySizeQuota", kUserInline},
      {"GroupPolicySizeQuota", kGroupInline},
      {"RolePolicySizeQuota", kRoleInline},
      {"PolicySizeQuota", kManagedPolicy},
      {"AssumeRolePolicySizeQuota", kTrust},
      {"AccountAccessKeysPresent", 1},
  };
  shapes::GetAccountSummaryResponse out;
  auto& map = out.summary_map.emplace();
  for (const auto& [name, count] : figures) map[name] = static_cast<std::int32_t>(count);
  return out;
}

void register_providers(Registrar& registrar) {
  registrar.change<shapes::CreateOpenIDConnectProvider>(
      [](State& state, const auto&, const auto& in) -> Result<shapes::CreateOpenIDConnectProviderResponse> {
        auto tags = tags_in(in.tags);
        if (!tags) return fail(tags);
        auto made =
            identity::create_provider(state, {.url = *in.url,
                                              .clients = in.client_id_list.value_or(std::vector<std::string>()),
                                              .thumbprints = in.thumbprint_list.value_or(std::vector<std::string>()),
                                              .tags = std::move(*tags)});
        if (!made) return fail(made);
        return shapes::CreateOpenIDConnectProviderResponse{.open_id_connect_provider_arn = (*made)->arn,
                                                           .tags = tags_of((*made)->tags)};
      });
  registrar.read<shapes::GetOpenIDConnectProvider>(
      [](const State& state, const auto&, const auto& in) -> Result<shapes::GetOpenIDConnectProviderResponse> {
        const auto found = identity::find_provider(state, *in.open_id_connect_provider_arn);
        if (!found) return Failure(found.error());
        const auto& provider = **found;
        return shapes::GetOpenIDConnectProviderResponse{
            .url = provider.url,
            .client_id_list = std::vector<std::string>(provider.clients.begin(), provider.clients.end()),
            .thumbprint_list = provider.thumbprints,
            .create_date = provider.created,
            .tags = tags_of(provider.tags)};
      });
  registrar.read<shapes::ListOpenIDConnectProviders>(
      [](const State& state, const auto&, const auto&) -> Result<shapes::ListOpenIDConnectProvidersResponse> {
        shapes::ListOpenIDConnectProvidersResponse out;
        auto& list = out.open_id_connect_provider_list.emplace();
        for (const auto& [arn, provider] : state.providers) list.push_back({.arn = arn});
        return out;
      });
  registrar.change<shapes::DeleteOpenIDConnectProvider>([](State& state, const auto&, const auto& in) {
    return identity::delete_provider(state, *in.open_id_connect_provider_arn);
  });
  registrar.change<shapes::UpdateOpenIDConnectProviderThumbprint>([](State& state, const auto&, const auto& in) {
    return identity::set_thumbprints(state, *in.open_id_connect_provider_arn, *in.thumbprint_list);
  });
  registrar.change<shapes::TagOpenIDConnectProvider>([](State& state, const auto&, const auto& in) -> Result<void> {
    const auto tags = tags_in(in.tags);
    if (!tags) return Failure(tags.error());
    return identity::tag_provider(state, *in.open_id_connect_provider_arn, *tags);
  });
  registrar.change<shapes::UntagOpenIDConnectProvider>([](State& state, const auto&, const auto& in) {
    return identity::untag_provider(state, *in.open_id_connect_provider_arn, *in.tag_keys);
  });
  registrar.read<shapes::ListOpenIDConnectProviderTags>(
      [](const State& state, const auto&, const auto& in) -> Result<shapes::ListOpenIDConnectProviderTagsResponse> {
        const auto found = identity::find_provider(state, *in.open_id_connect_provider_arn);
        if (!found) return Failure(found.error());
        return listed(&shapes::ListOpenIDConnectProviderTagsResponse::tags, sorted_tags((*found)->tags), in);
      });
  registrar.change<shapes::AddClientIDToOpenIDConnectProvider>([](State& state, const auto&, const auto& in) {
    return identity::change_client(state, *in.open_id_connect_provider_arn, *in.client_id, true);
  });
  registrar.change<shapes::RemoveClientIDFromOpenIDConnectProvider>([](State& state, const auto&, const auto& in) {
    return identity::change_client(state, *in.open_id_connect_provider_arn, *in.client_id, false);
  });
}

/// Lists of what cannot be made here, so that there is none of it. Infrastructure tools ask before they delete a user.
template <class Op>
void register_none(Registrar& registrar) {
  registrar.read<Op>(
      [](const State& state, const auto& context, const typename Op::Input& in) -> Result<typename Op::Output> {
        if constexpr (requires { in.user_name; }) {
          if (in.user_name || context.principal.kind == policy::Principal::Kind::User) {
            const auto name = user_in(context, in);
            if (!name) return Failure(name.error());
            if (auto user = identity::find_user(state, *name); !user) return fail(user);
          }
        }
        typename Op::Output out;
        if constexpr (requires { out.is_truncated; }) out.is_truncated = false;
        if constexpr (requires { out.mfa_devices; }) out.mfa_devices.emplace();
        if constexpr (requires { out.virtual_mfa_devices; }) out.virtual_mfa_devices.emplace();
        if constexpr (requires { out.ssh_public_keys; }) out.ssh_public_keys.emplace();
        if constexpr (requires { out.server_certificate_metadata_list; })
          out.server_certificate_metadata_list.emplace();
        if constexpr (requires { out.service_specific_credentials; }) out.service_specific_credentials.emplace();
        if constexpr (requires { out.saml_provider_list; }) out.saml_provider_list.emplace();
        return out;
      },
      {}, "There are none here.");
}

}  // namespace

void register_account(Registrar& registrar) {
  register_none<shapes::ListMFADevices>(registrar);
  register_none<shapes::ListVirtualMFADevices>(registrar);
  register_none<shapes::ListSSHPublicKeys>(registrar);
  register_none<shapes::ListServerCertificates>(registrar);
  register_none<shapes::ListServiceSpecificCredentials>(registrar);
  register_none<shapes::ListSAMLProviders>(registrar);
  registrar.read<shapes::GetLoginProfile>(
      [](const State& state, const auto& context, const auto& in) -> Result<shapes::GetLoginProfileResponse> {
        const auto name = user_in(context, in);
        if (!name) return Failure(name.error());
        const auto user = identity::find_user(state, *name);
        if (!user) return Failure(user.error());
        return identity::no_such_entity("Login Profile for User " + (*user)->name + " cannot be found.");
      },
      {}, "There are none here: nobody signs in with a password.");
  registrar.read<shapes::GetAccountAuthorizationDetails>(authorization_details);
  registrar.read<shapes::GetAccountSummary>(account_summary, {}, "Only the figures of what there is here.");
  registrar.change<shapes::CreateAccountAlias>(
      [](State& state, const auto&, const auto& in) { return identity::set_alias(state, *in.account_alias); });
  registrar.change<shapes::DeleteAccountAlias>(
      [](State& state, const auto&, const auto& in) { return identity::delete_alias(state, *in.account_alias); });
  registrar.read<shapes::ListAccountAliases>([](const State& state, const auto&, const auto& in) {
    std::vector<std::pair<std::string, std::string>> all;
    if (state.alias) all.emplace_back(*state.alias, *state.alias);
    return listed(&shapes::ListAccountAliasesResponse::account_aliases, std::move(all), in);
  });
  register_providers(registrar);
}

}  // namespace likeness::iam
