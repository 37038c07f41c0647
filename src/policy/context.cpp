#include "policy/context.hpp"

#include <fmt/format.h>

#include <chrono>

#include "policy/text.hpp"

namespace likeness::policy {
namespace {

std::string_view type_of(const Principal& principal) {
  switch (principal.kind) {
    case Principal::Kind::Root: return "Account";
    case Principal::Kind::User: return "User";
    case Principal::Kind::AssumedRole: return "AssumedRole";
    case Principal::Kind::FederatedUser:
    case Principal::Kind::WebIdentity: return "FederatedUser";
    case Principal::Kind::Service: return "Service";
    case Principal::Kind::Anonymous: break;
  }
  return "Anonymous";
}

std::string epoch(TimePoint time) {
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count());
}

}  // namespace

std::vector<std::string> Context::find(std::string_view key) const {
  // What the service states wins, so that a simulation can set the global keys.
  if (const auto stated = permission_.context.find(key); stated != permission_.context.end()) return stated->second;
  if (auto value = global(key)) return {std::move(*value)};
  if (environment_.missing != nullptr) environment_.missing->emplace(key);
  return {};
}

std::optional<std::string> Context::global(std::string_view key) const {
  constexpr std::string_view kPrefix = "aws:";
  if (!starts_ignoring_case(key, kPrefix)) return std::nullopt;
  key.remove_prefix(kPrefix.size());
  const auto is = [key](std::string_view name) { return same_ignoring_case(key, name); };
  const auto present = [](std::string_view text) -> std::optional<std::string> {
    if (text.empty()) return std::nullopt;
    return std::string(text);
  };
  const auto word = [](bool value) { return std::string(value ? "true" : "false"); };
  const bool known = principal_.kind != Principal::Kind::Anonymous;

  constexpr std::string_view kTag = "PrincipalTag/";
  if (starts_ignoring_case(key, kTag)) {
    // IAM's tags are the same in any case of their keys.
    for (const auto& [name, value] : principal_.tags)
      if (same_ignoring_case(name, key.substr(kTag.size()))) return value;
    return std::nullopt;
  }
  if (is("PrincipalArn")) return known ? present(principal_.policy_arn()) : std::nullopt;
  if (is("PrincipalAccount")) return known ? present(principal_.account) : std::nullopt;
  if (is("PrincipalType")) return std::string(type_of(principal_));
  if (is("PrincipalIsAWSService")) return word(principal_.kind == Principal::Kind::Service);
  if (is("PrincipalServiceName"))
    return principal_.kind == Principal::Kind::Service ? present(principal_.name) : std::nullopt;
  if (is("userid")) return present(principal_.user_id);
  if (is("username")) return principal_.kind == Principal::Kind::User ? present(principal_.name) : std::nullopt;
  if (is("SourceIdentity")) return present(principal_.source_identity);
  // Long-term keys carry no word on a second factor; temporary ones do, and none of ours came with one.
  if (is("MultiFactorAuthPresent")) return principal_.temporary ? std::optional(word(false)) : std::nullopt;
  if (is("TokenIssueTime")) return principal_.issued ? std::optional(iso8601(*principal_.issued)) : std::nullopt;
  if (is("CurrentTime")) return iso8601(environment_.time);
  if (is("EpochTime")) return epoch(environment_.time);
  if (is("RequestedRegion")) return present(environment_.region);
  if (is("ResourceAccount")) return present(account_of(permission_, environment_));
  if (!environment_.secure) return std::nullopt;  // the rest is of the connection
  if (is("SecureTransport")) return word(*environment_.secure);
  if (is("SourceIp")) return present(environment_.source_ip);
  if (is("UserAgent")) return present(environment_.user_agent);
  if (is("Referer")) return present(environment_.referer);
  if (is("ViaAWSService")) return word(false);
  return std::nullopt;
}

std::string_view account_of(const Permission& permission, const Environment& environment) {
  if (!permission.resource_account.empty()) return permission.resource_account;
  const auto parts = split(permission.resource, ':', 6);
  if (parts.size() == 6 && parts[4].size() == 12) return parts[4];
  return environment.account;
}

}  // namespace likeness::policy
