#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "policy/context.hpp"
#include "policy/document.hpp"
#include "policy/permission.hpp"
#include "policy/principal.hpp"

namespace likeness::policy {

/// A policy with the name under which the log and simulations know it.
struct NamedPolicy {
  std::string name;  // "arn:aws:iam::1:policy/p", "user/ann/inline"
  std::shared_ptr<const Document> document;
};

/// What is attached to the caller.
struct IdentityPolicies {
  std::vector<NamedPolicy> identity;    // of the user and its groups, or of the role
  std::optional<NamedPolicy> boundary;  // permissions boundary
};

/// Which kind of policy decided.
enum class Layer { Identity, Resource, Boundary, Session, Root };

struct Decision {
  enum class Outcome { Allowed, ImplicitDeny, ExplicitDeny };
  struct Match {
    Layer layer;
    std::string policy;
    std::size_t statement = 0;  // from 0
    std::string sid;
  };

  Outcome outcome = Outcome::ImplicitDeny;
  /// That denied; of an implicit deny the kind of policy that lacks an allow.
  Layer layer = Layer::Identity;
  /// Of an allow the statements that allow it, of an explicit deny those that deny it.
  std::vector<Match> matches;

  bool allowed() const { return outcome == Outcome::Allowed; }
};

/// AWS's logic: an explicit deny anywhere decides; else there has to be an allow in the identity's policies (or, within
/// the account, in the resource's) that the boundary and the session's policies do not cut off; across accounts both
/// sides have to allow. Pure, thread-safe.
Decision evaluate(const Principal& principal, const Permission& permission, const IdentityPolicies& policies,
                  const Environment& environment);

/// "User: arn:... is not authorized to perform: s3:GetObject on resource: ... because no identity-based policy allows
/// the s3:GetObject action", as AWS tells the caller.
std::string denial_message(const Principal& principal, const Permission& permission, const Decision& decision);
/// For the log: "denied by statement Sid of policy NAME", "no statement of the 2 identity policies allows it".
std::string explain(const Decision& decision, const IdentityPolicies& policies);

}  // namespace likeness::policy
