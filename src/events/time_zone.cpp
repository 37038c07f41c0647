#include "events/time_zone.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <utility>

namespace likeness::events {

namespace {

constexpr std::size_t kHeader = 44;
constexpr std::size_t kLargestFile = 1 << 20;

std::int64_t big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<unsigned char>(byte);
  if (bytes.size() == 4) return static_cast<std::int32_t>(static_cast<std::uint32_t>(value));
  return static_cast<std::int64_t>(value);
}

std::int64_t days(std::chrono::year_month_day date) { return std::chrono::sys_days(date).time_since_epoch().count(); }

bool is_leap(int year) { return std::chrono::year(year).is_leap(); }

struct Counts {
  std::size_t utc_indicators, standard_indicators, leaps, changes, types, names;
};

Counts counts(std::string_view header) {
  const auto number = [header](std::size_t at) {
    return static_cast<std::size_t>(static_cast<std::uint32_t>(big_endian(header.substr(at, 4))));
  };
  return {number(20), number(24), number(28), number(32), number(36), number(40)};
}

std::size_t size_of(const Counts& counts, std::size_t time_size) {
  return counts.changes * (time_size + 1) + counts.types * 6 + counts.names + counts.leaps * (time_size + 4) +
         counts.standard_indicators + counts.utc_indicators;
}

Failure damaged() { return server_error("Unreadable", "a file of the time zone database is damaged"); }

}  // namespace

/// Reads "CET-1CEST,M3.5.0,M10.5.0/3".
class TimeZone::RuleReader {
 public:
  explicit RuleReader(std::string_view text) : rest_(text) {}

  std::optional<Rule> read() {
    Rule rule;
    if (!name()) return std::nullopt;
    const auto standard = time();
    if (!standard) return std::nullopt;
    rule.standard = -*standard;
    if (rest_.empty()) return rule;
    if (!name()) return std::nullopt;
    rule.summer = rule.standard + 3600;
    if (!rest_.empty() && rest_[0] != ',') {
      const auto summer = time();
      if (!summer) return std::nullopt;
      rule.summer = -*summer;
    }
    if (!day(rule.begins) || !day(rule.ends) || !rest_.empty()) return std::nullopt;
    return rule;
  }

 private:
  bool take(char c) {
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool name() {
    std::size_t length = 0;
    if (take('<')) {
      length = rest_.find('>');
      if (length == std::string_view::npos) return false;
      rest_.remove_prefix(length + 1);
      return true;
    }
    while (length < rest_.size() &&
           ((rest_[length] >= 'A' && rest_[length] <= 'Z') || (rest_[length] >= 'a' && rest_[length] <= 'z')))
      ++length;
    rest_.remove_prefix(length);
    return length >= 3;
  }

  std::optional<int> number() {
    std::size_t length = 0;
    int value = 0;
    while (length < rest_.size() && length < 4 && rest_[length] >= '0' && rest_[length] <= '9')
      value = value * 10 + (rest_[length++] - '0');
    rest_.remove_prefix(length);
    return length == 0 ? std::nullopt : std::optional(value);
  }

  std::optional<int> time() {
    const bool negative = take('-');
    if (!negative) take('+');
    int seconds = 0;
    for (int unit = 3600; unit > 0; unit /= 60) {
      const auto part = number();
      if (!part) return std::nullopt;
      seconds += *part * unit;
      if (!take(':')) break;
    }
    return negative ? -seconds : seconds;
  }

  bool day(YearlyChange& out) {
    if (!take(',')) return false;
    std::optional<int> first;
    if (take('M')) {
      out.kind = YearlyChange::Kind::MonthWeekDay;
      const auto month = number();
      if (!month || !take('.')) return false;
      const auto week = number();
      if (!week || !take('.')) return false;
      out.month = *month;
      out.week = *week;
      if (out.month < 1 || out.month > 12 || out.week < 1 || out.week > 5) return false;
      first = number();
      if (!first || *first > 6) return false;
    } else {
      out.kind = take('J') ? YearlyChange::Kind::DayWithoutLeap : YearlyChange::Kind::DayWithLeap;
      first = number();
      if (!first || *first > 366) return false;
    }
    out.day = *first;
    if (!take('/')) return true;
    const auto at = time();
    if (!at) return false;
    out.seconds = *at;
    return true;
  }

  std::string_view rest_;
};

std::int64_t TimeZone::YearlyChange::in_year(int year) const {
  namespace chr = std::chrono;
  std::int64_t date = 0;
  if (kind == Kind::MonthWeekDay) {
    const chr::weekday weekday(static_cast<unsigned>(day));
    const auto in_month = chr::year(year) / chr::month(static_cast<unsigned>(month));
    date = week == 5 ? days(chr::year_month_day(chr::sys_days(in_month / weekday[chr::last])))
                     : days(chr::year_month_day(chr::sys_days(in_month / weekday[static_cast<unsigned>(week)])));
  } else {
    date = days(chr::year(year) / chr::January / 1) + day;
    // January 1 is day 1 where February 29 is never counted, day 0 otherwise.
    if (kind == Kind::DayWithoutLeap) date += is_leap(year) && day >= 60 ? 0 : -1;
  }
  return date * 86400 + seconds;
}

std::shared_ptr<const TimeZone> TimeZone::utc() { return std::make_shared<const TimeZone>(); }

Result<std::shared_ptr<const TimeZone>> TimeZone::find(std::string_view name, const std::filesystem::path& folder) {
  if (name == "UTC") return utc();
  const bool sound = !name.empty() && name.size() <= 64 && name[0] != '/' &&
                     name.find("..") == std::string_view::npos &&
                     name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/") ==
                         std::string_view::npos;
  if (!sound) return client_error("NotFound", "there is no such time zone");
  const auto path = folder / name;
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error) || std::filesystem::file_size(path, error) > kLargestFile)
    return client_error("NotFound", "there is no such time zone");
  std::ifstream file(path, std::ios::binary);
  std::stringstream bytes;
  bytes << file.rdbuf();
  return read(bytes.str());
}

