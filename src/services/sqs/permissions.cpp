#include <fmt/format.h>

#include "policy/permission.hpp"
#include "services/sqs/operations.hpp"

namespace likeness::sqs {
namespace {

using aws::RequestContext;
using policy::Permission;

Permission on_queue(const Parts& parts, std::string action, const std::string& arn) {
  Permission permission{.action = std::move(action), .resource = arn};
  if (const auto queue = parts.queues.find_arn(arn)) {
    const auto description = queue->describe();
    permission.resource_policy = description->settings.policy_document;
    for (const auto& [key, value] : description->tags) permission.context["aws:ResourceTag/" + key] = {value};
  }
  return permission;
}

/// Of an operation that names its queue by URL.
template <class Op>
void by_url(aws::Service& service, const std::shared_ptr<const Parts>& parts, std::string action) {
  service.permissions<Op>([parts, action](const RequestContext& context, const auto& in) {
    const auto name = name_in(context, in.queue_url);
    return std::vector{on_queue(*parts, action, parts->queues.arn_of(name.value_or("")))};
  });
}

/// Of an operation that names it itself.
template <class Op>
void by_name(aws::Service& service, const std::shared_ptr<const Parts>& parts, std::string action) {
  service.permissions<Op>([parts, action](const RequestContext&, const auto& in) {
    return std::vector{on_queue(*parts, action, parts->queues.arn_of(in.queue_name.value_or("")))};
  });
}

}  // namespace

void register_permissions(aws::Service& service, const std::shared_ptr<const Parts>& parts) {
  by_name<shapes::CreateQueue>(service, parts, "sqs:CreateQueue");
  by_name<shapes::GetQueueUrl>(service, parts, "sqs:GetQueueUrl");
  by_url<shapes::DeleteQueue>(service, parts, "sqs:DeleteQueue");
  by_url<shapes::GetQueueAttributes>(service, parts, "sqs:GetQueueAttributes");
  by_url<shapes::SetQueueAttributes>(service, parts, "sqs:SetQueueAttributes");
  by_url<shapes::ListDeadLetterSourceQueues>(service, parts, "sqs:ListDeadLetterSourceQueues");
  by_url<shapes::PurgeQueue>(service, parts, "sqs:PurgeQueue");
  by_url<shapes::ListQueueTags>(service, parts, "sqs:ListQueueTags");
  by_url<shapes::TagQueue>(service, parts, "sqs:TagQueue");
  by_url<shapes::UntagQueue>(service, parts, "sqs:UntagQueue");
  by_url<shapes::AddPermission>(service, parts, "sqs:AddPermission");
  by_url<shapes::RemovePermission>(service, parts, "sqs:RemovePermission");
  by_url<shapes::SendMessage>(service, parts, "sqs:SendMessage");
  by_url<shapes::SendMessageBatch>(service, parts, "sqs:SendMessage");
  by_url<shapes::ReceiveMessage>(service, parts, "sqs:ReceiveMessage");
  by_url<shapes::DeleteMessage>(service, parts, "sqs:DeleteMessage");
  by_url<shapes::DeleteMessageBatch>(service, parts, "sqs:DeleteMessage");
  by_url<shapes::ChangeMessageVisibility>(service, parts, "sqs:ChangeMessageVisibility");
  by_url<shapes::ChangeMessageVisibilityBatch>(service, parts, "sqs:ChangeMessageVisibility");
  service.permissions<shapes::StartMessageMoveTask>([parts](const RequestContext&, const auto& in) {
    const auto source = in.source_arn.value_or("");
    std::vector needed{on_queue(*parts, "sqs:StartMessageMoveTask", source),
                       on_queue(*parts, "sqs:ReceiveMessage", source), on_queue(*parts, "sqs:DeleteMessage", source),
                       on_queue(*parts, "sqs:GetQueueAttributes", source)};
    if (in.destination_arn) needed.push_back(on_queue(*parts, "sqs:SendMessage", *in.destination_arn));
    return needed;
  });
  service.permissions<shapes::CancelMessageMoveTask>([parts](const RequestContext&, const auto& in) {
    const auto handle = read_task_handle(in.task_handle.value_or(""));
    return std::vector{
        on_queue(*parts, "sqs:CancelMessageMoveTask", handle ? handle->source_arn : parts->queues.arn_of(""))};
  });
  service.permissions<shapes::ListMessageMoveTasks>([parts](const RequestContext&, const auto& in) {
    return std::vector{on_queue(*parts, "sqs:ListMessageMoveTasks", in.source_arn.value_or(""))};
  });
}

}  // namespace likeness::sqs
