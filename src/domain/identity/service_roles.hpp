#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "domain/identity/directory.hpp"
#include "domain/identity/sessions.hpp"
#include "policy/principal.hpp"

namespace likeness::identity {

/// A role that a service has taken on.
struct RoleSession {
  policy::Principal principal;     // for calls from inside
  SessionCredentials credentials;  // for a process that calls from outside
  TimePoint expires;
};

/// Roles taken on by services of the server itself: the role of a function, a state machine, a rule. Needs neither disk
/// nor network; a session may be kept until it ends, a call with it fails as soon as its role is gone. Thread-safe.
class ServiceRoles {
 public:
  /// Borrows all of them. Without `enforce` trust policies are not asked (policies are off).
  ServiceRoles(const Directory& directory, const Sessions& sessions, const Clock& clock, std::string region,
               bool enforce);

  /// `service` is the principal that the trust policy has to allow, "lambda.amazonaws.com"; `source_arn` what it does
  /// that for (aws:SourceArn), may be empty. Error "AccessDenied": there is no such role, or it does not trust the
  /// service; nobody is told which.
  Result<RoleSession> assume(std::string_view role_arn, const std::string& service, const std::string& session_name,
                             const std::string& source_arn = {},
                             std::chrono::seconds duration = std::chrono::hours(1)) const;

 private:
  const Directory& directory_;
  const Sessions& sessions_;
  const Clock& clock_;
  const std::string region_;
  const bool enforce_;
};

/// The role of that ARN; null for one of another account or one that is not there.
std::shared_ptr<const Role> role_of(const State& state, std::string_view arn);

}  // namespace likeness::identity
