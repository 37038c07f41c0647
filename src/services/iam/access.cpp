#include "services/iam/access.hpp"

#include "aws/service.hpp"
#include "policy/evaluate.hpp"

namespace likeness::iam {

std::optional<aws::AccessKey> Access::find(std::string_view access_key_id, std::string_view session_token) const {
  if (auto root = root_.find(access_key_id, session_token)) return root;
  const auto state = directory_.read();
  if (!session_token.empty()) {
    const auto session = sessions_.read(access_key_id, session_token);
    if (!session) return std::nullopt;
    auto principal = sessions_.principal_of(*state, *session);
    if (!principal) return std::nullopt;
    aws::AccessKey key;
    key.id = access_key_id;
    key.secret = sessions_.secret_of(access_key_id);
    key.session_token = session_token;
    key.principal = std::move(*principal);
    key.expires = session->expires;
    return key;
  }
  const auto owner = state->key_owners.find(access_key_id);
  if (owner == state->key_owners.end()) return std::nullopt;
  const auto& user = *state->users.at(owner->second);
  for (const auto& known : user.keys) {
    if (known.id != access_key_id || !known.active) continue;
    aws::AccessKey key;
    key.id = known.id;
    key.secret = known.secret;
    key.principal = identity::principal_of(*state, user);
    return key;
  }
  return std::nullopt;
}

Result<void> Access::authorize(const aws::RequestContext& context, const policy::Permission& permission) const {
  const auto& principal = context.principal;
  const std::string_view service = std::string_view(permission.action).substr(0, permission.action.find(':'));
  if (principal.kind == policy::Principal::Kind::User && !principal.temporary)
    usage_.note(context.access_key_id, context.time, service, context.region);
  if (principal.kind == policy::Principal::Kind::AssumedRole)
    usage_.note(principal.user_id.substr(0, principal.user_id.find(':')), context.time, service, context.region);
  const bool anonymous = principal.kind == policy::Principal::Kind::Anonymous;
  if (enforcement_ == Enforcement::Off && !anonymous) return {};
  const auto policies = identity::policies_of(*directory_.read(), principal);
  const auto decision = policy::evaluate(principal, permission, policies, environment_of(context));
  if (decision.allowed()) return {};
  return tl::unexpected(
      Error{aws::kAccessDenied, policy::denial_message(principal, permission, decision), Error::Fault::Client,
            permission.action + " on " + permission.resource + ": " + policy::explain(decision, policies)});
}

policy::Environment environment_of(const aws::RequestContext& context) {
  policy::Environment out;
  out.time = context.time;
  out.account = context.account;
  out.region = context.region;
  out.source_ip = context.source_ip;
  if (context.request != nullptr) {
    out.secure = context.request->secure;
    out.user_agent = context.request->headers.get("user-agent");
    out.referer = context.request->headers.get("referer");
  }
  return out;
}

}  // namespace likeness::iam
