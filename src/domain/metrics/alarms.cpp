#include "domain/metrics/alarms.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/bytes.hpp"
#include "base/log.hpp"
#include "domain/record.hpp"

namespace likeness::metrics {
namespace {

using storage::Write;

constexpr const char* kAlarms = "metric_alarms";  // ("alarms"; name)
constexpr const char* kAllAlarms = "alarms";
constexpr const char* kHistory = "alarm_history";  // ("history"; time, number)
constexpr const char* kAllHistory = "history";
constexpr std::size_t kMost = 5000;
constexpr Millis kDay = 24 * 3600 * 1000;
constexpr Millis kHistoryKept = 30 * kDay;
constexpr int kAttempts = 5;
constexpr const char* kAnnouncements = "announcements";  // a lane of the queue

Failure from_store(const Error& error) {
  return server_error("InternalServiceFault", "The service cannot complete the request.",
                      error.code + ": " + error.message + " " + error.detail);
}
Failure not_found(const std::string& name) {
  return client_error("ResourceNotFound", fmt::format("Unknown alarm: {}", name));
}

std::string time_key(Millis time, std::uint64_t number) {
  std::string out;
  for (const std::uint64_t value : {static_cast<std::uint64_t>(std::max<Millis>(time, 0)), number})
    for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>((value >> shift) & 0xff));
  return out;
}

std::string encode(const HistoryItem& item) {
  domain::RecordWriter out;
  out.number(1, static_cast<std::uint64_t>(item.time));
  out.text(2, item.alarm);
  out.number(3, item.composite ? 1 : 0);
  out.text(4, item.type);
  out.text(5, item.summary);
  out.text(6, item.data);
  return out.take();
}
HistoryItem decode_item(std::string_view bytes) {
  HistoryItem out;
  domain::RecordReader in(bytes);
  while (in.next()) {
    switch (in.field()) {
      case 1: out.time = static_cast<Millis>(in.number()); break;
      case 2: out.alarm = in.text(); break;
      case 3: out.composite = in.number() != 0; break;
      case 4: out.type = in.text(); break;
      case 5: out.summary = in.text(); break;
      case 6: out.data = in.text(); break;
      default: break;
    }
  }
  return out;
}

/// "21/11/26 20:04:00", as reasons have it.
std::string reason_time(Seconds time) {
  return fmt::format("{:%d/%m/%y %H:%M:%S}", fmt::gmtime(static_cast<std::time_t>(time)));
}
std::string json_time(Seconds time) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.000+0000", fmt::gmtime(static_cast<std::time_t>(time)));
}
/// As Java prints doubles: "5.0".
std::string number_text(double value) {
  auto text = fmt::format("{}", value);
  if (text.find_first_of(".en") == std::string::npos) text += ".0";
  return text;
}

std::string_view comparison_words(AlarmComparison comparison, bool positive) {
  switch (comparison) {
    case AlarmComparison::GreaterOrEqual: return positive ? "greater than or equal to" : "not greater than or equal to";
    case AlarmComparison::Greater: return positive ? "greater than" : "not greater than";
    case AlarmComparison::Less: return positive ? "less than" : "not less than";
    case AlarmComparison::LessOrEqual: break;
  }
  return positive ? "less than or equal to" : "not less than or equal to";
}

