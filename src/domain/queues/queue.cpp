#include "domain/queues/queue.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.hpp"
#include "base/digest.hpp"
#include "domain/queues/errors.hpp"
#include "storage/writes.hpp"

namespace likeness::queues {
namespace {

constexpr std::int64_t kMostVisibility = 43'200;  // seconds, from the receive on

/// What the index of times says of a message besides its time: in flight, delayed or ready from the start.
std::string flag_of(const State& state) {
  if (state.receives != 0) return "f";
  return state.visible_at > state.sent ? "d" : "r";
}

/// What a flag of the index of times says, as a state that counts the same.
State counted_state(const Place& place, std::string_view flag) {
  State state;
  state.visible_at = place.at;
  state.sent = flag == "d" ? 0 : place.at;
  state.receives = flag == "f" ? 1 : 0;
  return state;
}

bool is_identifier(std::string_view text) {
  return !text.empty() && text.size() <= 128 && std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

Result<void> check_identifier(const std::optional<std::string>& text, std::string_view name) {
  if (!text || is_identifier(*text)) return {};
  return invalid_value(
      *text, name,
      fmt::format("{} can only include alphanumeric and punctuation characters. 1 to 128 in length.", name));
}

std::string deduplication_key(const Settings& settings, const Outgoing& message) {
  std::string key = message.deduplication ? *message.deduplication : to_hex(sha256(as_bytes(message.body)));
  if (settings.deduplication_scope == "messageGroup") key = message.group.value_or("") + '\0' + key;
  return key;
}

}  // namespace

Result<std::shared_ptr<Queue>> Queue::open(Surroundings& surroundings, Description description) {
  std::shared_ptr<Queue> queue(new Queue(surroundings));
  if (auto loaded = queue->load(description); !loaded) return fail(loaded);
  queue->description_ = std::make_shared<const Description>(std::move(description));
  return queue;
}

Result<void> Queue::load(const Description& description) {
  auto last =
      around_.store.range(kStates, description.contents, {.first = {}, .last = {}, .limit = 1, .reverse = true});
  if (!last) return fail(last);
  const Sequence sequence = last->items.empty() ? 0 : read_number(last->items.front().key.sort);
  bool fine = true;
  if (description.settings.fifo) {
    auto scanned = around_.store.scan(kStates, description.contents, [&](std::string_view, std::string_view value) {
      const auto state = decode_state(value);
      fine = state.has_value();
      if (fine) tally_.add(*state);
      return fine;
    });
    if (!scanned) return scanned;
    auto line = make_fifo_line(around_.store, description.contents, sequence);
    if (!line) return fail(line);
    line_ = std::move(*line);
  } else {
    auto scanned = around_.store.scan(kTimes, description.contents, [&](std::string_view key, std::string_view flag) {
      tally_.add(counted_state(place_of(key), flag));
      return true;
    });
    if (!scanned) return scanned;
    line_ = make_standard_line(around_.store, description.contents, sequence);
  }
  if (!fine) return server_error("InternalError", "The state of a message is damaged.");
  return {};
}

std::shared_ptr<const Description> Queue::describe() const {
  const std::lock_guard lock(description_mutex_);
  return description_;
}

Result<Millis> Queue::oldest() const {
  const std::shared_lock alive(life_);
  auto page = around_.store.range(kStates, describe()->contents, {.first = {}, .last = {}, .limit = 1});
  if (!page) return fail(page);
  if (page->items.empty()) return Millis{0};
  auto state = decode_state(page->items.front().value);
  if (!state) return fail(state);
  return state->sent;
}

// -- the store

Result<std::optional<State>> Queue::state_of(Sequence sequence, std::string& bytes) const {
  auto found = around_.store.get(kStates, {describe()->contents, sequence_key(sequence)});
  if (!found) return from_store(found.error());
  if (!*found) return std::optional<State>();
  bytes = std::move(**found);
  auto state = decode_state(bytes);
  if (!state) return fail(state);
  return std::optional(std::move(*state));
}

Result<std::optional<Message>> Queue::message_of(Sequence sequence) const {
  const auto contents = describe()->contents;
  auto page = around_.store.range(kBodies, contents,
                                  {.first = sequence_key(sequence), .last = sequence_key(sequence + 1), .limit = 2});
  if (!page) return from_store(page.error());
  if (page->items.empty()) return std::optional<Message>();
  auto message =
      decode_message(page->items[0].value, page->items.size() > 1 ? page->items[1].value : std::string_view());
  if (!message) return fail(message);
  return std::optional(std::move(*message));
}

std::vector<storage::Write> Queue::arrival_writes(Sequence sequence, const Message& message, const State& state) const {
  const auto description = describe();
  std::vector<storage::Write> writes;
  const auto parts = encode(message);
  writes.reserve(parts.size() + 2);
  for (std::size_t i = 0; i < parts.size(); ++i)
    writes.push_back(
        storage::put_of(kBodies, description->contents, sequence_key(sequence) + (i == 0 ? "" : "1"), parts[i]));
  writes.push_back(storage::put_of(kStates, description->contents, sequence_key(sequence), encode(state)));
  if (!description->settings.fifo)
    writes.push_back(
        storage::put_of(kTimes, description->contents, time_key({state.visible_at, sequence}), flag_of(state)));
  return writes;
}

std::vector<storage::Write> Queue::departure_writes(Sequence sequence, const State& state,
                                                    const std::string& bytes) const {
  const auto description = describe();
  std::vector<storage::Write> writes;
  writes.push_back(storage::removal_of(kStates, description->contents, sequence_key(sequence)));
  writes.back().expect = storage::Write::Expect::SameValue;
  writes.back().expected_value = bytes;
  // Of a second part, which few have, the removal costs next to nothing.
  writes.push_back(storage::removal_of(kBodies, description->contents, sequence_key(sequence)));
  writes.push_back(storage::removal_of(kBodies, description->contents, sequence_key(sequence) + "1"));
  if (!description->settings.fifo)
    writes.push_back(storage::removal_of(kTimes, description->contents, time_key({state.visible_at, sequence})));
  return writes;
}

std::vector<storage::Write> Queue::change_writes(Sequence sequence, const State& from, const std::string& bytes,
                                                 const State& to) const {
  const auto description = describe();
  std::vector<storage::Write> writes;
  writes.push_back(storage::put_of(kStates, description->contents, sequence_key(sequence), encode(to)));
  writes.back().expect = storage::Write::Expect::SameValue;
  writes.back().expected_value = bytes;
  if (!description->settings.fifo) {
    if (from.visible_at != to.visible_at)
      writes.push_back(storage::removal_of(kTimes, description->contents, time_key({from.visible_at, sequence})));
    writes.push_back(storage::put_of(kTimes, description->contents, time_key({to.visible_at, sequence}), flag_of(to)));
  }
  return writes;
}

void Queue::arrived(std::size_t count) {
  {
    const std::lock_guard lock(waiting_mutex_);
    ++arrivals_;
  }
  if (count == 1)
    waiting_.notify_one();
  else
    waiting_.notify_all();
}

void Queue::wake() { arrived(2); }

void Queue::count(std::string_view metric, double value, metrics::Unit unit) const {
  if (around_.metrics != nullptr)
    around_.metrics->record("AWS/SQS", metric, {{"QueueName", describe()->name}}, value, unit);
}

// -- sending

Result<void> Queue::check(const Description& description, const Outgoing& message) const {
  const auto& settings = description.settings;
  if (auto fine = check_content(message); !fine) return fine;
  if (static_cast<std::int64_t>(size_of(message)) > settings.max_size)
    return invalid_parameter(fmt::format(
        "One or more parameters are invalid. Reason: Message must be shorter than {} bytes.", settings.max_size));
  if (message.delay_seconds) {
    if (*message.delay_seconds < 0 || *message.delay_seconds > 900)
      return invalid_value(std::to_string(*message.delay_seconds), "DelaySeconds",
                           "DelaySeconds must be >= 0 and <= 900.");
    if (settings.fifo && *message.delay_seconds != 0)
      return invalid_value(std::to_string(*message.delay_seconds), "DelaySeconds",
                           "The request include parameter that is not valid for this queue type.");
  }
  if (auto fine = check_identifier(message.group, "MessageGroupId"); !fine) return fine;
  if (!settings.fifo) {
    if (message.deduplication)
      return invalid_value(*message.deduplication, "MessageDeduplicationId",
                           "The request includes a parameter that is not valid for this queue type.");
    return {};
  }
  if (!message.group) return missing_parameter("MessageGroupId");
  if (auto fine = check_identifier(message.deduplication, "MessageDeduplicationId"); !fine) return fine;
  if (!message.deduplication && !settings.content_deduplication)
    return invalid_parameter(
        "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly");
  return {};
}

Result<Sent> Queue::send_one(const Description& description, Outgoing& outgoing, std::vector<storage::Write>& writes,
                             std::vector<std::pair<Sequence, State>>& begun) {
  const auto& settings = description.settings;
  const std::string owner = std::to_string(description.number);
  Sent sent;
  sent.body_md5 = md5_of(outgoing.body);
  if (!outgoing.attributes.empty()) sent.attributes_md5 = md5_of(outgoing.attributes);
  if (!outgoing.system.empty()) sent.system_md5 = md5_of(outgoing.system);
  std::string key;
  if (settings.fifo) {
    key = deduplication_key(settings, outgoing);
    auto known = deduplication_.find(owner, key, now());
    if (!known) return from_store(known.error());
    if (*known) {
      // Accepted and told apart by nobody: the same id and number again, and no second message.
      sent.id = (*known)->id;
      sent.sequence = sequence_number((*known)->sequence);
      return sent;
    }
  }
  Message message{.id = uuid_v4(),
                  .sender = std::move(outgoing.sender),
                  .sent = now(),
                  .body = std::move(outgoing.body),
                  .attributes = std::move(outgoing.attributes),
                  .system = std::move(outgoing.system),
                  .group = outgoing.group,
                  .deduplication = {},
                  .source_arn = {}};
  if (settings.fifo)
    message.deduplication = outgoing.deduplication ? *outgoing.deduplication : to_hex(sha256(as_bytes(message.body)));
  State state;
  state.sent = message.sent;
  state.visible_at = message.sent + 1000 * outgoing.delay_seconds.value_or(settings.delay);
  if (settings.fifo) {
    state.visible_at = message.sent + 1000 * settings.delay;
    state.group = *message.group;
  }
  const Sequence sequence = line_->expect(state.group);
  auto arrival = arrival_writes(sequence, message, state);
  std::ranges::move(arrival, std::back_inserter(writes));
  sent.id = message.id;
  if (settings.fifo) {
    Deduplication::remember(owner, key, {message.id, sequence}, message.sent, writes);
    sent.sequence = sequence_number(sequence);
  }
  begun.emplace_back(sequence, std::move(state));
  return sent;
}

Result<std::vector<Result<Sent>>> Queue::send(std::vector<Outgoing> messages) {
  const std::shared_lock alive(life_);
  if (gone_) return queue_does_not_exist();
  const auto description = describe();
  const auto& settings = description->settings;

  std::vector<Result<Sent>> answers;
  std::vector<std::string> keys;
  for (const auto& message : messages) {
    auto fine = check(*description, message);
    answers.push_back(fine ? Result<Sent>() : Result<Sent>(fail(fine)));
    if (fine && settings.fifo) keys.push_back(deduplication_key(settings, message));
  }
  const auto latched = sending_.acquire(keys);
  std::map<std::string, Sent> in_batch;  // ids that another message of this call has
  std::vector<storage::Write> writes;
  std::vector<std::pair<Sequence, State>> begun;
  std::vector<std::size_t> sizes;
  const auto give_up = [&] {
    for (const auto& [sequence, state] : begun) line_->dropped(sequence);
  };
  for (std::size_t i = 0; i < messages.size(); ++i) {
    if (!answers[i]) continue;
    const std::string key = settings.fifo ? deduplication_key(settings, messages[i]) : std::string();
    if (const auto twin = in_batch.find(key); settings.fifo && twin != in_batch.end()) {
      answers[i] = twin->second;
      continue;
    }
    const auto size = size_of(messages[i]);
    answers[i] = send_one(*description, messages[i], writes, begun);
    if (!answers[i]) {
      give_up();
      return fail(answers[i]);
    }
    sizes.push_back(size);
    if (settings.fifo) in_batch[key] = *answers[i];
  }
  if (writes.empty()) return answers;
  if (auto done = around_.store.commit(std::move(writes)); !done) {
    give_up();
    return from_store(done.error());
  }
  for (const auto& [sequence, state] : begun) {
    tally_.add(state);
    line_->added({state.visible_at, sequence});
  }
  arrived(begun.size());
  count("NumberOfMessagesSent", static_cast<double>(begun.size()));
  for (const auto size : sizes) count("SentMessageSize", static_cast<double>(size), metrics::Unit::Bytes);
  return answers;
}

// -- what receivers do with what they have

Result<std::vector<Result<void>>> Queue::remove(const std::vector<std::string>& receipts) {
  const std::shared_lock alive(life_);
  if (gone_) return queue_does_not_exist();
  const auto description = describe();
  const Millis time = now();
  std::vector<Result<void>> answers;
  struct Removal {
    Sequence sequence;
    State state;
    std::vector<storage::Write> writes;
    std::size_t answer;
  };
  std::vector<Removal> removals;
  std::vector<storage::Write> writes;
  for (const auto& text : receipts) {
    answers.emplace_back();
    const auto receipt = around_.receipts.read(text);
    if (!receipt || receipt->queue != description->number) {
      answers.back() = invalid_receipt(text);
      continue;
    }
    std::string bytes;
    auto state = state_of(receipt->sequence, bytes);
    if (!state) return fail(state);
    // Gone already is as good; what another has received since stays his.
    if (!*state || (*state)->nonce != receipt->nonce) continue;
    if (description->settings.fifo && (*state)->visible_at <= time) {
      answers.back() = invalid_value(text, "ReceiptHandle", "The receipt handle has expired.");
      continue;
    }
    const auto same = [&](const Removal& other) { return other.sequence == receipt->sequence; };
    if (std::ranges::any_of(removals, same)) continue;
    auto departure = departure_writes(receipt->sequence, **state, bytes);
    std::ranges::copy(departure, std::back_inserter(writes));
    removals.push_back({receipt->sequence, std::move(**state), std::move(departure), answers.size() - 1});
  }
  if (removals.empty()) return answers;
  std::size_t removed = 0;
  const auto take_effect = [&](const Removal& removal) {
    line_->removed(removal.sequence);
    tally_.remove(removal.state);
    ++removed;
  };
  auto done = around_.store.commit(std::move(writes));
  if (done) {
    for (const auto& removal : removals) take_effect(removal);
  } else if (done.error().code == "ConditionFailed") {
    // Somebody was quicker with one of them: each by itself.
    for (auto& removal : removals) {
      auto alone = around_.store.commit(std::move(removal.writes));
      if (alone)
        take_effect(removal);
      else if (alone.error().code != "ConditionFailed")
        answers[removal.answer] = from_store(alone.error());
    }
  } else {
    return from_store(done.error());
  }
  if (removed != 0) {
    // A group of a FIFO queue may go on now.
    if (description->settings.fifo) arrived(2);
    count("NumberOfMessagesDeleted", static_cast<double>(removed));
  }
  return answers;
}

Result<std::vector<Result<void>>> Queue::change_visibility(const std::vector<Visibility>& changes) {
  const std::shared_lock alive(life_);
  if (gone_) return queue_does_not_exist();
  const auto description = describe();
  std::vector<Result<void>> answers;
  for (const auto& change : changes) {
    answers.emplace_back();
    auto& answer = answers.back();
    if (change.seconds < 0 || change.seconds > kMostVisibility) {
      answer = invalid_value(std::to_string(change.seconds), "VisibilityTimeout",
                             "VisibilityTimeout must be an integer between 0 and 43200");
      continue;
    }
    const auto receipt = around_.receipts.read(change.receipt);
    if (!receipt || receipt->queue != description->number) {
      answer = invalid_receipt(change.receipt);
      continue;
    }
    std::string bytes;
    auto state = state_of(receipt->sequence, bytes);
    if (!state) return fail(state);
    const Millis time = now();
    if (!*state) {
      answer = invalid_value(change.receipt, "ReceiptHandle",
                             "Message does not exist or is not available for visibility timeout change.");
      continue;
    }
    if ((*state)->nonce != receipt->nonce || (*state)->visible_at <= time) {
      answer = message_not_in_flight();
      continue;
    }
    State to = **state;
    to.visible_at = time + 1000 * change.seconds;
    if (auto done = around_.store.commit(change_writes(receipt->sequence, **state, bytes, to)); !done) {
      answer = done.error().code == "ConditionFailed" ? message_not_in_flight() : from_store(done.error());
      continue;
    }
    tally_.change(**state, to);
    line_->moved({to.visible_at, receipt->sequence}, true);
    arrived(1);  // whoever waits learns of another time
  }
  return answers;
}

// -- the queue itself

Result<void> Queue::change(const Change& commit) {
  const std::unique_lock alone(life_);
  if (gone_) return queue_does_not_exist();
  const auto before = describe();
  auto after = commit(*before);
  if (!after) return fail(after);
  if (!*after) {
    gone_ = true;
    wake();
    return {};
  }
  const bool emptied = (*after)->contents != before->contents;
  {
    const std::lock_guard lock(description_mutex_);
    description_ = std::make_shared<const Description>(std::move(**after));
  }
  if (emptied) {
    tally_.clear();
    if (auto loaded = load(*describe()); !loaded) return loaded;
  }
  wake();
  return {};
}

Result<std::size_t> Queue::sweep(std::size_t limit) {
  const std::shared_lock alive(life_);
  if (gone_) return std::size_t{0};
  const auto description = describe();
  const Millis until = now() - 1000 * description->settings.retention;
  auto page = around_.store.range(kStates, description->contents, {.first = {}, .last = {}, .limit = limit});
  if (!page) return fail(page);
  std::size_t swept = 0;
  for (const auto& item : page->items) {
    const auto state = decode_state(item.value);
    if (!state || state->sent > until) break;
    const Sequence sequence = read_number(item.key.sort);
    if (auto done = around_.store.commit(departure_writes(sequence, *state, item.value)); !done) {
      if (done.error().code == "ConditionFailed") continue;
      return from_store(done.error());
    }
    line_->removed(sequence);
    tally_.remove(*state);
    ++swept;
  }
  if (description->settings.fifo) {
    if (auto forgotten = deduplication_.sweep(std::to_string(description->number), now(), limit); !forgotten)
      return fail(forgotten);
  }
  return swept;
}

}  // namespace likeness::queues
