#pragma once

#include <map>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "domain/key_latches.hpp"
#include "domain/topics/model.hpp"
#include "storage/store.hpp"

namespace likeness::topics {

struct TopicsOptions {
  std::string account = "000000000000";
  std::string region = "us-east-1";
};

struct SubscribeRequest {
  std::string topic_arn;
  std::string protocol;
  std::string endpoint;
  AttributeTexts attributes;
  std::string owner;
  bool confirmed = false;  // needs nobody's confirmation
};

/// Topics and their subscriptions, all in memory and in the store. What is read are snapshots. Thread-safe; changes
/// block for the store. Errors are SNS's.
class Topics {
 public:
  using TopicPointer = std::shared_ptr<const Topic>;
  using SubscriptionPointer = std::shared_ptr<const Subscription>;
  using Subscriptions = std::vector<SubscriptionPointer>;

  static Result<std::unique_ptr<Topics>> open(storage::Store& store, const Clock& clock, TopicsOptions options);

  /// The same topic again if it is there with the same attributes and tags.
  Result<TopicPointer> create(const std::string& name, const AttributeTexts& attributes,
                              const std::map<std::string, std::string>& tags);
  /// Its subscriptions too; fine if there is none.
  Result<void> remove(const std::string& arn);
  Result<TopicPointer> find(const std::string& arn) const;
  std::vector<TopicPointer> list() const;
  Result<void> set_attribute(const std::string& arn, const std::string& name, const std::string& value);
  Result<void> tag(const std::string& arn, const std::map<std::string, std::string>& tags);
  Result<void> untag(const std::string& arn, const std::vector<std::string>& keys);

  /// The same subscription again for the same endpoint; `again` tells that it was there.
  Result<SubscriptionPointer> subscribe(const SubscribeRequest& request);
  Result<SubscriptionPointer> confirm(const std::string& topic_arn, const std::string& token, bool signed_call,
                                      bool authenticate_unsubscribe);
  Result<void> unsubscribe(const std::string& arn);
  Result<SubscriptionPointer> find_subscription(const std::string& arn) const;
  /// In the order of their ARNs.
  Subscriptions subscriptions() const;
  Subscriptions subscriptions_of(const std::string& topic_arn) const;
  Result<void> set_subscription_attribute(const std::string& arn, const std::string& name, const std::string& value);
  /// Forgets what nobody has confirmed in time.
  Result<void> sweep();

  std::string arn_of(std::string_view name) const;

 private:
  Topics(storage::Store& store, const Clock& clock, TopicsOptions options)
      : store_(store), clock_(clock), options_(std::move(options)) {}
  Result<void> load();
  Result<void> save(const Topic& topic);
  Result<void> save(const Subscription& subscription);
  void keep(SubscriptionPointer subscription);  // with mutex_ held

  storage::Store& store_;
  const Clock& clock_;
  const TopicsOptions options_;

  domain::KeyLatches changing_;  // ARNs of topics
  mutable std::shared_mutex mutex_;
  std::map<std::string, TopicPointer> topics_;                                  // by ARN
  std::map<std::string, SubscriptionPointer> subscriptions_;                    // by ARN
  std::map<std::string, std::map<std::string, SubscriptionPointer>> by_topic_;  // topic, subscription
};

/// Checked attributes of a subscription: with the policies of `FilterPolicy` and `RedrivePolicy` read.
Result<Subscription> with_attribute(Subscription subscription, const std::string& name, const std::string& value);
Result<Topic> with_attribute(Topic topic, const std::string& name, const std::string& value, bool creating);

/// The policy of a topic that has none of its own: its account's.
std::string default_policy(const std::string& topic_arn, const std::string& account);

/// Statement of AddPermission put into a policy, and taken out again.
Result<std::string> policy_with(const std::string& policy, const std::string& topic_arn, const std::string& label,
                                const std::vector<std::string>& accounts, const std::vector<std::string>& actions);
Result<std::string> policy_without(const std::string& policy, const std::string& label);

}  // namespace likeness::topics
