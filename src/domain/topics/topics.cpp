#include "domain/topics/topics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>

#include "base/bytes.hpp"
#include "domain/record.hpp"
#include "domain/topics/endpoints.hpp"
#include "domain/topics/errors.hpp"

namespace likeness::topics {
namespace {

constexpr std::string_view kTopics = "topics";
constexpr std::string_view kSubscriptions = "subscriptions";
constexpr std::string_view kAll = "all";
constexpr std::size_t kMostTags = 50;
constexpr auto kTokenLife = std::chrono::hours(72);

// Fields of the record of a topic.
constexpr std::uint8_t kNumber = 1;
constexpr std::uint8_t kAttribute = 2;
constexpr std::uint8_t kTag = 3;
// Fields of the record of a subscription.
constexpr std::uint8_t kTopic = 1;
constexpr std::uint8_t kProtocol = 2;
constexpr std::uint8_t kEndpoint = 3;
constexpr std::uint8_t kOwner = 4;
constexpr std::uint8_t kConfirmed = 5;
constexpr std::uint8_t kConfirmedAuthenticated = 6;
constexpr std::uint8_t kAuthenticateUnsubscribe = 7;
constexpr std::uint8_t kToken = 8;
constexpr std::uint8_t kTokenExpires = 9;
constexpr std::uint8_t kSubscriptionAttribute = 10;

std::string encode_record(const Topic& topic) {
  domain::RecordWriter out;
  out.number(kNumber, topic.number);
  for (const auto& [name, value] : topic.attributes) out.text(kAttribute, domain::encode_pair(name, value));
  for (const auto& [key, value] : topic.tags) out.text(kTag, domain::encode_pair(key, value));
  return out.take();
}

Result<Topic> decode_topic(const std::string& arn, std::string_view bytes) {
  Topic topic;
  topic.arn = arn;
  topic.name = arn.substr(arn.rfind(':') + 1);
  AttributeTexts attributes;
  domain::RecordReader in(bytes);
  while (in.next()) switch (in.field()) {
      case kNumber: topic.number = in.number(); break;
      case kAttribute: attributes.insert(domain::decode_pair(in.text())); break;
      case kTag: topic.tags.insert(domain::decode_pair(in.text())); break;
      default: break;
    }
  topic.fifo = attributes.contains("FifoTopic");
  for (const auto& [name, value] : attributes) {
    auto next = with_attribute(std::move(topic), name, value, true);
    if (!next) return fail(next);
    topic = std::move(*next);
  }
  if (!in.ok()) return server_error("InternalErrorException", "The record of a topic is damaged.", arn);
  return topic;
}

std::string encode_record(const Subscription& subscription) {
  domain::RecordWriter out;
  out.text(kTopic, subscription.topic_arn);
  out.text(kProtocol, subscription.protocol);
  out.text(kEndpoint, subscription.endpoint);
  out.text(kOwner, subscription.owner);
  out.number(kConfirmed, subscription.confirmed ? 1 : 0);
  out.number(kConfirmedAuthenticated, subscription.confirmed_authenticated ? 1 : 0);
  out.number(kAuthenticateUnsubscribe, subscription.authenticate_unsubscribe ? 1 : 0);
  out.text(kToken, subscription.token);
  out.number(kTokenExpires, static_cast<std::uint64_t>(queues::millis(subscription.token_expires)));
  for (const auto& [name, value] : subscription.attributes)
    out.text(kSubscriptionAttribute, domain::encode_pair(name, value));
  return out.take();
}

Result<Subscription> decode_subscription(const std::string& arn, std::string_view bytes) {
  Subscription subscription;
  subscription.arn = arn;
  AttributeTexts attributes;
  domain::RecordReader in(bytes);
  while (in.next()) switch (in.field()) {
      case kTopic: subscription.topic_arn = in.text(); break;
      case kProtocol: subscription.protocol = in.text(); break;
      case kEndpoint: subscription.endpoint = in.text(); break;
      case kOwner: subscription.owner = in.text(); break;
      case kConfirmed: subscription.confirmed = in.number() != 0; break;
      case kConfirmedAuthenticated: subscription.confirmed_authenticated = in.number() != 0; break;
      case kAuthenticateUnsubscribe: subscription.authenticate_unsubscribe = in.number() != 0; break;
      case kToken: subscription.token = in.text(); break;
      case kTokenExpires: subscription.token_expires = queues::time_of(static_cast<queues::Millis>(in.number())); break;
      case kSubscriptionAttribute: attributes.insert(domain::decode_pair(in.text())); break;
      default: break;
    }
  if (!in.ok()) return server_error("InternalErrorException", "The record of a subscription is damaged.", arn);
  // The scope before the policy, which is read by it.
  if (const auto scope = attributes.find("FilterPolicyScope"); scope != attributes.end())
    subscription.attributes.insert(*scope);
  for (const auto& [name, value] : attributes) {
    auto next = with_attribute(std::move(subscription), name, value);
    if (!next) return fail(next);
    subscription = std::move(*next);
  }
  return subscription;
}

storage::Write write_of(std::string_view table, const std::string& arn, std::optional<std::string> value) {
  storage::Write write;
  write.table = table;
  write.key = {std::string(kAll), arn};
  write.value = std::move(value);
  return write;
}

bool is_topic_name(std::string_view name) {
  return !name.empty() && name.size() <= 256 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

template <class Visit>
Result<void> each_row(const storage::Store& store, std::string_view table, Visit visit) {
  storage::Range range;
  while (true) {
    auto page = store.range(table, kAll, range);
    if (!page) return from_store(page.error());
    for (const auto& item : page->items)
      if (auto visited = visit(item); !visited) return visited;
    if (!page->next) return {};
    range.first = *page->next;
  }
}

}  // namespace

Result<std::unique_ptr<Topics>> Topics::open(storage::Store& store, const Clock& clock, TopicsOptions options) {
  std::unique_ptr<Topics> topics(new Topics(store, clock, std::move(options)));
  if (auto loaded = topics->load(); !loaded) return fail(loaded);
  return topics;
}

Result<void> Topics::load() {
  auto topics = each_row(store_, kTopics, [&](const storage::Item& item) -> Result<void> {
    auto topic = decode_topic(item.key.sort, item.value);
    if (!topic) return fail(topic);
    // The name first: what stands on the right is done before what stands on the left.
    const auto arn = topic->arn;
    topics_[arn] = std::make_shared<const Topic>(std::move(*topic));
    return {};
  });
  if (!topics) return topics;
  return each_row(store_, kSubscriptions, [&](const storage::Item& item) -> Result<void> {
    auto subscription = decode_subscription(item.key.sort, item.value);
    if (!subscription) return fail(subscription);
    keep(std::make_shared<const Subscription>(std::move(*subscription)));
    return {};
  });
}

void Topics::keep(SubscriptionPointer subscription) {
  by_topic_[subscription->topic_arn][subscription->arn] = subscription;
  subscriptions_[subscription->arn] = std::move(subscription);
}

std::string Topics::arn_of(std::string_view name) const {
  return fmt::format("arn:aws:sns:{}:{}:{}", options_.region, options_.account, name);
}

// -- topics

Result<void> Topics::save(const Topic& topic) {
  if (auto done = store_.commit({write_of(kTopics, topic.arn, encode_record(topic))}); !done)
    return from_store(done.error());
  const std::unique_lock lock(mutex_);
  topics_[topic.arn] = std::make_shared<const Topic>(topic);
  return {};
}

Result<Topics::TopicPointer> Topics::create(const std::string& name, const AttributeTexts& attributes,
                                            const std::map<std::string, std::string>& tags) {
  const auto fifo_attribute = attributes.find("FifoTopic");
  const bool fifo = fifo_attribute != attributes.end() && fifo_attribute->second == "true";
  if (fifo && !name.ends_with(".fifo"))
    return invalid_parameter(
        "Fifo Topic names must end with .fifo and must be made up of only uppercase and lowercase "
        "ASCII letters, numbers, underscores, and hyphens, and must be between 1 and 256 characters "
        "long.");
  if (!is_topic_name(fifo ? std::string_view(name).substr(0, name.size() - 5) : std::string_view(name)))
    return invalid_parameter("Topic Name");
  if (tags.size() > kMostTags)
    return client_error("TagLimitExceededException", "Could not complete request: tag quota of per resource exceeded");
  Topic topic;
  topic.name = name;
  topic.arn = arn_of(name);
  topic.fifo = fifo;
  topic.tags = tags;
  for (const auto& [attribute, value] : attributes) {
    auto next = with_attribute(std::move(topic), attribute, value, true);
    if (!next) return fail(next);
    topic = std::move(*next);
  }
  const auto held = changing_.acquire({topic.arn});
  if (auto existing = find(topic.arn)) {
    for (const auto& [attribute, value] : topic.attributes)
      if ((*existing)->attribute(attribute) != value)
        return invalid_parameter("Attributes Reason: Topic already exists with different attributes");
    if (!tags.empty() && (*existing)->tags != tags)
      return invalid_parameter("Tags Reason: Topic already exists with different tags");
    return existing;
  }
  topic.number = queues::read_number(as_text(random_bytes(8)));
  if (auto saved = save(topic); !saved) return fail(saved);
  return find(topic.arn);
}

Result<void> Topics::remove(const std::string& arn) {
  const auto held = changing_.acquire({arn});
  auto topic = find(arn);
  if (!topic) return {};
  const auto subscriptions = subscriptions_of(arn);
  // The topic goes last: while it is there, nothing of it is orphaned.
  for (std::size_t from = 0; from < subscriptions.size(); from += storage::kMaxWritesInCommit) {
    std::vector<storage::Write> writes;
    for (std::size_t i = from; i < std::min(subscriptions.size(), from + storage::kMaxWritesInCommit); ++i)
      writes.push_back(write_of(kSubscriptions, subscriptions[i]->arn, std::nullopt));
    if (auto done = store_.commit(std::move(writes)); !done) return from_store(done.error());
  }
  if (auto done = store_.commit({write_of(kTopics, arn, std::nullopt)}); !done) return from_store(done.error());
  const std::unique_lock lock(mutex_);
  for (const auto& subscription : subscriptions) subscriptions_.erase(subscription->arn);
  by_topic_.erase(arn);
  topics_.erase(arn);
  return {};
}

Result<Topics::TopicPointer> Topics::find(const std::string& arn) const {
  const std::shared_lock lock(mutex_);
  const auto at = topics_.find(arn);
  if (at == topics_.end()) return topic_not_found();
  return at->second;
}

std::vector<Topics::TopicPointer> Topics::list() const {
  const std::shared_lock lock(mutex_);
  std::vector<TopicPointer> out;
  out.reserve(topics_.size());
  for (const auto& [arn, topic] : topics_) out.push_back(topic);
  return out;
}

Result<void> Topics::set_attribute(const std::string& arn, const std::string& name, const std::string& value) {
  const auto held = changing_.acquire({arn});
  auto topic = find(arn);
  if (!topic) return fail(topic);
  auto changed = with_attribute(**topic, name, value, false);
  if (!changed) return fail(changed);
  return save(*changed);
}

Result<void> Topics::tag(const std::string& arn, const std::map<std::string, std::string>& tags) {
  const auto held = changing_.acquire({arn});
  auto topic = find(arn);
  if (!topic) return client_error("ResourceNotFoundException", "Resource does not exist");
  Topic changed = **topic;
  for (const auto& [key, value] : tags) changed.tags[key] = value;
  if (changed.tags.size() > kMostTags)
    return client_error("TagLimitExceededException", "Could not complete request: tag quota of per resource exceeded");
  return save(changed);
}

Result<void> Topics::untag(const std::string& arn, const std::vector<std::string>& keys) {
  const auto held = changing_.acquire({arn});
  auto topic = find(arn);
  if (!topic) return client_error("ResourceNotFoundException", "Resource does not exist");
  Topic changed = **topic;
  for (const auto& key : keys) changed.tags.erase(key);
  return save(changed);
}

// -- subscriptions

Result<void> Topics::save(const Subscription& subscription) {
  if (auto done = store_.commit({write_of(kSubscriptions, subscription.arn, encode_record(subscription))}); !done)
    return from_store(done.error());
  const std::unique_lock lock(mutex_);
  keep(std::make_shared<const Subscription>(subscription));
  return {};
}

Result<Topics::SubscriptionPointer> Topics::subscribe(const SubscribeRequest& request) {
  const auto held = changing_.acquire({request.topic_arn});
  auto topic = find(request.topic_arn);
  if (!topic) return fail(topic);
  if (auto fine = check_endpoint((*topic)->fifo, request.protocol, request.endpoint); !fine) return fail(fine);
  Subscription subscription;
  subscription.topic_arn = request.topic_arn;
  subscription.protocol = request.protocol;
  subscription.endpoint = request.endpoint;
  subscription.owner = request.owner;
  subscription.confirmed = subscription.confirmed_authenticated = request.confirmed;
  // Of a policy and its scope the scope first.
  if (const auto scope = request.attributes.find("FilterPolicyScope"); scope != request.attributes.end())
    subscription.attributes.insert(*scope);
  for (const auto& [name, value] : request.attributes) {
    auto next = with_attribute(std::move(subscription), name, value);
    if (!next) return fail(next);
    subscription = std::move(*next);
  }
  for (const auto& existing : subscriptions_of(request.topic_arn)) {
    if (existing->protocol != request.protocol || existing->endpoint != request.endpoint) continue;
    if (!request.attributes.empty() && existing->attributes != subscription.attributes)
      return invalid_parameter("Attributes Reason: Subscription already exists with different attributes");
    return existing;
  }
  subscription.arn = request.topic_arn + ":" + uuid_v4();
  if (!subscription.confirmed) {
    subscription.token = to_hex(random_bytes(96));
    subscription.token_expires = clock_.now() + kTokenLife;
  }
  if (auto saved = save(subscription); !saved) return fail(saved);
  return find_subscription(subscription.arn);
}

Result<Topics::SubscriptionPointer> Topics::confirm(const std::string& topic_arn, const std::string& token,
                                                    bool signed_call, bool authenticate_unsubscribe) {
  const auto held = changing_.acquire({topic_arn});
  if (auto topic = find(topic_arn); !topic) return fail(topic);
  if (token.empty()) return invalid_parameter("Token");
  for (const auto& existing : subscriptions_of(topic_arn)) {
    if (!equal_in_constant_time(existing->token, token)) continue;
    if (existing->confirmed) return existing;
    if (existing->token_expires <= clock_.now()) return invalid_parameter("Token");
    Subscription confirmed = *existing;
    confirmed.confirmed = true;
    confirmed.confirmed_authenticated = signed_call;
    confirmed.authenticate_unsubscribe = authenticate_unsubscribe;
    if (auto saved = save(confirmed); !saved) return fail(saved);
    return find_subscription(confirmed.arn);
  }
  return invalid_parameter("Token");
}

Result<void> Topics::unsubscribe(const std::string& arn) {
  auto subscription = find_subscription(arn);
  if (!subscription) return {};
  const auto held = changing_.acquire({(*subscription)->topic_arn});
  if (auto done = store_.commit({write_of(kSubscriptions, arn, std::nullopt)}); !done) return from_store(done.error());
  const std::unique_lock lock(mutex_);
  if (const auto topic = by_topic_.find((*subscription)->topic_arn); topic != by_topic_.end()) topic->second.erase(arn);
  subscriptions_.erase(arn);
  return {};
}

Result<Topics::SubscriptionPointer> Topics::find_subscription(const std::string& arn) const {
  const std::shared_lock lock(mutex_);
  const auto at = subscriptions_.find(arn);
  if (at == subscriptions_.end()) return subscription_not_found();
  return at->second;
}

Topics::Subscriptions Topics::subscriptions() const {
  const std::shared_lock lock(mutex_);
  Subscriptions out;
  out.reserve(subscriptions_.size());
  for (const auto& [arn, subscription] : subscriptions_) out.push_back(subscription);
  return out;
}

Topics::Subscriptions Topics::subscriptions_of(const std::string& topic_arn) const {
  const std::shared_lock lock(mutex_);
  Subscriptions out;
  const auto at = by_topic_.find(topic_arn);
  if (at == by_topic_.end()) return out;
  out.reserve(at->second.size());
  for (const auto& [arn, subscription] : at->second) out.push_back(subscription);
  return out;
}

Result<void> Topics::set_subscription_attribute(const std::string& arn, const std::string& name,
                                                const std::string& value) {
  auto subscription = find_subscription(arn);
  if (!subscription) return fail(subscription);
  const auto held = changing_.acquire({(*subscription)->topic_arn});
  subscription = find_subscription(arn);
  if (!subscription) return fail(subscription);
  auto changed = with_attribute(**subscription, name, value);
  if (!changed) return fail(changed);
  return save(*changed);
}

Result<void> Topics::sweep() {
  for (const auto& subscription : subscriptions())
    if (!subscription->confirmed && subscription->token_expires <= clock_.now())
      if (auto done = unsubscribe(subscription->arn); !done) return done;
  return {};
}

}  // namespace likeness::topics
