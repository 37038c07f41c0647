#include "services/s3/notifications.hpp"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "base/bytes.hpp"
#include "services/s3/access.hpp"
#include "services/s3/common.hpp"

namespace likeness::s3 {

namespace {

/// One filter rule of prefix and one of suffix at most.
Result<void> check_filter(const std::optional<shapes::NotificationConfigurationFilter>& filter) {
  if (!filter || !filter->key || !filter->key->filter_rules) return {};
  std::set<shapes::FilterRuleName> seen;
  for (const auto& rule : *filter->key->filter_rules) {
    if (!rule.name) return objects::bad_argument("filter rule name must be either prefix or suffix");
    if (!seen.insert(*rule.name).second)
      return objects::bad_argument("Cannot specify more than one " + std::string(shapes::to_text(*rule.name)) +
                                   " rule in a filter.");
    if (rule.value.value_or("").size() > 1024)
      return objects::bad_argument("Size of filter rule value cannot exceed 1024 bytes in UTF-8");
  }
  return {};
}

/// What one target wants to hear of.
struct Interest {
  std::vector<std::string> events;
  std::string prefix, suffix;
};

Interest interest_of(const std::vector<shapes::Event>& events,
                     const std::optional<shapes::NotificationConfigurationFilter>& filter) {
  Interest interest;
  interest.events.reserve(events.size());
  for (const auto event : events) interest.events.emplace_back(shapes::to_text(event));
  if (filter && filter->key && filter->key->filter_rules)
    for (const auto& rule : *filter->key->filter_rules)
      (rule.name == shapes::FilterRuleName::Prefix ? interest.prefix : interest.suffix) = rule.value.value_or("");
  return interest;
}

/// "s3:ObjectCreated:*" has "s3:ObjectCreated:Put" in it.
bool share_an_event(const std::string& one, const std::string& other) {
  const auto covers = [](std::string_view wide, std::string_view narrow) {
    return wide == narrow || (wide.ends_with(":*") && narrow.starts_with(wide.substr(0, wide.size() - 1)));
  };
  return covers(one, other) || covers(other, one);
}

/// A change must not have to go to two targets.
bool overlap(const Interest& one, const Interest& other) {
  const bool same_keys = (one.prefix.starts_with(other.prefix) || other.prefix.starts_with(one.prefix)) &&
                         (one.suffix.ends_with(other.suffix) || other.suffix.ends_with(one.suffix));
  return same_keys && std::ranges::any_of(one.events, [&](const auto& a) {
           return std::ranges::any_of(other.events, [&](const auto& b) { return share_an_event(a, b); });
         });
}

Result<void> check_notification(const objects::Bucket&, const shapes::NotificationConfiguration& configuration) {
  std::set<std::string> ids;
  std::vector<Interest> interests;
  const auto check = [&](const auto& target, const std::optional<std::string>& arn,
                         std::string_view service) -> Result<void> {
    const std::string text = arn.value_or("");
    if (!text.starts_with("arn:aws") || text.find(service) == std::string::npos)
      return objects::bad_argument("The ARN could not be parsed");
    if (!target.events || target.events->empty()) return malformed_xml();
    if (target.id && !ids.insert(*target.id).second)
      return objects::bad_argument("Same ID used for multiple configurations. IDs must be unique");
    if (auto checked = check_filter(target.filter); !checked) return checked;
    interests.push_back(interest_of(*target.events, target.filter));
    return {};
  };
  if (configuration.topic_configurations)
    for (const auto& target : *configuration.topic_configurations)
      if (auto checked = check(target, target.topic_arn, ":sns:"); !checked) return checked;
  if (configuration.queue_configurations)
    for (const auto& target : *configuration.queue_configurations)
      if (auto checked = check(target, target.queue_arn, ":sqs:"); !checked) return checked;
  if (configuration.lambda_function_configurations)
    for (const auto& target : *configuration.lambda_function_configurations)
      if (auto checked = check(target, target.lambda_function_arn, ":lambda:"); !checked) return checked;
  for (std::size_t i = 0; i < interests.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (overlap(interests[i], interests[j]))
        return objects::bad_argument(
            "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are "
            "overlapping for the same event type.");
  return {};
}

/// S3 gives the targets that have no id one of its own.
void name_targets(shapes::NotificationConfiguration& configuration) {
  const auto name = [](auto& targets) {
    if (!targets) return;
    for (auto& target : *targets)
      if (!target.id || target.id->empty()) target.id = to_base64(random_bytes(36));
  };
  name(configuration.topic_configurations);
  name(configuration.queue_configurations);
  name(configuration.lambda_function_configurations);
}

Result<aws::Empty> put_notification(State& state, const aws::RequestContext&,
                                    const shapes::PutBucketNotificationConfigurationRequest& in) {
  auto bucket = bucket_of(state, in);
  if (!bucket) return fail(bucket);
  if (!in.notification_configuration) return malformed_xml();
  auto configuration = *in.notification_configuration;
  if (auto checked = check_notification(*bucket, configuration); !checked) return fail(checked);
  name_targets(configuration);
  if (state.notification_check && !in.skip_destination_validation.value_or(false))
    if (auto checked = state.notification_check(*bucket, configuration); !checked) return fail(checked);
  auto done = state.store.buckets.update(*in.bucket, [&](objects::Bucket& changed) -> Result<void> {
    changed.configurations[configuration::kNotification] = write_configuration(
        shape_of_member(*shapes::PutBucketNotificationConfiguration::operation().input, "NotificationConfiguration"),
        &configuration);
    return {};
  });
  if (!done) return fail(done);
  return aws::Empty{};
}

}  // namespace

std::optional<shapes::NotificationConfiguration> notifications_of(const objects::Bucket& bucket) {
  return configured<shapes::PutBucketNotificationConfiguration, shapes::NotificationConfiguration>(
      bucket, configuration::kNotification, "NotificationConfiguration");
}

void register_notifications(aws::Service& service, State& state) {
  on<shapes::PutBucketNotificationConfiguration>(service, state, put_notification);
  needs<shapes::PutBucketNotificationConfiguration>(service, state, "s3:PutBucketNotification");
}

}  // namespace likeness::s3
