#include "aws/timestamps.hpp"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cmath>

namespace likeness::aws {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using std::chrono::sys_days;

constexpr std::array<std::string_view, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr double kFirstSecond = -9'223'372'036.0;
constexpr double kLastSecond = 9'223'372'036.0;

struct Parts {
  int year, hour, minute, second, millisecond;
  unsigned month, day, weekday;
};

Parts parts_of(TimePoint time) {
  const auto millis = std::chrono::floor<milliseconds>(time);
  const auto date = std::chrono::floor<days>(millis);
  const std::chrono::year_month_day day(date);
  const std::chrono::hh_mm_ss clock(millis - date);
  return {static_cast<int>(day.year()),
          static_cast<int>(clock.hours().count()),
          static_cast<int>(clock.minutes().count()),
          static_cast<int>(clock.seconds().count()),
          static_cast<int>(clock.subseconds().count()),
          static_cast<unsigned>(day.month()),
          static_cast<unsigned>(day.day()),
          std::chrono::weekday(date).c_encoding()};
}

/// Takes digits off the front of a text; `ok` turns false at the first surprise.
struct Scanner {
  std::string_view rest;
  bool ok = true;

  int number(std::size_t digits) {
    if (rest.size() < digits) ok = false;
    int value = 0;
    for (std::size_t i = 0; ok && i < digits; ++i) {
      if (rest[i] < '0' || rest[i] > '9')
        ok = false;
      else
        value = value * 10 + (rest[i] - '0');
    }
    if (ok) rest.remove_prefix(digits);
    return value;
  }
  bool take(char c) {
    if (rest.empty() || rest.front() != c) return false;
    rest.remove_prefix(1);
    return true;
  }
  void need(std::string_view text) {
    if (rest.starts_with(text))
      rest.remove_prefix(text.size());
    else
      ok = false;
  }
};

std::optional<TimePoint> assemble(int year, int month, int day, int hour, int minute, int second) {
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  // A leap second is taken as the second after it.
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  if (year < 1678 || year > 2261) return std::nullopt;
  return TimePoint(sys_days(date)) + hours(hour) + minutes(minute) + seconds(second);
}

}  // namespace

std::string iso8601_millis(TimePoint time) {
  const Parts p = parts_of(time);
  auto text = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", p.year, p.month, p.day, p.hour, p.minute, p.second);
  if (p.millisecond != 0) text += fmt::format(".{:03}", p.millisecond);
  return text + "Z";
}

std::optional<TimePoint> parse_iso8601(std::string_view text) {
  Scanner in{text};
  const int year = in.number(4);
  in.need("-");
  const int month = in.number(2);
  in.need("-");
  const int day = in.number(2);
  if (!in.take('T') && !in.take('t')) in.need(" ");
  const int hour = in.number(2);
  in.need(":");
  const int minute = in.number(2);
  in.need(":");
  const int second = in.number(2);
  if (!in.ok) return std::nullopt;
  std::int64_t micros = 0;
  if (in.take('.')) {
    std::int64_t unit = 100'000;
    std::size_t digits = 0;
    while (!in.rest.empty() && in.rest.front() >= '0' && in.rest.front() <= '9') {
      micros += (in.rest.front() - '0') * unit;
      unit /= 10;
      ++digits;
      in.rest.remove_prefix(1);
    }
    if (digits == 0) return std::nullopt;
  }
  minutes offset{0};
  if (!in.take('Z') && !in.take('z')) {
    const bool east = in.take('+');
    if (!east) in.need("-");
    const int offset_hours = in.number(2);
    in.need(":");
    const int offset_minutes = in.number(2);
    if (!in.ok || offset_hours > 23 || offset_minutes > 59) return std::nullopt;
    offset = (hours(offset_hours) + minutes(offset_minutes)) * (east ? 1 : -1);
  }
  if (!in.ok || !in.rest.empty()) return std::nullopt;
  const auto time = assemble(year, month, day, hour, minute, second);
  if (!time) return std::nullopt;
  return *time + microseconds(micros) - offset;
}

std::string http_date(TimePoint time) {
  const Parts p = parts_of(time);
  auto text = fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02}", kDays[p.weekday], p.day, kMonths[p.month - 1], p.year,
                          p.hour, p.minute, p.second);
  if (p.millisecond != 0) text += fmt::format(".{:03}", p.millisecond);
  return text + " GMT";
}

std::optional<TimePoint> parse_http_date(std::string_view text) {
  const auto comma = text.find(", ");
  if (comma == std::string_view::npos) return std::nullopt;
  Scanner in{text.substr(comma + 2)};
  const int day = in.number(2);
  in.need(" ");
  int month = 0;
  for (std::size_t i = 0; i < kMonths.size(); ++i)
    if (in.rest.starts_with(kMonths[i])) month = static_cast<int>(i) + 1;
  if (month == 0) return std::nullopt;
  in.rest.remove_prefix(3);
  in.need(" ");
  const int year = in.number(4);
  in.need(" ");
  const int hour = in.number(2);
  in.need(":");
  const int minute = in.number(2);
  in.need(":");
  const int second = in.number(2);
  int millis = 0;
  if (in.take('.')) millis = in.number(3);
  in.need(" GMT");
  if (!in.ok || !in.rest.empty()) return std::nullopt;
  const auto time = assemble(year, month, day, hour, minute, second);
  if (!time) return std::nullopt;
  return *time + milliseconds(millis);
}

std::optional<TimePoint> parse_iso8601_basic(std::string_view text) {
  Scanner in{text};
  const int year = in.number(4);
  const int month = in.number(2);
  const int day = in.number(2);
  in.need("T");
  const int hour = in.number(2);
  const int minute = in.number(2);
  const int second = in.number(2);
  in.need("Z");
  if (!in.ok || !in.rest.empty()) return std::nullopt;
  return assemble(year, month, day, hour, minute, second);
}

std::string epoch_text(TimePoint time) {
  const auto millis = std::chrono::floor<milliseconds>(time).time_since_epoch().count();
  if (millis % 1000 == 0) return fmt::format("{}", millis / 1000);
  const auto magnitude = millis < 0 ? -millis : millis;
  return fmt::format("{}{}.{:03}", millis < 0 ? "-" : "", magnitude / 1000, magnitude % 1000);
}

std::optional<TimePoint> from_epoch_seconds(double value) {
  if (!(value > kFirstSecond && value < kLastSecond)) return std::nullopt;
  return TimePoint(milliseconds(std::llround(value * 1000)));
}

}  // namespace likeness::aws
