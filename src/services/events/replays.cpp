#include "services/events/replays.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/log.hpp"
#include "domain/record.hpp"
#include "services/events/archives.hpp"

namespace likeness::eventbridge {

namespace {

using State = shapes::ReplayState;

constexpr std::string_view kTable = "events";
constexpr std::string_view kPartition = "replays";
constexpr std::size_t kEventsAtOnce = 20;
constexpr std::chrono::hours kForgetEvery{1};

constexpr std::uint8_t kName = 1, kDescription = 2, kArchive = 3, kBus = 4, kOnly = 5, kFrom = 6, kTo = 7, kStarted = 8,
                       kEnded = 9, kLast = 10, kState = 11, kPlace = 12;
constexpr std::array<State, 6> kStates = {State::Starting,  State::Running,   State::Cancelling,
                                          State::Completed, State::Cancelled, State::Failed};

std::uint64_t number(TimePoint time) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count());
}
TimePoint time_of(std::uint64_t number) {
  return TimePoint(std::chrono::milliseconds(static_cast<std::int64_t>(number)));
}

std::string encode(const Replay& replay) {
  domain::RecordWriter writer;
  writer.text(kName, replay.name);
  if (replay.description) writer.text(kDescription, *replay.description);
  writer.text(kArchive, replay.archive);
  writer.text(kBus, replay.bus);
  for (const auto& rule : replay.only) writer.text(kOnly, rule);
  writer.number(kFrom, number(replay.from));
  writer.number(kTo, number(replay.to));
  writer.number(kStarted, number(replay.started));
  if (replay.ended) writer.number(kEnded, number(*replay.ended));
  if (replay.last_event) writer.number(kLast, number(*replay.last_event));
  writer.text(kState, shapes::to_text(replay.state));
  writer.text(kPlace, replay.place);
  return writer.take();
}

Result<Replay> decode(std::string_view bytes) {
  Replay replay;
  domain::RecordReader reader(bytes);
  while (reader.next()) {
    switch (reader.field()) {
      case kName: replay.name = reader.text(); break;
      case kDescription: replay.description = reader.text(); break;
      case kArchive: replay.archive = reader.text(); break;
      case kBus: replay.bus = reader.text(); break;
      case kOnly: replay.only.emplace_back(reader.text()); break;
      case kFrom: replay.from = time_of(reader.number()); break;
      case kTo: replay.to = time_of(reader.number()); break;
      case kStarted: replay.started = time_of(reader.number()); break;
      case kEnded: replay.ended = time_of(reader.number()); break;
      case kLast: replay.last_event = time_of(reader.number()); break;
      case kState:
        for (const State state : kStates)
          if (shapes::to_text(state) == reader.text()) replay.state = state;
        break;
      case kPlace: replay.place = reader.text(); break;
      default: break;
    }
  }
  if (!reader.ok()) return server_error("InternalException", "Internal error.", "a record of a replay is damaged");
  return replay;
}

storage::Write write_of(const Replay& replay) {
  return {.table = std::string(kTable),
          .key = {std::string(kPartition), replay.name},
          .value = encode(replay),
          .expect = storage::Write::Expect::Anything,
          .expected_value = {}};
}

bool is_active(State state) {
  return state == State::Starting || state == State::Running || state == State::Cancelling;
}

}  // namespace

Result<std::unique_ptr<Replays>> Replays::open(Registry& registry, Dispatcher& dispatcher) {
  auto replays = std::unique_ptr<Replays>(new Replays(registry, dispatcher));
  Result<void> outcome;
  auto done = registry.store().scan(kTable, kPartition, [&](std::string_view, std::string_view value) {
    auto replay = decode(value);
    if (!replay) {
      outcome = fail(replay);
      return false;
    }
    replay->arn = registry.replay_arn(replay->name);
    const std::string name = replay->name;
    replays->replays_.emplace(name, std::move(*replay));
    return true;
  });
  if (!done) return fail(done);
  if (!outcome) return fail(outcome);
  return replays;
}

void Replays::start() {
  thread_ = std::thread([this] { run(); });
}

void Replays::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Result<void> Replays::keep(const Replay& replay) { return registry_.store().commit({write_of(replay)}); }

void Replays::put(const Replay& replay) {
  const std::lock_guard lock(mutex_);
  replays_.insert_or_assign(replay.name, replay);
}

