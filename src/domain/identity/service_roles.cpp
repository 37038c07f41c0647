#include "domain/identity/service_roles.hpp"

#include <fmt/format.h>

#include <utility>

#include "domain/identity/rules.hpp"
#include "policy/evaluate.hpp"
#include "policy/text.hpp"

namespace likeness::identity {

std::shared_ptr<const Role> role_of(const State& state, std::string_view arn) {
  const auto parts = policy::split(arn, ':', 6);
  if (parts.size() != 6 || !parts[5].starts_with("role/")) return nullptr;
  const auto at = state.roles.find(key_of(parts[5].substr(parts[5].rfind('/') + 1)));
  if (at == state.roles.end() || role_arn(state, *at->second) != arn) return nullptr;
  return at->second;
}

ServiceRoles::ServiceRoles(const Directory& directory, const Sessions& sessions, const Clock& clock, std::string region,
                           bool enforce)
    : directory_(directory), sessions_(sessions), clock_(clock), region_(std::move(region)), enforce_(enforce) {}

Result<RoleSession> ServiceRoles::assume(std::string_view role_arn, const std::string& service,
                                         const std::string& session_name, const std::string& source_arn,
                                         std::chrono::seconds duration) const {
  const auto state = directory_.read();
  const auto role = role_of(*state, role_arn);
  const auto refused = [&](std::string detail) {
    return Failure(
        Error{"AccessDenied",
              fmt::format("{} is not authorized to perform: sts:AssumeRole on resource: {}", service, role_arn),
              Error::Fault::Client, std::move(detail)});
  };
  if (role == nullptr) return refused("there is no such role");

  const TimePoint now = clock_.now();
  if (enforce_) {
    policy::Principal caller;
    caller.kind = policy::Principal::Kind::Service;
    caller.account = state->account;
    caller.name = service;
    caller.arn = service;
    policy::Permission permission{.action = "sts:AssumeRole", .resource = std::string(role_arn)};
    permission.resource_policy = role->trust.document;
    permission.resource_policy_decides = true;
    permission.context["sts:RoleSessionName"] = {session_name};
    permission.context["aws:SourceAccount"] = {state->account};
    if (!source_arn.empty()) permission.context["aws:SourceArn"] = {source_arn};
    const policy::Environment environment{.time = now, .account = state->account, .region = region_};
    const auto decision = policy::evaluate(caller, permission, {}, environment);
    if (!decision.allowed()) return refused("trust policy: " + policy::explain(decision, {}));
  }

  Session session;
  session.kind = Session::Kind::Role;
  session.owner = role->name;
  session.owner_id = role->id;
  session.name = session_name;
  session.issued = now;
  session.expires = now + duration;
  RoleSession out;
  out.expires = session.expires;
  auto principal = sessions_.principal_of(*state, session);
  if (!principal) return refused("the role has just been removed");
  out.principal = std::move(*principal);
  out.credentials = sessions_.issue(std::move(session));
  return out;
}

}  // namespace likeness::identity