std::string reason_of(const Alarm& alarm, const Evaluated& seen) {
  const int periods = alarm.evaluation_periods;
  if (seen.state == AlarmState::InsufficientData)
    return fmt::format("Insufficient Data: {} datapoint{} unknown.", periods, periods == 1 ? " was" : "s were");
  const bool alarmed = seen.state == AlarmState::Alarm;
  if (seen.points.empty())
    return fmt::format(
        "Threshold Crossed: no datapoints were received for {} period{} and {} missing datapoint{} treated "
        "as [{}].",
        periods, periods == 1 ? "" : "s", seen.filled, seen.filled == 1 ? " was" : "s were",
        alarmed ? "Breaching" : "NonBreaching");
  std::vector<std::string> points;
  for (const auto& [time, value] : seen.points)
    if (breaches(alarm, value) == alarmed)
      points.push_back(fmt::format("{} ({})", number_text(value), reason_time(time)));
  if (points.empty())
    for (const auto& [time, value] : seen.points)
      points.push_back(fmt::format("{} ({})", number_text(value), reason_time(time)));
  const int to_alarm = alarm.datapoints_to_alarm > 0 ? alarm.datapoints_to_alarm : periods;
  const int wanted = alarmed ? to_alarm : periods - to_alarm + 1;
  return fmt::format(
      "Threshold Crossed: {} out of the last {} datapoint{} [{}] {} {} the threshold ({}) (minimum {} "
      "datapoint{} for {} transition).",
      points.size(), periods, periods == 1 ? "" : "s", fmt::join(points, ", "), points.size() == 1 ? "was" : "were",
      comparison_words(alarm.comparison, alarmed), number_text(alarm.threshold), wanted, wanted == 1 ? "" : "s",
      alarmed ? "OK -> ALARM" : "ALARM -> OK");
}

/// StateReasonData of a metric's alarm: JSON.
std::string reason_data_of(const Alarm& alarm, const Evaluated& seen, Seconds now) {
  std::vector<std::string> recent;
  for (auto at = seen.points.rbegin(); at != seen.points.rend(); ++at) recent.push_back(number_text(at->second));
  std::string out = fmt::format(R"({{"version":"1.0","queryDate":"{}")", json_time(now));
  if (!seen.points.empty()) out += fmt::format(R"(,"startDate":"{}")", json_time(seen.points.back().first));
  if (alarm.stat) out += fmt::format(R"(,"statistic":"{}")", alarm.stat->stat);
  out += fmt::format(R"(,"period":{},"recentDatapoints":[{}],"threshold":{},"evaluatedDatapoints":[)", alarm.period(),
                     fmt::join(recent, ","), number_text(alarm.threshold));
  bool first = true;
  for (const auto& [time, value] : seen.points) {
    out += fmt::format(R"({}{{"timestamp":"{}","value":{}}})", first ? "" : ",", json_time(time), number_text(value));
    first = false;
  }
  return out + "]}";
}

/// What waits in the queue; without an action it is the announcement of the change.
std::string encode_delivery(const Alarm& alarm, const AlarmBefore& before, const std::string& action) {
  domain::RecordWriter out;
  out.text(1, encode(alarm));
  out.number(2, static_cast<std::uint64_t>(before.state));
  out.text(3, action);
  out.text(4, before.reason);
  out.text(5, before.reason_data);
  out.number(6, static_cast<std::uint64_t>(before.updated));
  return out.take();
}

}  // namespace

Result<std::unique_ptr<Alarms>> Alarms::open(storage::Store& store, const MetricStore& metrics, const Clock& clock,
                                             AlarmActions& actions) {
  std::unique_ptr<Alarms> out(new Alarms(store, metrics, clock, actions));
  Error damaged;
  auto read = store.scan(kAlarms, kAllAlarms, [&](std::string_view name, std::string_view value) {
    auto alarm = decode_alarm(value);
    if (!alarm) {
      damaged = std::move(alarm.error());
      return false;
    }
    out->alarms_.emplace(std::string(name), std::make_shared<const Alarm>(std::move(*alarm)));
    return true;
  });
  if (!read) return from_store(read.error());
  if (!damaged.code.empty()) return Failure(std::move(damaged));
  auto* alarms = out.get();
  auto queue =
      domain::DeliveryQueue::open(store, "alarms", clock, {.threads = 4, .per_lane = 1, .in_memory = 1024},
                                  [alarms](const domain::Delivery& delivery) { return alarms->deliver(delivery); });
  if (!queue) return fail(queue);
  out->queue_ = std::move(*queue);
  return out;
}

Alarms::~Alarms() { stop(); }

void Alarms::start() {
  queue_->start();
  upkeep_ = std::make_unique<Upkeep>(std::vector<Chore>{{.interval = std::chrono::seconds(1),
                                                         .run = [this](const Chore::GoOn&) -> Result<void> {
                                                           evaluate_due();
                                                           trim_history();
                                                           return {};
                                                         },
                                                         .trouble = {},
                                                         .at_once = true}});
}

