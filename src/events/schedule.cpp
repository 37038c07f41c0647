#include "events/schedule.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <string>

namespace likeness::events {

namespace {

namespace chr = std::chrono;

constexpr std::array<std::string_view, 12> kMonths = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                                      "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
constexpr std::array<std::string_view, 7> kWeekdays = {"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"};
constexpr int kMostPerField = 400;

std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || text[0] == '-') return std::nullopt;
  return value;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

/// A field of numbers from `first` to `last`, which may have names.
struct FieldRange {
  int first;
  int last;
  std::span<const std::string_view> names = {};

  std::optional<int> value(std::string_view text) const {
    for (std::size_t i = 0; i < names.size(); ++i) {
      const bool same = text.size() == names[i].size() &&
                        std::equal(text.begin(), text.end(), names[i].begin(),
                                   [](char a, char b) { return (a >= 'a' && a <= 'z' ? a - 32 : a) == b; });
      if (same) return first + static_cast<int>(i);
    }
    const auto found = number(text);
    return found && *found >= first && *found <= last ? found : std::nullopt;
  }

  /// Calls `add` for each value of "5", "1-5", "1-5/2", "*", "*/15", "10/5".
  template <class Add>
  bool expand(std::string_view item, Add add) const {
    const std::size_t slash = item.find('/');
    int step = 1;
    if (slash != std::string_view::npos) {
      const auto found = number(item.substr(slash + 1));
      if (!found || *found < 1 || *found > kMostPerField) return false;
      step = *found;
      item = item.substr(0, slash);
    }
    int from = first;
    int to = last;
    if (item != "*") {
      const std::size_t dash = item.find('-');
      const auto low = value(item.substr(0, dash));
      if (!low) return false;
      from = *low;
      if (dash != std::string_view::npos) {
        const auto high = value(item.substr(dash + 1));
        if (!high) return false;
        to = *high;
      } else if (slash == std::string_view::npos) {
        to = from;
      }
    }
    if (from <= to) {
      for (int i = from; i <= to; i += step) add(i);
      return true;
    }
    // "FRI-MON" and "NOV-FEB" go round.
    const int span = last - first + 1;
    for (int i = from; i <= to + span; i += step) add(first + (i - first) % span);
    return true;
  }

  template <std::size_t N>
  bool read(std::string_view text, std::bitset<N>& out, int offset = 0) const {
    for (const auto item : split(text, ',')) {
      const bool good = expand(item, [&](int i) { out.set(static_cast<std::size_t>(i - offset)); });
      if (!good) return false;
    }
    return out.any();
  }
};

int last_day(chr::year_month_day date) {
  return static_cast<int>(static_cast<unsigned>((date.year() / date.month() / chr::last).day()));
}

unsigned weekday_of(chr::year_month_day date) { return chr::weekday(chr::sys_days(date)).c_encoding(); }

/// The workday (Monday to Friday) of the same month that is nearest to `day`.
int nearest_workday(chr::year_month_day date, int day) {
  const int last = last_day(date);
  day = std::min(day, last);
  const auto wanted = date.year() / date.month() / chr::day(static_cast<unsigned>(day));
  switch (weekday_of(wanted)) {
    case 6: return day > 1 ? day - 1 : day + 2;
    case 0: return day < last ? day + 1 : day - 2;
    default: return day;
  }
}

std::optional<Rate> parse_rate(std::string_view text, bool any_unit) {
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  const auto value = number(text.substr(0, space));
  if (!value || *value < 1 || *value > 10'000'000 || text[0] == '+') return std::nullopt;
  std::string unit(text.substr(space + 1));
  // One is singular, more are plural, and nothing else will do.
  const bool plural = unit.ends_with('s');
  if (!any_unit && plural != (*value != 1)) return std::nullopt;
  if (plural) unit.pop_back();
  if (unit == "minute") return Rate{chr::minutes(*value)};
  if (unit == "hour") return Rate{chr::hours(*value)};
  if (unit == "day") return Rate{chr::days(*value)};
  return std::nullopt;
}

std::optional<Once> parse_once(std::string_view text) {
  if (text.size() != 19 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':')
    return std::nullopt;
  std::array<int, 6> parts{};
  constexpr std::array<std::pair<std::size_t, std::size_t>, 6> kPlaces = {
      {{0, 4}, {5, 2}, {8, 2}, {11, 2}, {14, 2}, {17, 2}}};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto part = number(text.substr(kPlaces[i].first, kPlaces[i].second));
    if (!part) return std::nullopt;
    parts[i] = *part;
  }
  const auto date =
      chr::year(parts[0]) / chr::month(static_cast<unsigned>(parts[1])) / chr::day(static_cast<unsigned>(parts[2]));
  if (!date.ok() || parts[3] > 23 || parts[4] > 59 || parts[5] > 59) return std::nullopt;
  return Once{LocalSeconds(chr::local_days(date)) + chr::hours(parts[3]) + chr::minutes(parts[4]) +
              chr::seconds(parts[5])};
}

}  // namespace

UtcSeconds Rate::next(UtcSeconds start, UtcSeconds after) const {
  if (after < start) return start;
  const auto passed = (after - start) / every;
  return start + every * (passed + 1);
}

