#include "services/iam/registrar.hpp"

namespace likeness::iam {
namespace {

using identity::State;

template <class Out>
Result<Out> whole_role(const State& state, Result<std::shared_ptr<const identity::Role>> role) {
  if (!role) return fail(role);
  return Out{.role = shape_of(state, **role, true)};
}

void register_profiles(Registrar& registrar) {
  registrar.change<shapes::CreateInstanceProfile>(
      [](State& state, const auto&, const auto& in) -> Result<shapes::CreateInstanceProfileResponse> {
        auto tags = tags_in(in.tags);
        if (!tags) return fail(tags);
        auto made = identity::create_profile(
            state, {.name = *in.instance_profile_name, .path = in.path.value_or("/"), .tags = std::move(*tags)});
        if (!made) return fail(made);
        return shapes::CreateInstanceProfileResponse{.instance_profile = shape_of(state, **made, true)};
      });
  registrar.read<shapes::GetInstanceProfile>(
      [](const State& state, const auto&, const auto& in) -> Result<shapes::GetInstanceProfileResponse> {
        const auto found = identity::find_profile(state, *in.instance_profile_name);
        if (!found) return Failure(found.error());
        return shapes::GetInstanceProfileResponse{.instance_profile = shape_of(state, **found, true)};
      });
  registrar.change<shapes::DeleteInstanceProfile>([](State& state, const auto&, const auto& in) {
    return identity::delete_profile(state, *in.instance_profile_name);
  });
  registrar.change<shapes::TagInstanceProfile>([](State& state, const auto&, const auto& in) -> Result<void> {
    const auto tags = tags_in(in.tags);
    if (!tags) return Failure(tags.error());
    return identity::tag_profile(state, *in.instance_profile_name, *tags);
  });
  registrar.change<shapes::UntagInstanceProfile>([](State& state, const auto&, const auto& in) {
    return identity::untag_profile(state, *in.instance_profile_name, *in.tag_keys);
  });
  registrar.read<shapes::ListInstanceProfileTags>(
      [](const State& state, const auto&, const auto& in) -> Result<shapes::ListInstanceProfileTagsResponse> {
        const auto found = identity::find_profile(state, *in.instance_profile_name);
        if (!found) return Failure(found.error());
        return listed(&shapes::ListInstanceProfileTagsResponse::tags, sorted_tags((*found)->tags), in);
      });
  registrar.change<shapes::AddRoleToInstanceProfile>([](State& state, const auto&, const auto& in) {
    return identity::add_role_to_profile(state, *in.instance_profile_name, *in.role_name);
  });
  registrar.change<shapes::RemoveRoleFromInstanceProfile>([](State& state, const auto&, const auto& in) {
    return identity::remove_role_from_profile(state, *in.instance_profile_name, *in.role_name);
  });
  registrar.read<shapes::ListInstanceProfiles>(
      [](const State& state, const auto&, const auto& in) {
        std::vector<std::pair<std::string, shapes::InstanceProfile>> all;
        for (const auto& [key, profile] : state.profiles)
          if (profile->path.starts_with(in.path_prefix.value_or("/")))
            all.emplace_back(key, shape_of(state, *profile, false));
        return listed(&shapes::ListInstanceProfilesResponse::instance_profiles, std::move(all), in);
      },
      "instance-profile");
  registrar.read<shapes::ListInstanceProfilesForRole>(
      [](const State& state, const auto&, const auto& in) -> Result<shapes::ListInstanceProfilesForRoleResponse> {
        if (auto role = identity::find_role(state, *in.role_name); !role) return fail(role);
        std::vector<std::pair<std::string, shapes::InstanceProfile>> all;
        for (const auto& [key, profile] : state.profiles)
          if (profile->role == identity::key_of(*in.role_name)) all.emplace_back(key, shape_of(state, *profile, false));
        return listed(&shapes::ListInstanceProfilesForRoleResponse::instance_profiles, std::move(all), in);
      });
}

}  // namespace

void register_roles(Registrar& registrar, const Usage& usage) {
  registrar.change<shapes::CreateRole>(
      [](State& state, const auto&, const auto& in) -> Result<shapes::CreateRoleResponse> {
        auto tags = tags_in(in.tags);
        if (!tags) return fail(tags);
        identity::NewRole wanted;
        wanted.name = *in.role_name;
        wanted.path = in.path.value_or("/");
        wanted.boundary = in.permissions_boundary.value_or("");
        wanted.tags = std::move(*tags);
        wanted.trust = *in.assume_role_policy_document;
        wanted.description = in.description.value_or("");
        if (in.max_session_duration) wanted.max_session_seconds = *in.max_session_duration;
        return whole_role<shapes::CreateRoleResponse>(state, identity::create_role(state, wanted));
      });
  registrar.read<shapes::GetRole>(
      [&usage](const State& state, const auto&, const auto& in) {
        auto out = whole_role<shapes::GetRoleResponse>(state, identity::find_role(state, *in.role_name));
        if (!out) return out;
        auto& last = out->role->role_last_used.emplace();
        if (const auto used = usage.find(*out->role->role_id))
          last = {.last_used_date = used->time, .region = used->region};
        return out;
      },
      {}, kSinceStart);
  registrar.change<shapes::UpdateRole>(
      [](State& state, const auto&, const auto& in) -> Result<shapes::UpdateRoleResponse> {
        std::optional<std::int64_t> duration;
        if (in.max_session_duration) duration = *in.max_session_duration;
        if (auto role = identity::update_role(state, *in.role_name, in.description, duration); !role) return fail(role);
        return shapes::UpdateRoleResponse{};
      });
  registrar.change<shapes::UpdateRoleDescription>([](State& state, const auto&, const auto& in) {
    return whole_role<shapes::UpdateRoleDescriptionResponse>(
        state, identity::update_role(state, *in.role_name, in.description, std::nullopt));
  });
  registrar.change<shapes::UpdateAssumeRolePolicy>([](State& state, const auto&, const auto& in) {
    return identity::update_trust(state, *in.role_name, *in.policy_document);
  });
  registrar.change<shapes::DeleteRole>(
      [](State& state, const auto&, const auto& in) { return identity::delete_role(state, *in.role_name); });
  registrar.read<shapes::ListRoles>(
      [](const State& state, const auto&, const auto& in) {
        std::vector<std::pair<std::string, shapes::Role>> all;
        for (const auto& [key, role] : state.roles)
          if (role->path.starts_with(in.path_prefix.value_or("/")))
            all.emplace_back(key, shape_of(state, *role, false));
        return listed(&shapes::ListRolesResponse::roles, std::move(all), in);
      },
      "role");
  register_profiles(registrar);
}

}  // namespace likeness::iam
