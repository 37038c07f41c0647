#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"

namespace likeness::policy {

class Document;

/// Who asks. A value that is copied freely; documents are shared.
struct Principal {
  enum class Kind { Anonymous, Root, User, AssumedRole, FederatedUser, WebIdentity, Service };

  Kind kind = Kind::Anonymous;
  std::string account;  // twelve digits
  /// As GetCallerIdentity shows it: "arn:aws:iam::1:user/ann", "arn:aws:sts::1:assumed-role/reader/session".
  std::string arn;
  /// aws:userid: "AIDA...", "AROA...:session", the account of its root, "1:name" of a federated user.
  std::string user_id;
  std::string name;          // of the user, the role, the federated user or the service
  std::string session_name;  // of an assumed role
  /// Of an assumed role: that of the role, "arn:aws:iam::1:role/path/reader". Of a web identity: its provider.
  std::string issuer_arn;
  std::map<std::string, std::string> tags;  // aws:PrincipalTag/KEY; a session's tags win over its role's

  // Of temporary credentials.
  bool temporary = false;
  std::optional<TimePoint> issued;  // aws:TokenIssueTime
  std::string source_identity;
  std::map<std::string, std::string> transitive_tags;  // those that go along to a further role
  std::string federated_by;                            // the user whose policies bound a federated user; empty: root
  /// They bound what the identity's own policies allow; empty: no bound.
  std::vector<std::shared_ptr<const Document>> session_policies;

  /// May everything in its account.
  static Principal root(const std::string& account);
  static Principal anonymous();

  /// aws:PrincipalArn, and what the Principal element of a policy names: the role's ARN for its sessions.
  const std::string& policy_arn() const { return issuer_arn.empty() ? arn : issuer_arn; }
};

/// The 64 hex digits under which S3 knows an account.
std::string canonical_user_id(std::string_view account);

}  // namespace likeness::policy
