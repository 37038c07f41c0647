#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/gen/scheduler.hpp"
#include "aws/local_calls.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "domain/delivery_queue.hpp"
#include "domain/identity/service_roles.hpp"
#include "domain/key_latches.hpp"
#include "domain/metrics/recorder.hpp"
#include "domain/timetable.hpp"
#include "events/schedule.hpp"
#include "storage/store.hpp"

namespace likeness::scheduler {

namespace shapes = aws::scheduler;

using Tags = std::map<std::string, std::string>;

struct Group {
  std::string name;
  Tags tags = {};
  TimePoint created{}, modified{};
};

/// A schedule as it is at one time; replaced whole when it changes.
struct Schedule {
  std::string group;
  std::string name;
  std::string arn;
  shapes::CreateScheduleInput wanted;  // everything that was asked for
  TimePoint created{}, modified{};

  events::ScheduleExpression expression = {};
  std::shared_ptr<const events::TimeZone> zone = {};

  bool enabled() const { return wanted.state != shapes::ScheduleState::Disabled; }
  /// When it is due after `after`, within its dates; nullopt when it is over.
  std::optional<TimePoint> next(TimePoint after) const;
};

/// Schedules and their groups, on disk and in memory, and the thread that begins them. When a schedule is next due
/// moves on in the commit that accepts its invocation: a restart neither forgets a time nor does it twice. What fell
/// due while the server was not running happens once, late, unless it is too old for its retry policy. Thread-safe.
/// Errors carry AWS's names and texts.
class Schedules {
 public:
  struct Parts {
    storage::Store& store;
    const Clock& clock;
    const aws::LocalCalls& calls;
    const identity::ServiceRoles& roles;
    metrics::Recorder* metrics = nullptr;
    std::string account;
    std::string region;
  };

  static constexpr std::string_view kDefaultGroup = "default";

  static Result<std::unique_ptr<Schedules>> open(const Parts& parts);
  ~Schedules() { stop(); }
  Schedules(const Schedules&) = delete;
  Schedules& operator=(const Schedules&) = delete;

  void start();
  void stop();

  Result<std::shared_ptr<const Schedule>> create(const shapes::CreateScheduleInput& wanted);
  Result<std::shared_ptr<const Schedule>> update(const shapes::CreateScheduleInput& wanted);
  Result<std::shared_ptr<const Schedule>> find(std::string_view group, std::string_view name) const;
  Result<void> remove(std::string_view group, std::string_view name);
  /// By group and name; of one group, or of all.
  std::vector<std::shared_ptr<const Schedule>> list(const std::optional<std::string>& group) const;

  Result<Group> create_group(Group group);
  Result<Group> find_group(std::string_view name) const;
  Result<void> change_group(std::string_view name, const std::function<void(Group&)>& change);
  /// With its schedules.
  Result<void> remove_group(std::string_view name);
  std::vector<Group> groups(std::string_view prefix) const;

  std::string schedule_arn(std::string_view group, std::string_view name) const;
  std::string group_arn(std::string_view name) const;

 private:
  explicit Schedules(const Parts& parts);

  struct Invocation;
  Result<void> load();
  Result<void> prepare(Schedule& schedule) const;
  Result<std::shared_ptr<const Schedule>> put(Schedule schedule, TimePoint after);
  void set_due(const Schedule& schedule, std::optional<TimePoint> due);
  void fire(const std::string& key, TimePoint due);
  domain::Verdict attempt(const domain::Delivery& delivery);
  Result<void> invoke(const Invocation& invocation, int attempt) const;
  Result<void> to_dead_letters(const Invocation& invocation) const;
  void count(std::string_view name, const std::string& group) const;

  Parts parts_;
  domain::KeyLatches changing_;
  domain::Timetable timetable_;
  std::unique_ptr<domain::DeliveryQueue> queue_;

  mutable std::mutex mutex_;
  std::map<std::string, Group, std::less<>> groups_;
  std::map<std::string, std::shared_ptr<const Schedule>, std::less<>> schedules_;  // by "group/name"
};

}  // namespace likeness::scheduler
