#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "domain/logs/errors.hpp"
#include "domain/logs/logs.hpp"

/// Events in and out.
namespace likeness::logs {
namespace {

using storage::Write;

constexpr Millis kHour = 3600 * 1000;
constexpr Millis kDay = 24 * kHour;
constexpr std::size_t kBatchBytes = 1 << 20;  // of PutLogEvents and of a page
constexpr std::size_t kEventBytes = 26;       // what AWS counts for each event besides its message

Result<void> check_batch(const std::vector<TimedMessage>& events) {
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < events.size(); ++i) {
    bytes += events[i].message.size() + kEventBytes;
    if (i > 0 && events[i].time < events[i - 1].time)
      return invalid("Log events in a single PutLogEvents request must be in chronological order.");
  }
  if (bytes > kBatchBytes)
    return invalid(fmt::format("Upload too large: {} bytes exceeds limit of {}", bytes, kBatchBytes));
  if (events.back().time - events.front().time > kDay)
    return invalid("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.");
  return {};
}

struct Token {
  bool forward = true;
  EventId id;
};

std::string make_token(bool forward, const EventId& id) {
  return fmt::format("{}/{}/s", forward ? 'f' : 'b', id.text());
}

std::optional<Token> read_token(std::string_view text) {
  if (text.ends_with("/s")) text.remove_suffix(2);
  if (!text.starts_with("f/") && !text.starts_with("b/")) return std::nullopt;
  const auto id = EventId::parse(text.substr(2));
  if (!id) return std::nullopt;
  return Token{text.front() == 'f', *id};
}

EventId after(EventId id) {
  ++id.index;
  return id;
}

}  // namespace

/// Appends the writes of `events` (by time, not empty) and says in `updated` what becomes of the stream's record.
void Logs::add_chunks(const Stream& stream, const std::vector<TimedMessage>& events, std::vector<EventView>& ids,
                      Stream& updated, std::vector<Write>& writes) {
  std::vector<TimedMessage> part;
  const auto finish = [&] {
    const auto number = next_chunk();
    const Millis first = part.front().time;
    for (std::size_t i = 0; i < part.size(); ++i)
      ids.push_back({{part[i].time, number, static_cast<std::uint32_t>(i)}, part[i].message});
    updated.span = std::max(updated.span, part.back().time - first);
    updated.last_chunk = number;
    writes.push_back({.table = kEvents, .key = {stream.uid, chunk_key(first, number)}, .value = encode_chunk(part)});
    part.clear();
  };
  for (const auto& event : events) {
    if (!part.empty() && event.time - part.front().time > kMaxChunkSpan) finish();
    part.push_back(event);
  }
  finish();
  updated.first_event = std::min(updated.first_event.value_or(events.front().time), events.front().time);
  updated.last_event = std::max(updated.last_event.value_or(events.back().time), events.back().time);
  updated.last_ingestion = static_cast<Millis>(updated.last_chunk / 1000);
}

Result<PutResult> Logs::put(const std::string& group_name, const std::string& stream_name,
                            const std::vector<TimedMessage>& events) {
  const auto group = find(group_name);
  if (group == nullptr) return group_not_found();
  auto found = stream(*group, stream_name);
  if (!found) return fail(found);
  if (events.empty()) return invalid("The log events of the request are missing.");
  if (auto checked = check_batch(events); !checked) return fail(checked);

  PutResult out;
  const Millis time = now();
  const auto first_at = [&](Millis when) {
    const auto at = std::ranges::lower_bound(events, when, {}, &TimedMessage::time);
    return static_cast<int>(at - events.begin());
  };
  const auto count = static_cast<int>(events.size());
  const int too_old = first_at(time - 14 * kDay);
  const int expired = group->retention_days > 0 ? first_at(kept_from(*group)) : 0;
  const int too_new = first_at(time + 2 * kHour + 1);
  if (too_old > 0) out.too_old_until = too_old;
  if (expired > too_old) out.expired_until = expired;
  if (too_new < count) out.too_new_from = too_new;
  const int begin = std::max(too_old, expired);
  const int end = too_new;
  out.last_chunk = found->last_chunk;
  if (begin >= end) return out;
  const std::vector<TimedMessage> kept(events.begin() + begin, events.begin() + end);

  // One at a time for each stream, so that its record tells of all that lies in it.
  const auto held = latches_.acquire({"stream/" + found->uid});
  auto value = store_.get(kStreams, {group->uid, stream_name});
  if (!value) return from_store(value);
  if (!*value) return stream_not_found();
  auto current = decode_stream(stream_name, **value);
  if (!current) return fail(current);
  if (current->uid != found->uid) return stream_not_found();

  std::vector<Write> writes;
  std::vector<EventView> ids;
  ids.reserve(kept.size());
  Stream updated = *current;
  add_chunks(*current, kept, ids, updated, writes);
  writes.push_back({.table = kStreams,
                    .key = {group->uid, stream_name},
                    .value = encode(updated),
                    .expect = Write::Expect::SameValue,
                    .expected_value = std::move(**value)});
  const Arrival arrival{*group, stream_name, ids};
  std::vector<std::shared_ptr<void>> prepared;
  prepared.reserve(followers_.size());
  for (auto* follower : followers_) prepared.push_back(follower->prepare(arrival, writes));
  auto committed = store_.commit(std::move(writes));
  if (!committed) {
    if (committed.error().code == "ConditionFailed") return stream_not_found();
    return from_store(committed);
  }
  for (std::size_t i = 0; i < followers_.size(); ++i) followers_[i]->done(arrival, prepared[i]);
  out.last_chunk = updated.last_chunk;
  return out;
}

