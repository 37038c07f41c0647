#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "policy/document.hpp"

/// Users, groups, roles and policies of the account, as values.
namespace likeness::identity {

using Tags = std::map<std::string, std::string>;

/// A document as it was given, and parsed.
struct PolicyText {
  std::string text;
  std::shared_ptr<const policy::Document> document;
};

/// What users, groups and roles have in common.
struct Identity {
  std::string name;
  std::string path = "/";
  std::string id;  // "AIDA...", "AGPA...", "AROA..."
  TimePoint created;
  Tags tags;  // groups have none
  std::map<std::string, PolicyText> inline_policies;
  std::set<std::string> attached;  // ARNs of managed policies
  std::string boundary;            // ARN; empty: none
};

struct AccessKey {
  std::string id;      // "AKIA..."
  std::string secret;  // signatures cannot be checked without
  bool active = true;
  TimePoint created;
};

struct SigningCertificate {
  std::string id;    // 32 characters
  std::string body;  // PEM
  bool active = true;
  TimePoint uploaded;
};

struct User : Identity {
  std::set<std::string> groups;  // their keys in State::groups
  std::vector<AccessKey> keys;
  std::vector<SigningCertificate> certificates;
};

struct Group : Identity {};

struct Role : Identity {
  PolicyText trust;
  std::string description;
  std::int64_t max_session_seconds = 3600;
};

struct PolicyVersion {
  std::string id;  // "v1"
  PolicyText policy;
  TimePoint created;
};

struct ManagedPolicy {
  std::string name;
  std::string path = "/";
  std::string id;  // "ANPA..."
  std::string arn;
  std::string description;
  TimePoint created;
  TimePoint updated;
  Tags tags;
  std::vector<PolicyVersion> versions;  // oldest first
  std::string default_version;
  std::uint64_t next_version = 2;
  bool of_aws = false;  // built in; not stored

  const PolicyVersion* version(std::string_view version_id) const {
    for (const auto& version : versions)
      if (version.id == version_id) return &version;
    return nullptr;
  }
  const PolicyVersion& in_force() const { return *version(default_version); }
};

struct InstanceProfile {
  std::string name;
  std::string path = "/";
  std::string id;  // "AIPA..."
  TimePoint created;
  Tags tags;
  std::string role;  // its key in State::roles; empty: none
};

struct OidcProvider {
  std::string arn;
  std::string url;  // without "https://"
  std::set<std::string> clients;
  std::vector<std::string> thumbprints;
  TimePoint created;
  Tags tags;
};

/// Entities never change; a change puts another in their place. So a State is cheap to copy, and to tell from another.
template <class T>
using Entities = std::map<std::string, std::shared_ptr<const T>, std::less<>>;

/// All of one account at one moment. Names are the same in any case of their letters: keys are names in lower case, but
/// of policies and providers, whose keys are their ARNs.
struct State {
  std::string account;
  Entities<User> users;
  Entities<Group> groups;
  Entities<Role> roles;
  Entities<ManagedPolicy> policies;  // those of AWS too
  Entities<InstanceProfile> profiles;
  Entities<OidcProvider> providers;
  std::shared_ptr<const std::string> alias;  // of the account; null: none
  TimePoint opened;                          // when the account's data began
  TimePoint now;                             // set for a change

  /// Whose access key that is: his key in `users`.
  std::map<std::string, std::string, std::less<>> key_owners;
};

/// The key of a name.
std::string key_of(std::string_view name);

std::string user_arn(const State& state, const Identity& user);
std::string group_arn(const State& state, const Identity& group);
std::string role_arn(const State& state, const Identity& role);
std::string policy_arn(std::string_view account, std::string_view path, std::string_view name);
std::string profile_arn(const State& state, const InstanceProfile& profile);

/// Twenty-one characters as AWS's unique ids have, "AIDA" and random ones. Access keys have twenty.
std::string new_id(std::string_view prefix, std::size_t length = 21);
/// Forty random characters of base 64.
std::string new_secret();

}  // namespace likeness::identity