void Alarms::stop() {
  if (upkeep_) upkeep_->stop();
  queue_->stop();
}

Millis Alarms::now() const {
  return std::chrono::floor<std::chrono::milliseconds>(clock_.now().time_since_epoch()).count();
}

Write Alarms::history_write(const HistoryItem& item) {
  return {.table = kHistory, .key = {kAllHistory, time_key(item.time, ++sequence_)}, .value = encode(item)};
}

std::shared_ptr<const Alarm> Alarms::find(const std::string& name) const {
  const std::shared_lock lock(mutex_);
  const auto at = alarms_.find(name);
  return at == alarms_.end() ? nullptr : at->second;
}

void Alarms::list(const std::string& first, const std::function<bool(const Alarm&)>& visit) const {
  const std::shared_lock lock(mutex_);
  for (auto at = alarms_.lower_bound(first); at != alarms_.end(); ++at)
    if (!visit(*at->second)) return;
}

Result<void> Alarms::put(Alarm alarm) {
  const std::lock_guard changing(changing_);
  const auto before = find(alarm.name);
  alarm.configured = now();
  if (before != nullptr) {
    alarm.state = before->state;
    alarm.reason = before->reason;
    alarm.reason_data = before->reason_data;
    alarm.state_updated = before->state_updated;
    alarm.transitioned = before->transitioned;
    alarm.previous = before->previous;
    alarm.actions_due = before->actions_due;
    alarm.suppressed = before->suppressed;
    alarm.tags = before->tags;
  } else {
    const std::shared_lock lock(mutex_);
    if (alarms_.size() >= kMost)
      return client_error("LimitExceededFault", "The quota for alarms for this customer has already been reached.");
    alarm.reason = "Unchecked: Initial alarm creation";
    alarm.state_updated = alarm.transitioned = alarm.configured;
  }
  HistoryItem item{alarm.configured, alarm.name, alarm.is_composite(), "ConfigurationUpdate", {}, {}};
  item.summary = fmt::format("Alarm \"{}\" {}", alarm.name, before == nullptr ? "created" : "updated");
  item.data = fmt::format(R"({{"version":"1.0","type":"{}"}})", before == nullptr ? "Create" : "Update");
  auto committed =
      store_.commit({{.table = kAlarms, .key = {kAllAlarms, alarm.name}, .value = encode(alarm)}, history_write(item)});
  if (!committed) return from_store(committed.error());
  const std::unique_lock lock(mutex_);
  auto name = alarm.name;
  alarms_[name] = std::make_shared<const Alarm>(std::move(alarm));
  return {};
}

Result<void> Alarms::remove(const std::vector<std::string>& names) {
  const std::lock_guard changing(changing_);
  std::set<std::string> there;
  for (const auto& name : names)
    if (find(name) != nullptr) there.insert(name);
  if (there.empty() && names.size() == 1) return not_found(names.front());
  std::vector<Write> writes;
  for (const auto& name : there) {
    const auto alarm = find(name);
    writes.push_back({.table = kAlarms, .key = {kAllAlarms, name}, .value = std::nullopt});
    HistoryItem item{now(), name, alarm->is_composite(), "ConfigurationUpdate", {}, {}};
    item.summary = fmt::format("Alarm \"{}\" deleted", name);
    item.data = R"({"version":"1.0","type":"Delete"})";
    writes.push_back(history_write(item));
  }
  if (writes.empty()) return {};
  for (std::size_t from = 0; from < writes.size(); from += storage::kMaxWritesInCommit) {
    const auto end = std::min(writes.size(), from + storage::kMaxWritesInCommit);
    auto committed = store_.commit({std::make_move_iterator(writes.begin() + static_cast<std::ptrdiff_t>(from)),
                                    std::make_move_iterator(writes.begin() + static_cast<std::ptrdiff_t>(end))});
    if (!committed) return from_store(committed.error());
  }
  const std::unique_lock lock(mutex_);
  for (const auto& name : there) alarms_.erase(name);
  return {};
}

