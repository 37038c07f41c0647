#include <fmt/format.h>

#include <boost/json.hpp>
#include <utility>

#include "policy/document.hpp"
#include "services/events/common.hpp"

namespace likeness::eventbridge {
namespace {

namespace json = boost::json;

constexpr std::size_t kMostPolicyBytes = 10'240;

Result<shapes::CreateEventBusResponse> create_bus(const Parts& parts, const shapes::CreateEventBusRequest& in) {
  if (in.event_source_name) return invalid("Partner event sources are not available on this server.");
  if (in.name->find('/') != std::string::npos) return invalid("Event bus name must not contain '/'.");
  Bus bus{.name = *in.name, .arn = {}, .description = in.description};
  if (in.dead_letter_config) bus.dead_letter_arn = in.dead_letter_config->arn;
  bus.kms_key = in.kms_key_identifier;
  if (in.tags) {
    auto tags = tags_of(*in.tags);
    if (!tags) return fail(tags);
    bus.tags = std::move(*tags);
  }
  if (auto added = parts.registry.add_bus(bus); !added) return fail(added);
  return shapes::CreateEventBusResponse{.event_bus_arn = parts.registry.bus_arn(*in.name),
                                        .description = in.description,
                                        .kms_key_identifier = in.kms_key_identifier,
                                        .dead_letter_config = in.dead_letter_config};
}

Result<shapes::UpdateEventBusResponse> update_bus(const Parts& parts, const shapes::UpdateEventBusRequest& in) {
  const std::string name = in.name.value_or(std::string(Registry::kDefaultBus));
  auto changed = parts.registry.change_bus(name, [&](Bus& bus) -> Result<void> {
    if (in.description) bus.description = in.description;
    if (in.kms_key_identifier) bus.kms_key = in.kms_key_identifier;
    if (in.dead_letter_config) bus.dead_letter_arn = in.dead_letter_config->arn;
    return {};
  });
  if (!changed) return fail(changed);
  const auto bus = parts.registry.bus(name);
  shapes::UpdateEventBusResponse out{.arn = parts.registry.bus_arn(name), .name = name};
  if (bus) out.description = (*bus)->description;
  if (bus) out.kms_key_identifier = (*bus)->kms_key;
  out.dead_letter_config = in.dead_letter_config;
  return out;
}

std::optional<std::string> non_empty(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

Result<shapes::DescribeEventBusResponse> describe_bus(const Parts& parts, const shapes::DescribeEventBusRequest& in) {
  auto bus = parts.registry.bus(parts.registry.bus_name(in.name));
  if (!bus) return fail(bus);
  const Bus& found = **bus;
  shapes::DescribeEventBusResponse out{.name = found.name,
                                       .arn = found.arn,
                                       .description = found.description,
                                       .kms_key_identifier = found.kms_key,
                                       .policy = non_empty(found.policy),
                                       .creation_time = found.created,
                                       .last_modified_time = found.modified};
  if (found.dead_letter_arn) out.dead_letter_config = shapes::DeadLetterConfig{.arn = found.dead_letter_arn};
  return out;
}

Result<shapes::ListEventBusesResponse> list_buses(const Parts& parts, const shapes::ListEventBusesRequest& in) {
  auto page = page_of(parts.registry.buses(in.name_prefix.value_or("")), in,
                      [](const auto& bus) -> const std::string& { return bus->name; });
  if (!page) return fail(page);
  shapes::ListEventBusesResponse out{.next_token = page->second};
  auto& listed = out.event_buses.emplace();
  for (const auto& bus : page->first)
    listed.push_back({.name = bus->name,
                      .arn = bus->arn,
                      .description = bus->description,
                      .policy = non_empty(bus->policy),
                      .creation_time = bus->created,
                      .last_modified_time = bus->modified});
  return out;
}

bool is_text(const json::value* value, const std::string& text) {
  return value != nullptr && value->is_string() && std::string_view(value->as_string()) == text;
}

/// The statements of a bus's policy.
json::array statements_of(const Bus& bus) {
  if (bus.policy.empty()) return {};
  const auto document = json::parse(bus.policy);
  const auto* statements = document.as_object().if_contains("Statement");
  if (statements == nullptr) return {};
  return statements->is_array() ? statements->as_array() : json::array{*statements};
}

Result<void> set_statements(Bus& bus, json::array statements) {
  if (statements.empty()) {
    bus.policy.clear();
    return {};
  }
  bus.policy = json::serialize(json::object{{"Version", "2012-10-17"}, {"Statement", std::move(statements)}});
  if (bus.policy.size() > kMostPolicyBytes)
    return client_error("PolicyLengthExceededException", "The policy is larger than 10240 bytes.");
  return {};
}

Result<aws::Empty> put_permission(const Parts& parts, const shapes::PutPermissionRequest& in) {
  const std::string name = in.event_bus_name.value_or(std::string(Registry::kDefaultBus));
  if (in.policy) {
    if (in.action || in.principal || in.statement_id || in.condition)
      return invalid(
          "You cannot specify both the policy parameter and the action, principal, condition or statement "
          "id parameters.");
    if (in.policy->size() > kMostPolicyBytes)
      return client_error("PolicyLengthExceededException", "The policy is larger than 10240 bytes.");
    if (auto parsed = policy::Document::parse(*in.policy, policy::DocumentKind::Resource); !parsed)
      return invalid("This policy contains invalid Json: " + parsed.error().message);
  } else if (!in.action || !in.principal || !in.statement_id) {
    return invalid("The action, principal and statement id parameters are required where there is no policy.");
  } else if (*in.action != "events:PutEvents") {
    return invalid("Provided value in parameter 'action' is not supported.");
  }
  auto changed = parts.registry.change_bus(name, [&](Bus& bus) -> Result<void> {
    if (in.policy) {
      bus.policy = *in.policy;
      return {};
    }
    auto statements = statements_of(bus);
    for (auto& statement : statements)
      if (const auto* sid = statement.as_object().if_contains("Sid"); is_text(sid, *in.statement_id))
        return invalid(fmt::format("The statement id {} exists already.", *in.statement_id));
    json::object statement{{"Sid", *in.statement_id}, {"Effect", "Allow"}};
    if (*in.principal == "*")
      statement["Principal"] = "*";
    else
      statement["Principal"] = json::object{{"AWS", fmt::format("arn:aws:iam::{}:root", *in.principal)}};
    statement["Action"] = *in.action;
    statement["Resource"] = bus.arn;
    if (in.condition)
      statement["Condition"] =
          json::object{{*in.condition->type, json::object{{*in.condition->key, *in.condition->value}}}};
    statements.emplace_back(std::move(statement));
    return set_statements(bus, std::move(statements));
  });
  if (!changed) return fail(changed);
  return aws::Empty{};
}

Result<aws::Empty> remove_permission(const Parts& parts, const shapes::RemovePermissionRequest& in) {
  const std::string name = in.event_bus_name.value_or(std::string(Registry::kDefaultBus));
  auto changed = parts.registry.change_bus(name, [&](Bus& bus) -> Result<void> {
    if (in.remove_all_permissions.value_or(false)) {
      bus.policy.clear();
      return {};
    }
    if (!in.statement_id) return invalid("Parameter StatementId is required.");
    auto statements = statements_of(bus);
    const std::size_t before = statements.size();
    for (auto at = statements.begin(); at != statements.end();) {
      const auto* sid = at->as_object().if_contains("Sid");
      at = is_text(sid, *in.statement_id) ? statements.erase(at) : at + 1;
    }
    if (statements.size() == before)
      return client_error("ResourceNotFoundException", "Statement with the provided id does not exist.");
    return set_statements(bus, std::move(statements));
  });
  if (!changed) return fail(changed);
  return aws::Empty{};
}

}  // namespace

Result<Tags> tags_of(const std::vector<shapes::Tag>& tags) {
  if (tags.size() > 50) return client_error("LimitExceededException", "A resource can have up to 50 tags.");
  Tags out;
  for (const auto& tag : tags) {
    if (tag.key.value_or("").starts_with("aws:")) return invalid("Tag keys must not begin with aws:.");
    out.insert_or_assign(tag.key.value_or(""), tag.value.value_or(""));
  }
  return out;
}

void register_buses(aws::Service& service, const Parts& parts) {
  const auto on_bus = [&registry = parts.registry](const aws::RequestContext&, const auto& in) {
    if constexpr (requires { in.event_bus_name; })
      return registry.bus_arn(registry.bus_name(in.event_bus_name));
    else
      return registry.bus_arn(registry.bus_name(in.name));
  };
  service.on<shapes::CreateEventBus>(
      [parts](const aws::RequestContext&, const auto& in) { return create_bus(parts, in); },
      "No partner event sources. Keys are kept; everything is stored as it is.");
  needs<shapes::CreateEventBus>(service, on_bus);
  service.on<shapes::UpdateEventBus>(
      [parts](const aws::RequestContext&, const auto& in) { return update_bus(parts, in); });
  needs<shapes::UpdateEventBus>(service, on_bus);
  service.on<shapes::DescribeEventBus>(
      [parts](const aws::RequestContext&, const auto& in) { return describe_bus(parts, in); });
  needs<shapes::DescribeEventBus>(service, on_bus);
  service.on<shapes::ListEventBuses>(
      [parts](const aws::RequestContext&, const auto& in) { return list_buses(parts, in); });
  service.on<shapes::DeleteEventBus>(
      [parts](const aws::RequestContext&, const shapes::DeleteEventBusRequest& in) -> Result<aws::Empty> {
        if (auto removed = parts.registry.remove_bus(*in.name); !removed) return fail(removed);
        return aws::Empty{};
      });
  needs<shapes::DeleteEventBus>(service, on_bus);
  service.on<shapes::PutPermission>(
      [parts](const aws::RequestContext&, const auto& in) { return put_permission(parts, in); });
  needs<shapes::PutPermission>(service, on_bus);
  service.on<shapes::RemovePermission>(
      [parts](const aws::RequestContext&, const auto& in) { return remove_permission(parts, in); });
  needs<shapes::RemovePermission>(service, on_bus);
}

}  // namespace likeness::eventbridge
