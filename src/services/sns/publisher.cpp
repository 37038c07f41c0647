#include "services/sns/publisher.hpp"

#include <algorithm>
#include <utility>

#include "base/bytes.hpp"
#include "domain/topics/endpoints.hpp"
#include "domain/topics/errors.hpp"

namespace likeness::sns {
namespace {

/// Deliveries in a commit: each has the whole message in it.
constexpr std::size_t kAtOnce = 80;
constexpr std::size_t kForgotten = 100;

}  // namespace

Result<std::unique_ptr<Publisher>> Publisher::open(storage::Store& store, const Clock& clock, topics::Topics& topics,
                                                   Deliveries& deliveries, metrics::Recorder* metrics) {
  std::unique_ptr<Publisher> publisher(new Publisher(store, clock, topics, metrics));
  const auto handler = [&deliveries](const domain::Delivery& delivery) { return deliveries.attempt(delivery); };
  domain::DeliveryQueue::Options options;
  options.in_memory = 1024;
  auto unordered = domain::DeliveryQueue::open(store, "sns", clock, options, handler);
  if (!unordered) return fail(unordered);
  publisher->unordered_ = std::move(*unordered);
  options.per_lane = 1;
  auto ordered = domain::DeliveryQueue::open(store, "sns-fifo", clock, options, handler);
  if (!ordered) return fail(ordered);
  publisher->ordered_ = std::move(*ordered);
  return publisher;
}

void Publisher::start() {
  unordered_->start();
  ordered_->start();
}

void Publisher::stop() {
  unordered_->stop();
  ordered_->stop();
}

void Publisher::count(const topics::Topic& topic, std::string_view metric, double value, metrics::Unit unit) const {
  if (metrics_ != nullptr) metrics_->record("AWS/SNS", metric, {{"TopicName", topic.name}}, value, unit);
}

Result<Published> Publisher::publish(const topics::Topic& topic, topics::Publication publication) {
  if (auto fine = topics::check_publication(&topic, publication); !fine) return fail(fine);
  topics::Notification notification;
  notification.id = uuid_v4();
  notification.topic_arn = topic.arn;
  notification.time = clock_.now();
  std::vector<storage::Write> writes;
  std::optional<domain::KeyLatches::Held> held;
  if (topic.fifo) {
    if (!publication.deduplication) publication.deduplication = to_hex(sha256(as_bytes(publication.message)));
    const std::string owner = "sns-" + std::to_string(topic.number);
    std::string key = *publication.deduplication;
    if (topic.attribute("FifoThroughputScope") == "MessageGroup") key = *publication.group + '\0' + key;
    held.emplace(publishing_.acquire({owner + key}));
    const auto now = queues::millis(notification.time);
    auto known = deduplication_.find(owner, key, now);
    if (!known) return topics::from_store(known.error());
    if (*known) return Published{(*known)->id, queues::sequence_number((*known)->sequence)};
    if (auto swept = deduplication_.sweep(owner, now, kForgotten); !swept) return topics::from_store(swept.error());
    const auto sequence = sequences_.next();
    notification.sequence = queues::sequence_number(sequence);
    queues::Deduplication::remember(owner, key, {notification.id, sequence}, now, writes);
  }
  const auto size = static_cast<double>(publication.message.size());
  notification.publication = std::move(publication);
  if (auto sent = send(topic, notification, std::move(writes)); !sent) return fail(sent);
  count(topic, "NumberOfMessagesPublished", 1);
  count(topic, "PublishSize", size, metrics::Unit::Bytes);
  return Published{notification.id, notification.sequence};
}

Result<void> Publisher::send(const topics::Topic& topic, const topics::Notification& notification,
                             std::vector<storage::Write> writes) {
  auto& queue = topic.fifo ? *ordered_ : *unordered_;
  std::vector<domain::DeliveryQueue::Ticket> tickets;
  std::size_t filtered = 0;
  const auto commit = [&]() -> Result<void> {
    for (const auto& ticket : tickets) writes.push_back(ticket.write());
    if (writes.empty()) return {};
    if (auto done = store_.commit(std::exchange(writes, {})); !done) return topics::from_store(done.error());
    for (auto& ticket : tickets) ticket.committed();
    tickets.clear();
    return {};
  };
  for (const auto& subscription : topics_.subscriptions_of(topic.arn)) {
    if (!subscription->confirmed) continue;
    if (subscription->filter != nullptr && !subscription->filter->takes(notification.text_for(subscription->protocol),
                                                                        notification.publication.attributes)) {
      ++filtered;
      continue;
    }
    Parcel parcel{.kind = Parcel::Kind::Notification, .to = subscription->arn, .notification = notification};
    tickets.push_back(queue.begin({.lane = subscription->arn, .body = encode(parcel)}));
    if (tickets.size() == kAtOnce)
      if (auto done = commit(); !done) return done;
  }
  if (filtered != 0) count(topic, "NumberOfNotificationsFilteredOut", static_cast<double>(filtered));
  return commit();
}

Result<Published> Publisher::publish_to_phone(const std::string& number, topics::Publication publication) {
  if (!topics::is_phone_number(number))
    return topics::invalid_parameter("PhoneNumber Reason: " + number.substr(0, 64) + " is not valid to publish to");
  if (auto fine = topics::check_publication(nullptr, publication); !fine) return fail(fine);
  Parcel parcel{.kind = Parcel::Kind::Phone, .to = number, .notification = {}};
  parcel.notification.id = uuid_v4();
  parcel.notification.time = clock_.now();
  parcel.notification.publication = std::move(publication);
  if (auto added = unordered_->add({{.lane = "sms", .body = encode(parcel)}}); !added)
    return topics::from_store(added.error());
  return Published{parcel.notification.id, {}};
}

Result<void> Publisher::ask_confirmation(const topics::Subscription& subscription) {
  Parcel parcel{.kind = Parcel::Kind::Confirmation, .to = subscription.arn, .notification = {}};
  parcel.notification.id = uuid_v4();
  parcel.notification.topic_arn = subscription.topic_arn;
  parcel.notification.time = clock_.now();
  if (auto added = unordered_->add({{.lane = subscription.arn, .body = encode(parcel)}}); !added)
    return topics::from_store(added.error());
  return {};
}

}  // namespace likeness::sns