Result<void> Alarms::change(const std::string& name, const std::function<Result<void>(Alarm&)>& change) {
  const std::lock_guard changing(changing_);
  const auto alarm = find(name);
  if (alarm == nullptr) return not_found(name);
  auto changed = std::make_shared<Alarm>(*alarm);
  if (auto made = change(*changed); !made) return made;
  auto committed = store_.commit({{.table = kAlarms, .key = {kAllAlarms, name}, .value = encode(*changed)}});
  if (!committed) return from_store(committed.error());
  const std::unique_lock lock(mutex_);
  alarms_[name] = std::move(changed);
  return {};
}

/// With changing_ held.
Result<void> Alarms::transition(const Alarm& alarm, AlarmState to, std::string reason, std::string data, bool by_hand) {
  constexpr std::size_t kReason = 1023;
  if (reason.size() > kReason) reason.resize(kReason);
  const AlarmState from = alarm.state;
  auto changed = std::make_shared<Alarm>(alarm);
  changed->state = to;
  changed->reason = std::move(reason);
  changed->reason_data = std::move(data);
  changed->state_updated = now();
  std::vector<domain::DeliveryQueue::Ticket> tickets;
  std::vector<Write> writes;
  if (from != to) {
    const AlarmBefore before{from, alarm.reason, alarm.reason_data, alarm.state_updated};
    changed->transitioned = changed->state_updated;
    changed->previous = from;
    changed->actions_due = alarm.actions_enabled;
    changed->suppressed = suppressed_by(*changed, find(changed->suppressor).get(), changed->state_updated);
    if (changed->suppressed == Suppressed::No) {
      if (changed->actions_due) add_actions(*changed, before, tickets);
      changed->actions_due = false;
    }
    tickets.push_back(queue_->begin({.lane = kAnnouncements, .body = encode_delivery(*changed, before, {})}));
    for (const auto& ticket : tickets) writes.push_back(ticket.write());
  }
  writes.push_back({.table = kAlarms, .key = {kAllAlarms, alarm.name}, .value = encode(*changed)});
  if (from != to || by_hand) {
    HistoryItem item{changed->state_updated, alarm.name, alarm.is_composite(), "StateUpdate", {}, {}};
    item.summary = fmt::format("Alarm updated from {} to {}", to_text(from), to_text(to));
    item.data = fmt::format(R"({{"version":"1.0","oldState":{{"stateValue":"{}"}},"newState":{{"stateValue":"{}"}}}})",
                            to_text(from), to_text(to));
    writes.push_back(history_write(item));
  }
  if (auto committed = store_.commit(std::move(writes)); !committed) return from_store(committed.error());
  {
    const std::unique_lock lock(mutex_);
    alarms_[alarm.name] = std::move(changed);
  }
  for (auto& ticket : tickets) ticket.committed();
  return {};
}

void Alarms::add_actions(const Alarm& alarm, const AlarmBefore& before,
                         std::vector<domain::DeliveryQueue::Ticket>& tickets) {
  const auto& actions = alarm.state == AlarmState::Ok      ? alarm.ok_actions
                        : alarm.state == AlarmState::Alarm ? alarm.alarm_actions
                                                           : alarm.insufficient_data_actions;
  for (const auto& action : actions)
    tickets.push_back(queue_->begin({.lane = action, .body = encode_delivery(alarm, before, action)}));
}

