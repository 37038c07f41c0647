#include <algorithm>

#include "domain/topics/errors.hpp"
#include "policy/text.hpp"
#include "services/sns/operations.hpp"

namespace likeness::sns {
namespace {

using aws::RequestContext;

/// A queue or function of this account needs nobody to say that it wants what the topic sends.
bool needs_no_confirmation(const RequestContext& context, const std::string& protocol, const std::string& endpoint) {
  if (protocol == "sms") return true;
  if (protocol != "sqs" && protocol != "lambda") return false;
  const auto pieces = policy::split(endpoint, ':', 6);
  return pieces.size() == 6 && pieces[4] == context.account;
}

Result<shapes::SubscribeResponse> subscribe(const Parts& parts, const RequestContext& context,
                                            const shapes::SubscribeInput& in) {
  auto topic = topic_at(parts, in.topic_arn);
  if (!topic) return fail(topic);
  const auto endpoint = in.endpoint.value_or("");
  auto subscription = parts.topics.subscribe({.topic_arn = (*topic)->arn,
                                              .protocol = *in.protocol,
                                              .endpoint = endpoint,
                                              .attributes = in.attributes.value_or(topics::AttributeTexts()),
                                              .owner = context.account,
                                              .confirmed = needs_no_confirmation(context, *in.protocol, endpoint)});
  if (!subscription) return fail(subscription);
  if (!(*subscription)->confirmed)
    if (auto asked = parts.publisher.ask_confirmation(**subscription); !asked) return fail(asked);
  const bool tell = (*subscription)->confirmed || in.return_subscription_arn.value_or(false);
  return shapes::SubscribeResponse{.subscription_arn = tell ? (*subscription)->arn : "pending confirmation"};
}

Result<shapes::ConfirmSubscriptionResponse> confirm(const Parts& parts, const RequestContext& context,
                                                    const shapes::ConfirmSubscriptionInput& in) {
  auto topic = topic_at(parts, in.topic_arn);
  if (!topic) return fail(topic);
  const bool is_signed = context.principal.kind != policy::Principal::Kind::Anonymous;
  const bool authenticate = in.authenticate_on_unsubscribe == "true";
  if (authenticate && !is_signed)
    return client_error("AuthorizationErrorException", "AuthenticateOnUnsubscribe needs a signed call");
  auto subscription = parts.topics.confirm((*topic)->arn, *in.token, is_signed, authenticate);
  if (!subscription) return fail(subscription);
  return shapes::ConfirmSubscriptionResponse{.subscription_arn = (*subscription)->arn};
}

Result<void> check_subscription_arn(const std::optional<std::string>& arn) {
  const std::string text = arn.value_or("");
  const auto pieces = policy::split(text, ':', 7);
  if (pieces.size() < 6)
    return topics::invalid_parameter("SubscriptionArn Reason: An ARN must have at least 6 elements, not " +
                                     std::to_string(pieces.size()));
  if (pieces.size() != 7 || pieces[2] != "sns") return topics::invalid_parameter("SubscriptionArn");
  return {};
}

Result<aws::Empty> unsubscribe(const Parts& parts, const RequestContext& context, const shapes::UnsubscribeInput& in) {
  if (auto fine = check_subscription_arn(in.subscription_arn); !fine) return fail(fine);
  auto subscription = parts.topics.find_subscription(*in.subscription_arn);
  if (!subscription) return aws::Empty{};
  if ((*subscription)->authenticate_unsubscribe && context.principal.kind == policy::Principal::Kind::Anonymous)
    return client_error("AuthorizationErrorException", "Not authorized to unsubscribe without a signature");
  if (auto done = parts.topics.unsubscribe(*in.subscription_arn); !done) return fail(done);
  return aws::Empty{};
}

shapes::Subscription shown(const topics::Subscription& subscription) {
  return {.subscription_arn = subscription.confirmed ? subscription.arn : "PendingConfirmation",
          .owner = subscription.owner,
          .protocol = subscription.protocol,
          .endpoint = subscription.endpoint,
          .topic_arn = subscription.topic_arn};
}

template <class Output>
Result<Output> listed(const topics::Topics::Subscriptions& all, const std::optional<std::string>& token) {
  auto page = page_of(all, token, [](const auto& subscription) { return subscription->arn; });
  if (!page) return fail(page);
  Output out;
  auto& subscriptions = out.subscriptions.emplace();
  for (const auto& subscription : page->first) subscriptions.push_back(shown(*subscription));
  out.next_token = std::move(page->second);
  return out;
}

Result<shapes::ListSubscriptionsResponse> list(const Parts& parts, const RequestContext&,
                                               const shapes::ListSubscriptionsInput& in) {
  return listed<shapes::ListSubscriptionsResponse>(parts.topics.subscriptions(), in.next_token);
}

Result<shapes::ListSubscriptionsByTopicResponse> list_by_topic(const Parts& parts, const RequestContext&,
                                                               const shapes::ListSubscriptionsByTopicInput& in) {
  auto topic = topic_at(parts, in.topic_arn);
  if (!topic) return fail(topic);
  return listed<shapes::ListSubscriptionsByTopicResponse>(parts.topics.subscriptions_of((*topic)->arn), in.next_token);
}

Result<shapes::GetSubscriptionAttributesResponse> get_attributes(const Parts& parts, const RequestContext& context,
                                                                 const shapes::GetSubscriptionAttributesInput& in) {
  if (auto fine = check_subscription_arn(in.subscription_arn); !fine) return fail(fine);
  auto found = parts.topics.find_subscription(*in.subscription_arn);
  if (!found) return fail(found);
  const auto& subscription = **found;
  auto attributes = subscription.attributes;
  attributes["SubscriptionArn"] = subscription.arn;
  attributes["TopicArn"] = subscription.topic_arn;
  attributes["Owner"] = subscription.owner;
  attributes["Protocol"] = subscription.protocol;
  attributes["Endpoint"] = subscription.endpoint;
  attributes["PendingConfirmation"] = subscription.confirmed ? "false" : "true";
  attributes["ConfirmationWasAuthenticated"] = subscription.confirmed_authenticated ? "true" : "false";
  attributes["SubscriptionPrincipal"] = "arn:aws:iam::" + context.account + ":root";
  attributes.emplace("RawMessageDelivery", "false");
  if (attributes.contains("FilterPolicy")) attributes.emplace("FilterPolicyScope", "MessageAttributes");
  return shapes::GetSubscriptionAttributesResponse{.attributes = std::move(attributes)};
}

Result<aws::Empty> set_attributes(const Parts& parts, const RequestContext&,
                                  const shapes::SetSubscriptionAttributesInput& in) {
  if (auto fine = check_subscription_arn(in.subscription_arn); !fine) return fail(fine);
  if (auto done = parts.topics.set_subscription_attribute(*in.subscription_arn, *in.attribute_name,
                                                          in.attribute_value.value_or(""));
      !done)
    return fail(done);
  return aws::Empty{};
}

}  // namespace

void register_subscriptions(aws::Service& service, const Parts& parts) {
  service.on<shapes::Subscribe>(with(parts, subscribe),
                                "Mails go to the outbox unless smtp is set, text messages always; application and "
                                "firehose endpoints are refused.");
  service.on<shapes::ConfirmSubscription>(with(parts, confirm));
  service.on<shapes::Unsubscribe>(with(parts, unsubscribe));
  service.on<shapes::ListSubscriptions>(with(parts, list));
  service.on<shapes::ListSubscriptionsByTopic>(with(parts, list_by_topic));
  service.on<shapes::GetSubscriptionAttributes>(with(parts, get_attributes));
  service.on<shapes::SetSubscriptionAttributes>(with(parts, set_attributes),
                                                "Replay policies are refused: topics have no archive.");
}

}  // namespace likeness::sns
