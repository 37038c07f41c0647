#pragma once

#include <memory>
#include <string>

#include "domain/timetable.hpp"
#include "services/events/dispatcher.hpp"
#include "services/events/registry.hpp"

namespace likeness::eventbridge {

/// Sends "Scheduled Event" to the targets of the rules that have a schedule. When a rule is next due is on disk and
/// moves on in the commit that accepts its deliveries: a restart neither forgets a time nor does it twice. What fell
/// due while the server was not running happens once, late, unless it is older than kOldest.
class ScheduledRules {
 public:
  static constexpr std::chrono::hours kOldest{24};

  /// Borrows both; listens to the registry.
  ScheduledRules(Registry& registry, Dispatcher& dispatcher);

  Result<void> start();
  void stop() { timetable_.stop(); }

 private:
  void changed(const std::string& arn);
  void fire(const std::string& arn, TimePoint due);
  std::shared_ptr<const Rule> find(const std::string& arn) const;

  Registry& registry_;
  Dispatcher& dispatcher_;
  domain::Timetable timetable_;
};

/// When a schedule is next due after `after`; of rates `start` is where they count from.
std::optional<TimePoint> next_due(const events::ScheduleExpression& schedule, TimePoint start, TimePoint after,
                                  const events::TimeZone& zone);

}  // namespace likeness::eventbridge
