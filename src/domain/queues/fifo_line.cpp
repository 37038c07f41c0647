#include <map>

#include "domain/queues/line.hpp"
#include "domain/queues/sequences.hpp"

namespace likeness::queues {
namespace {

constexpr std::size_t kBatch = 1000;

/// The oldest messages of the queue, each in its group. A group can give messages if none of it is in flight and its
/// oldest one is neither delayed nor still being committed: so order holds whatever commits overtake each other.
class FifoLine final : public Line {
 public:
  FifoLine(const storage::Store& store, std::string partition, Sequence last, std::size_t window)
      : store_(store), partition_(std::move(partition)), window_(window), sequences_(last) {}

  Sequence expect(const std::string& group) override {
    const std::lock_guard lock(mutex_);
    const Sequence sequence = sequences_.next();
    if (spilled_ || entries_.size() >= window_) {
      spilled_ = true;
      beyond_.insert(sequence);
    } else {
      insert(sequence, group, Phase::Expected, 0);
    }
    return sequence;
  }

  void added(const Place& place) override {
    const std::lock_guard lock(mutex_);
    if (beyond_.erase(place.sequence) != 0) return;
    const auto at = entries_.find(place.sequence);
    if (at != entries_.end() && at->second.phase == Phase::Expected) settle(at->first, at->second, place.at, false);
  }

  void dropped(Sequence sequence) override {
    const std::lock_guard lock(mutex_);
    beyond_.erase(sequence);
    erase(sequence);
  }

  Result<std::vector<Place>> take(std::size_t limit, Millis now) override {
    if (auto read = read_on(); !read) return fail(read);
    const std::lock_guard lock(mutex_);
    expire(now);
    std::vector<Place> out;
    while (out.size() < limit && !available_.empty()) {
      Group& group = *available_.begin()->second;
      for (auto at = group.members.begin(); at != group.members.end() && out.size() < limit; ++at) {
        Entry& entry = entries_.find(*at)->second;
        if (entry.phase != Phase::Waiting) break;
        entry.phase = Phase::InFlight;
        ++group.in_flight;
        out.push_back({entry.at, *at});
      }
      update(group);
    }
    return out;
  }

  void moved(const Place& to, bool received) override {
    const std::lock_guard lock(mutex_);
    const auto at = entries_.find(to.sequence);
    if (at != entries_.end()) settle(at->first, at->second, to.at, received);
  }

  void removed(Sequence sequence) override {
    const std::lock_guard lock(mutex_);
    erase(sequence);
  }

  void put_back(const Place& place) override {
    const std::lock_guard lock(mutex_);
    const auto at = entries_.find(place.sequence);
    if (at != entries_.end()) settle(at->first, at->second, place.at, false);
  }

  Result<std::optional<Millis>> next_due(Millis now) override {
    const std::lock_guard lock(mutex_);
    expire(now);
    if (!available_.empty()) return std::optional(now);
    if (timers_.empty()) return std::optional<Millis>();
    return std::optional(timers_.begin()->at);
  }

  /// Until the window is full or everything is in it.
  Result<void> read_on() {
    {
      const std::lock_guard lock(mutex_);
      if (!spilled_ || entries_.size() > window_ / 2) return {};
    }
    const std::lock_guard reading(reading_);
    while (true) {
      Sequence from = 0;
      std::optional<Sequence> until;
      Sequence last = 0;
      {
        const std::lock_guard lock(mutex_);
        if (!spilled_ || entries_.size() >= window_) return {};
        from = read_until_;
        if (!beyond_.empty()) until = *beyond_.begin();
        last = sequences_.last();
      }
      storage::Range range{.first = sequence_key(from), .last = {}, .limit = kBatch};
      if (until) range.last = sequence_key(*until);
      auto page = store_.range(kStates, partition_, range);
      if (!page) return fail(page);
      const std::lock_guard lock(mutex_);
      for (const auto& item : page->items) {
        const Sequence sequence = read_number(item.key.sort);
        auto state = decode_state(item.value);
        if (!state) return fail(state);
        read_until_ = sequence + 1;
        if (entries_.contains(sequence)) continue;
        insert(sequence, state->group, Phase::Expected, 0);
        Entry& entry = entries_.find(sequence)->second;
        settle(sequence, entry, state->visible_at, state->receives != 0);
      }
      if (page->next) continue;
      // All is read if nothing has come since.
      if (!until && beyond_.empty() && sequences_.last() == last) spilled_ = false;
      return {};
    }
  }

