#include <algorithm>

#include "domain/topics/errors.hpp"
#include "services/sns/operations.hpp"

namespace likeness::sns {
namespace {

using aws::RequestContext;

constexpr const char* kDefaultDeliveryPolicy =
    R"({"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":20,"maxDelayTarget":20,"numRetries":3,"numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,"backoffFunction":"linear"},"disableSubscriptionOverrides":false,"defaultRequestPolicy":{"headerContentType":"text/plain; charset=UTF-8"}}})";

std::map<std::string, std::string> tags_in(const std::optional<std::vector<shapes::Tag>>& tags) {
  std::map<std::string, std::string> out;
  if (tags)
    for (const auto& tag : *tags) out[tag.key.value_or("")] = tag.value.value_or("");
  return out;
}

Result<shapes::CreateTopicResponse> create(const Parts& parts, const RequestContext&,
                                           const shapes::CreateTopicInput& in) {
  if (in.data_protection_policy)
    return topics::invalid_parameter("DataProtectionPolicy Reason: data protection policies are not available");
  auto topic = parts.topics.create(*in.name, in.attributes.value_or(topics::AttributeTexts()), tags_in(in.tags));
  if (!topic) return fail(topic);
  return shapes::CreateTopicResponse{.topic_arn = (*topic)->arn};
}

Result<aws::Empty> remove(const Parts& parts, const RequestContext&, const shapes::DeleteTopicInput& in) {
  auto topic = topic_at(parts, in.topic_arn);
  if (!topic && topic.error().code != "NotFoundException") return fail(topic);
  if (topic)
    if (auto done = parts.topics.remove((*topic)->arn); !done) return fail(done);
  return aws::Empty{};
}

Result<shapes::ListTopicsResponse> list(const Parts& parts, const RequestContext&, const shapes::ListTopicsInput& in) {
  auto page = page_of(parts.topics.list(), in.next_token, [](const auto& topic) { return topic->arn; });
  if (!page) return fail(page);
  shapes::ListTopicsResponse out;
  auto& all = out.topics.emplace();
  for (const auto& topic : page->first) all.push_back({.topic_arn = topic->arn});
  out.next_token = std::move(page->second);
  return out;
}

Result<shapes::GetTopicAttributesResponse> get_attributes(const Parts& parts, const RequestContext& context,
                                                          const shapes::GetTopicAttributesInput& in) {
  auto found = topic_at(parts, in.topic_arn);
  if (!found) return fail(found);
  const auto& topic = **found;
  auto attributes = topic.attributes;
  std::size_t confirmed = 0, pending = 0;
  for (const auto& subscription : parts.topics.subscriptions_of(topic.arn))
    ++(subscription->confirmed ? confirmed : pending);
  attributes["TopicArn"] = topic.arn;
  attributes["Owner"] = context.account;
  attributes["SubscriptionsConfirmed"] = std::to_string(confirmed);
  attributes["SubscriptionsPending"] = std::to_string(pending);
  attributes["SubscriptionsDeleted"] = "0";
  attributes.emplace("DisplayName", "");
  attributes.emplace("Policy", topics::default_policy(topic.arn, context.account));
  const auto policy = topic.attribute("DeliveryPolicy");
  attributes["EffectiveDeliveryPolicy"] = policy.empty() ? kDefaultDeliveryPolicy : policy;
  if (topic.fifo) attributes.emplace("ContentBasedDeduplication", "false");
  return shapes::GetTopicAttributesResponse{.attributes = std::move(attributes)};
}

Result<aws::Empty> set_attributes(const Parts& parts, const RequestContext&,
                                  const shapes::SetTopicAttributesInput& in) {
  auto topic = topic_at(parts, in.topic_arn);
  if (!topic) return fail(topic);
  if (auto done = parts.topics.set_attribute((*topic)->arn, *in.attribute_name, in.attribute_value.value_or("")); !done)
    return fail(done);
  return aws::Empty{};
}

Result<aws::Empty> add_permission(const Parts& parts, const RequestContext& context,
                                  const shapes::AddPermissionInput& in) {
  auto topic = topic_at(parts, in.topic_arn);
  if (!topic) return fail(topic);
  auto policy = (*topic)->attribute("Policy");
  if (policy.empty()) policy = topics::default_policy((*topic)->arn, context.account);
  auto changed = topics::policy_with(policy, (*topic)->arn, *in.label, *in.aws_account_id, *in.action_name);
  if (!changed) return fail(changed);
  if (auto done = parts.topics.set_attribute((*topic)->arn, "Policy", *changed); !done) return fail(done);
  return aws::Empty{};
}

Result<aws::Empty> remove_permission(const Parts& parts, const RequestContext& context,
                                     const shapes::RemovePermissionInput& in) {
  auto topic = topic_at(parts, in.topic_arn);
  if (!topic) return fail(topic);
  auto policy = (*topic)->attribute("Policy");
  if (policy.empty()) policy = topics::default_policy((*topic)->arn, context.account);
  auto changed = topics::policy_without(policy, *in.label);
  if (!changed) return fail(changed);
  if (auto done = parts.topics.set_attribute((*topic)->arn, "Policy", *changed); !done) return fail(done);
  return aws::Empty{};
}

Result<shapes::TagResourceResponse> tag(const Parts& parts, const RequestContext&,
                                        const shapes::TagResourceRequest& in) {
  if (auto done = parts.topics.tag(*in.resource_arn, tags_in(in.tags)); !done) return fail(done);
  return shapes::TagResourceResponse{};
}

Result<shapes::UntagResourceResponse> untag(const Parts& parts, const RequestContext&,
                                            const shapes::UntagResourceRequest& in) {
  if (auto done = parts.topics.untag(*in.resource_arn, *in.tag_keys); !done) return fail(done);
  return shapes::UntagResourceResponse{};
}

Result<shapes::ListTagsForResourceResponse> list_tags(const Parts& parts, const RequestContext&,
                                                      const shapes::ListTagsForResourceRequest& in) {
  auto topic = parts.topics.find(*in.resource_arn);
  if (!topic) return client_error("ResourceNotFoundException", "Resource does not exist");
  shapes::ListTagsForResourceResponse out;
  auto& tags = out.tags.emplace();
  for (const auto& [key, value] : (*topic)->tags) tags.push_back({.key = key, .value = value});
  return out;
}

}  // namespace

void register_topics(aws::Service& service, const Parts& parts) {
  service.on<shapes::CreateTopic>(with(parts, create),
                                  "Data protection and archive policies are refused; KMS keys are kept and told only.");
  service.on<shapes::DeleteTopic>(with(parts, remove));
  service.on<shapes::ListTopics>(with(parts, list));
  service.on<shapes::GetTopicAttributes>(with(parts, get_attributes));
  service.on<shapes::SetTopicAttributes>(
      with(parts, set_attributes), "Archive policies are refused; roles for delivery logs are kept and told only.");
  service.on<shapes::AddPermission>(with(parts, add_permission));
  service.on<shapes::RemovePermission>(with(parts, remove_permission));
  service.on<shapes::TagResource>(with(parts, tag));
  service.on<shapes::UntagResource>(with(parts, untag));
  service.on<shapes::ListTagsForResource>(with(parts, list_tags));
}

}  // namespace likeness::sns
