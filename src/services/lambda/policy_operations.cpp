#include <fmt/format.h>

#include <utility>

#include "domain/lambda/errors.hpp"
#include "domain/lambda/policies.hpp"
#include "domain/lambda/rules.hpp"
#include "services/lambda/convert.hpp"
#include "services/lambda/operations.hpp"

namespace likeness::lambda {
namespace {

using aws::RequestContext;

Result<shapes::AddPermissionResponse> add_permission(const Lambda& parts, const RequestContext& context,
                                                     const shapes::AddPermissionRequest& in) {
  auto name = name_of(context, in.function_name, in.qualifier);
  if (!name) return fail(name);
  if (name->qualifier == kLatest) return invalid("We currently do not support adding policies for $LATEST.");
  std::string statement;
  auto changed = parts.registry.change(*name, [&](Function& function) -> Result<void> {
    if (!name->qualifier.empty())
      if (auto fine = check_qualifier(function, name->qualifier); !fine) return fine;
    auto& policy = function.policies[name->qualifier];
    if (in.revision_id && *in.revision_id != policy.revision) return revision_mismatch("Policy");
    Grant grant;
    grant.sid = *in.statement_id;
    grant.action = *in.action;
    grant.principal = *in.principal;
    grant.resource = function.arn(name->qualifier);
    grant.source_arn = in.source_arn.value_or("");
    grant.source_account = in.source_account.value_or("");
    grant.event_source_token = in.event_source_token.value_or("");
    grant.organization = in.principal_org_id.value_or("");
    if (in.function_url_auth_type) grant.url_auth = shapes::to_text(*in.function_url_auth_type);
    grant.via_url = in.invoked_via_function_url;
    auto added = add_statement(policy, grant);
    if (!added) return fail(added);
    statement = std::move(*added);
    return {};
  });
  if (!changed) return fail(changed);
  return shapes::AddPermissionResponse{std::move(statement)};
}

Result<aws::Empty> remove_permission(const Lambda& parts, const RequestContext& context,
                                     const shapes::RemovePermissionRequest& in) {
  auto name = name_of(context, in.function_name, in.qualifier);
  if (!name) return fail(name);
  auto changed = parts.registry.change(*name, [&](Function& function) -> Result<void> {
    const auto at = function.policies.find(name->qualifier);
    if (at == function.policies.end()) return not_found("No policy is associated with the given resource.");
    if (in.revision_id && *in.revision_id != at->second.revision) return revision_mismatch("Policy");
    if (auto removed = remove_statement(at->second, *in.statement_id); !removed) return removed;
    if (at->second.statements.empty()) function.policies.erase(at);
    return {};
  });
  if (!changed) return fail(changed);
  return aws::Empty{};
}

Result<shapes::GetPolicyResponse> get_policy(const Lambda& parts, const RequestContext& context,
                                             const shapes::GetPolicyRequest& in) {
  auto name = name_of(context, in.function_name, in.qualifier);
  if (!name) return fail(name);
  auto function = parts.registry.find(*name);
  if (!function) return fail(function);
  if (!name->qualifier.empty())
    if (auto fine = check_qualifier(**function, name->qualifier); !fine) return fail(fine);
  const auto at = (*function)->policies.find(name->qualifier);
  if (at == (*function)->policies.end()) return not_found("The resource you requested does not exist.");
  shapes::GetPolicyResponse out;
  out.policy = at->second.text();
  out.revision_id = at->second.revision;
  return out;
}

}  // namespace

policy::Permission function_permission(const Lambda& parts, const aws::RequestContext& context, std::string action,
                                       const std::optional<std::string>& name,
                                       const std::optional<std::string>& qualifier) {
  policy::Permission out;
  out.action = std::move(action);
  // A name that is none has no function behind it; the policies are asked all the same.
  auto parsed = name_of(context, name, qualifier);
  if (!parsed) {
    out.resource = fmt::format("arn:aws:lambda:{}:{}:function:{}", context.region, context.account, name.value_or(""));
    return out;
  }
  out.resource = parsed->qualified_arn();
  if (const auto function = parts.registry.find(*parsed)) {
    if (const auto at = (*function)->policies.find(parsed->qualifier); at != (*function)->policies.end())
      out.resource_policy = at->second.document;
    for (const auto& [key, value] : (*function)->tags) out.context["aws:ResourceTag/" + key] = {value};
  }
  return out;
}

void register_policies(aws::Service& service, const Lambda& parts) {
  on<shapes::AddPermission>(service, parts, add_permission);
  on<shapes::RemovePermission>(service, parts, remove_permission);
  on<shapes::GetPolicy>(service, parts, get_policy);
  needs_function<shapes::AddPermission>(service, parts, "lambda:AddPermission");
  needs_function<shapes::RemovePermission>(service, parts, "lambda:RemovePermission");
  needs_function<shapes::GetPolicy>(service, parts, "lambda:GetPolicy");
}

}  // namespace likeness::lambda