domain::Verdict Alarms::deliver(const domain::Delivery& delivery) {
  Result<Alarm> alarm = Alarm();
  AlarmBefore before;
  std::string action;
  domain::RecordReader in(delivery.body);
  while (in.next()) {
    switch (in.field()) {
      case 1: alarm = decode_alarm(in.text()); break;
      case 2: before.state = static_cast<AlarmState>(std::min<std::uint64_t>(in.number(), 2)); break;
      case 3: action = in.text(); break;
      case 4: before.reason = in.text(); break;
      case 5: before.reason_data = in.text(); break;
      case 6: before.updated = static_cast<Millis>(in.number()); break;
      default: break;
    }
  }
  if (!alarm) return domain::Verdict::done();
  auto done = action.empty() ? actions_.announce(*alarm, before) : actions_.perform(*alarm, before, action);
  // What may pass by itself is tried again; what the caller did wrong stays wrong.
  if (!done && done.error().fault == Error::Fault::Server && delivery.attempts + 1 < kAttempts)
    return domain::Verdict::retry(clock_.now() + std::chrono::seconds(1 << delivery.attempts));
  if (action.empty()) {
    if (!done) log::warn("the change of alarm {} was not announced: {}", alarm->name, done.error().message);
    return domain::Verdict::done();
  }
  HistoryItem item{now(), alarm->name, alarm->is_composite(), "Action", {}, {}};
  item.summary = done
                     ? fmt::format("Successfully executed action {}", action)
                     : fmt::format("Failed to execute action {}. Received error: \"{}\"", action, done.error().message);
  if (item.summary.size() > 255) item.summary.resize(255);
  item.data = fmt::format(R"({{"actionState":"{}","stateUpdateTimestamp":{},"notificationResource":"{}"}})",
                          done ? "Succeeded" : "Failed", alarm->state_updated, action);
  if (auto noted = store_.commit({history_write(item)}); !noted)
    log::warn("the history of alarm {} lacks an action: {}", alarm->name, noted.error().message);
  return domain::Verdict::done();
}

Result<void> Alarms::set_state(const std::string& name, AlarmState state, std::string reason, std::string data) {
  {
    const std::lock_guard changing(changing_);
    const auto alarm = find(name);
    if (alarm == nullptr) return not_found(name);
    if (auto done = transition(*alarm, state, std::move(reason), std::move(data), true); !done) return done;
  }
  evaluate_composites();
  return {};
}

void Alarms::evaluate_one(const std::string& name) {
  const auto alarm = find(name);
  if (alarm == nullptr) return;
  const Seconds time = now() / 1000;
  auto seen = evaluate(*alarm, metrics_, time);
  if (!seen) {
    log::warn("alarm {} cannot be evaluated: {} {}", name, seen.error().message, seen.error().detail);
    return;
  }
  if (seen->state == alarm->state) return;
  const std::lock_guard changing(changing_);
  const auto current = find(name);
  // Changed meanwhile: the next look is soon enough.
  if (current != alarm) return;
  auto done = transition(*alarm, seen->state, reason_of(*alarm, *seen), reason_data_of(*alarm, *seen, time), false);
  if (!done) log::warn("the state of alarm {} cannot be stored: {}", name, done.error().detail);
}

/// Until nothing changes any more: composites may be of composites.
void Alarms::evaluate_composites() {
  for (int round = 0; round < 10; ++round) {
    std::vector<std::shared_ptr<const Alarm>> composites;
    list({}, [&](const Alarm& alarm) {
      if (alarm.is_composite()) composites.push_back(std::make_shared<const Alarm>(alarm));
      return true;
    });
    bool changed = false;
    for (const auto& alarm : composites) {
      const auto rule = AlarmRule::parse(alarm->rule);
      if (!rule) continue;
      const auto state_of = [&](const std::string& name) {
        const auto other = find(name);
        return other == nullptr ? AlarmState::InsufficientData : other->state;
      };
      const auto state = rule->holds(state_of) ? AlarmState::Alarm : AlarmState::Ok;
      if (state == alarm->state) continue;
      const std::lock_guard changing(changing_);
      const auto current = find(alarm->name);
      if (current == nullptr || current->state != alarm->state) continue;
      auto reason = fmt::format("{} transitioned to {}: the rule {}", alarm->name, to_text(state), alarm->rule);
      if (auto done = transition(*current, state, std::move(reason), {}, false); !done)
        log::warn("the state of alarm {} cannot be stored: {}", alarm->name, done.error().detail);
      changed = true;
    }
    if (!changed) return;
  }
}

