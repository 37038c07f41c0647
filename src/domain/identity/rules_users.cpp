#include <algorithm>

#include "base/certificate.hpp"
#include "domain/identity/rules_common.hpp"

namespace likeness::identity {
namespace {

/// A new user or group, but for what is its own.
template <class T>
Result<std::shared_ptr<T>> make(const State& state, const NewEntity& wanted, std::string_view prefix) {
  if (auto checked = check_path(wanted.path); !checked) return fail(checked);
  if (auto checked = check_boundary(state, wanted.boundary); !checked) return fail(checked);
  auto made = std::make_shared<T>();
  made->name = wanted.name;
  made->path = wanted.path;
  made->id = new_id(prefix);
  made->created = state.now;
  made->boundary = wanted.boundary;
  if (auto tagged = add_tags(made->tags, wanted.tags); !tagged) return fail(tagged);
  return made;
}

/// Another name and path; its new key.
template <class T>
Result<std::string> move(Entities<T>& entities, std::string_view kind, const std::string& key,
                         const std::optional<std::string>& new_name, const std::optional<std::string>& new_path) {
  auto copy = std::make_shared<T>(*entities.at(key));
  if (new_path) {
    if (auto checked = check_path(*new_path); !checked) return fail(checked);
    copy->path = *new_path;
  }
  if (new_name) copy->name = *new_name;
  auto new_key = key_of(copy->name);
  if (new_key != key && entities.contains(new_key))
    return already_exists(fmt::format("{} with name {} already exists.", kind, copy->name));
  entities.erase(key);
  entities[new_key] = std::move(copy);
  return new_key;
}

Result<void> check_empty(const Identity& identity) {
  if (!identity.attached.empty()) return delete_conflict("Cannot delete entity, must detach all policies first.");
  if (!identity.inline_policies.empty()) return delete_conflict("Cannot delete entity, must delete policies first.");
  return {};
}

Failure key_not_found(std::string_view id) {
  return no_such_entity(fmt::format("The Access Key with id {} cannot be found.", id));
}

Failure certificate_not_found(std::string_view id) {
  return no_such_entity(fmt::format("The Certificate with id {} cannot be found.", id));
}

}  // namespace

Result<std::shared_ptr<const User>> create_user(State& state, const NewEntity& wanted) {
  const auto key = key_of(wanted.name);
  if (state.users.contains(key)) return already_exists(fmt::format("User with name {} already exists.", wanted.name));
  if (state.users.size() >= quotas::kUsers) return over_quota("UsersPerAccount", quotas::kUsers);
  auto made = make<User>(state, wanted, "AIDA");
  if (!made) return fail(made);
  state.users[key] = *made;
  return *made;
}

Result<void> update_user(State& state, std::string_view name, const std::optional<std::string>& new_name,
                         const std::optional<std::string>& new_path) {
  if (auto found = find_user(state, name); !found) return fail(found);
  if (auto moved = move(state.users, "User", key_of(name), new_name, new_path); !moved) return fail(moved);
  return {};
}

Result<void> delete_user(State& state, std::string_view name) {
  const auto user = find_user(state, name);
  if (!user) return Failure(user.error());
  if (!(*user)->keys.empty()) return delete_conflict("Cannot delete entity, must delete access keys first.");
  if (!(*user)->certificates.empty())
    return delete_conflict("Cannot delete entity, must delete signing certificates first.");
  if (auto empty = check_empty(**user); !empty) return empty;
  if (!(*user)->groups.empty()) return delete_conflict("Cannot delete entity, must remove users from group first.");
  state.users.erase(key_of(name));
  return {};
}

Result<AccessKey> create_access_key(State& state, std::string_view user) {
  if (auto found = find_user(state, user); !found) return fail(found);
  auto& keys = edit(state.users, key_of(user)).keys;
  if (keys.size() >= quotas::kKeysPerUser) return over_quota("AccessKeysPerUser", quotas::kKeysPerUser);
  return keys.emplace_back(AccessKey{new_id("AKIA", 20), new_secret(), true, state.now});
}

Result<void> update_access_key(State& state, std::string_view user, std::string_view id, bool active) {
  if (auto found = find_user(state, user); !found) return fail(found);
  for (auto& key : edit(state.users, key_of(user)).keys) {
    if (key.id != id) continue;
    key.active = active;
    return {};
  }
  return key_not_found(id);
}

Result<void> delete_access_key(State& state, std::string_view user, std::string_view id) {
  if (auto found = find_user(state, user); !found) return fail(found);
  if (std::erase_if(edit(state.users, key_of(user)).keys, [&](const AccessKey& key) { return key.id == id; }) == 0)
    return key_not_found(id);
  return {};
}

Result<SigningCertificate> upload_certificate(State& state, std::string_view user, std::string_view body) {
  if (auto found = find_user(state, user); !found) return fail(found);
  if (!is_certificate(body))
    return client_error("MalformedCertificate", fmt::format("Certificate {} is malformed", body));
  auto& certificates = edit(state.users, key_of(user)).certificates;
  if (std::ranges::any_of(certificates, [&](const auto& known) { return known.body == body; }))
    return client_error("DuplicateCertificate", "The certificate is already associated with the user.");
  if (certificates.size() >= quotas::kCertificatesPerUser)
    return over_quota("CertificatesPerUser", quotas::kCertificatesPerUser);
  return certificates.emplace_back(SigningCertificate{new_id("", 32), std::string(body), true, state.now});
}

Result<void> update_certificate(State& state, std::string_view user, std::string_view id, bool active) {
  if (auto found = find_user(state, user); !found) return fail(found);
  for (auto& certificate : edit(state.users, key_of(user)).certificates) {
    if (certificate.id != id) continue;
    certificate.active = active;
    return {};
  }
  return certificate_not_found(id);
}

Result<void> delete_certificate(State& state, std::string_view user, std::string_view id) {
  if (auto found = find_user(state, user); !found) return fail(found);
  auto& certificates = edit(state.users, key_of(user)).certificates;
  if (std::erase_if(certificates, [&](const auto& certificate) { return certificate.id == id; }) == 0)
    return certificate_not_found(id);
  return {};
}

Result<std::shared_ptr<const Group>> create_group(State& state, const NewEntity& wanted) {
  const auto key = key_of(wanted.name);
  if (state.groups.contains(key)) return already_exists(fmt::format("Group with name {} already exists.", wanted.name));
  if (state.groups.size() >= quotas::kGroups) return over_quota("GroupsPerAccount", quotas::kGroups);
  auto made = make<Group>(state, wanted, "AGPA");
  if (!made) return fail(made);
  state.groups[key] = *made;
  return *made;
}

Result<void> update_group(State& state, std::string_view name, const std::optional<std::string>& new_name,
                          const std::optional<std::string>& new_path) {
  if (auto found = find_group(state, name); !found) return fail(found);
  const auto key = key_of(name);
  const auto members = members_of(state, name);
  const auto moved = move(state.groups, "Group", key, new_name, new_path);
  if (!moved) return Failure(moved.error());
  if (*moved == key) return {};
  for (const auto& member : members) {
    auto& groups = edit(state.users, key_of(member->name)).groups;
    groups.erase(key);
    groups.insert(*moved);
  }
  return {};
}

Result<void> delete_group(State& state, std::string_view name) {
  const auto group = find_group(state, name);
  if (!group) return Failure(group.error());
  if (!members_of(state, name).empty())
    return delete_conflict("Cannot delete entity, must remove users from group first.");
  if (auto empty = check_empty(**group); !empty) return empty;
  state.groups.erase(key_of(name));
  return {};
}

Result<void> add_to_group(State& state, std::string_view group, std::string_view user) {
  if (auto found = find_group(state, group); !found) return fail(found);
  if (auto found = find_user(state, user); !found) return fail(found);
  auto& groups = edit(state.users, key_of(user)).groups;
  groups.insert(key_of(group));
  if (groups.size() > quotas::kGroupsPerUser) return over_quota("GroupsPerUser", quotas::kGroupsPerUser);
  return {};
}

Result<void> remove_from_group(State& state, std::string_view group, std::string_view user) {
  if (auto found = find_group(state, group); !found) return fail(found);
  if (auto found = find_user(state, user); !found) return fail(found);
  if (edit(state.users, key_of(user)).groups.erase(key_of(group)) == 0)
    return no_such_entity(fmt::format("User {} not in group {}", user, group));
  return {};
}

std::vector<std::shared_ptr<const User>> members_of(const State& state, std::string_view group) {
  const auto key = key_of(group);
  std::vector<std::shared_ptr<const User>> members;
  for (const auto& [name, user] : state.users)
    if (user->groups.contains(key)) members.push_back(user);
  return members;
}

// -- roles

Result<std::shared_ptr<const Role>> create_role(State& state, const NewRole& wanted) {
  const auto key = key_of(wanted.name);
  if (state.roles.contains(key)) return already_exists(fmt::format("Role with name {} already exists.", wanted.name));
  if (state.roles.size() >= quotas::kRoles) return over_quota("RolesPerAccount", quotas::kRoles);
  auto made = make<Role>(state, wanted, "AROA");
  if (!made) return fail(made);
  auto trust = parse_trust(state, wanted.trust);
  if (!trust) return fail(trust);
  (*made)->trust = std::move(*trust);
  (*made)->description = wanted.description;
  if (wanted.max_session_seconds) (*made)->max_session_seconds = *wanted.max_session_seconds;
  state.roles[key] = *made;
  return *made;
}

Result<std::shared_ptr<const Role>> update_role(State& state, std::string_view name,
                                                const std::optional<std::string>& description,
                                                const std::optional<std::int64_t>& max_session_seconds) {
  if (auto found = find_role(state, name); !found) return fail(found);
  Role& role = edit(state.roles, key_of(name));
  if (description) role.description = *description;
  if (max_session_seconds) role.max_session_seconds = *max_session_seconds;
  return state.roles.at(key_of(name));
}

Result<void> update_trust(State& state, std::string_view name, std::string_view document) {
  if (auto found = find_role(state, name); !found) return fail(found);
  auto trust = parse_trust(state, document);
  if (!trust) return fail(trust);
  edit(state.roles, key_of(name)).trust = std::move(*trust);
  return {};
}

Result<void> delete_role(State& state, std::string_view name) {
  const auto role = find_role(state, name);
  if (!role) return Failure(role.error());
  const auto key = key_of(name);
  if (std::ranges::any_of(state.profiles, [&](const auto& entry) { return entry.second->role == key; }))
    return delete_conflict("Cannot delete entity, must remove roles from instance profile first.");
  if (auto empty = check_empty(**role); !empty) return empty;
  state.roles.erase(key);
  return {};
}

}  // namespace likeness::identity
