#include <algorithm>
#include <utility>

#include "base/bytes.hpp"
#include "domain/queues/errors.hpp"
#include "domain/queues/queue.hpp"

namespace likeness::queues {
namespace {

using Steady = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::uint64_t kMostInFlight = 120'000;
constexpr std::size_t kMostAttempts = 10'000;
constexpr Millis kAttemptLife = 5 * 60 * 1000;

std::uint64_t random_number() { return read_number(as_text(random_bytes(8))); }

}  // namespace

/// What is to become of a message that was taken from the line.
struct Queue::Delivery {
  enum class Kind { Handed, Expired, Moved };
  Kind kind = Kind::Handed;
  Place place;
  State from;
  std::string bytes;  // of `from`
  State to;
  std::optional<Message> message;
  std::vector<storage::Write> writes;

  // Moved to another queue: it stays what it is until that is done.
  std::shared_ptr<Queue> target;
  std::shared_lock<std::shared_mutex> target_alive;
  Sequence target_sequence = 0;
};

Result<std::vector<Received>> Queue::receive(const ReceiveRequest& request) {
  const auto deadline = Steady::now() + std::chrono::seconds(request.wait);
  const std::stop_callback wake(request.gone, [this] {
    const std::lock_guard lock(waiting_mutex_);
    waiting_.notify_all();
  });
  while (true) {
    std::uint64_t seen = 0;
    {
      const std::lock_guard lock(waiting_mutex_);
      // A message that comes now must not be hidden from the others. Who was woken for it in vain wakes another one.
      if (request.gone.stop_requested()) {
        waiting_.notify_one();
        return std::vector<Received>();
      }
      seen = arrivals_;
    }
    std::optional<Millis> due;
    {
      const std::shared_lock alive(life_);
      if (gone_) return queue_does_not_exist();
      auto received = receive_now(request);
      if (!received) return received;
      if (!received->empty() || Steady::now() >= deadline || around_.stopping) {
        count(received->empty() ? "NumberOfEmptyReceives" : "NumberOfMessagesReceived",
              received->empty() ? 1.0 : static_cast<double>(received->size()));
        return received;
      }
      auto next = line_->next_due(now());
      if (!next) return from_store(next.error());
      due = *next;
    }
    auto until = deadline;
    if (due) until = std::min(until, Steady::now() + milliseconds(std::clamp<Millis>(*due - now(), 1, 60'000)));
    std::unique_lock lock(waiting_mutex_);
    waiting_.wait_until(lock, until,
                        [&] { return arrivals_ != seen || around_.stopping || request.gone.stop_requested(); });
  }
}

Result<std::vector<Received>> Queue::receive_now(const ReceiveRequest& request) {
  const auto description = describe();
  if (!request.attempt.empty()) {
    const Millis visible_at = now() + 1000 * request.visibility.value_or(description->settings.visibility);
    auto repeated = repeat(request, visible_at);
    if (!repeated) return fail(repeated);
    if (*repeated) return std::move(**repeated);
  }
  if (counts().in_flight >= kMostInFlight) {
    if (description->settings.fifo || request.wait > 0) return std::vector<Received>();
    return client_error("OverLimit", "Too many messages in flight for the queue.");
  }
  while (true) {
    auto places = line_->take(request.limit, now());
    if (!places) return from_store(places.error());
    if (places->empty()) return std::vector<Received>();
    auto received = deliver(*places, request);
    if (!received) return received;
    // What was taken may all have been dead letters, expired or gone already.
    if (received->empty()) continue;
    if (!request.attempt.empty()) remember_attempt(request, *received);
    return received;
  }
}

Result<std::optional<Queue::Delivery>> Queue::prepare(const Place& place, Millis visible_at, Millis time) {
  Delivery delivery;
  delivery.place = place;
  auto state = state_of(place.sequence, delivery.bytes);
  if (!state) return fail(state);
  if (!*state) {
    line_->removed(place.sequence);
    return std::optional<Delivery>();
  }
  if ((*state)->visible_at != place.at) {
    line_->moved({(*state)->visible_at, place.sequence}, (*state)->receives != 0);
    return std::optional<Delivery>();
  }
  delivery.from = std::move(**state);
  const auto description = describe();
  const auto& settings = description->settings;
  if (delivery.from.sent + 1000 * settings.retention <= time) {
    delivery.kind = Delivery::Kind::Expired;
    delivery.writes = departure_writes(place.sequence, delivery.from, delivery.bytes);
    return std::optional(std::move(delivery));
  }
  auto message = message_of(place.sequence);
  if (!message) return fail(message);
  if (!*message) {
    // Its state has gone with it, after we had read that.
    line_->removed(place.sequence);
    return std::optional<Delivery>();
  }
  delivery.message = std::move(**message);
  if (settings.max_receives != 0 && delivery.from.receives >= settings.max_receives) {
    delivery.target = around_.find(settings.dead_letter_arn);
    auto buried = bury(delivery, description->arn);
    if (!buried) return fail(buried);
    if (*buried) return std::optional(std::move(delivery));
  }
  delivery.to = delivery.from;
  delivery.to.visible_at = visible_at;
  if (++delivery.to.receives == 1) delivery.to.first_received = time;
  delivery.to.nonce = random_number();
  delivery.writes = change_writes(place.sequence, delivery.from, delivery.bytes, delivery.to);
  return std::optional(std::move(delivery));
}

/// Makes a delivery one to the target's queue. False if there is no such queue (any more): then the message stays.
Result<bool> Queue::bury(Delivery& delivery, const std::string& source_arn) {
  if (delivery.target == nullptr || delivery.target.get() == this) return false;
  auto alive = std::shared_lock(delivery.target->life_, std::try_to_lock);
  if (!alive.owns_lock() || delivery.target->gone_) return false;
  const auto there = delivery.target->describe();
  if (there->settings.fifo != describe()->settings.fifo) return false;
  delivery.kind = Delivery::Kind::Moved;
  delivery.target_alive = std::move(alive);
  delivery.message->source_arn = source_arn;
  delivery.to = delivery.from;
  delivery.to.visible_at = now();
  delivery.to.nonce = 0;
  // A dead letter keeps the time at which it was first sent; in a FIFO queue its keeping begins anew.
  if (there->settings.fifo) delivery.to.sent = delivery.message->sent = now();
  delivery.target_sequence = delivery.target->line_->expect(delivery.to.group);
  delivery.writes = departure_writes(delivery.place.sequence, delivery.from, delivery.bytes);
  auto arrival = delivery.target->arrival_writes(delivery.target_sequence, *delivery.message, delivery.to);
  std::ranges::move(arrival, std::back_inserter(delivery.writes));
  return true;
}

/// After the commit.
void Queue::finish(Delivery& delivery, std::vector<Received>& out) {
  const auto sequence = delivery.place.sequence;
  if (delivery.kind == Delivery::Kind::Handed) {
    tally_.change(delivery.from, delivery.to);
    line_->moved({delivery.to.visible_at, sequence}, true);
    const auto receipt = around_.receipts.make({describe()->number, sequence, delivery.to.nonce});
    out.push_back({std::move(*delivery.message), std::move(delivery.to), sequence, receipt});
    return;
  }
  tally_.remove(delivery.from);
  line_->removed(sequence);
  if (delivery.kind == Delivery::Kind::Moved) {
    Queue& target = *delivery.target;
    target.tally_.add(delivery.to);
    target.line_->added({delivery.to.visible_at, delivery.target_sequence});
    target.arrived(1);
  }
}

Result<std::vector<Received>> Queue::deliver(const std::vector<Place>& places, const ReceiveRequest& request) {
  const Millis time = now();
  const Millis visible_at = time + 1000 * request.visibility.value_or(describe()->settings.visibility);
  std::vector<Delivery> deliveries;
  const auto undo = [&](Delivery& delivery) {
    if (delivery.target_alive.owns_lock()) delivery.target->line_->dropped(delivery.target_sequence);
    line_->put_back(delivery.place);
  };
  for (std::size_t i = 0; i < places.size(); ++i) {
    auto delivery = prepare(places[i], visible_at, time);
    if (!delivery) {
      for (auto& prepared : deliveries) undo(prepared);
      for (; i < places.size(); ++i) line_->put_back(places[i]);
      return fail(delivery);
    }
    if (*delivery) deliveries.push_back(std::move(**delivery));
  }
  std::vector<Received> out;
  if (deliveries.empty()) return out;
  std::vector<storage::Write> writes;
  for (const auto& delivery : deliveries) std::ranges::copy(delivery.writes, std::back_inserter(writes));
  auto done = around_.store.commit(std::move(writes));
  if (!done && done.error().code != "ConditionFailed") {
    for (auto& delivery : deliveries) undo(delivery);
    return from_store(done.error());
  }
  for (auto& delivery : deliveries) {
    if (!done) {
      // One of them was deleted or received in between: each by itself.
      auto alone = around_.store.commit(std::move(delivery.writes));
      if (!alone) {
        undo(delivery);
        continue;
      }
    }
    finish(delivery, out);
  }
  return out;
}

// -- the same receive again

void Queue::remember_attempt(const ReceiveRequest& request, const std::vector<Received>& received) {
  const std::lock_guard lock(attempts_mutex_);
  const Millis time = now();
  if (attempts_.size() >= kMostAttempts)
    std::erase_if(attempts_, [&](const auto& known) { return known.second.at + kAttemptLife <= time; });
  if (attempts_.size() >= kMostAttempts) return;
  Attempt attempt{.at = time, .messages = {}};
  for (const auto& one : received) attempt.messages.emplace_back(one.sequence, one.state.nonce);
  attempts_[request.attempt] = std::move(attempt);
}

Result<std::optional<std::vector<Received>>> Queue::repeat(const ReceiveRequest& request, Millis visible_at) {
  Attempt attempt;
  {
    const std::lock_guard lock(attempts_mutex_);
    const auto known = attempts_.find(request.attempt);
    if (known == attempts_.end()) return std::optional<std::vector<Received>>();
    if (known->second.at + kAttemptLife <= now()) {
      attempts_.erase(known);
      return std::optional<std::vector<Received>>();
    }
    attempt = known->second;
  }
  std::vector<Received> out;
  for (const auto& [sequence, nonce] : attempt.messages) {
    std::string bytes;
    auto state = state_of(sequence, bytes);
    if (!state) return fail(state);
    if (!*state || (*state)->nonce != nonce) continue;
    auto message = message_of(sequence);
    if (!message) return fail(message);
    if (!*message) continue;
    State to = **state;
    to.visible_at = visible_at;
    auto done = around_.store.commit(change_writes(sequence, **state, bytes, to));
    if (!done && done.error().code == "ConditionFailed") continue;
    if (!done) return from_store(done.error());
    tally_.change(**state, to);
    line_->moved({visible_at, sequence}, true);
    const auto receipt = around_.receipts.make({describe()->number, sequence, nonce});
    out.push_back({std::move(**message), std::move(to), sequence, receipt});
  }
  if (out.empty()) return std::optional<std::vector<Received>>();
  return std::optional(std::move(out));
}

// -- to another queue

Result<std::size_t> Queue::move(std::size_t limit, const std::shared_ptr<Queue>& target) {
  const std::shared_lock alive(life_);
  if (gone_) return queue_does_not_exist();
  auto places = line_->take(limit, now());
  if (!places) return from_store(places.error());
  std::size_t moved = 0;
  for (std::size_t i = 0; i < places->size(); ++i) {
    const Place& place = (*places)[i];
    const auto give_up = [&] {
      for (auto j = i; j < places->size(); ++j) line_->put_back((*places)[j]);
    };
    auto prepared = prepare(place, now(), now());
    if (!prepared) {
      give_up();
      return fail(prepared);
    }
    if (!*prepared) continue;
    Delivery& delivery = **prepared;
    if (delivery.kind == Delivery::Kind::Handed) {
      delivery.target = target != nullptr ? target : around_.find(delivery.message->source_arn);
      // It is a new message there: another id, sent now, never received.
      delivery.message->id = uuid_v4();
      delivery.message->sent = delivery.from.sent = now();
      delivery.from.receives = 0;
      delivery.from.first_received = 0;
      auto buried = bury(delivery, {});
      if (!buried || !*buried) {
        give_up();
        if (!buried) return fail(buried);
        return client_error("DestinationGone", "The destination queue of a message does not exist.");
      }
    }
    auto done = around_.store.commit(std::move(delivery.writes));
    if (!done) {
      if (delivery.target_alive.owns_lock()) delivery.target->line_->dropped(delivery.target_sequence);
      if (done.error().code == "ConditionFailed") {
        line_->put_back(place);
        continue;
      }
      give_up();
      return from_store(done.error());
    }
    std::vector<Received> none;
    finish(delivery, none);
    ++moved;
  }
  return moved;
}

}  // namespace likeness::queues
