#include <set>

#include "policy/evaluate.hpp"
#include "policy/text.hpp"
#include "services/iam/registrar.hpp"

namespace likeness::iam {
namespace {

using identity::State;
using Verdict = shapes::PolicyEvaluationDecisionType;

/// What is simulated: a caller, his policies, and what the request adds.
struct Simulation {
  policy::Principal caller;
  policy::IdentityPolicies policies;
  std::shared_ptr<const policy::Document> resource_policy;
  policy::ContextKeys context;
  std::vector<std::string> resources;
  std::string owner;  // of the resources
};

Result<void> add_policies(const std::optional<std::vector<std::string>>& texts, policy::IdentityPolicies& out) {
  if (!texts) return {};
  std::size_t number = 0;
  for (const auto& text : *texts) {
    auto parsed = policy::Document::parse(text, policy::DocumentKind::Identity);
    if (!parsed) return client_error("InvalidInput", parsed.error().message);
    out.identity.push_back({"PolicyInputList." + std::to_string(++number), std::move(*parsed)});
  }
  return {};
}

/// Resources, context, resource policy and boundary: what both operations take alike.
template <class In>
Result<void> add_request(const In& in, const State& state, Simulation& out) {
  if (in.permissions_boundary_policy_input_list && !in.permissions_boundary_policy_input_list->empty()) {
    const auto& texts = *in.permissions_boundary_policy_input_list;
    if (texts.size() > 1) return client_error("InvalidInput", "Only one permissions boundary can be given.");
    auto parsed = policy::Document::parse(texts[0], policy::DocumentKind::Identity);
    if (!parsed) return client_error("InvalidInput", parsed.error().message);
    out.policies.boundary = policy::NamedPolicy{"PermissionsBoundaryPolicyInputList.1", std::move(*parsed)};
  }
  if (in.resource_policy) {
    if (!in.resource_arns || in.resource_arns->size() != 1)
      return client_error("InvalidInput", "A resource policy needs exactly one resource ARN.");
    auto parsed = policy::Document::parse(*in.resource_policy, policy::DocumentKind::Resource);
    if (!parsed) return client_error("InvalidInput", parsed.error().message);
    out.resource_policy = std::move(*parsed);
  }
  if (in.context_entries)
    for (const auto& entry : *in.context_entries) {
      if (!entry.context_key_name) return client_error("InvalidInput", "A context entry needs a ContextKeyName.");
      out.context[*entry.context_key_name] = entry.context_key_values.value_or(std::vector<std::string>());
    }
  out.resources = in.resource_arns.value_or(std::vector<std::string>{"*"});
  if (in.resource_owner) {
    const auto parts = policy::split(*in.resource_owner, ':', 6);
    out.owner = parts.size() == 6 ? std::string(parts[4]) : *in.resource_owner;
  } else {
    out.owner = state.account;
  }
  return {};
}

Verdict verdict_of(const policy::Decision& decision) {
  switch (decision.outcome) {
    case policy::Decision::Outcome::Allowed: return Verdict::Allowed;
    case policy::Decision::Outcome::ExplicitDeny: return Verdict::ExplicitDeny;
    case policy::Decision::Outcome::ImplicitDeny: break;
  }
  return Verdict::ImplicitDeny;
}

shapes::Statement statement_of(const policy::Decision::Match& match) {
  using Type = shapes::PolicySourceType;
  shapes::Statement out{.source_policy_id = match.policy};
  if (match.layer == policy::Layer::Resource) {
    out.source_policy_type = Type::Resource;
  } else if (match.policy.starts_with("arn:aws:iam::aws:")) {
    out.source_policy_type = Type::AwsManaged;
  } else if (match.policy.starts_with("arn:")) {
    out.source_policy_type = Type::UserManaged;
  } else if (match.policy.starts_with("user/")) {
    out.source_policy_type = Type::User;
  } else if (match.policy.starts_with("group/")) {
    out.source_policy_type = Type::Group;
  } else if (match.policy.starts_with("role/")) {
    out.source_policy_type = Type::Role;
  } else {
    out.source_policy_type = Type::None;
  }
  return out;
}

shapes::EvaluationResult evaluate_one(const Simulation& simulation, const aws::RequestContext& context,
                                      const std::string& action, const std::string& resource) {
  policy::Permission permission{.action = action, .resource = resource, .context = simulation.context};
  permission.resource_policy = simulation.resource_policy;
  permission.resource_account = simulation.owner;
  std::set<std::string> missing;
  policy::Environment environment{.time = context.time, .account = context.account};
  environment.missing = &missing;
  const auto decision = policy::evaluate(simulation.caller, permission, simulation.policies, environment);
  shapes::EvaluationResult out{
      .eval_action_name = action, .eval_resource_name = resource, .eval_decision = verdict_of(decision)};
  auto& statements = out.matched_statements.emplace();
  statements.reserve(decision.matches.size());
  for (const auto& match : decision.matches) statements.push_back(statement_of(match));
  out.missing_context_values.emplace(missing.begin(), missing.end());
  if (simulation.policies.boundary)
    out.permissions_boundary_decision_detail = shapes::PermissionsBoundaryDecisionDetail{
        .allowed_by_permissions_boundary = decision.layer != policy::Layer::Boundary};
  return out;
}

template <class In>
Result<shapes::SimulatePolicyResponse> simulate(const Simulation& simulation, const aws::RequestContext& context,
                                                const In& in) {
  std::vector<std::pair<std::string, shapes::EvaluationResult>> all;
  all.reserve(in.action_names->size() * simulation.resources.size());
  // The order is that of the request; the marker counts.
  std::size_t number = 1'000'000;
  for (const auto& action : *in.action_names) {
    if (action.find(':') == std::string::npos)
      return client_error("InvalidInput", "Invalid Entity Arn or action: " + action);
    for (const auto& resource : simulation.resources)
      all.emplace_back(std::to_string(number++), evaluate_one(simulation, context, action, resource));
  }
  return listed(&shapes::SimulatePolicyResponse::evaluation_results, std::move(all), in);
}

/// The user, group or role of an ARN, as a caller with its policies.
Result<Simulation> source_of(const State& state, const std::string& arn) {
  Simulation out;
  for (const auto& [key, user] : state.users)
    if (identity::user_arn(state, *user) == arn) {
      out.caller = identity::principal_of(state, *user);
      out.policies = identity::policies_of(state, *user);
      return out;
    }
  out.caller.account = state.account;
  out.caller.arn = arn;
  for (const auto& [key, role] : state.roles)
    if (identity::role_arn(state, *role) == arn) {
      out.caller.kind = policy::Principal::Kind::AssumedRole;
      out.caller.issuer_arn = arn;
      out.caller.name = role->name;
      out.caller.user_id = role->id;
      out.caller.tags = role->tags;
      out.policies = identity::policies_of(state, *role);
      return out;
    }
  for (const auto& [key, group] : state.groups)
    if (identity::group_arn(state, *group) == arn) {
      out.caller.kind = policy::Principal::Kind::User;
      out.caller.name = group->name;
      out.policies = identity::policies_of(state, *group);
      return out;
    }
  return identity::no_such_entity("Entity " + arn + " does not exist.");
}

/// The names in "${aws:username}" and "${aws:PrincipalTag/team, 'none'}"; "${*}" and its like stand for themselves.
void add_variables(std::string_view text, std::set<std::string>& out) {
  for (auto at = text.find("${"); at != std::string_view::npos; at = text.find("${", at + 2)) {
    const auto end = text.find('}', at);
    if (end == std::string_view::npos) return;
    auto name = text.substr(at + 2, end - at - 2);
    name = name.substr(0, name.find(','));
    while (name.ends_with(' ')) name.remove_suffix(1);
    if (name.find(':') != std::string_view::npos) out.emplace(name);
  }
}

/// What the statements ask of a request: the keys of their conditions and their policy variables.
void add_context_keys(const policy::Document& document, std::set<std::string>& out) {
  for (const auto& statement : document.statements()) {
    for (const auto& resource : statement.resources) add_variables(resource.text(), out);
    for (const auto& condition : statement.conditions) {
      out.insert(condition.key);
      for (const auto& value : condition.values) add_variables(value.text(), out);
    }
  }
}

Result<shapes::GetContextKeysForPolicyResponse> context_keys_of(const policy::IdentityPolicies& policies) {
  std::set<std::string> keys;
  for (const auto& policy : policies.identity) add_context_keys(*policy.document, keys);
  return shapes::GetContextKeysForPolicyResponse{.context_key_names =
                                                     std::vector<std::string>(keys.begin(), keys.end())};
}

void register_context_keys(Registrar& registrar) {
  registrar.read<shapes::GetContextKeysForCustomPolicy>(
      [](const State&, const auto&, const auto& in) -> Result<shapes::GetContextKeysForPolicyResponse> {
        policy::IdentityPolicies policies;
        if (auto added = add_policies(in.policy_input_list, policies); !added) return fail(added);
        return context_keys_of(policies);
      });
  registrar.read<shapes::GetContextKeysForPrincipalPolicy>(
      [](const State& state, const auto&, const auto& in) -> Result<shapes::GetContextKeysForPolicyResponse> {
        auto source = source_of(state, *in.policy_source_arn);
        if (!source) return fail(source);
        if (auto added = add_policies(in.policy_input_list, source->policies); !added) return fail(added);
        return context_keys_of(source->policies);
      });
}

}  // namespace

void register_simulation(Registrar& registrar) {
  register_context_keys(registrar);
  const char* const difference = "Statements are named by their policy; their place in its text is not told.";
  registrar.read<shapes::SimulatePrincipalPolicy>(
      [](const State& state, const auto& context, const auto& in) -> Result<shapes::SimulatePolicyResponse> {
        auto simulation = source_of(state, *in.policy_source_arn);
        if (!simulation) return fail(simulation);
        if (in.policy_exclusion_list && !in.policy_exclusion_list->empty())
          return client_error("InvalidInput", "PolicyExclusionList is not available in Likeness.");
        if (auto added = add_policies(in.policy_input_list, simulation->policies); !added) return fail(added);
        if (auto added = add_request(in, state, *simulation); !added) return fail(added);
        if (in.caller_arn) simulation->caller.arn = *in.caller_arn;
        return simulate(*simulation, context, in);
      },
      {}, difference);
  registrar.read<shapes::SimulateCustomPolicy>(
      [](const State& state, const auto& context, const auto& in) -> Result<shapes::SimulatePolicyResponse> {
        Simulation simulation;
        simulation.caller.kind = policy::Principal::Kind::User;
        simulation.caller.account = state.account;
        simulation.caller.arn = in.caller_arn.value_or("");
        if (in.ordered_organization_policy_input_list && !in.ordered_organization_policy_input_list->empty())
          return client_error("InvalidInput", "Policies of organizations are not available in Likeness.");
        if (auto added = add_policies(in.policy_input_list, simulation.policies); !added) return fail(added);
        if (auto added = add_request(in, state, simulation); !added) return fail(added);
        return simulate(simulation, context, in);
      },
      {}, difference);
}

}  // namespace likeness::iam
