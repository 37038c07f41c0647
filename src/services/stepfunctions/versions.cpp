#include <algorithm>
#include <set>

#include "aws/exceptions.hpp"
#include "services/stepfunctions/common.hpp"

namespace likeness::stepfunctions {
namespace {

using aws::RequestContext;

Failure invalid(std::string message) {
  return aws::exception(shapes::ValidationException{.message = std::move(message)});
}
Failure no_reference() {
  return aws::exception(shapes::ResourceNotFound{.message = "Request references a resource that does not exist."});
}
Failure conflict(std::string message) {
  return aws::exception(shapes::ConflictException{.message = std::move(message)});
}

Result<states::Machine> machine_of(const Parts& parts, const std::string& arn) {
  auto parsed = read_arn(arn, "stateMachine");
  if (!parsed) return fail(parsed);
  auto machine = parts.machines.find(arn);
  if (!machine) return machine.error().code == "NotFound" ? machine_missing(arn) : api_error(machine);
  return machine;
}

Result<shapes::PublishStateMachineVersionOutput> publish(const Parts& parts, const RequestContext&,
                                                         const shapes::PublishStateMachineVersionInput& in) {
  auto machine = machine_of(parts, *in.state_machine_arn);
  if (!machine) return fail(machine);
  if (in.revision_id && *in.revision_id != machine->revision &&
      !(*in.revision_id == "INITIAL" && machine->revision.starts_with(states::kFirstRevision)))
    return conflict(
        fmt::format("Failed to publish the State Machine version for revision {}. The current State Machine "
                    "revision is {}.",
                    *in.revision_id, machine->revision));
  auto version = parts.machines.publish(*machine, in.description.value_or(""));
  if (!version) return api_error(version);
  return shapes::PublishStateMachineVersionOutput{.creation_date = version->created,
                                                  .state_machine_version_arn = version->arn};
}

Result<shapes::ListStateMachineVersionsOutput> list_versions(const Parts& parts, const RequestContext&,
                                                             const shapes::ListStateMachineVersionsInput& in) {
  auto machine = machine_of(parts, *in.state_machine_arn);
  if (!machine) return fail(machine);
  const auto listing = "ListStateMachineVersions " + machine->arn;
  auto from = from_token(parts, listing, in.next_token);
  if (!from) return fail(from);
  auto versions = parts.machines.versions(machine->arn);
  if (!versions) return api_error(versions);
  std::reverse(versions->begin(), versions->end());
  const auto limit = page_size(in.max_results);
  shapes::ListStateMachineVersionsOutput out;
  out.state_machine_versions.emplace();
  for (const auto& version : *versions) {
    if (!from->empty() && version.number > std::stoll(*from)) continue;
    if (out.state_machine_versions->size() == limit) {
      out.next_token = token_for(parts, listing, std::to_string(version.number));
      break;
    }
    out.state_machine_versions->push_back(shapes::StateMachineVersionListItem{.state_machine_version_arn = version.arn,
                                                                              .creation_date = version.created});
  }
  return out;
}

Result<shapes::DeleteStateMachineVersionOutput> remove_version(const Parts& parts, const RequestContext&,
                                                               const shapes::DeleteStateMachineVersionInput& in) {
  const auto& arn = *in.state_machine_version_arn;
  auto parsed = read_arn(arn, "stateMachine");
  if (!parsed) return fail(parsed);
  auto aliases = parts.machines.aliases(arn.substr(0, arn.rfind(':')));
  if (!aliases) return api_error(aliases);
  std::string used;
  for (const auto& alias : *aliases)
    for (const auto& [version, weight] : alias.routes)
      if (version == arn) used += (used.empty() ? "" : ", ") + alias.name;
  if (!used.empty())
    return conflict(
        fmt::format("Version to be deleted must not be referenced by an alias. Current list of aliases "
                    "referencing this version: [{}]",
                    used));
  if (auto removed = parts.machines.remove_version(arn); !removed) return api_error(removed);
  return shapes::DeleteStateMachineVersionOutput{};
}

using Routes = std::vector<std::pair<std::string, int>>;

Result<Routes> read_routes(const Parts& parts, const std::vector<shapes::RoutingConfigurationListItem>& given) {
  Routes out;
  std::string arns;
  std::string weights;
  int sum = 0;
  std::set<std::string> distinct;
  std::set<std::string> machines;
  bool versions_only = true;
  for (const auto& item : given) {
    const auto& arn = *item.state_machine_version_arn;
    arns += (arns.empty() ? "" : ", ") + arn;
    weights += (weights.empty() ? "" : ", ") + std::to_string(*item.weight);
    sum += *item.weight;
    distinct.insert(arn);
    const auto parsed = states::parse_states_arn(arn);
    versions_only = versions_only && parsed && parsed->rest.find(':') != std::string::npos;
    machines.insert(arn.substr(0, arn.rfind(':')));
    out.emplace_back(arn, *item.weight);
  }
  if (!versions_only)
    return invalid(fmt::format("Routing configuration must contain state machine version ARNs. Received: [{}]", arns));
  if (distinct.size() != given.size())
    return invalid(
        fmt::format("Routing configuration must contain distinct state machine version ARNs. Received: [{}]", arns));
  if (machines.size() > 1)
    return invalid(
        fmt::format("Routing configuration must contain versions of one state machine. Received: [{}]", arns));
  if (sum != 100)
    return invalid(fmt::format("Sum of routing configuration weights must equal 100. Received: [{}]", weights));
  for (const auto& [arn, weight] : out)
    if (auto version = parts.machines.find_version(arn); !version) return no_reference();
  return out;
}

Result<shapes::CreateStateMachineAliasOutput> create_alias(const Parts& parts, const RequestContext&,
                                                           const shapes::CreateStateMachineAliasInput& in) {
  auto routes = read_routes(parts, *in.routing_configuration);
  if (!routes) return fail(routes);
  const auto machine_arn = routes->front().first.substr(0, routes->front().first.rfind(':'));
  states::MachineAlias alias;
  alias.name = *in.name;
  alias.description = in.description.value_or("");
  alias.routes = std::move(*routes);
  auto made = parts.machines.put_alias(machine_arn, alias, true);
  if (!made) {
    if (made.error().code != "AlreadyExists") return api_error(made);
    made = parts.machines.find_alias(machine_arn + ":" + alias.name);
    if (!made) return api_error(made);
    if (made->routes != alias.routes || made->description != alias.description)
      return conflict(
          "Failed to create alias because an alias with the same name and a different routing configuration "
          "already exists.");
  }
  return shapes::CreateStateMachineAliasOutput{.state_machine_alias_arn = made->arn, .creation_date = made->created};
}

Result<states::MachineAlias> alias_of(const Parts& parts, const std::string& arn) {
  auto parsed = read_arn(arn, "stateMachine");
  if (!parsed) return fail(parsed);
  auto alias = parts.machines.find_alias(arn);
  if (!alias) return alias.error().code == "NotFound" ? no_reference() : api_error(alias);
  return alias;
}

Result<shapes::UpdateStateMachineAliasOutput> update_alias(const Parts& parts, const RequestContext&,
                                                           const shapes::UpdateStateMachineAliasInput& in) {
  auto alias = alias_of(parts, *in.state_machine_alias_arn);
  if (!alias) return fail(alias);
  if (in.description) alias->description = *in.description;
  if (in.routing_configuration) {
    auto routes = read_routes(parts, *in.routing_configuration);
    if (!routes) return fail(routes);
    alias->routes = std::move(*routes);
  }
  auto made = parts.machines.put_alias(alias->arn.substr(0, alias->arn.rfind(':')), *alias, false);
  if (!made) return api_error(made);
  return shapes::UpdateStateMachineAliasOutput{.update_date = made->updated};
}

Result<shapes::DescribeStateMachineAliasOutput> describe_alias(const Parts& parts, const RequestContext&,
                                                               const shapes::DescribeStateMachineAliasInput& in) {
  auto alias = alias_of(parts, *in.state_machine_alias_arn);
  if (!alias) return fail(alias);
  shapes::DescribeStateMachineAliasOutput out;
  out.state_machine_alias_arn = alias->arn;
  out.name = alias->name;
  if (!alias->description.empty()) out.description = alias->description;
  out.creation_date = alias->created;
  out.update_date = alias->updated;
  out.routing_configuration.emplace();
  for (const auto& [version, weight] : alias->routes)
    out.routing_configuration->push_back(
        shapes::RoutingConfigurationListItem{.state_machine_version_arn = version, .weight = weight});
  return out;
}

Result<shapes::DeleteStateMachineAliasOutput> remove_alias(const Parts& parts, const RequestContext&,
                                                           const shapes::DeleteStateMachineAliasInput& in) {
  auto parsed = read_arn(*in.state_machine_alias_arn, "stateMachine");
  if (!parsed) return fail(parsed);
  if (auto removed = parts.machines.remove_alias(*in.state_machine_alias_arn); !removed) return api_error(removed);
  return shapes::DeleteStateMachineAliasOutput{};
}

Result<shapes::ListStateMachineAliasesOutput> list_aliases(const Parts& parts, const RequestContext&,
                                                           const shapes::ListStateMachineAliasesInput& in) {
  auto parsed = read_arn(*in.state_machine_arn, "stateMachine");
  if (!parsed) return fail(parsed);
  // Of a machine, or those that lead to one version of it.
  const auto colon = parsed->rest.find(':');
  const auto machine_arn = fmt::format("{}:stateMachine:{}", parsed->scope, parsed->rest.substr(0, colon));
  if (auto machine = parts.machines.find(machine_arn); !machine)
    return machine.error().code == "NotFound" ? machine_missing(*in.state_machine_arn) : api_error(machine);
  const auto listing = "ListStateMachineAliases " + *in.state_machine_arn;
  auto from = from_token(parts, listing, in.next_token);
  if (!from) return fail(from);
  auto aliases = parts.machines.aliases(machine_arn);
  if (!aliases) return api_error(aliases);
  const auto limit = page_size(in.max_results);
  shapes::ListStateMachineAliasesOutput out;
  out.state_machine_aliases.emplace();
  for (const auto& alias : *aliases) {
    if (alias.name < *from) continue;
    const bool leads = colon == std::string::npos ||
                       std::any_of(alias.routes.begin(), alias.routes.end(),
                                   [&](const auto& route) { return route.first == *in.state_machine_arn; });
    if (!leads) continue;
    if (out.state_machine_aliases->size() == limit) {
      out.next_token = token_for(parts, listing, alias.name);
      break;
    }
    out.state_machine_aliases->push_back(
        shapes::StateMachineAliasListItem{.state_machine_alias_arn = alias.arn, .creation_date = alias.created});
  }
  return out;
}

}  // namespace

void add_versions(aws::Service& service, const Parts& parts) {
  const auto with = [&parts](auto function) {
    return [&parts, function](const auto& context, const auto& in) { return function(parts, context, in); };
  };
  service.on<shapes::PublishStateMachineVersion>(with(publish));
  service.on<shapes::ListStateMachineVersions>(with(list_versions));
  service.on<shapes::DeleteStateMachineVersion>(with(remove_version));
  service.on<shapes::CreateStateMachineAlias>(with(create_alias));
  service.on<shapes::UpdateStateMachineAlias>(with(update_alias));
  service.on<shapes::DescribeStateMachineAlias>(with(describe_alias));
  service.on<shapes::DeleteStateMachineAlias>(with(remove_alias));
  service.on<shapes::ListStateMachineAliases>(with(list_aliases));
}

}  // namespace likeness::stepfunctions