Result<std::shared_ptr<const TimeZone>> TimeZone::read(std::string_view bytes) {
  if (bytes.size() < kHeader || bytes.substr(0, 4) != "TZif") return damaged();
  // The first block has 32-bit times, for programs of long ago.
  const std::size_t second = kHeader + size_of(counts(bytes), 4);
  if (bytes[4] < '2' || bytes.size() < second + kHeader || bytes.substr(second, 4) != "TZif") return damaged();
  const Counts there = counts(bytes.substr(second));
  const std::size_t body = second + kHeader;
  if (there.types == 0 || bytes.size() < body + size_of(there, 8)) return damaged();
  const std::string_view times = bytes.substr(body, there.changes * 8);
  const std::string_view kinds = bytes.substr(body + there.changes * 8, there.changes);
  const std::string_view types = bytes.substr(body + there.changes * 9, there.types * 6);

  auto zone = std::make_shared<TimeZone>();
  const auto offset_of = [types](std::size_t type) {
    return static_cast<std::int32_t>(big_endian(types.substr(type * 6, 4)));
  };
  zone->before_ = offset_of(0);
  for (std::size_t i = 0; i < there.changes; ++i) {
    const auto type = static_cast<unsigned char>(kinds[i]);
    if (type >= there.types) return damaged();
    zone->changes_.push_back({big_endian(times.substr(i * 8, 8)), offset_of(type)});
  }
  std::string_view footer = bytes.substr(body + size_of(there, 8));
  if (footer.size() > 2 && footer.front() == '\n' && footer.back() == '\n') {
    footer = footer.substr(1, footer.size() - 2);
    zone->rule_ = RuleReader(footer).read();
  }
  return std::shared_ptr<const TimeZone>(std::move(zone));
}

std::int32_t TimeZone::by_rule(std::int64_t time) const {
  if (!rule_->summer) return rule_->standard;
  namespace chr = std::chrono;
  const auto date = chr::year_month_day(chr::floor<chr::days>(chr::sys_seconds(chr::seconds(time + rule_->standard))));
  const int year = static_cast<int>(date.year());
  const std::int64_t begins = rule_->begins.in_year(year) - rule_->standard;
  const std::int64_t ends = rule_->ends.in_year(year) - *rule_->summer;
  // South of the equator summer spans the new year.
  const bool summer = begins < ends ? time >= begins && time < ends : time >= begins || time < ends;
  return summer ? *rule_->summer : rule_->standard;
}

std::chrono::seconds TimeZone::offset(UtcSeconds time) const {
  const std::int64_t at = time.time_since_epoch().count();
  const auto later = std::upper_bound(changes_.begin(), changes_.end(), at,
                                      [](std::int64_t value, const Change& change) { return value < change.at; });
  if (later == changes_.end() && rule_) return std::chrono::seconds(by_rule(at));
  if (later == changes_.begin()) return std::chrono::seconds(before_);
  return std::chrono::seconds(std::prev(later)->offset);
}

LocalSeconds TimeZone::local(UtcSeconds time) const { return LocalSeconds(time.time_since_epoch() + offset(time)); }

std::optional<UtcSeconds> TimeZone::to_utc(LocalSeconds time) const {
  const UtcSeconds as_if(time.time_since_epoch());
  const auto day = std::chrono::days(1);
  std::optional<UtcSeconds> found;
  for (const auto candidate : {offset(as_if - day), offset(as_if + day)}) {
    const UtcSeconds utc = as_if - candidate;
    if (offset(utc) == candidate && (!found || utc < *found)) found = utc;
  }
  return found;
}

}  // namespace likeness::events