void Alarms::evaluate_due() {
  const Seconds time = now() / 1000;
  std::vector<std::string> due;
  std::map<std::string, Seconds> looked_at;
  list({}, [&](const Alarm& alarm) {
    if (alarm.is_composite()) return true;
    // A minute's data are complete a few seconds after its end: what is recorded inside is stored with a delay.
    constexpr Seconds kGrace = 8;
    const Seconds period = alarm.period();
    const Seconds step = period < 60 ? (time - 2) / 10 : (time - kGrace) / 60;
    // A new configuration is looked at at once.
    const Seconds mark = step * 100'000 + alarm.configured % 100'000;
    looked_at[alarm.name] = mark;
    const auto at = evaluated_.find(alarm.name);
    if (at == evaluated_.end() || at->second != mark) due.push_back(alarm.name);
    return true;
  });
  evaluated_ = std::move(looked_at);
  for (const auto& name : due) evaluate_one(name);
  evaluate_composites();
  release_suppressed();
}

void Alarms::release_suppressed() {
  std::vector<std::string> waiting;
  list({}, [&](const Alarm& alarm) {
    if (alarm.actions_due) waiting.push_back(alarm.name);
    return true;
  });
  for (const auto& name : waiting) {
    const std::lock_guard changing(changing_);
    const auto alarm = find(name);
    if (alarm == nullptr || !alarm->actions_due) continue;
    const auto by = suppressed_by(*alarm, find(alarm->suppressor).get(), now());
    if (by == alarm->suppressed) continue;
    auto changed = std::make_shared<Alarm>(*alarm);
    changed->suppressed = by;
    std::vector<domain::DeliveryQueue::Ticket> tickets;
    if (by == Suppressed::No) {
      changed->actions_due = false;
      if (alarm->actions_enabled) add_actions(*changed, {.state = alarm->previous}, tickets);
    }
    std::vector<Write> writes = {{.table = kAlarms, .key = {kAllAlarms, name}, .value = encode(*changed)}};
    for (const auto& ticket : tickets) writes.push_back(ticket.write());
    if (auto committed = store_.commit(std::move(writes)); !committed) {
      log::warn("the actions of alarm {} have to wait: {}", name, committed.error().message);
      continue;
    }
    {
      const std::unique_lock lock(mutex_);
      alarms_[name] = std::move(changed);
    }
    for (auto& ticket : tickets) ticket.committed();
  }
}

void Alarms::trim_history() {
  const Millis time = now();
  if (time - trimmed_ < kDay / 24) return;
  trimmed_ = time;
  while (true) {
    auto page =
        store_.range(kHistory, kAllHistory,
                     {.first = {}, .last = time_key(time - kHistoryKept, 0), .limit = storage::kMaxWritesInCommit});
    if (!page || page->items.empty()) return;
    std::vector<Write> writes;
    writes.reserve(page->items.size());
    for (const auto& item : page->items) writes.push_back({.table = kHistory, .key = item.key, .value = std::nullopt});
    if (!store_.commit(std::move(writes))) return;
  }
}

Result<HistoryPage> Alarms::history(const HistoryQuery& query) const {
  storage::Range range;
  range.reverse = !query.oldest_first;
  range.limit = 500;
  range.first = time_key(std::max(query.from, now() - kHistoryKept), 0);
  if (query.to < std::numeric_limits<Millis>::max()) range.last = time_key(query.to + 1, 0);
  if (!query.token.empty()) {
    const auto position = from_hex(query.token);
    if (!position || position->size() != 16) return client_error("InvalidNextToken", "The next token is invalid.");
    if (query.oldest_first)
      range.first = std::string(as_text(*position));
    else
      range.last = std::string(as_text(*position)) + '\0';
  }
  HistoryPage out;
  while (true) {
    auto page = store_.range(kHistory, kAllHistory, range);
    if (!page) return from_store(page.error());
    for (const auto& stored : page->items) {
      auto item = decode_item(stored.value);
      if (!query.alarm.empty() && item.alarm != query.alarm) continue;
      if (!query.type.empty() && item.type != query.type) continue;
      if (out.items.size() == query.limit) {
        out.token = to_hex(as_bytes(stored.key.sort));
        return out;
      }
      out.items.push_back(std::move(item));
    }
    if (!page->next) return out;
    (query.oldest_first ? range.first : range.last.emplace()) = *page->next;
  }
}

}  // namespace likeness::metrics
