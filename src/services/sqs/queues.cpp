#include <algorithm>

#include "domain/queues/errors.hpp"
#include "services/sqs/operations.hpp"

namespace likeness::sqs {
namespace {

using aws::RequestContext;
using queues::AttributeTexts;

constexpr std::string_view kAttributes[] = {"All",
                                            "Policy",
                                            "VisibilityTimeout",
                                            "MaximumMessageSize",
                                            "MessageRetentionPeriod",
                                            "ApproximateNumberOfMessages",
                                            "ApproximateNumberOfMessagesNotVisible",
                                            "CreatedTimestamp",
                                            "LastModifiedTimestamp",
                                            "QueueArn",
                                            "ApproximateNumberOfMessagesDelayed",
                                            "DelaySeconds",
                                            "ReceiveMessageWaitTimeSeconds",
                                            "RedrivePolicy",
                                            "FifoQueue",
                                            "ContentBasedDeduplication",
                                            "KmsMasterKeyId",
                                            "KmsDataKeyReusePeriodSeconds",
                                            "DeduplicationScope",
                                            "FifoThroughputLimit",
                                            "RedriveAllowPolicy",
                                            "SqsManagedSseEnabled"};

Result<shapes::CreateQueueResult> create(const Parts& parts, const RequestContext& context,
                                         const shapes::CreateQueueRequest& in) {
  if (!in.queue_name) return queues::missing_parameter("QueueName");
  auto queue = parts.queues.create(*in.queue_name, in.attributes.value_or(AttributeTexts()),
                                   in.tags.value_or(std::map<std::string, std::string>()));
  if (!queue) return fail(queue);
  return shapes::CreateQueueResult{.queue_url = url_of(parts, context, *in.queue_name)};
}

Result<aws::Empty> remove(const Parts& parts, const RequestContext& context, const shapes::DeleteQueueRequest& in) {
  auto queue = queue_at(parts, context, in.queue_url);
  if (!queue) return fail(queue);
  if (auto done = parts.queues.remove((*queue)->describe()->name); !done) return fail(done);
  return aws::Empty{};
}

Result<shapes::GetQueueUrlResult> get_url(const Parts& parts, const RequestContext& context,
                                          const shapes::GetQueueUrlRequest& in) {
  if (!in.queue_name) return queues::missing_parameter("QueueName");
  if (in.queue_owner_aws_account_id && *in.queue_owner_aws_account_id != context.account)
    return queues::queue_does_not_exist();
  auto queue = parts.queues.find(*in.queue_name);
  if (!queue) return fail(queue);
  return shapes::GetQueueUrlResult{.queue_url = url_of(parts, context, *in.queue_name)};
}

std::vector<std::string> urls_of(const Parts& parts, const RequestContext& context,
                                 const std::vector<std::string>& names) {
  std::vector<std::string> urls;
  urls.reserve(names.size());
  for (const auto& name : names) urls.push_back(url_of(parts, context, name));
  return urls;
}

Result<shapes::ListQueuesResult> list(const Parts& parts, const RequestContext& context,
                                      const shapes::ListQueuesRequest& in) {
  std::vector<std::string> names;
  for (const auto& queue : parts.queues.list(in.queue_name_prefix.value_or("")))
    names.push_back(queue->describe()->name);
  auto page = page_of(std::move(names), in.next_token, in.max_results);
  if (!page) return fail(page);
  shapes::ListQueuesResult out;
  if (!page->names.empty()) out.queue_urls = urls_of(parts, context, page->names);
  out.next_token = std::move(page->next);
  return out;
}

Result<shapes::ListDeadLetterSourceQueuesResult> list_sources(const Parts& parts, const RequestContext& context,
                                                              const shapes::ListDeadLetterSourceQueuesRequest& in) {
  auto queue = queue_at(parts, context, in.queue_url);
  if (!queue) return fail(queue);
  auto page = page_of(parts.queues.sources_of((*queue)->describe()->arn), in.next_token, in.max_results);
  if (!page) return fail(page);
  shapes::ListDeadLetterSourceQueuesResult out;
  out.queue_urls = urls_of(parts, context, page->names);
  out.next_token = std::move(page->next);
  return out;
}

AttributeTexts attributes_of(const queues::Queue& queue) {
  const auto description = queue.describe();
  auto out = queues::texts_of(description->settings);
  const auto counts = queue.counts();
  out["QueueArn"] = description->arn;
  out["CreatedTimestamp"] = std::to_string(description->created / 1000);
  out["LastModifiedTimestamp"] = std::to_string(description->modified / 1000);
  out["ApproximateNumberOfMessages"] = std::to_string(counts.visible);
  out["ApproximateNumberOfMessagesNotVisible"] = std::to_string(counts.in_flight);
  out["ApproximateNumberOfMessagesDelayed"] = std::to_string(counts.delayed);
  return out;
}

Result<shapes::GetQueueAttributesResult> get_attributes(const Parts& parts, const RequestContext& context,
                                                        const shapes::GetQueueAttributesRequest& in) {
  auto queue = queue_at(parts, context, in.queue_url);
  if (!queue) return fail(queue);
  shapes::GetQueueAttributesResult out;
  if (!in.attribute_names || in.attribute_names->empty()) return out;
  for (const auto& name : *in.attribute_names)
    if (std::ranges::find(kAttributes, name) == std::end(kAttributes)) return queues::unknown_attribute(name);
  auto all = attributes_of(**queue);
  if (std::ranges::find(*in.attribute_names, "All") != in.attribute_names->end()) {
    out.attributes = std::move(all);
    return out;
  }
  AttributeTexts wanted;
  for (const auto& name : *in.attribute_names)
    if (const auto at = all.find(name); at != all.end()) wanted.insert(*at);
  if (!wanted.empty()) out.attributes = std::move(wanted);
  return out;
}

Result<aws::Empty> set_attributes(const Parts& parts, const RequestContext& context,
                                  const shapes::SetQueueAttributesRequest& in) {
  auto queue = queue_at(parts, context, in.queue_url);
  if (!queue) return fail(queue);
  if (!in.attributes || in.attributes->empty()) return queues::missing_parameter("Attribute.Name");
  if (auto done = parts.queues.set_attributes((*queue)->describe()->name, *in.attributes); !done) return fail(done);
  return aws::Empty{};
}

Result<aws::Empty> purge(const Parts& parts, const RequestContext& context, const shapes::PurgeQueueRequest& in) {
  auto queue = queue_at(parts, context, in.queue_url);
  if (!queue) return fail(queue);
  if (auto done = parts.queues.purge((*queue)->describe()->name); !done) return fail(done);
  return aws::Empty{};
}

Result<shapes::ListQueueTagsResult> list_tags(const Parts& parts, const RequestContext& context,
                                              const shapes::ListQueueTagsRequest& in) {
  auto queue = queue_at(parts, context, in.queue_url);
  if (!queue) return fail(queue);
  shapes::ListQueueTagsResult out;
  if (const auto description = (*queue)->describe(); !description->tags.empty()) out.tags = description->tags;
  return out;
}

Result<aws::Empty> tag(const Parts& parts, const RequestContext& context, const shapes::TagQueueRequest& in) {
  auto queue = queue_at(parts, context, in.queue_url);
  if (!queue) return fail(queue);
  if (!in.tags || in.tags->empty()) return queues::missing_parameter("Tags");
  if (auto done = parts.queues.tag((*queue)->describe()->name, *in.tags); !done) return fail(done);
  return aws::Empty{};
}

Result<aws::Empty> untag(const Parts& parts, const RequestContext& context, const shapes::UntagQueueRequest& in) {
  auto queue = queue_at(parts, context, in.queue_url);
  if (!queue) return fail(queue);
  if (!in.tag_keys || in.tag_keys->empty())
    return queues::invalid_parameter("Tag keys must be between 1 and 128 characters in length.");
  if (auto done = parts.queues.untag((*queue)->describe()->name, *in.tag_keys); !done) return fail(done);
  return aws::Empty{};
}

Result<aws::Empty> add_permission(const Parts& parts, const RequestContext& context,
                                  const shapes::AddPermissionRequest& in) {
  auto queue = queue_at(parts, context, in.queue_url);
  if (!queue) return fail(queue);
  if (!in.label) return queues::missing_parameter("Label");
  const auto description = (*queue)->describe();
  auto policy = queues::policy_with(description->settings.policy, description->arn, *in.label,
                                    in.aws_account_ids.value_or(std::vector<std::string>()),
                                    in.actions.value_or(std::vector<std::string>()));
  if (!policy) return fail(policy);
  if (auto done = parts.queues.set_attributes(description->name, {{"Policy", std::move(*policy)}}); !done)
    return fail(done);
  return aws::Empty{};
}

Result<aws::Empty> remove_permission(const Parts& parts, const RequestContext& context,
                                     const shapes::RemovePermissionRequest& in) {
  auto queue = queue_at(parts, context, in.queue_url);
  if (!queue) return fail(queue);
  if (!in.label) return queues::missing_parameter("Label");
  const auto description = (*queue)->describe();
  auto policy = queues::policy_without(description->settings.policy, *in.label);
  if (!policy) return fail(policy);
  if (auto done = parts.queues.set_attributes(description->name, {{"Policy", std::move(*policy)}}); !done)
    return fail(done);
  return aws::Empty{};
}

// -- moving dead letters

Result<shapes::StartMessageMoveTaskResult> start_move(const Parts& parts, const RequestContext&,
                                                      const shapes::StartMessageMoveTaskRequest& in) {
  if (!in.source_arn) return queues::missing_parameter("SourceArn");
  const auto rate = in.max_number_of_messages_per_second;
  if (rate && (*rate < 1 || *rate > 500))
    return queues::invalid_value(std::to_string(*rate), "MaxNumberOfMessagesPerSecond",
                                 "You must provide a number between 1 and 500.");
  if (parts.queues.find_arn(*in.source_arn) != nullptr && parts.queues.sources_of(*in.source_arn).empty())
    return queues::invalid_parameter("Source queue must be configured as a Dead Letter Queue.");
  auto task = parts.queues.move_tasks().start(*in.source_arn, in.destination_arn.value_or(""),
                                              static_cast<std::uint64_t>(rate.value_or(0)));
  if (!task) return fail(task);
  return shapes::StartMessageMoveTaskResult{.task_handle = make_task_handle({task->id, task->source_arn})};
}

Result<shapes::CancelMessageMoveTaskResult> cancel_move(const Parts& parts, const RequestContext&,
                                                        const shapes::CancelMessageMoveTaskRequest& in) {
  if (!in.task_handle) return queues::missing_parameter("TaskHandle");
  const auto handle = read_task_handle(*in.task_handle);
  if (!handle) return queues::invalid_value(*in.task_handle, "TaskHandle", "Invalid task handle.");
  auto task = parts.queues.move_tasks().cancel(handle->source_arn, handle->id);
  if (!task) return fail(task);
  return shapes::CancelMessageMoveTaskResult{.approximate_number_of_messages_moved =
                                                 static_cast<std::int64_t>(task->moved)};
}

Result<shapes::ListMessageMoveTasksResult> list_moves(const Parts& parts, const RequestContext&,
                                                      const shapes::ListMessageMoveTasksRequest& in) {
  if (!in.source_arn) return queues::missing_parameter("SourceArn");
  const auto limit = in.max_results.value_or(1);
  if (limit < 1 || limit > 10)
    return queues::invalid_value(std::to_string(limit), "MaxResults", "MaxResults must be between 1 and 10.");
  if (parts.queues.find_arn(*in.source_arn) == nullptr)
    return client_error("ResourceNotFoundException",
                        "The resource that you specified for the SourceArn parameter doesn't exist.");
  shapes::ListMessageMoveTasksResult out;
  auto& results = out.results.emplace();
  for (const auto& task : parts.queues.move_tasks().list(*in.source_arn)) {
    if (results.size() == static_cast<std::size_t>(limit)) break;
    shapes::ListMessageMoveTasksResultEntry entry;
    if (task.active()) entry.task_handle = make_task_handle({task.id, task.source_arn});
    entry.status = std::string(name_of(task.status));
    entry.source_arn = task.source_arn;
    if (!task.destination_arn.empty()) entry.destination_arn = task.destination_arn;
    if (task.per_second != 0) entry.max_number_of_messages_per_second = static_cast<std::int32_t>(task.per_second);
    entry.approximate_number_of_messages_moved = static_cast<std::int64_t>(task.moved);
    entry.approximate_number_of_messages_to_move = static_cast<std::int64_t>(task.to_move);
    if (!task.failure.empty()) entry.failure_reason = task.failure;
    entry.started_timestamp = task.started;
    results.push_back(std::move(entry));
  }
  return out;
}

template <class Function>
auto with(const std::shared_ptr<const Parts>& parts, Function function) {
  return [parts, function](const RequestContext& context, const auto& in) { return function(*parts, context, in); };
}

}  // namespace

void register_queues(aws::Service& service, const std::shared_ptr<const Parts>& parts) {
  service.on<shapes::CreateQueue>(with(parts, create),
                                  "KMS keys are kept and told, messages lie on the disk as they are.");
  service.on<shapes::DeleteQueue>(with(parts, remove));
  service.on<shapes::GetQueueUrl>(with(parts, get_url));
  service.on<shapes::ListQueues>(with(parts, list));
  service.on<shapes::ListDeadLetterSourceQueues>(with(parts, list_sources));
  service.on<shapes::GetQueueAttributes>(with(parts, get_attributes));
  service.on<shapes::SetQueueAttributes>(with(parts, set_attributes));
  service.on<shapes::PurgeQueue>(with(parts, purge));
  service.on<shapes::ListQueueTags>(with(parts, list_tags));
  service.on<shapes::TagQueue>(with(parts, tag));
  service.on<shapes::UntagQueue>(with(parts, untag));
  service.on<shapes::AddPermission>(with(parts, add_permission));
  service.on<shapes::RemovePermission>(with(parts, remove_permission));
}

void register_moves(aws::Service& service, const std::shared_ptr<const Parts>& parts) {
  service.on<shapes::StartMessageMoveTask>(with(parts, start_move));
  service.on<shapes::CancelMessageMoveTask>(with(parts, cancel_move));
  service.on<shapes::ListMessageMoveTasks>(with(parts, list_moves));
}

}  // namespace likeness::sqs