bool Cron::read_days(std::string_view text, Days& out) {
  if (text == "?") {
    out.any = true;
    return true;
  }
  const FieldRange range{1, 31};
  for (const auto item : split(text, ',')) {
    if (item == "L") {
      out.before_last = 0;
    } else if (item == "LW" || item == "WL") {
      out.last_workday = true;
    } else if (item.starts_with("L-")) {
      const auto days = number(item.substr(2));
      if (!days || *days > 30) return false;
      out.before_last = days;
    } else if (item.size() > 1 && item.back() == 'W') {
      const auto day = range.value(item.substr(0, item.size() - 1));
      if (!day) return false;
      out.workdays_near.push_back(*day);
    } else if (!range.expand(item, [&out](int day) { out.days.set(static_cast<std::size_t>(day)); })) {
      return false;
    }
  }
  return true;
}

bool Cron::read_weekdays(std::string_view text, Weekdays& out) {
  if (text == "?") {
    out.any = true;
    return true;
  }
  const FieldRange range{1, 7, kWeekdays};
  for (const auto item : split(text, ',')) {
    const std::size_t sharp = item.find('#');
    if (item == "L") {
      out.days.set(7);
    } else if (sharp != std::string_view::npos) {
      const auto day = range.value(item.substr(0, sharp));
      const auto which = number(item.substr(sharp + 1));
      if (!day || !which || *which < 1 || *which > 5) return false;
      out.numbered.emplace_back(*day, *which);
    } else if (item.size() > 1 && item.back() == 'L') {
      const auto day = range.value(item.substr(0, item.size() - 1));
      if (!day) return false;
      out.last.push_back(*day);
    } else if (!range.expand(item, [&out](int day) { out.days.set(static_cast<std::size_t>(day)); })) {
      return false;
    }
  }
  return true;
}

std::optional<Cron> Cron::parse(std::string_view fields) {
  std::vector<std::string_view> parts;
  for (const auto part : split(fields, ' '))
    if (!part.empty()) parts.push_back(part);
  if (parts.size() != 6) return std::nullopt;
  Cron cron;
  const bool good = FieldRange{0, 59}.read(parts[0], cron.minutes_) && FieldRange{0, 23}.read(parts[1], cron.hours_) &&
                    read_days(parts[2], cron.days_) && FieldRange{1, 12, kMonths}.read(parts[3], cron.months_) &&
                    read_weekdays(parts[4], cron.weekdays_) &&
                    FieldRange{kFirstYear, kFirstYear + kYears - 1}.read(parts[5], cron.years_, kFirstYear);
  // Exactly one of the two kinds of days decides.
  if (!good || cron.days_.any == cron.weekdays_.any) return std::nullopt;
  return cron;
}

bool Cron::fits(chr::year_month_day date) const {
  const int day = static_cast<int>(static_cast<unsigned>(date.day()));
  const int last = last_day(date);
  if (!days_.any) {
    if (days_.days.test(static_cast<std::size_t>(day))) return true;
    if (days_.before_last && day == last - *days_.before_last) return true;
    if (days_.last_workday && day == nearest_workday(date, last)) return true;
    return std::any_of(days_.workdays_near.begin(), days_.workdays_near.end(),
                       [&](int near) { return near <= last && day == nearest_workday(date, near); });
  }
  const int weekday = static_cast<int>(weekday_of(date)) + 1;
  if (weekdays_.days.test(static_cast<std::size_t>(weekday))) return true;
  if (std::find(weekdays_.last.begin(), weekdays_.last.end(), weekday) != weekdays_.last.end() && day + 7 > last)
    return true;
  return std::find(weekdays_.numbered.begin(), weekdays_.numbered.end(), std::pair{weekday, (day - 1) / 7 + 1}) !=
         weekdays_.numbered.end();
}

std::optional<UtcSeconds> Cron::next(UtcSeconds after, const TimeZone& zone) const {
  // A day early, so that neither a change of the clocks nor a place of the world is missed.
  auto day = chr::floor<chr::days>(zone.local(after)) - chr::days(1);
  while (true) {
    const chr::year_month_day date(day);
    const int year = static_cast<int>(date.year());
    if (year >= kFirstYear + kYears) return std::nullopt;
    if (year < kFirstYear || !years_.test(static_cast<std::size_t>(year - kFirstYear))) {
      day = chr::local_days((date.year() + chr::years(1)) / chr::January / 1);
      continue;
    }
    if (!months_.test(static_cast<unsigned>(date.month()))) {
      const auto month = date.year() / date.month() + chr::months(1);
      day = chr::local_days(month / 1);
      continue;
    }
    if (fits(date)) {
      for (std::size_t hour = 0; hour < 24; ++hour) {
        if (!hours_.test(hour)) continue;
        for (std::size_t minute = 0; minute < 60; ++minute) {
          if (!minutes_.test(minute)) continue;
          const auto utc = zone.to_utc(LocalSeconds(day) + chr::hours(hour) + chr::minutes(minute));
          if (utc && *utc > after) return utc;
        }
      }
    }
    day += chr::days(1);
  }
}

std::optional<ScheduleExpression> parse_schedule(std::string_view text, bool any_unit) {
  const std::size_t open = text.find('(');
  if (open == std::string_view::npos || !text.ends_with(')') || text.size() > 256) return std::nullopt;
  const std::string_view kind = text.substr(0, open);
  const std::string_view inner = text.substr(open + 1, text.size() - open - 2);
  if (kind == "rate") {
    if (auto rate = parse_rate(inner, any_unit)) return *rate;
  } else if (kind == "cron") {
    if (auto cron = Cron::parse(inner)) return *cron;
  } else if (kind == "at") {
    if (auto once = parse_once(inner)) return *once;
  }
  return std::nullopt;
}

}  // namespace likeness::events
