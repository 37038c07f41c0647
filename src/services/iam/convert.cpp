#include "services/iam/convert.hpp"

#include "aws/sigv4.hpp"

namespace likeness::iam {

std::vector<shapes::Tag> tags_of(const identity::Tags& tags) {
  std::vector<shapes::Tag> out;
  out.reserve(tags.size());
  for (const auto& [key, value] : tags) out.push_back({.key = key, .value = value});
  return out;
}

std::vector<std::pair<std::string, shapes::Tag>> sorted_tags(const identity::Tags& tags) {
  std::vector<std::pair<std::string, shapes::Tag>> out;
  out.reserve(tags.size());
  for (const auto& [key, value] : tags) out.emplace_back(key, shapes::Tag{.key = key, .value = value});
  return out;
}

Result<identity::Tags> tags_in(const std::optional<std::vector<shapes::Tag>>& tags) {
  identity::Tags out;
  if (!tags) return out;
  for (const auto& tag : *tags) {
    for (const auto& [key, value] : out)
      if (identity::key_of(key) == identity::key_of(*tag.key))
        return client_error("InvalidInput",
                            "Duplicate tag keys found. Please note that Tag keys are case insensitive.");
    out[*tag.key] = *tag.value;
  }
  return out;
}

std::string encoded(std::string_view document) { return aws::uri_encode(document); }

std::optional<shapes::AttachedPermissionsBoundary> boundary_of(const identity::Identity& identity) {
  if (identity.boundary.empty()) return std::nullopt;
  return shapes::AttachedPermissionsBoundary{
      .permissions_boundary_type = shapes::PermissionsBoundaryAttachmentType::PermissionsBoundaryPolicy,
      .permissions_boundary_arn = identity.boundary};
}

shapes::User shape_of(const identity::State& state, const identity::User& user, bool whole) {
  shapes::User out{.path = user.path,
                   .user_name = user.name,
                   .user_id = user.id,
                   .arn = identity::user_arn(state, user),
                   .create_date = user.created};
  if (!whole) return out;
  out.permissions_boundary = boundary_of(user);
  if (!user.tags.empty()) out.tags = tags_of(user.tags);
  return out;
}

shapes::Group shape_of(const identity::State& state, const identity::Group& group) {
  return {.path = group.path,
          .group_name = group.name,
          .group_id = group.id,
          .arn = identity::group_arn(state, group),
          .create_date = group.created};
}

shapes::Role shape_of(const identity::State& state, const identity::Role& role, bool whole) {
  shapes::Role out{.path = role.path,
                   .role_name = role.name,
                   .role_id = role.id,
                   .arn = identity::role_arn(state, role),
                   .create_date = role.created,
                   .assume_role_policy_document = encoded(role.trust.text)};
  if (!role.description.empty()) out.description = role.description;
  out.max_session_duration = static_cast<std::int32_t>(role.max_session_seconds);
  if (!whole) return out;
  out.permissions_boundary = boundary_of(role);
  if (!role.tags.empty()) out.tags = tags_of(role.tags);
  return out;
}

shapes::Policy shape_of(const identity::State& state, const identity::ManagedPolicy& policy, bool whole) {
  shapes::Policy out{
      .policy_name = policy.name,
      .policy_id = policy.id,
      .arn = policy.arn,
      .path = policy.path,
      .default_version_id = policy.default_version,
      .attachment_count = static_cast<std::int32_t>(identity::attached_to(state, policy.arn).size()),
      .permissions_boundary_usage_count = static_cast<std::int32_t>(identity::bounded_by(state, policy.arn).size()),
      .is_attachable = true};
  out.create_date = policy.created;
  out.update_date = policy.updated;
  if (!whole) return out;
  if (!policy.description.empty()) out.description = policy.description;
  out.tags = tags_of(policy.tags);
  return out;
}

shapes::PolicyVersion shape_of(const identity::ManagedPolicy& policy, const identity::PolicyVersion& version,
                               bool with_document) {
  shapes::PolicyVersion out;
  if (with_document) out.document = encoded(version.policy.text);
  out.version_id = version.id;
  out.is_default_version = version.id == policy.default_version;
  out.create_date = version.created;
  return out;
}

shapes::InstanceProfile shape_of(const identity::State& state, const identity::InstanceProfile& profile, bool whole) {
  shapes::InstanceProfile out{.path = profile.path,
                              .instance_profile_name = profile.name,
                              .instance_profile_id = profile.id,
                              .arn = identity::profile_arn(state, profile),
                              .create_date = profile.created};
  out.roles.emplace();
  if (const auto at = state.roles.find(profile.role); at != state.roles.end())
    out.roles->push_back(shape_of(state, *at->second, false));
  if (whole && !profile.tags.empty()) out.tags = tags_of(profile.tags);
  return out;
}

std::vector<shapes::AttachedPolicy> attached_to(const identity::State& state, const identity::Identity& identity,
                                                std::string_view path_prefix) {
  std::vector<shapes::AttachedPolicy> out;
  out.reserve(identity.attached.size());
  for (const auto& arn : identity.attached) {
    const auto at = state.policies.find(arn);
    if (at == state.policies.end() || !at->second->path.starts_with(path_prefix)) continue;
    out.push_back({.policy_name = at->second->name, .policy_arn = arn});
  }
  return out;
}

std::vector<shapes::PolicyDetail> inline_policies_of(const identity::Identity& identity) {
  std::vector<shapes::PolicyDetail> out;
  out.reserve(identity.inline_policies.size());
  for (const auto& [name, policy] : identity.inline_policies)
    out.push_back({.policy_name = name, .policy_document = encoded(policy.text)});
  return out;
}

}  // namespace likeness::iam
