#include "policy/permission.hpp"
#include "services/sns/operations.hpp"

namespace likeness::sns {
namespace {

using aws::RequestContext;
using policy::Permission;

Permission on_topic(const Parts& parts, std::string action, const std::string& arn) {
  Permission permission{.action = std::move(action), .resource = arn};
  if (const auto topic = parts.topics.find(arn)) {
    permission.resource_policy = (*topic)->policy;
    for (const auto& [key, value] : (*topic)->tags) permission.context["aws:ResourceTag/" + key] = {value};
  }
  return permission;
}

template <class Op>
void by_topic(aws::Service& service, const Parts& parts, std::string action) {
  service.permissions<Op>([parts, action](const RequestContext&, const auto& in) {
    return std::vector{on_topic(parts, action, in.topic_arn.value_or(""))};
  });
}

template <class Op>
void by_resource(aws::Service& service, const Parts& parts, std::string action) {
  service.permissions<Op>([parts, action](const RequestContext&, const auto& in) {
    return std::vector{on_topic(parts, action, in.resource_arn.value_or(""))};
  });
}

/// Of a subscription: its topic's.
template <class Op>
void by_subscription(aws::Service& service, const Parts& parts, std::string action) {
  service.permissions<Op>([parts, action](const RequestContext&, const auto& in) {
    const auto arn = in.subscription_arn.value_or("");
    return std::vector{on_topic(parts, action, arn.substr(0, arn.rfind(':')))};
  });
}

}  // namespace

void register_permissions(aws::Service& service, const Parts& parts) {
  service.permissions<shapes::CreateTopic>([parts](const RequestContext&, const auto& in) {
    return std::vector{on_topic(parts, "sns:CreateTopic", parts.topics.arn_of(in.name.value_or("")))};
  });
  by_topic<shapes::DeleteTopic>(service, parts, "sns:DeleteTopic");
  by_topic<shapes::GetTopicAttributes>(service, parts, "sns:GetTopicAttributes");
  by_topic<shapes::SetTopicAttributes>(service, parts, "sns:SetTopicAttributes");
  by_topic<shapes::AddPermission>(service, parts, "sns:AddPermission");
  by_topic<shapes::RemovePermission>(service, parts, "sns:RemovePermission");
  by_topic<shapes::ConfirmSubscription>(service, parts, "sns:ConfirmSubscription");
  by_topic<shapes::ListSubscriptionsByTopic>(service, parts, "sns:ListSubscriptionsByTopic");
  by_topic<shapes::PublishBatch>(service, parts, "sns:Publish");
  by_resource<shapes::TagResource>(service, parts, "sns:TagResource");
  by_resource<shapes::UntagResource>(service, parts, "sns:UntagResource");
  by_resource<shapes::ListTagsForResource>(service, parts, "sns:ListTagsForResource");
  by_subscription<shapes::Unsubscribe>(service, parts, "sns:Unsubscribe");
  by_subscription<shapes::GetSubscriptionAttributes>(service, parts, "sns:GetSubscriptionAttributes");
  by_subscription<shapes::SetSubscriptionAttributes>(service, parts, "sns:SetSubscriptionAttributes");
  service.permissions<shapes::Subscribe>([parts](const RequestContext&, const auto& in) {
    auto permission = on_topic(parts, "sns:Subscribe", in.topic_arn.value_or(""));
    permission.context["sns:Protocol"] = {in.protocol.value_or("")};
    permission.context["sns:Endpoint"] = {in.endpoint.value_or("")};
    return std::vector{std::move(permission)};
  });
  service.permissions<shapes::Publish>([parts](const RequestContext&, const auto& in) {
    if (in.phone_number) return std::vector{Permission{.action = "sns:Publish"}};
    return std::vector{on_topic(parts, "sns:Publish", in.topic_arn ? *in.topic_arn : in.target_arn.value_or(""))};
  });
}

}  // namespace likeness::sns
