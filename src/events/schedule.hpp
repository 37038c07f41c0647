#pragma once

#include <bitset>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "events/time_zone.hpp"

namespace likeness::events {

/// "rate(5 minutes)": times with the same distance from one another.
struct Rate {
  std::chrono::minutes every{0};

  /// The first of start, start + every, ... after `after`.
  UtcSeconds next(UtcSeconds start, UtcSeconds after) const;
};

/// "cron(0 18 ? * MON-FRI *)": minutes, hours, day of the month, month, day of the week, year, with AWS's signs
/// , - * / ? L W and #.
class Cron {
 public:
  /// What stands between the parentheses.
  static std::optional<Cron> parse(std::string_view fields);

  /// The first time after `after` by the clocks of the zone. Times that they skip are skipped, those that they show
  /// twice come once. nullopt when there is none any more.
  std::optional<UtcSeconds> next(UtcSeconds after, const TimeZone& zone) const;

 private:
  static constexpr int kFirstYear = 1970;
  static constexpr int kYears = 230;  // 1970 to 2199

  /// The days of a month by their number.
  struct Days {
    bool any = false;  // "?": the other of the two fields decides
    std::bitset<32> days;
    std::optional<int> before_last;  // "L" is 0, "L-3" is 3
    bool last_workday = false;       // "LW"
    std::vector<int> workdays_near;  // "15W"
  };
  /// The days by their weekday, Sunday being 1.
  struct Weekdays {
    bool any = false;
    std::bitset<8> days;
    std::vector<int> last;                      // "6L"
    std::vector<std::pair<int, int>> numbered;  // "3#2": weekday, which of the month
  };

  static bool read_days(std::string_view text, Days& out);
  static bool read_weekdays(std::string_view text, Weekdays& out);
  bool fits(std::chrono::year_month_day date) const;

  std::bitset<60> minutes_;
  std::bitset<24> hours_;
  Days days_;
  std::bitset<13> months_;
  Weekdays weekdays_;
  std::bitset<kYears> years_;
};

/// "at(2026-11-20T13:00:00)": once.
struct Once {
  LocalSeconds time;
};

using ScheduleExpression = std::variant<Rate, Cron, Once>;

/// nullopt for what is none. Rules insist on "rate(1 minute)" and "rate(2 minutes)"; with `any_unit` either unit goes
/// with any number, as EventBridge Scheduler has it.
std::optional<ScheduleExpression> parse_schedule(std::string_view text, bool any_unit = false);

}  // namespace likeness::events
