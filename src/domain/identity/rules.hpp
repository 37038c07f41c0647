#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "domain/identity/model.hpp"

/// What may be done to a State, with IAM's errors and texts. Functions that take `State&` are for Directory::change and
/// leave a state that is to be thrown away when they fail.
namespace likeness::identity {

/// AWS's default quotas.
namespace quotas {
inline constexpr std::size_t kUsers = 5000, kGroups = 300, kRoles = 1000, kPolicies = 1500, kProfiles = 1000;
inline constexpr std::size_t kGroupsPerUser = 10, kKeysPerUser = 2, kCertificatesPerUser = 2, kAttached = 10,
                             kVersions = 5, kTags = 50;
inline constexpr std::size_t kUserInline = 2048, kGroupInline = 5120, kRoleInline = 10240;
inline constexpr std::size_t kManagedPolicy = 6144, kTrust = 2048, kProviders = 100;
}  // namespace quotas

enum class Owner { User, Group, Role };

struct NewEntity {
  std::string name;
  std::string path = "/";
  std::string boundary = {};
  Tags tags = {};
};

Failure no_such_entity(std::string message);

// -- finding; Error NoSuchEntity
Result<std::shared_ptr<const User>> find_user(const State& state, std::string_view name);
Result<std::shared_ptr<const Group>> find_group(const State& state, std::string_view name);
Result<std::shared_ptr<const Role>> find_role(const State& state, std::string_view name);
Result<std::shared_ptr<const Identity>> find(const State& state, Owner owner, std::string_view name);
Result<std::shared_ptr<const ManagedPolicy>> find_policy(const State& state, std::string_view arn);
Result<std::shared_ptr<const InstanceProfile>> find_profile(const State& state, std::string_view name);
Result<std::shared_ptr<const OidcProvider>> find_provider(const State& state, std::string_view arn);
Result<PolicyText> inline_policy(const State& state, Owner owner, std::string_view name, std::string_view policy);

// -- users
Result<std::shared_ptr<const User>> create_user(State& state, const NewEntity& wanted);
Result<void> update_user(State& state, std::string_view name, const std::optional<std::string>& new_name,
                         const std::optional<std::string>& new_path);
Result<void> delete_user(State& state, std::string_view name);
Result<AccessKey> create_access_key(State& state, std::string_view user);
Result<void> update_access_key(State& state, std::string_view user, std::string_view id, bool active);
Result<void> delete_access_key(State& state, std::string_view user, std::string_view id);
/// `body` is PEM; errors MalformedCertificate, DuplicateCertificate.
Result<SigningCertificate> upload_certificate(State& state, std::string_view user, std::string_view body);
Result<void> update_certificate(State& state, std::string_view user, std::string_view id, bool active);
Result<void> delete_certificate(State& state, std::string_view user, std::string_view id);

// -- groups
Result<std::shared_ptr<const Group>> create_group(State& state, const NewEntity& wanted);
Result<void> update_group(State& state, std::string_view name, const std::optional<std::string>& new_name,
                          const std::optional<std::string>& new_path);
Result<void> delete_group(State& state, std::string_view name);
Result<void> add_to_group(State& state, std::string_view group, std::string_view user);
Result<void> remove_from_group(State& state, std::string_view group, std::string_view user);
std::vector<std::shared_ptr<const User>> members_of(const State& state, std::string_view group);

// -- roles
struct NewRole : NewEntity {
  std::string trust;
  std::string description;
  std::optional<std::int64_t> max_session_seconds;
};
Result<std::shared_ptr<const Role>> create_role(State& state, const NewRole& wanted);
Result<std::shared_ptr<const Role>> update_role(State& state, std::string_view name,
                                                const std::optional<std::string>& description,
                                                const std::optional<std::int64_t>& max_session_seconds);
Result<void> update_trust(State& state, std::string_view name, std::string_view document);
Result<void> delete_role(State& state, std::string_view name);

// -- policies of users, groups and roles
Result<void> put_inline_policy(State& state, Owner owner, std::string_view name, std::string_view policy,
                               std::string_view document);
Result<void> delete_inline_policy(State& state, Owner owner, std::string_view name, std::string_view policy);
Result<void> attach_policy(State& state, Owner owner, std::string_view name, std::string_view arn);
Result<void> detach_policy(State& state, Owner owner, std::string_view name, std::string_view arn);
/// An empty ARN takes it away.
Result<void> set_boundary(State& state, Owner owner, std::string_view name, std::string_view arn);
Result<void> tag(State& state, Owner owner, std::string_view name, const Tags& tags);
Result<void> untag(State& state, Owner owner, std::string_view name, const std::vector<std::string>& keys);

// -- managed policies
struct NewPolicy {
  std::string name;
  std::string path = "/";
  std::string document;
  std::string description;
  Tags tags;
};
Result<std::shared_ptr<const ManagedPolicy>> create_policy(State& state, const NewPolicy& wanted);
Result<void> delete_policy(State& state, std::string_view arn);
Result<PolicyVersion> create_policy_version(State& state, std::string_view arn, std::string_view document,
                                            bool set_default);
Result<void> set_default_version(State& state, std::string_view arn, std::string_view version);
Result<void> delete_policy_version(State& state, std::string_view arn, std::string_view version);
Result<void> tag_policy(State& state, std::string_view arn, const Tags& tags);
Result<void> untag_policy(State& state, std::string_view arn, const std::vector<std::string>& keys);

struct Usage {
  std::vector<std::shared_ptr<const User>> users;
  std::vector<std::shared_ptr<const Group>> groups;
  std::vector<std::shared_ptr<const Role>> roles;
  std::size_t size() const { return users.size() + groups.size() + roles.size(); }
};
Usage attached_to(const State& state, std::string_view arn);
Usage bounded_by(const State& state, std::string_view arn);

// -- instance profiles, identity providers, the account
Result<std::shared_ptr<const InstanceProfile>> create_profile(State& state, const NewEntity& wanted);
Result<void> delete_profile(State& state, std::string_view name);
Result<void> tag_profile(State& state, std::string_view name, const Tags& tags);
Result<void> untag_profile(State& state, std::string_view name, const std::vector<std::string>& keys);
Result<void> add_role_to_profile(State& state, std::string_view name, std::string_view role);
Result<void> remove_role_from_profile(State& state, std::string_view name, std::string_view role);

struct NewProvider {
  std::string url;
  std::vector<std::string> clients;
  std::vector<std::string> thumbprints;
  Tags tags;
};
Result<std::shared_ptr<const OidcProvider>> create_provider(State& state, const NewProvider& wanted);
Result<void> delete_provider(State& state, std::string_view arn);
Result<void> change_client(State& state, std::string_view arn, const std::string& client, bool add);
Result<void> set_thumbprints(State& state, std::string_view arn, const std::vector<std::string>& thumbprints);
Result<void> tag_provider(State& state, std::string_view arn, const Tags& tags);
Result<void> untag_provider(State& state, std::string_view arn, const std::vector<std::string>& keys);

Result<void> set_alias(State& state, const std::string& alias);
Result<void> delete_alias(State& state, const std::string& alias);

}  // namespace likeness::identity
