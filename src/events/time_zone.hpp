#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace likeness::events {

/// Seconds of a clock on a wall, without a zone, since 1970.
using LocalSeconds = std::chrono::local_seconds;
using UtcSeconds = std::chrono::sys_seconds;

/// A zone of the system's time zone database ("Europe/Berlin"). Immutable, thread-safe.
class TimeZone {
 public:
  static std::shared_ptr<const TimeZone> utc();
  /// Error "NotFound" for a name that is none, "Unreadable" for a damaged file.
  static Result<std::shared_ptr<const TimeZone>> find(std::string_view name,
                                                      const std::filesystem::path& folder = "/usr/share/zoneinfo");
  /// From the bytes of a file of the database.
  static Result<std::shared_ptr<const TimeZone>> read(std::string_view bytes);

  /// What clocks there are ahead of UTC.
  std::chrono::seconds offset(UtcSeconds time) const;
  LocalSeconds local(UtcSeconds time) const;
  /// When clocks there show this: the first time where they show it twice, never where they skip it.
  std::optional<UtcSeconds> to_utc(LocalSeconds time) const;

 private:
  struct Change {
    std::int64_t at = 0;
    std::int32_t offset = 0;
  };
  /// One of the two days of a year on which the clocks change, from the database's rule for all years to come.
  struct YearlyChange {
    enum class Kind : std::uint8_t { MonthWeekDay, DayWithoutLeap, DayWithLeap } kind = Kind::MonthWeekDay;
    int month = 0, week = 0, day = 0;
    int seconds = 7200;                    // of the day, by the clocks as they are before
    std::int64_t in_year(int year) const;  // days since 1970, then its seconds: local
  };
  struct Rule {
    std::int32_t standard = 0;
    std::optional<std::int32_t> summer = {};
    YearlyChange begins = {}, ends = {};
  };
  class RuleReader;

  std::int32_t by_rule(std::int64_t time) const;

  std::vector<Change> changes_;
  std::int32_t before_ = 0;  // before the first change
  std::optional<Rule> rule_;
};

}  // namespace likeness::events
