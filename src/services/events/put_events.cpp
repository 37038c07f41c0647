#include <fmt/format.h>

#include <array>
#include <map>
#include <set>
#include <utility>

#include "events/json_tokens.hpp"
#include "policy/document.hpp"
#include "services/events/common.hpp"

namespace likeness::eventbridge {
namespace {

/// AWS: less than 1 MB. What goes with an event to a target must fit beside it.
constexpr std::size_t kMostBytes = 1'000'000;
constexpr std::size_t kBytesOfTime = 14;
constexpr std::array<std::string_view, 7> kNeededFields = {"id",     "account",   "source",     "time",
                                                           "region", "resources", "detail-type"};

/// As AWS counts it.
std::size_t size_of(const shapes::PutEventsRequestEntry& entry) {
  std::size_t size = entry.time ? kBytesOfTime : 0;
  size += entry.source.value_or("").size() + entry.detail_type.value_or("").size() + entry.detail.value_or("").size();
  if (entry.resources)
    for (const auto& resource : *entry.resources) size += resource.size();
  return size;
}

shapes::PutEventsResultEntry refused(std::string code, std::string message) {
  return {.error_code = std::move(code), .error_message = std::move(message)};
}

std::optional<shapes::PutEventsResultEntry> problem_of(const shapes::PutEventsRequestEntry& entry) {
  const auto missing = [](std::string_view name) {
    return refused("InvalidArgument",
                   fmt::format("Parameter {} is not valid. Reason: {} is a required argument.", name, name));
  };
  if (entry.source.value_or("").empty()) return missing("Source");
  if (entry.detail_type.value_or("").empty()) return missing("DetailType");
  if (entry.detail.value_or("").empty()) return missing("Detail");
  if (entry.source->starts_with("aws."))
    return refused("NotAuthorizedForSourceException", "Not authorized for the source.");
  if (!events::is_json_object(*entry.detail)) return refused("MalformedDetail", "Detail is malformed.");
  return std::nullopt;
}

Result<shapes::PutEventsResponse> put_events(const Parts& parts, const aws::RequestContext& context,
                                             const shapes::PutEventsRequest& in) {
  if (in.endpoint_id) return invalid("Global endpoints are not available on this server.");
  std::size_t total = 0;
  for (const auto& entry : *in.entries) total += size_of(entry);
  if (total >= kMostBytes) return invalid("Total size of the entries in the request is over the limit.");

  shapes::PutEventsResponse out{.failed_entry_count = 0};
  auto& results = out.entries.emplace();
  std::vector<Event> accepted;
  for (const auto& entry : *in.entries) {
    if (auto problem = problem_of(entry)) {
      results.push_back(std::move(*problem));
      ++*out.failed_entry_count;
      continue;
    }
    Event event{.bus = parts.registry.bus_name(entry.event_bus_name),
                .id = uuid_v4(),
                .json = {},
                .time = entry.time.value_or(context.time)};
    event.json = event_json({.id = event.id,
                             .detail_type = *entry.detail_type,
                             .source = *entry.source,
                             .time = event.time,
                             .resources = entry.resources.value_or(std::vector<std::string>())},
                            parts.registry.account(), parts.registry.region(), *entry.detail);
    results.push_back({.event_id = event.id});
    accepted.push_back(std::move(event));
  }
  if (auto published = parts.dispatcher.publish(accepted); !published) {
    Error error = std::move(published.error());
    return server_error("InternalException", "Internal error.", error.code + ": " + error.detail);
  }
  return out;
}

/// For every bus that the entries name, with what its policy may ask for.
std::vector<policy::Permission> permissions(const Parts& parts, const shapes::PutEventsRequest& in) {
  std::map<std::string, policy::Permission> by_bus;
  if (in.entries) {
    for (const auto& entry : *in.entries) {
      const std::string name = parts.registry.bus_name(entry.event_bus_name);
      policy::Permission& permission = by_bus[name];
      permission.action = "events:PutEvents";
      permission.resource = parts.registry.bus_arn(name);
      if (entry.source) permission.context["events:source"].push_back(*entry.source);
      if (entry.detail_type) permission.context["events:detail-type"].push_back(*entry.detail_type);
      if (permission.resource_policy) continue;
      const auto bus = parts.registry.bus(name);
      if (!bus || (*bus)->policy.empty()) continue;
      auto document = policy::Document::parse((*bus)->policy, policy::DocumentKind::Resource);
      if (document) permission.resource_policy = std::move(*document);
    }
  }
  std::vector<policy::Permission> out;
  out.reserve(by_bus.size());
  for (auto& [name, permission] : by_bus) out.push_back(std::move(permission));
  if (out.empty()) out.push_back({.action = "events:PutEvents"});
  return out;
}

Result<shapes::TestEventPatternResponse> test_pattern(const shapes::TestEventPatternRequest& in) {
  auto pattern = events::Pattern::parse(*in.event_pattern);
  if (!pattern) return fail(pattern);
  if (!events::is_json_object(*in.event)) return invalid("Parameter Event is not valid.");
  std::set<std::string, std::less<>> names;
  events::JsonTokens tokens(*in.event);
  tokens.next();
  while (tokens.next() == events::JsonTokens::Kind::Name) {
    names.emplace(tokens.text());
    tokens.skip();
  }
  for (const auto needed : kNeededFields)
    if (needed != "resources" && !names.contains(needed))
      return invalid(fmt::format("Parameter Event is not valid. Reason: {} is a required argument.", needed));
  return shapes::TestEventPatternResponse{.result = pattern->matches(*in.event)};
}

}  // namespace

void register_events(aws::Service& service, const Parts& parts) {
  service.on<shapes::PutEvents>(
      [parts](const aws::RequestContext& context, const auto& in) { return put_events(parts, context, in); },
      "No global endpoints.");
  service.permissions<shapes::PutEvents>(
      [parts](const aws::RequestContext&, const shapes::PutEventsRequest& in) { return permissions(parts, in); });
  service.on<shapes::TestEventPattern>([](const aws::RequestContext&, const auto& in) { return test_pattern(in); });
}

std::unique_ptr<aws::Service> make_events(const Parts& parts) {
  auto service = std::make_unique<aws::Service>(shapes::model());
  register_buses(*service, parts);
  register_rules(*service, parts);
  register_targets(*service, parts);
  register_events(*service, parts);
  register_archives(*service, parts);
  return service;
}

}  // namespace likeness::eventbridge
