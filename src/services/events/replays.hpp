#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "services/events/dispatcher.hpp"
#include "services/events/registry.hpp"

namespace likeness::eventbridge {

/// Sends archived events to their bus again.
struct Replay {
  std::string name;
  std::string arn;
  std::optional<std::string> description = {};
  std::string archive;  // by name
  std::string bus;
  std::vector<std::string> only = {};  // rules, by ARN; empty: all
  TimePoint from{}, to{};
  TimePoint started{};
  std::optional<TimePoint> ended = {}, last_event = {};
  shapes::ReplayState state = shapes::ReplayState::Starting;
  std::string place = {};  // of the last event that was sent
};

/// The replays of this server, one thread for all. How far each is moves on in the commit that accepts its events, and
/// a restart goes on there. Also forgets archived events that are past their archive's retention. Thread-safe.
class Replays {
 public:
  static constexpr std::size_t kMostActive = 10;

  static Result<std::unique_ptr<Replays>> open(Registry& registry, Dispatcher& dispatcher);
  ~Replays() { stop(); }
  Replays(const Replays&) = delete;
  Replays& operator=(const Replays&) = delete;

  void start();
  void stop();

  Result<Replay> begin(Replay replay);
  Result<Replay> find(std::string_view name) const;
  Result<Replay> cancel(std::string_view name);
  std::vector<Replay> list(std::string_view prefix) const;

 private:
  Replays(Registry& registry, Dispatcher& dispatcher) : registry_(registry), dispatcher_(dispatcher) {}

  void run();
  bool step(const std::string& name);
  void forget_old();
  Result<void> keep(const Replay& replay);
  void put(const Replay& replay);

  Registry& registry_;
  Dispatcher& dispatcher_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::map<std::string, Replay, std::less<>> replays_;
  TimePoint last_forgotten_{};
  std::thread thread_;
};

}  // namespace likeness::eventbridge
