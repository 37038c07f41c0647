#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "aws/gen/dynamodbstreams.hpp"
#include "aws/gen/sqs.hpp"
#include "base/bytes.hpp"
#include "domain/lambda/errors.hpp"
#include "services/lambda/convert.hpp"
#include "services/lambda/operations.hpp"
#include "services/lambda/pages.hpp"
#include "services/lambda/pollers.hpp"

namespace likeness::lambda {
namespace {

using aws::RequestContext;
using Shape = shapes::EventSourceMappingConfiguration;

constexpr std::size_t kMaxFilters = 10;

Shape to_shape(const Mapping& mapping, std::string state) {
  Shape out;
  out.uuid = mapping.uuid;
  out.event_source_mapping_arn = mapping.arn();
  out.event_source_arn = mapping.source;
  out.function_arn = mapping.function;
  out.batch_size = mapping.batch_size;
  out.maximum_batching_window_in_seconds = mapping.window;
  out.last_modified = mapping.modified;
  out.state = std::move(state);
  out.state_transition_reason = "USER_INITIATED";
  out.function_response_types.emplace();
  if (mapping.partial_responses)
    out.function_response_types->push_back(shapes::FunctionResponseType::ReportBatchItemFailures);
  if (!mapping.filters.empty()) {
    auto& filters = out.filter_criteria.emplace().filters.emplace();
    for (const auto& pattern : mapping.filters) filters.push_back(shapes::Filter{pattern});
  }
  if (mapping.max_concurrency) out.scaling_config = shapes::ScalingConfig{mapping.max_concurrency};
  if (mapping.of_queue()) return out;
  out.starting_position = enum_of<shapes::EventSourcePosition>("EventSourcePosition", mapping.starting_position);
  out.parallelization_factor = mapping.parallelization;
  out.bisect_batch_on_function_error = mapping.bisect;
  out.maximum_record_age_in_seconds = mapping.max_age;
  out.maximum_retry_attempts = mapping.max_attempts;
  out.tumbling_window_in_seconds = mapping.tumbling;
  auto& destinations = out.destination_config.emplace();
  destinations.on_failure.emplace();
  if (!mapping.on_failure.empty()) destinations.on_failure->destination = mapping.on_failure;
  out.last_processing_result = "No records processed";
  return out;
}

std::string state_of(const Mapping& mapping) { return mapping.enabled ? "Enabled" : "Disabled"; }

/// What Create and Update have in common.
template <class Input>
Result<void> take(const Input& in, Mapping& out) {
  if (in.enabled) out.enabled = *in.enabled;
  if (in.batch_size) out.batch_size = *in.batch_size;
  if (in.maximum_batching_window_in_seconds) out.window = *in.maximum_batching_window_in_seconds;
  if (in.function_response_types) out.partial_responses = !in.function_response_types->empty();
  if (in.filter_criteria) {
    out.filters.clear();
    for (const auto& filter : in.filter_criteria->filters.value_or(std::vector<shapes::Filter>()))
      if (filter.pattern) out.filters.push_back(*filter.pattern);
  }
  if (in.scaling_config) out.max_concurrency = in.scaling_config->maximum_concurrency;
  if (in.parallelization_factor) out.parallelization = *in.parallelization_factor;
  if (in.bisect_batch_on_function_error) out.bisect = *in.bisect_batch_on_function_error;
  if (in.maximum_record_age_in_seconds) out.max_age = *in.maximum_record_age_in_seconds;
  if (in.maximum_retry_attempts) out.max_attempts = *in.maximum_retry_attempts;
  if (in.tumbling_window_in_seconds) out.tumbling = *in.tumbling_window_in_seconds;
  if (in.destination_config && in.destination_config->on_failure)
    out.on_failure = in.destination_config->on_failure->destination.value_or("");
  if (in.provisioned_poller_config)
    return invalid("Provisioned pollers are not available: ProvisionedPollerConfig must be left out.");
  return {};
}

Result<void> check_mapping(const Mapping& in) {
  if (in.filters.size() > kMaxFilters)
    return client_error("InvalidParameterValueException", "The maximum number of filters is 10.");
  if (auto filter = BatchFilter::make(in.filters); !filter) return fail(filter);
  if (in.of_queue()) {
    if (!in.starting_position.empty()) return invalid("StartingPosition is not valid for SQS event sources.");
    const bool is_fifo = in.source.ends_with(".fifo");
    if (is_fifo && in.batch_size > 10) return invalid("Batch size of a FIFO queue must not be more than 10.");
    if (is_fifo && in.window > 0) return invalid("Batching window is not supported for FIFO queues");
    if (in.batch_size > 10 && in.window < 1)
      return invalid("Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10");
    if (in.bisect || in.max_age != -1 || in.max_attempts != -1 || in.parallelization != 1 || in.tumbling > 0 ||
        !in.on_failure.empty())
      return invalid("Settings of streams are not supported for SQS event sources.");
    return {};
  }
  if (in.starting_position == "AT_TIMESTAMP")
    return invalid("Unsupported starting position for arn type: " + in.source);
  if (in.max_concurrency) return invalid("ScalingConfig is not supported for streams.");
  if (!in.on_failure.empty() && in.on_failure.find(":sqs:") == std::string::npos &&
      in.on_failure.find(":sns:") == std::string::npos)
    return invalid("The destination of a stream's event source mapping must be a queue or a topic: " + in.on_failure);
  return {};
}

/// That the function's role can read the source.
Result<void> check_source(const Lambda& parts, const Target& target, const Mapping& mapping) {
  auto session = parts.roles.assume(target.version->role, target.function->name, target.function->arn());
  if (!session) return invalid("The role defined for the function cannot be assumed by Lambda.");
  const aws::LocalCaller caller{.principal = session->principal};
  const auto refused = [&](const Error& error, const char* call, const char* service) {
    if (error.code.starts_with("AccessDenied"))
      return invalid(
          fmt::format("The provided execution role does not have permissions to call {} on {}", call, service));
    return invalid(fmt::format("Error occurred while {}. {} Error Code: {}. {} Error Message: {}", call, service,
                               error.code, service, error.message));
  };
  if (mapping.of_queue()) {
    aws::sqs::GetQueueAttributesRequest in;
    in.queue_url = queue_url(mapping.source);
    in.attribute_names = {"VisibilityTimeout"};
    auto out = parts.calls.call<aws::sqs::GetQueueAttributes>(caller, in);
    if (!out) return refused(out.error(), "ReceiveMessage", "SQS");
    if (!out->attributes) return {};
    const auto at = out->attributes->find("VisibilityTimeout");
    if (at == out->attributes->end()) return {};
    std::int32_t visible = 0;
    std::from_chars(at->second.data(), at->second.data() + at->second.size(), visible);
    if (visible < target.version->timeout)
      return invalid(fmt::format("Queue visibility timeout: {} seconds is less than Function timeout: {} seconds",
                                 visible, target.version->timeout));
    return {};
  }
  aws::dynamodbstreams::DescribeStreamInput in;
  in.stream_arn = mapping.source;
  auto out = parts.calls.call<aws::dynamodbstreams::DescribeStream>(caller, in);
  if (!out && out.error().code == "ResourceNotFoundException")
    return invalid(fmt::format("Stream not found: {}", mapping.source));
  if (!out) return refused(out.error(), "DescribeStream", "DynamoDB");
  return {};
}

/// The function of a mapping, by its ARN, and that it is there.
Result<Target> function_of(const Lambda& parts, const RequestContext& context, const std::string& name) {
  auto parsed = name_of(context, std::optional(name));
  if (!parsed) return fail(parsed);
  auto target = parts.registry.resolve(*parsed);
  if (!target) return invalid("Function does not exist");
  return target;
}

Result<Shape> create_mapping(const Lambda& parts, const RequestContext& context,
                             const shapes::CreateEventSourceMappingRequest& in) {
  if (!in.event_source_arn || in.self_managed_event_source)
    return invalid("An event source is an SQS queue or a DynamoDB stream: EventSourceArn must be given.");
  auto target = function_of(parts, context, *in.function_name);
  if (!target) return fail(target);
  Mapping mapping;
  mapping.uuid = uuid_v4();
  mapping.account = context.account;
  mapping.region = context.region;
  mapping.source = *in.event_source_arn;
  mapping.function = target->arn();
  mapping.modified = context.time;
  mapping.starting_time = in.starting_position_timestamp.value_or(context.time);
  if (in.tags) mapping.tags = *in.tags;
  const bool of_stream =
      mapping.source.find(":dynamodb:") != std::string::npos && mapping.source.find("/stream/") != std::string::npos;
  if (!mapping.of_queue() && !of_stream)
    return invalid("Event sources are SQS queues and DynamoDB streams; this one is not available: " + mapping.source);
  if (in.starting_position) mapping.starting_position = shapes::to_text(*in.starting_position);
  if (of_stream) {
    mapping.batch_size = 100;
    if (mapping.starting_position.empty())
      return invalid(
          "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: "
          "Member must not be null.");
  }
  if (auto taken = take(in, mapping); !taken) return fail(taken);
  if (auto fine = check_mapping(mapping); !fine) return fail(fine);
  if (auto fine = check_source(parts, *target, mapping); !fine) return fail(fine);
  auto made = parts.registry.create_mapping(std::move(mapping));
  if (!made) return fail(made);
  parts.mappings_changed();
  return to_shape(**made, "Creating");
}

Result<Shape> update_mapping(const Lambda& parts, const RequestContext& context,
                             const shapes::UpdateEventSourceMappingRequest& in) {
  std::optional<Target> target;
  if (in.function_name) {
    auto found = function_of(parts, context, *in.function_name);
    if (!found) return fail(found);
    target = std::move(*found);
  }
  auto changed = parts.registry.change_mapping(*in.uuid, [&](Mapping& mapping) -> Result<void> {
    if (target) mapping.function = target->arn();
    if (auto taken = take(in, mapping); !taken) return taken;
    mapping.modified = context.time;
    return check_mapping(mapping);
  });
  if (!changed) return fail(changed);
  parts.mappings_changed();
  return to_shape(**changed, "Updating");
}

Result<Shape> get_mapping(const Lambda& parts, const RequestContext&, const shapes::GetEventSourceMappingRequest& in) {
  auto mapping = parts.registry.find_mapping(*in.uuid);
  if (!mapping) return fail(mapping);
  return to_shape(**mapping, state_of(**mapping));
}

Result<Shape> delete_mapping(const Lambda& parts, const RequestContext&,
                             const shapes::DeleteEventSourceMappingRequest& in) {
  auto removed = parts.registry.remove_mapping(*in.uuid);
  if (!removed) return fail(removed);
  parts.mappings_changed();
  return to_shape(**removed, "Deleting");
}

Result<shapes::ListEventSourceMappingsResponse> list_mappings(const Lambda& parts, const RequestContext& context,
                                                              const shapes::ListEventSourceMappingsRequest& in) {
  std::string function;
  if (in.function_name) {
    auto name = name_of(context, in.function_name);
    if (!name) return fail(name);
    function = name->qualified_arn();
  }
  std::vector<MappingPtr> all;
  for (auto& mapping : parts.registry.mappings()) {
    if (mapping->account != context.account || mapping->region != context.region) continue;
    if (in.event_source_arn && mapping->source != *in.event_source_arn) continue;
    if (!function.empty() && mapping->function != function) continue;
    all.push_back(mapping);
  }
  auto page = page_of(std::move(all), in.marker, in.max_items, 100);
  if (!page) return fail(page);
  shapes::ListEventSourceMappingsResponse out;
  out.next_marker = page->next;
  out.event_source_mappings.emplace();
  for (const auto& mapping : page->items) out.event_source_mappings->push_back(to_shape(*mapping, state_of(*mapping)));
  return out;
}

/// The right to an action on a mapping; conditions may ask for the function's ARN.
template <class Op>
void needs_mapping(aws::Service& service, const Lambda& parts, const char* action) {
  service.permissions<Op>([parts, action](const RequestContext& context, const typename Op::Input& in) {
    policy::Permission permission{.action = action};
    permission.resource = fmt::format("arn:aws:lambda:{}:{}:event-source-mapping:{}", context.region, context.account,
                                      in.uuid.value_or("*"));
    if (auto mapping = parts.registry.find_mapping(in.uuid.value_or("")))
      permission.context["lambda:FunctionArn"] = {(*mapping)->function};
    return std::vector{std::move(permission)};
  });
}

}  // namespace

void register_mappings(aws::Service& service, const Lambda& parts) {
  constexpr const char* kSources =
      "Of SQS queues and DynamoDB streams; no provisioned pollers. With ParallelizationFactor each of the concurrent "
      "batches of a shard has tumbling windows of its own.";
  on<shapes::CreateEventSourceMapping>(service, parts, create_mapping, kSources);
  on<shapes::UpdateEventSourceMapping>(service, parts, update_mapping, kSources);
  on<shapes::GetEventSourceMapping>(service, parts, get_mapping);
  on<shapes::DeleteEventSourceMapping>(service, parts, delete_mapping);
  on<shapes::ListEventSourceMappings>(service, parts, list_mappings);
  needs_mapping<shapes::UpdateEventSourceMapping>(service, parts, "lambda:UpdateEventSourceMapping");
  needs_mapping<shapes::GetEventSourceMapping>(service, parts, "lambda:GetEventSourceMapping");
  needs_mapping<shapes::DeleteEventSourceMapping>(service, parts, "lambda:DeleteEventSourceMapping");
}

}  // namespace likeness::lambda
