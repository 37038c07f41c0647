#include "services/iam/registrar.hpp"

namespace likeness::iam {
namespace {

using identity::State;

/// The operations that users, groups and roles all have, by their shapes.
template <class Put, class Get, class Delete, class List, class Attach, class Detach, class ListAttached>
void register_for(Registrar& registrar) {
  registrar.change<Put>([](State& state, const auto&, const typename Put::Input& in) {
    return identity::put_inline_policy(state, owner_of<typename Put::Input>(), name_in(in), *in.policy_name,
                                       *in.policy_document);
  });
  registrar.read<Get>(
      [](const State& state, const auto&, const typename Get::Input& in) -> Result<typename Get::Output> {
        constexpr auto kOwner = owner_of<typename Get::Input>();
        const auto found = identity::inline_policy(state, kOwner, name_in(in), *in.policy_name);
        if (!found) return Failure(found.error());
        typename Get::Output out;
        const auto& name = (*identity::find(state, kOwner, name_in(in)))->name;
        if constexpr (kOwner == identity::Owner::Role)
          out.role_name = name;
        else if constexpr (kOwner == identity::Owner::Group)
          out.group_name = name;
        else
          out.user_name = name;
        out.policy_name = *in.policy_name;
        out.policy_document = encoded(found->text);
        return out;
      });
  registrar.change<Delete>([](State& state, const auto&, const typename Delete::Input& in) {
    return identity::delete_inline_policy(state, owner_of<typename Delete::Input>(), name_in(in), *in.policy_name);
  });
  registrar.read<List>(
      [](const State& state, const auto&, const typename List::Input& in) -> Result<typename List::Output> {
        const auto found = identity::find(state, owner_of<typename List::Input>(), name_in(in));
        if (!found) return Failure(found.error());
        std::vector<std::pair<std::string, std::string>> all;
        for (const auto& [name, policy] : (*found)->inline_policies) all.emplace_back(name, name);
        return listed(&List::Output::policy_names, std::move(all), in);
      });
  registrar.change<Attach>([](State& state, const auto&, const typename Attach::Input& in) {
    return identity::attach_policy(state, owner_of<typename Attach::Input>(), name_in(in), *in.policy_arn);
  });
  registrar.change<Detach>([](State& state, const auto&, const typename Detach::Input& in) {
    return identity::detach_policy(state, owner_of<typename Detach::Input>(), name_in(in), *in.policy_arn);
  });
  registrar.read<ListAttached>([](const State& state, const auto&,
                                  const typename ListAttached::Input& in) -> Result<typename ListAttached::Output> {
    const auto found = identity::find(state, owner_of<typename ListAttached::Input>(), name_in(in));
    if (!found) return Failure(found.error());
    std::vector<std::pair<std::string, shapes::AttachedPolicy>> all;
    for (auto& policy : attached_to(state, **found, in.path_prefix.value_or("/")))
      all.emplace_back(*policy.policy_arn, std::move(policy));
    return listed(&ListAttached::Output::attached_policies, std::move(all), in);
  });
}

/// Tags and boundaries of users and roles.
template <class Tag, class Untag, class ListTags, class PutBoundary, class DeleteBoundary>
void register_tags(Registrar& registrar) {
  registrar.change<Tag>([](State& state, const auto&, const typename Tag::Input& in) -> Result<void> {
    const auto tags = tags_in(in.tags);
    if (!tags) return Failure(tags.error());
    return identity::tag(state, owner_of<typename Tag::Input>(), name_in(in), *tags);
  });
  registrar.change<Untag>([](State& state, const auto&, const typename Untag::Input& in) {
    return identity::untag(state, owner_of<typename Untag::Input>(), name_in(in), *in.tag_keys);
  });
  registrar.read<ListTags>(
      [](const State& state, const auto&, const typename ListTags::Input& in) -> Result<typename ListTags::Output> {
        const auto found = identity::find(state, owner_of<typename ListTags::Input>(), name_in(in));
        if (!found) return Failure(found.error());
        return listed(&ListTags::Output::tags, sorted_tags((*found)->tags), in);
      });
  registrar.change<PutBoundary>([](State& state, const auto&, const typename PutBoundary::Input& in) {
    return identity::set_boundary(state, owner_of<typename PutBoundary::Input>(), name_in(in),
                                  *in.permissions_boundary);
  });
  registrar.change<DeleteBoundary>(
      [](State& state, const auto&, const typename DeleteBoundary::Input& in) -> Result<void> {
        constexpr auto kOwner = owner_of<typename DeleteBoundary::Input>();
        const auto found = identity::find(state, kOwner, name_in(in));
        if (!found) return Failure(found.error());
        if ((*found)->boundary.empty())
          return identity::no_such_entity("The permissions boundary of " + (*found)->name + " cannot be found.");
        return identity::set_boundary(state, kOwner, name_in(in), "");
      });
}

void register_versions(Registrar& registrar) {
  registrar.change<shapes::CreatePolicyVersion>([](State& state, const auto&,
                                                   const auto& in) -> Result<shapes::CreatePolicyVersionResponse> {
    auto made =
        identity::create_policy_version(state, *in.policy_arn, *in.policy_document, in.set_as_default.value_or(false));
    if (!made) return fail(made);
    return shapes::CreatePolicyVersionResponse{
        .policy_version = shape_of(**identity::find_policy(state, *in.policy_arn), *made, false)};
  });
  registrar.read<shapes::GetPolicyVersion>(
      [](const State& state, const auto&, const auto& in) -> Result<shapes::GetPolicyVersionResponse> {
        const auto policy = identity::find_policy(state, *in.policy_arn);
        if (!policy) return Failure(policy.error());
        const auto* version = (*policy)->version(*in.version_id);
        if (version == nullptr)
          return identity::no_such_entity("Policy " + *in.policy_arn + " version " + *in.version_id +
                                          " does not exist or is not attachable.");
        return shapes::GetPolicyVersionResponse{.policy_version = shape_of(**policy, *version, true)};
      });
  registrar.read<shapes::ListPolicyVersions>(
      [](const State& state, const auto&, const auto& in) -> Result<shapes::ListPolicyVersionsResponse> {
        const auto policy = identity::find_policy(state, *in.policy_arn);
        if (!policy) return Failure(policy.error());
        // Newest first, as AWS has them; the key that orders them counts down.
        std::vector<std::pair<std::string, shapes::PolicyVersion>> all;
        std::size_t rank = 1000 + (*policy)->versions.size();
        for (const auto& version : (*policy)->versions)
          all.emplace_back(std::to_string(rank--), shape_of(**policy, version, false));
        return listed(&shapes::ListPolicyVersionsResponse::versions, std::move(all), in);
      });
  registrar.change<shapes::SetDefaultPolicyVersion>([](State& state, const auto&, const auto& in) {
    return identity::set_default_version(state, *in.policy_arn, *in.version_id);
  });
  registrar.change<shapes::DeletePolicyVersion>([](State& state, const auto&, const auto& in) {
    return identity::delete_policy_version(state, *in.policy_arn, *in.version_id);
  });
}

void register_managed(Registrar& registrar) {
  registrar.change<shapes::CreatePolicy>(
      [](State& state, const auto&, const auto& in) -> Result<shapes::CreatePolicyResponse> {
        auto tags = tags_in(in.tags);
        if (!tags) return fail(tags);
        auto made = identity::create_policy(state, {.name = *in.policy_name,
                                                    .path = in.path.value_or("/"),
                                                    .document = *in.policy_document,
                                                    .description = in.description.value_or(""),
                                                    .tags = std::move(*tags)});
        if (!made) return fail(made);
        auto shape = shape_of(state, **made, true);
        // As AWS: the description is told by GetPolicy alone, and no empty list of tags.
        shape.description.reset();
        if ((*made)->tags.empty()) shape.tags.reset();
        return shapes::CreatePolicyResponse{.policy = std::move(shape)};
      });
  registrar.read<shapes::GetPolicy>(
      [](const State& state, const auto&, const auto& in) -> Result<shapes::GetPolicyResponse> {
        const auto policy = identity::find_policy(state, *in.policy_arn);
        if (!policy) return Failure(policy.error());
        return shapes::GetPolicyResponse{.policy = shape_of(state, **policy, true)};
      });
  registrar.change<shapes::DeletePolicy>(
      [](State& state, const auto&, const auto& in) { return identity::delete_policy(state, *in.policy_arn); });
  registrar.read<shapes::ListPolicies>(
      [](const State& state, const auto&, const auto& in) {
        using Scope = shapes::policyScopeType;
        const auto scope = in.scope.value_or(Scope::All);
        const bool boundaries = in.policy_usage_filter == shapes::PolicyUsageType::PermissionsBoundary;
        std::vector<std::pair<std::string, shapes::Policy>> all;
        for (const auto& [arn, policy] : state.policies) {
          if ((scope == Scope::Aws && !policy->of_aws) || (scope == Scope::Local && policy->of_aws)) continue;
          if (!policy->path.starts_with(in.path_prefix.value_or("/"))) continue;
          auto shape = shape_of(state, *policy, false);
          const bool used = (boundaries ? *shape.permissions_boundary_usage_count : *shape.attachment_count) > 0;
          if ((in.only_attached.value_or(false) || in.policy_usage_filter) && !used) continue;
          all.emplace_back(arn, std::move(shape));
        }
        return listed(&shapes::ListPoliciesResponse::policies, std::move(all), in);
      },
      "policy", "Of AWS's managed policies those of the services here.");
  registrar.change<shapes::TagPolicy>([](State& state, const auto&, const auto& in) -> Result<void> {
    const auto tags = tags_in(in.tags);
    if (!tags) return Failure(tags.error());
    return identity::tag_policy(state, *in.policy_arn, *tags);
  });
  registrar.change<shapes::UntagPolicy>([](State& state, const auto&, const auto& in) {
    return identity::untag_policy(state, *in.policy_arn, *in.tag_keys);
  });
  registrar.read<shapes::ListPolicyTags>(
      [](const State& state, const auto&, const auto& in) -> Result<shapes::ListPolicyTagsResponse> {
        const auto policy = identity::find_policy(state, *in.policy_arn);
        if (!policy) return Failure(policy.error());
        return listed(&shapes::ListPolicyTagsResponse::tags, sorted_tags((*policy)->tags), in);
      });
  registrar.read<shapes::ListEntitiesForPolicy>(
      [](const State& state, const auto&, const auto& in) -> Result<shapes::ListEntitiesForPolicyResponse> {
        if (auto policy = identity::find_policy(state, *in.policy_arn); !policy) return fail(policy);
        using Type = shapes::EntityType;
        const bool boundaries = in.policy_usage_filter == shapes::PolicyUsageType::PermissionsBoundary;
        const auto usage =
            boundaries ? identity::bounded_by(state, *in.policy_arn) : identity::attached_to(state, *in.policy_arn);
        const auto wanted = [&](Type type, const identity::Identity& identity) {
          return (!in.entity_filter || *in.entity_filter == type) &&
                 identity.path.starts_with(in.path_prefix.value_or("/"));
        };
        // At most some hundreds, so that one page holds them.
        shapes::ListEntitiesForPolicyResponse out{.policy_groups = std::vector<shapes::PolicyGroup>(),
                                                  .policy_users = std::vector<shapes::PolicyUser>(),
                                                  .policy_roles = std::vector<shapes::PolicyRole>(),
                                                  .is_truncated = false};
        for (const auto& group : usage.groups)
          if (wanted(Type::Group, *group))
            out.policy_groups->push_back({.group_name = group->name, .group_id = group->id});
        for (const auto& user : usage.users)
          if (wanted(Type::User, *user)) out.policy_users->push_back({.user_name = user->name, .user_id = user->id});
        for (const auto& role : usage.roles)
          if (wanted(Type::Role, *role)) out.policy_roles->push_back({.role_name = role->name, .role_id = role->id});
        return out;
      },
      {}, "All in one page.");
  register_versions(registrar);
}

}  // namespace

void register_policies(Registrar& registrar) {
  using namespace shapes;  // NOLINT(google-build-using-namespace): seven operations a line
  register_for<PutUserPolicy, GetUserPolicy, DeleteUserPolicy, ListUserPolicies, AttachUserPolicy, DetachUserPolicy,
               ListAttachedUserPolicies>(registrar);
  register_for<PutGroupPolicy, GetGroupPolicy, DeleteGroupPolicy, ListGroupPolicies, AttachGroupPolicy,
               DetachGroupPolicy, ListAttachedGroupPolicies>(registrar);
  register_for<PutRolePolicy, GetRolePolicy, DeleteRolePolicy, ListRolePolicies, AttachRolePolicy, DetachRolePolicy,
               ListAttachedRolePolicies>(registrar);
  register_tags<TagUser, UntagUser, ListUserTags, PutUserPermissionsBoundary, DeleteUserPermissionsBoundary>(registrar);
  register_tags<TagRole, UntagRole, ListRoleTags, PutRolePermissionsBoundary, DeleteRolePermissionsBoundary>(registrar);
  register_managed(registrar);
}

}  // namespace likeness::iam
