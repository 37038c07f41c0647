#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "domain/identity/model.hpp"
#include "policy/principal.hpp"
#include "storage/store.hpp"

namespace likeness::identity {

/// What temporary credentials stand for.
struct Session {
  enum class Kind : std::uint8_t { Root, User, Role, Federated };
  Kind kind = Kind::Role;
  std::string access_key_id;  // "ASIA..."
  std::string owner;          // name of the role or user; empty: root
  std::string owner_id;       // its unique id: one made anew under the same name is another
  std::string name;           // of the session or of the federated user
  TimePoint issued;
  TimePoint expires;
  Tags tags;                             // of the session
  std::set<std::string> transitive;      // keys of tags that go along to a further role
  std::vector<std::string> policies;     // documents that bound it
  std::vector<std::string> policy_arns;  // managed policies that do
  std::string source_identity;
};

struct SessionCredentials {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;
};

/// Issues temporary credentials and reads them back. A token holds its session and is signed with a secret of the data
/// folder; the secret key derives from the access key's id. Nothing is stored, so sessions cost nothing until they are
/// used; they end when they expire, or when their role or user is gone. Thread-safe.
class Sessions {
 public:
  /// Reads the secret from the store, or makes it on the first start.
  static Result<std::unique_ptr<Sessions>> open(storage::Store& store);
  explicit Sessions(Bytes secret) : secret_(std::move(secret)) {}

  /// Sets the session's access key id.
  SessionCredentials issue(Session session) const;
  /// Nullopt if the token was not made here, or for another key.
  std::optional<Session> read(std::string_view access_key_id, std::string_view token) const;
  std::string secret_of(std::string_view access_key_id) const;

  /// Nullopt if its role or user is not there any more. Expiry is the caller's to check.
  std::optional<policy::Principal> principal_of(const State& state, const Session& session) const;

 private:
  std::shared_ptr<const policy::Document> parsed(const std::string& text) const;

  const Bytes secret_;
  mutable std::mutex mutex_;
  mutable std::unordered_map<std::string, std::shared_ptr<const policy::Document>> documents_;
};

}  // namespace likeness::identity