Cursor Logs::cursor(const Group& group, const Stream& stream, EventRange range, bool backward) const {
  range.first = std::max(range.first, EventId{.time = kept_from(group)});
  return {store_, stream.uid, stream.span, range, backward};
}

Result<EventsPage> Logs::get(const std::string& group_name, const std::string& stream_name,
                             const EventsQuery& query) const {
  const auto group = find(group_name);
  if (group == nullptr) return group_not_found();
  auto found = stream(*group, stream_name);
  if (!found) return fail(found);
  EventRange range;
  if (query.start) range.first.time = *query.start;
  if (query.end) range.last = std::min(range.last, EventId{.time = *query.end});
  bool forward = query.from_head;
  std::optional<Token> token;
  if (!query.token.empty()) {
    token = read_token(query.token);
    if (!token) return invalid("The specified nextToken is invalid.");
    forward = token->forward;
    if (forward)
      range.first = std::max(range.first, after(token->id));
    else
      range.last = std::min(range.last, token->id);
  }
  Cursor events = cursor(*group, *found, range, !forward);
  EventsPage out;
  std::size_t bytes = 0;
  while (out.events.size() < query.limit) {
    auto more = events.next();
    if (!more) return from_store(more);
    if (!*more) break;
    const auto& event = events.event();
    bytes += event.message.size() + kEventBytes;
    if (bytes > kBatchBytes && !out.events.empty()) break;
    out.events.push_back({event.id, {}, std::string(event.message)});
  }
  if (!forward) std::ranges::reverse(out.events);
  if (!out.events.empty()) {
    out.forward = make_token(true, out.events.back().id);
    out.backward = make_token(false, out.events.front().id);
  } else if (token) {
    // At the end the same token again; the other one turns round.
    out.forward = token->forward ? query.token : make_token(true, {token->id.time, token->id.chunk, token->id.index});
    out.backward = token->forward ? make_token(false, after(token->id)) : query.token;
    if (!token->forward && token->id.index > 0)
      out.forward = make_token(true, {token->id.time, token->id.chunk, token->id.index - 1});
    else if (!token->forward && token->id.chunk > 0)
      out.forward = make_token(true, {token->id.time, token->id.chunk - 1, ~std::uint32_t{0} - 1});
  } else {
    const EventId first{.time = std::max<Millis>(range.first.time, 0)};
    out.forward = make_token(true, first);
    out.backward = make_token(false, query.end ? range.last : EventId{.time = std::max(first.time, now())});
  }
  return out;
}

/// Group and stream of the server's own lines.
Result<void> Logs::create_missing(const std::string& group, const std::string& stream_name) {
  constexpr std::string_view kExists = "ResourceAlreadyExistsException";
  if (find(group) == nullptr) {
    Group made;
    made.name = group;
    if (auto created = create_group(std::move(made)); !created && created.error().code != kExists) return fail(created);
  }
  if (auto created = create_stream(group, stream_name); !created && created.error().code != kExists)
    return fail(created);
  return {};
}

Result<void> Logs::write(const std::vector<Lines>& lines) {
  struct Target {
    const Lines* lines;
    std::shared_ptr<const Group> group;
    Stream stream;
  };
  std::vector<Target> targets;
  std::vector<std::string> keys;
  for (const auto& one : lines) {
    auto owner = find(one.group);
    auto found = owner ? stream(*owner, one.stream) : Result<Stream>(stream_not_found());
    if (!found && found.error().code == "ResourceNotFoundException") {
      if (auto made = create_missing(one.group, one.stream); !made) return fail(made);
      owner = find(one.group);
      found = owner ? stream(*owner, one.stream) : Result<Stream>(stream_not_found());
    }
    if (!found) return fail(found);
    keys.push_back("stream/" + found->uid);
    targets.push_back({&one, std::move(owner), std::move(*found)});
  }
  const auto held = latches_.acquire(keys);
  std::vector<Write> writes;
  std::vector<std::vector<EventView>> ids(targets.size());
  std::map<std::pair<std::string, std::string>, Stream> updated;
  std::map<std::pair<std::string, std::string>, std::string> before;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    auto& target = targets[i];
    const std::pair key{target.group->uid, target.stream.name};
    if (!updated.contains(key)) {
      auto value = store_.get(kStreams, {key.first, key.second});
      if (!value) return from_store(value);
      if (!*value) return stream_not_found();  // deleted just now: the caller may try again
      auto current = decode_stream(key.second, **value);
      if (!current) return fail(current);
      updated[key] = std::move(*current);
      before[key] = std::move(**value);
    }
    auto& record = updated[key];
    target.stream = record;
    add_chunks(record, target.lines->events, ids[i], record, writes);
  }
  for (const auto& [key, record] : updated)
    writes.push_back({.table = kStreams,
                      .key = {key.first, key.second},
                      .value = encode(record),
                      .expect = Write::Expect::SameValue,
                      .expected_value = before[key]});
  std::vector<std::vector<std::shared_ptr<void>>> prepared(targets.size());
  for (std::size_t i = 0; i < targets.size(); ++i)
    for (auto* follower : followers_)
      prepared[i].push_back(follower->prepare({*targets[i].group, targets[i].stream.name, ids[i]}, writes));
  auto committed = store_.commit(std::move(writes));
  if (!committed) return from_store(committed);
  for (std::size_t i = 0; i < targets.size(); ++i)
    for (std::size_t f = 0; f < followers_.size(); ++f)
      followers_[f]->done({*targets[i].group, targets[i].stream.name, ids[i]}, prepared[i][f]);
  return {};
}

}  // namespace likeness::logs
