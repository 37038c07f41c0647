#include <algorithm>
#include <set>

#include "aws/exceptions.hpp"
#include "aws/json_writer.hpp"
#include "policy/permission.hpp"
#include "services/events/dispatcher.hpp"
#include "services/stepfunctions/common.hpp"

namespace likeness::stepfunctions {
namespace {

using aws::RequestContext;

/// A part of the input as the JSON it came in.
template <class T>
std::string config_json(const std::optional<T>& value, const char* member) {
  if (!value) return "";
  std::string out;
  aws::write_json(*shapes::CreateStateMachine::operation().input->find_member(member)->shape, &*value, out);
  return out;
}

Result<void> check_logging(const std::optional<shapes::LoggingConfiguration>& logging) {
  if (!logging) return {};
  const bool off = !logging->level || *logging->level == shapes::LogLevel::Off;
  const auto count = logging->destinations ? logging->destinations->size() : 0;
  if (count > 1)
    return client_error("InvalidLoggingConfiguration",
                        "Invalid Logging Configuration: Must specify exactly one Log Destination.");
  if (!off && count == 0)
    return client_error("InvalidLoggingConfiguration",
                        "Invalid Logging Configuration: Must specify exactly one Log Destination.");
  if (count == 1) {
    const auto& group = logging->destinations->front().cloud_watch_logs_log_group;
    if (!group || !group->log_group_arn || group->log_group_arn->find(":log-group:") == std::string::npos)
      return client_error("InvalidLoggingConfiguration",
                          "Invalid Logging Configuration: Log Destination must be a CloudWatch Logs log group.");
  }
  return {};
}

Result<void> check_role(const std::string& arn) {
  const auto account = eventbridge::arn_part(arn, 4);
  const bool numbered = account.size() == 12 && account.find_first_not_of("0123456789") == std::string_view::npos;
  if (!arn.starts_with("arn:") || !numbered || arn.find(":role/") == std::string::npos)
    return client_error("InvalidArn", fmt::format("Invalid Role Arn: '{}'", arn));
  return {};
}

Result<std::shared_ptr<const states::Definition>> check_definition(const Parts& parts, const std::string& text,
                                                                   bool express) {
  auto parsed = states::parse_definition(text, parse_options(parts, express));
  if (parsed.definition == nullptr) return states::invalid_definition(parsed.diagnostics);
  return parsed.definition;
}

states::Tags tags_of(const std::optional<std::vector<shapes::Tag>>& tags) {
  states::Tags out;
  if (tags)
    for (const auto& tag : *tags) out[tag.key.value_or("")] = tag.value.value_or("");
  return out;
}

Result<shapes::CreateStateMachineOutput> create(const Parts& parts, const RequestContext& context,
                                                const shapes::CreateStateMachineInput& in) {
  if (auto named = check_name(*in.name); !named) return fail(named);
  if (in.version_description && !in.publish.value_or(false))
    return aws::exception(
        shapes::ValidationException{.message = "Version description can only be set when publish is true"});
  if (auto role = check_role(*in.role_arn); !role) return fail(role);
  if (auto logging = check_logging(in.logging_configuration); !logging) return fail(logging);
  if (auto encryption = check_encryption(in.encryption_configuration); !encryption) return fail(encryption);
  states::Machine machine;
  machine.name = *in.name;
  machine.express = in.type && *in.type == shapes::StateMachineType::Express;
  machine.role_arn = *in.role_arn;
  machine.definition = *in.definition;
  machine.logging = config_json(in.logging_configuration, "loggingConfiguration");
  machine.tracing = config_json(in.tracing_configuration, "tracingConfiguration");
  machine.encryption = config_json(in.encryption_configuration, "encryptionConfiguration");
  if (auto definition = check_definition(parts, machine.definition, machine.express); !definition)
    return fail(definition);
  auto created = parts.machines.create(scope_of(context), machine, tags_of(in.tags));
  if (!created) {
    if (created.error().code == "AlreadyExists")
      return client_error("StateMachineAlreadyExists", created.error().message);
    return api_error(created);
  }
  shapes::CreateStateMachineOutput out;
  out.state_machine_arn = created->arn;
  out.creation_date = created->created;
  if (in.publish.value_or(false)) {
    auto version = parts.machines.publish(*created, in.version_description.value_or(""));
    if (!version) return api_error(version);
    out.state_machine_version_arn = version->arn;
  }
  return out;
}

Result<shapes::UpdateStateMachineOutput> update(const Parts& parts, const RequestContext&,
                                                const shapes::UpdateStateMachineInput& in) {
  auto parsed = read_arn(*in.state_machine_arn, "stateMachine");
  if (!parsed) return fail(parsed);
  auto before = parts.machines.find(*in.state_machine_arn);
  if (!before) return before.error().code == "NotFound" ? machine_missing(*in.state_machine_arn) : api_error(before);
  if (!in.definition && !in.role_arn && !in.logging_configuration && !in.tracing_configuration &&
      !in.encryption_configuration)
    return client_error("MissingRequiredParameter",
                        "Either the definition, the role ARN, the LoggingConfiguration, or the TracingConfiguration "
                        "must be specified");
  if (in.version_description && !in.publish.value_or(false))
    return aws::exception(
        shapes::ValidationException{.message = "Version description can only be set when publish is true"});
  auto after = *before;
  if (in.role_arn) {
    if (auto role = check_role(*in.role_arn); !role) return fail(role);
    after.role_arn = *in.role_arn;
  }
  if (in.definition) {
    if (auto definition = check_definition(parts, *in.definition, before->express); !definition)
      return fail(definition);
    after.definition = *in.definition;
  }
  if (auto logging = check_logging(in.logging_configuration); !logging) return fail(logging);
  if (auto encryption = check_encryption(in.encryption_configuration); !encryption) return fail(encryption);
  if (in.logging_configuration) after.logging = config_json(in.logging_configuration, "loggingConfiguration");
  if (in.tracing_configuration) after.tracing = config_json(in.tracing_configuration, "tracingConfiguration");
  if (in.encryption_configuration)
    after.encryption = config_json(in.encryption_configuration, "encryptionConfiguration");
  auto updated = parts.machines.update(*before, after);
  if (!updated) return api_error(updated);
  shapes::UpdateStateMachineOutput out;
  out.update_date = updated->updated;
  out.revision_id = updated->revision;
  if (in.publish.value_or(false)) {
    auto version = parts.machines.publish(*updated, in.version_description.value_or(""));
    if (!version) return api_error(version);
    out.state_machine_version_arn = version->arn;
  }
  return out;
}

std::optional<std::string> shown_revision(const states::Machine& machine) {
  if (machine.revision.starts_with(states::kFirstRevision)) return std::nullopt;
  return machine.revision;
}

std::map<std::string, std::vector<std::string>> variable_references(const states::Definition& definition) {
  std::map<std::string, std::vector<std::string>> out;
  for (const auto& [name, state] : definition.states) {
    std::set<std::string> found;
    for (const auto* made : {&state.parameters, &state.result_selector, &state.assign})
      if (*made) found.insert((*made)->variables().begin(), (*made)->variables().end());
    if (!found.empty()) out[name] = {found.begin(), found.end()};
    for (const auto& branch : state.branches) out.merge(variable_references(*branch));
  }
  return out;
}

Result<shapes::DescribeStateMachineOutput> describe(const Parts& parts, const RequestContext&,
                                                    const shapes::DescribeStateMachineInput& in) {
  auto target = find_target(parts, *in.state_machine_arn);
  if (!target) return fail(target);
  const auto& machine = target->machine;
  shapes::DescribeStateMachineOutput out;
  out.state_machine_arn = target->version_arn.empty() ? machine.arn : target->version_arn;
  out.name = machine.name;
  out.status = shapes::StateMachineStatus::Active;
  out.definition = machine.definition;
  out.role_arn = machine.role_arn;
  out.type = machine.express ? shapes::StateMachineType::Express : shapes::StateMachineType::Standard;
  out.creation_date = machine.created;
  out.logging_configuration = logging_of(machine);
  out.tracing_configuration = tracing_of(machine);
  out.encryption_configuration = encryption_of(machine);
  out.revision_id = shown_revision(machine);
  if (!target->version_arn.empty())
    if (auto version = parts.machines.find_version(target->version_arn)) {
      out.creation_date = version->created;
      if (!version->description.empty()) out.description = version->description;
    }
  if (auto definition = parts.machines.definition(machine.arn, machine.revision)) {
    auto references = variable_references(**definition);
    if (!references.empty()) out.variable_references = std::move(references);
  }
  if (in.included_data && *in.included_data == shapes::IncludedData::MetadataOnly) out.definition.reset();
  return out;
}

Result<shapes::DescribeStateMachineForExecutionOutput> describe_for_execution(
    const Parts& parts, const RequestContext&, const shapes::DescribeStateMachineForExecutionInput& in) {
  auto parsed = read_arn(*in.execution_arn, "execution");
  if (!parsed) return fail(parsed);
  auto record = parts.engine.find(*in.execution_arn);
  if (!record) return api_error(record);
  if (!*record) return execution_missing(*in.execution_arn);
  auto machine = parts.machines.find_revision((*record)->info.machine_arn, (*record)->info.revision);
  if (!machine) return api_error(machine);
  shapes::DescribeStateMachineForExecutionOutput out;
  out.state_machine_arn = machine->arn;
  out.name = machine->name;
  out.definition = machine->definition;
  out.role_arn = machine->role_arn;
  out.update_date = machine->updated;
  out.logging_configuration = logging_of(*machine);
  out.tracing_configuration = tracing_of(*machine);
  out.encryption_configuration = encryption_of(*machine);
  out.revision_id = shown_revision(*machine);
  if (!(*record)->info.map_run_arn.empty()) out.map_run_arn = (*record)->info.map_run_arn;
  return out;
}

Result<shapes::DeleteStateMachineOutput> remove(const Parts& parts, const RequestContext&,
                                                const shapes::DeleteStateMachineInput& in) {
  auto parsed = read_arn(*in.state_machine_arn, "stateMachine");
  if (!parsed) return fail(parsed);
  if (auto removed = parts.machines.remove(*in.state_machine_arn); !removed) return api_error(removed);
  return shapes::DeleteStateMachineOutput{};
}

Result<shapes::ListStateMachinesOutput> list(const Parts& parts, const RequestContext& context,
                                             const shapes::ListStateMachinesInput& in) {
  auto from = from_token(parts, "ListStateMachines", in.next_token);
  if (!from) return fail(from);
  const auto limit = page_size(in.max_results);
  auto machines = parts.machines.list(scope_of(context), *from, limit + 1);
  if (!machines) return api_error(machines);
  shapes::ListStateMachinesOutput out;
  out.state_machines.emplace();
  for (const auto& machine : *machines) {
    if (out.state_machines->size() == limit) {
      out.next_token = token_for(parts, "ListStateMachines", machine.name);
      break;
    }
    shapes::StateMachineListItem item;
    item.state_machine_arn = machine.arn;
    item.name = machine.name;
    item.type = machine.express ? shapes::StateMachineType::Express : shapes::StateMachineType::Standard;
    item.creation_date = machine.created;
    out.state_machines->push_back(std::move(item));
  }
  return out;
}

Result<shapes::ValidateStateMachineDefinitionOutput> validate(const Parts& parts, const RequestContext&,
                                                              const shapes::ValidateStateMachineDefinitionInput& in) {
  const bool express = in.type && *in.type == shapes::StateMachineType::Express;
  const bool warnings = in.severity && *in.severity == shapes::ValidateStateMachineDefinitionSeverity::Warning;
  auto options = parse_options(parts, express);
  options.warnings = warnings;
  const auto parsed = states::parse_definition(*in.definition, options);
  const auto limit = in.max_results && *in.max_results > 0 ? static_cast<std::size_t>(*in.max_results) : 100;
  shapes::ValidateStateMachineDefinitionOutput out;
  out.result = parsed.definition != nullptr ? shapes::ValidateStateMachineDefinitionResultCode::Ok
                                            : shapes::ValidateStateMachineDefinitionResultCode::Fail;
  out.diagnostics.emplace();
  out.truncated = false;
  for (const auto& diagnostic : parsed.diagnostics) {
    if (diagnostic.warning && !warnings) continue;
    if (out.diagnostics->size() == limit) {
      out.truncated = true;
      break;
    }
    shapes::ValidateStateMachineDefinitionDiagnostic item;
    item.severity = diagnostic.warning ? shapes::ValidateStateMachineDefinitionSeverity::Warning
                                       : shapes::ValidateStateMachineDefinitionSeverity::Error;
    item.code = diagnostic.code;
    item.message = diagnostic.message;
    if (!diagnostic.location.empty()) item.location = diagnostic.location;
    out.diagnostics->push_back(std::move(item));
  }
  return out;
}

/// A machine or an activity that is there.
Result<void> check_tagged(const Parts& parts, const std::string& arn) {
  const auto parsed = states::parse_states_arn(arn);
  if (!parsed) return invalid_arn(arn);
  bool there = false;
  if (parsed->kind == "stateMachine") there = parts.machines.find(arn).has_value();
  if (parsed->kind == "activity") there = parts.machines.find_activity(arn).has_value();
  if (!there) return client_error("ResourceNotFound", fmt::format("Resource not found: '{}'", arn));
  return {};
}

Result<shapes::TagResourceOutput> tag(const Parts& parts, const RequestContext&, const shapes::TagResourceInput& in) {
  if (auto there = check_tagged(parts, *in.resource_arn); !there) return fail(there);
  auto tags = parts.machines.tags(*in.resource_arn);
  auto all = tags ? *tags : states::Tags();
  for (const auto& [key, value] : tags_of(in.tags)) all[key] = value;
  if (all.size() > 50) return client_error("TooManyTags", "Too many tags: a resource can have up to 50.");
  if (auto done = parts.machines.set_tags(*in.resource_arn, all); !done) return api_error(done);
  return shapes::TagResourceOutput{};
}

Result<shapes::UntagResourceOutput> untag(const Parts& parts, const RequestContext&,
                                          const shapes::UntagResourceInput& in) {
  if (auto there = check_tagged(parts, *in.resource_arn); !there) return fail(there);
  auto tags = parts.machines.tags(*in.resource_arn);
  auto all = tags ? *tags : states::Tags();
  for (const auto& key : *in.tag_keys) all.erase(key);
  if (auto done = parts.machines.set_tags(*in.resource_arn, all); !done) return api_error(done);
  return shapes::UntagResourceOutput{};
}

Result<shapes::ListTagsForResourceOutput> list_tags(const Parts& parts, const RequestContext&,
                                                    const shapes::ListTagsForResourceInput& in) {
  if (auto there = check_tagged(parts, *in.resource_arn); !there) return fail(there);
  shapes::ListTagsForResourceOutput out;
  out.tags.emplace();
  if (auto tags = parts.machines.tags(*in.resource_arn))
    for (const auto& [key, value] : *tags) out.tags->push_back(shapes::Tag{.key = key, .value = value});
  return out;
}

}  // namespace

void add_machines(aws::Service& service, const Parts& parts) {
  const auto with = [&parts](auto function) {
    return [&parts, function](const auto& context, const auto& in) { return function(parts, context, in); };
  };
  using Permission = policy::Permission;
  service.on<shapes::CreateStateMachine>(
      with(create), "EncryptionConfiguration is kept and shown; data is not encrypted by it. Tracing sends nothing.");
  service.permissions<shapes::CreateStateMachine>(
      [](const RequestContext& context, const shapes::CreateStateMachineInput& in) {
        return std::vector{Permission{.action = "states:CreateStateMachine",
                                      .resource = scope_of(context) + ":stateMachine:" + in.name.value_or("*")},
                           policy::pass_role(in.role_arn.value_or("*"), "states.amazonaws.com")};
      });
  service.on<shapes::UpdateStateMachine>(with(update));
  service.permissions<shapes::UpdateStateMachine>([](const RequestContext&, const shapes::UpdateStateMachineInput& in) {
    std::vector out{Permission{.action = "states:UpdateStateMachine", .resource = in.state_machine_arn.value_or("*")}};
    if (in.role_arn) out.push_back(policy::pass_role(*in.role_arn, "states.amazonaws.com"));
    return out;
  });
  service.on<shapes::DescribeStateMachine>(with(describe));
  service.on<shapes::DescribeStateMachineForExecution>(with(describe_for_execution));
  service.on<shapes::DeleteStateMachine>(with(remove), "The state machine is gone at once; its executions run on.");
  service.on<shapes::ListStateMachines>(with(list));
  service.on<shapes::ValidateStateMachineDefinition>(
      with(validate), "Errors are those of the documentation and of recorded answers; warnings have words of our own.");
  service.on<shapes::TagResource>(with(tag));
  service.on<shapes::UntagResource>(with(untag));
  service.on<shapes::ListTagsForResource>(with(list_tags));
}

}  // namespace likeness::stepfunctions
