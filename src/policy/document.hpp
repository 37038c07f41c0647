#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "policy/conditions.hpp"
#include "policy/pattern.hpp"

namespace likeness::policy {

enum class Effect : std::uint8_t { Allow, Deny };

/// Whom a statement of a resource policy names.
struct PrincipalList {
  bool everyone = false;               // "*", {"AWS": "*"}
  std::vector<std::string> aws;        // account ids, ARNs, unique ids
  std::vector<std::string> services;   // "lambda.amazonaws.com"
  std::vector<std::string> federated;  // identity providers
  std::vector<std::string> canonical;  // canonical user ids of S3
};

struct Statement {
  std::string sid;
  Effect effect = Effect::Allow;
  std::vector<Pattern> actions;
  bool not_actions = false;  // they are those of NotAction
  std::vector<Pattern> resources;
  bool not_resources = false;
  std::optional<PrincipalList> principals;
  bool not_principals = false;
  std::vector<Condition> conditions;
};

/// What a document is for decides which elements it may have.
enum class DocumentKind {
  Identity,  // of users, groups, roles, sessions, boundaries: no principals
  Trust,     // of a role: principals, no resources, actions of STS
  Resource,  // of a bucket, a table, a function: principals and resources
};

/// One policy, parsed once. Immutable, shared between threads.
class Document {
 public:
  /// Errors: "MalformedPolicyDocument" with IAM's texts; of Resource documents "MalformedPolicy" with those of S3.
  static Result<std::shared_ptr<const Document>> parse(std::string_view text, DocumentKind kind);

  const std::string& version() const { return version_; }
  const std::vector<Statement>& statements() const { return statements_; }

 private:
  friend class DocumentReader;
  std::string version_;
  std::vector<Statement> statements_;
};

/// Characters that count against the quotas of policies: all but white space.
std::size_t policy_size(std::string_view text);

}  // namespace likeness::policy