Result<Replay> Replays::begin(Replay replay) {
  {
    const std::lock_guard lock(mutex_);
    if (replays_.contains(replay.name))
      return client_error("ResourceAlreadyExistsException", fmt::format("Replay {} already exists.", replay.name));
    const auto active =
        std::count_if(replays_.begin(), replays_.end(), [](const auto& one) { return is_active(one.second.state); });
    if (static_cast<std::size_t>(active) >= kMostActive)
      return client_error("LimitExceededException", "The requested resource exceeds the maximum number allowed.");
    replay.arn = registry_.replay_arn(replay.name);
    replay.started = registry_.clock().now();
    replays_.emplace(replay.name, replay);
  }
  if (auto kept = keep(replay); !kept) {
    const std::lock_guard lock(mutex_);
    replays_.erase(replay.name);
    return fail(kept);
  }
  wake_.notify_all();
  return replay;
}

Result<Replay> Replays::find(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  const auto found = replays_.find(name);
  if (found == replays_.end())
    return client_error("ResourceNotFoundException", fmt::format("Replay {} does not exist.", name));
  return found->second;
}

Result<Replay> Replays::cancel(std::string_view name) {
  const std::lock_guard lock(mutex_);
  const auto found = replays_.find(name);
  if (found == replays_.end())
    return client_error("ResourceNotFoundException", fmt::format("Replay {} does not exist.", name));
  if (found->second.state != State::Starting && found->second.state != State::Running)
    return client_error("IllegalStatusException",
                        fmt::format("Replay {} is not in a valid state for this operation.", name));
  found->second.state = State::Cancelling;
  wake_.notify_all();
  return found->second;
}

std::vector<Replay> Replays::list(std::string_view prefix) const {
  const std::lock_guard lock(mutex_);
  std::vector<Replay> out;
  for (auto at = replays_.lower_bound(prefix); at != replays_.end() && at->first.starts_with(prefix); ++at)
    out.push_back(at->second);
  return out;
}

void Replays::run() {
  while (true) {
    std::vector<std::string> active;
    {
      std::unique_lock lock(mutex_);
      const auto collect = [&] {
        for (const auto& [name, replay] : replays_)
          if (is_active(replay.state)) active.push_back(name);
        return !active.empty();
      };
      if (!stopping_ && !collect()) wake_.wait_for(lock, std::chrono::minutes(1));
      if (stopping_) return;
    }
    bool waiting = false;
    for (const auto& name : active) waiting = !step(name) || waiting;
    forget_old();
    if (waiting) {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, std::chrono::seconds(5), [this] { return stopping_; });
    }
  }
}

/// Sends the next events of a replay. False if the store does not take them now.
bool Replays::step(const std::string& name) {
  auto found = find(name);
  if (!found) return true;
  Replay replay = std::move(*found);
  const TimePoint now = registry_.clock().now();
  const auto end = [&](State state) {
    replay.state = state;
    replay.ended = now;
    if (auto kept = keep(replay); !kept) return false;
    put(replay);
    return true;
  };
  if (replay.state == State::Cancelling) return end(State::Cancelled);
  const auto archive = registry_.archive(replay.archive);
  if (!archive) return end(State::Failed);
  auto page = read_archived(registry_.store(), **archive, replay.from, replay.to, replay.place, kEventsAtOnce);
  if (!page) return false;
  if (page->empty()) return end(State::Completed);
  std::vector<Event> batch;
  for (auto& kept : *page) {
    Event event{.bus = replay.bus, .id = kept.id, .json = std::move(kept.json), .time = kept.time};
    event.replayed = true;
    // Targets are told: it stands behind the region, as on AWS.
    if (const std::size_t at = event.json.find(R"("resources":)"); at != std::string::npos)
      event.json.insert(at, fmt::format(R"("replay-name":"{}",)", replay.name));
    if (!replay.only.empty()) event.only.emplace(replay.only.begin(), replay.only.end());
    batch.push_back(std::move(event));
  }
  replay.state = State::Running;
  replay.place = page->back().place;
  replay.last_event = page->back().time;
  if (auto sent = dispatcher_.publish(batch, {write_of(replay)}); !sent) {
    log::warn("events: replay {} waits: {}", name, sent.error().message);
    return false;
  }
  const std::lock_guard lock(mutex_);
  Replay& current = replays_.find(name)->second;
  if (current.state == State::Cancelling) replay.state = State::Cancelling;
  current = std::move(replay);
  return true;
}

void Replays::forget_old() {
  const TimePoint now = registry_.clock().now();
  if (now - last_forgotten_ < kForgetEvery) return;
  last_forgotten_ = now;
  for (const auto& archive : registry_.archives("")) {
    if (archive->retention_days == 0) continue;
    const auto done = forget_archived(registry_.store(), *archive, now - std::chrono::days(archive->retention_days));
    if (!done) log::warn("events: archive {} could not be tidied: {}", archive->name, done.error().message);
  }
}

}  // namespace likeness::eventbridge