 private:
  enum class Phase { Expected, Waiting, Delayed, InFlight };
  struct Group {
    std::string name;
    std::set<Sequence> members;
    std::size_t in_flight = 0;
    std::optional<Sequence> listed;  // under which it stands in available_
  };
  struct Entry {
    Group* group = nullptr;
    Phase phase = Phase::Expected;
    Millis at = 0;
  };

  void insert(Sequence sequence, const std::string& name, Phase phase, Millis at) {
    auto& group = groups_[name];
    if (!group) group = std::make_unique<Group>(Group{.name = name, .members = {}, .in_flight = 0, .listed = {}});
    group->members.insert(sequence);
    entries_[sequence] = {group.get(), phase, at};
    read_until_ = std::max(read_until_, sequence + 1);
  }

  /// Gives an entry the phase that it has from its time on. A time that has passed shows at the next `expire`.
  void settle(Sequence sequence, Entry& entry, Millis at, bool received) {
    if (entry.phase == Phase::InFlight) --entry.group->in_flight;
    if (entry.phase == Phase::InFlight || entry.phase == Phase::Delayed) timers_.erase({entry.at, sequence});
    entry.at = at;
    entry.phase = received ? Phase::InFlight : Phase::Delayed;
    if (received) ++entry.group->in_flight;
    timers_.insert({at, sequence});
    update(*entry.group);
  }

  void expire(Millis now) {
    while (!timers_.empty() && timers_.begin()->at <= now) {
      const auto at = entries_.find(timers_.begin()->sequence);
      timers_.erase(timers_.begin());
      if (at == entries_.end()) continue;
      Entry& entry = at->second;
      if (entry.phase == Phase::InFlight) --entry.group->in_flight;
      entry.phase = Phase::Waiting;
      update(*entry.group);
    }
  }

  void erase(Sequence sequence) {
    const auto at = entries_.find(sequence);
    if (at == entries_.end()) return;
    Entry& entry = at->second;
    timers_.erase({entry.at, sequence});
    Group& group = *entry.group;
    if (entry.phase == Phase::InFlight) --group.in_flight;
    group.members.erase(sequence);
    entries_.erase(at);
    update(group);
    if (group.members.empty()) groups_.erase(std::string(group.name));
  }

  /// Lists or unlists the group among those that can give messages.
  void update(Group& group) {
    std::optional<Sequence> head;
    if (group.in_flight == 0 && !group.members.empty() &&
        entries_.find(*group.members.begin())->second.phase == Phase::Waiting)
      head = *group.members.begin();
    if (group.listed == head) return;
    if (group.listed) available_.erase(*group.listed);
    if (head) available_.emplace(*head, &group);
    group.listed = head;
  }

  const storage::Store& store_;
  const std::string partition_;
  const std::size_t window_;
  Sequences sequences_;
  std::mutex reading_;  // taken before mutex_
  std::mutex mutex_;
  std::map<Sequence, Entry> entries_;
  std::unordered_map<std::string, std::unique_ptr<Group>> groups_;
  std::map<Sequence, Group*> available_;
  std::set<Place> timers_;
  std::set<Sequence> beyond_;  // outside the window and being committed
  Sequence read_until_ = 0;    // the window's end
  bool spilled_ = true;        // there may be messages outside the window
};

}  // namespace

Result<std::unique_ptr<Line>> make_fifo_line(const storage::Store& store, std::string partition, Sequence last,
                                             std::size_t window) {
  auto line = std::make_unique<FifoLine>(store, std::move(partition), last, window);
  if (auto read = line->read_on(); !read) return fail(read);
  return std::unique_ptr<Line>(std::move(line));
}

}  // namespace likeness::queues
