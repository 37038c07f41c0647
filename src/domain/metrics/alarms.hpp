#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/upkeep.hpp"
#include "domain/delivery_queue.hpp"
#include "domain/metrics/alarm.hpp"
#include "storage/store.hpp"

namespace likeness::metrics {

struct HistoryItem {
  Millis time = 0;
  std::string alarm;
  bool composite = false;
  std::string type;  // "ConfigurationUpdate", "StateUpdate", "Action"
  std::string summary, data;
};

/// Where an alarm's state came from.
struct AlarmBefore {
  AlarmState state = AlarmState::InsufficientData;
  std::string reason, reason_data;
  Millis updated = 0;
};

/// What an alarm does when its state changes: tells a topic, invokes a function. May block; called by several threads.
class AlarmActions {
 public:
  virtual ~AlarmActions() = default;
  /// `action` is an ARN. The error's message goes into the history.
  virtual Result<void> perform(const Alarm& alarm, const AlarmBefore& before, const std::string& action) = 0;
  /// Of every change, whatever actions the alarm has.
  virtual Result<void> announce(const Alarm&, const AlarmBefore&) { return {}; }
};

struct HistoryQuery {
  std::string alarm, type;  // empty: all
  Millis from = 0, to = std::numeric_limits<Millis>::max();
  bool oldest_first = false;
  std::size_t limit = 100;
  std::string token;
};
struct HistoryPage {
  std::vector<HistoryItem> items;
  std::string token;  // empty at the end
};

/// The alarms, the thread that evaluates them, and their history. A change of state, its entry in the history and what
/// it sets in motion are one commit, so that none is lost. Held in memory (AWS: 5,000 an account). Thread-safe.
class Alarms {
 public:
  static Result<std::unique_ptr<Alarms>> open(storage::Store& store, const MetricStore& metrics, const Clock& clock,
                                              AlarmActions& actions);
  ~Alarms();

  /// Evaluates from now on.
  void start();
  void stop();

  /// New, or with a new configuration; state and tags of one that is there stay. Error: LimitExceededFault.
  Result<void> put(Alarm alarm);
  /// Those that are not there are none's mistake unless all of them are alone: AWS ignores unknown names among others.
  Result<void> remove(const std::vector<std::string>& names);
  Result<void> set_state(const std::string& name, AlarmState state, std::string reason, std::string data);
  /// Changes what is no configuration: whether actions are enabled, tags.
  Result<void> change(const std::string& name, const std::function<Result<void>(Alarm&)>& change);

  std::shared_ptr<const Alarm> find(const std::string& name) const;
  /// By name, from `first` on, until `visit` returns false.
  void list(const std::string& first, const std::function<bool(const Alarm&)>& visit) const;
  Result<HistoryPage> history(const HistoryQuery& query) const;

  /// Looks at every alarm that is due; what the thread does each second.
  void evaluate_due();

 private:
  Alarms(storage::Store& store, const MetricStore& metrics, const Clock& clock, AlarmActions& actions)
      : store_(store), metrics_(metrics), clock_(clock), actions_(actions) {}

  Millis now() const;
  void evaluate_one(const std::string& name);
  void evaluate_composites();
  /// Performs what was suppressed and is no longer.
  void release_suppressed();
  /// Appends what there is to do for the state that `alarm` is in.
  void add_actions(const Alarm& alarm, const AlarmBefore& before, std::vector<domain::DeliveryQueue::Ticket>& tickets);
  Result<void> transition(const Alarm& alarm, AlarmState to, std::string reason, std::string data, bool by_hand);
  storage::Write history_write(const HistoryItem& item);
  domain::Verdict deliver(const domain::Delivery& delivery);
  void trim_history();

  storage::Store& store_;
  const MetricStore& metrics_;
  const Clock& clock_;
  AlarmActions& actions_;
  std::unique_ptr<domain::DeliveryQueue> queue_;

  std::mutex changing_;  // one change of an alarm at a time
  mutable std::shared_mutex mutex_;
  std::map<std::string, std::shared_ptr<const Alarm>> alarms_;
  std::map<std::string, Seconds> evaluated_;  // the step in which an alarm was last looked at; evaluator's alone
  std::atomic<std::uint64_t> sequence_ = 0;
  Millis trimmed_ = 0;
  std::unique_ptr<Upkeep> upkeep_;  // evaluates
};

}  // namespace likeness::metrics
