#include "policy/conditions.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstring>

#include "base/bytes.hpp"
#include "policy/context.hpp"
#include "policy/text.hpp"

namespace likeness::policy {
namespace {

using Type = Condition::Type;

struct Name {
  std::string_view name;
  Type type;
  bool negated;
};
constexpr Name kNames[] = {
    {"StringEquals", Type::StringEquals, false},
    {"StringNotEquals", Type::StringEquals, true},
    {"StringEqualsIgnoreCase", Type::StringEqualsIgnoreCase, false},
    {"StringNotEqualsIgnoreCase", Type::StringEqualsIgnoreCase, true},
    {"StringLike", Type::StringLike, false},
    {"StringNotLike", Type::StringLike, true},
    {"NumericEquals", Type::NumericEquals, false},
    {"NumericNotEquals", Type::NumericEquals, true},
    {"NumericLessThan", Type::NumericLess, false},
    {"NumericLessThanEquals", Type::NumericLessOrEqual, false},
    {"NumericGreaterThan", Type::NumericGreater, false},
    {"NumericGreaterThanEquals", Type::NumericGreaterOrEqual, false},
    {"DateEquals", Type::DateEquals, false},
    {"DateNotEquals", Type::DateEquals, true},
    {"DateLessThan", Type::DateLess, false},
    {"DateLessThanEquals", Type::DateLessOrEqual, false},
    {"DateGreaterThan", Type::DateGreater, false},
    {"DateGreaterThanEquals", Type::DateGreaterOrEqual, false},
    {"Bool", Type::Bool, false},
    {"BinaryEquals", Type::Binary, false},
    {"IpAddress", Type::IpAddress, false},
    {"NotIpAddress", Type::IpAddress, true},
    // AWS: "ArnEquals and ArnLike behave identically."
    {"ArnEquals", Type::Arn, false},
    {"ArnLike", Type::Arn, false},
    {"ArnNotEquals", Type::Arn, true},
    {"ArnNotLike", Type::Arn, true},
    {"Null", Type::Null, false},
};

std::optional<double> number(std::string_view text) {
  double value = 0;
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  const auto read = std::from_chars(begin, end, value);
  if (text.empty() || read.ec != std::errc() || read.ptr != end || !std::isfinite(value)) return std::nullopt;
  return value;
}

/// Takes `digits` digits from the front; nullopt if there are not that many or the value is out of bounds.
std::optional<int> take(std::string_view& text, std::size_t digits, int low, int high) {
  if (text.size() < digits) return std::nullopt;
  int value = 0;
  const char* const begin = text.data();
  const auto read = std::from_chars(begin, begin + digits, value);
  if (read.ec != std::errc() || read.ptr != begin + digits || value < low || value > high) return std::nullopt;
  text.remove_prefix(digits);
  return value;
}

bool skip(std::string_view& text, char c) {
  if (text.empty() || ascii_lower(text.front()) != c) return false;
  text.remove_prefix(1);
  return true;
}

/// Seconds since 1970 of an ISO 8601 date (W3C's profile: "2013", "2013-06", ... "2013-06-30T12:00:00.5+01:00") or of
/// a number.
std::optional<double> date(std::string_view text) {
  using namespace std::chrono;
  if (text.size() > 4 && text.find('-', 1) == std::string_view::npos) {
    // AWS keeps seconds in 64 bits.
    const auto seconds = number(text);
    return seconds && std::abs(*seconds) < 9.2233720368547758e18 ? seconds : std::nullopt;
  }
  const auto year_number = take(text, 4, 0, 9999);
  if (!year_number) return std::nullopt;
  int month_number = 1;
  int day_number = 1;
  double seconds = 0;
  if (skip(text, '-')) {
    const auto read_month = take(text, 2, 1, 12);
    if (!read_month) return std::nullopt;
    month_number = *read_month;
    if (skip(text, '-')) {
      const auto read_day = take(text, 2, 1, 31);
      if (!read_day) return std::nullopt;
      day_number = *read_day;
    }
  }
  if (skip(text, 't')) {
    const auto hours_read = take(text, 2, 0, 23);
    if (!hours_read || !skip(text, ':')) return std::nullopt;
    const auto minutes_read = take(text, 2, 0, 59);
    if (!minutes_read) return std::nullopt;
    seconds = *hours_read * 3600.0 + *minutes_read * 60.0;
    if (skip(text, ':')) {
      const auto seconds_read = take(text, 2, 0, 60);
      if (!seconds_read) return std::nullopt;
      seconds += *seconds_read;
      if (skip(text, '.')) {
        double unit = 0.1;
        while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
          seconds += (text.front() - '0') * unit;
          unit /= 10;
          text.remove_prefix(1);
        }
      }
    }
    if (!text.empty() && (text.front() == '+' || text.front() == '-')) {
      const double sign = text.front() == '+' ? -1 : 1;
      text.remove_prefix(1);
      const auto zone_hours = take(text, 2, 0, 23);
      if (!zone_hours) return std::nullopt;
      skip(text, ':');
      const auto zone_minutes = text.empty() ? std::optional(0) : take(text, 2, 0, 59);
      if (!zone_minutes) return std::nullopt;
      seconds += sign * (*zone_hours * 3600.0 + *zone_minutes * 60.0);
    } else {
      skip(text, 'z');
    }
  }
  const year_month_day calendar{year(*year_number), month(static_cast<unsigned>(month_number)),
                                day(static_cast<unsigned>(day_number))};
  if (!text.empty() || !calendar.ok()) return std::nullopt;
  return static_cast<double>(sys_days(calendar).time_since_epoch().count()) * 86400.0 + seconds;
}

struct Address {
  std::array<unsigned char, 16> bytes{};
  std::size_t size = 0;  // 4 or 16
};

std::optional<Address> address(std::string_view text) {
  char zero_terminated[INET6_ADDRSTRLEN + 1] = {};
  if (text.size() > INET6_ADDRSTRLEN) return std::nullopt;
  std::memcpy(zero_terminated, text.data(), text.size());
  Address out;
  if (inet_pton(AF_INET, zero_terminated, out.bytes.data()) == 1) {
    out.size = 4;
  } else if (inet_pton(AF_INET6, zero_terminated, out.bytes.data()) == 1) {
    out.size = 16;
    // ::ffff:1.2.3.4 is what an IPv6 socket calls an IPv4 client.
    constexpr unsigned char kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (std::equal(std::begin(kMapped), std::end(kMapped), out.bytes.begin())) {
      std::memmove(out.bytes.data(), out.bytes.data() + 12, 4);
      out.size = 4;
    }
  } else {
    return std::nullopt;
  }
  return out;
}

/// `network` is "203.0.113.0/24", "2001:db8::/32" or one address.
bool in_network(std::string_view text, std::string_view network) {
  const auto slash = network.find('/');
  const auto net = address(network.substr(0, slash));
  const auto host = address(text);
  if (!net || !host || net->size != host->size) return false;
  std::size_t bits = net->size * 8;
  if (slash != std::string_view::npos) {
    const auto prefix = number(network.substr(slash + 1));
    if (!prefix || *prefix < 0 || *prefix > static_cast<double>(bits) || std::floor(*prefix) != *prefix) return false;
    bits = static_cast<std::size_t>(*prefix);
  }
  const std::size_t whole = bits / 8;
  if (!std::equal(net->bytes.begin(), net->bytes.begin() + static_cast<std::ptrdiff_t>(whole), host->bytes.begin()))
    return false;
  if (bits % 8 == 0) return true;
  const unsigned mask = 0xffu << (8 - bits % 8) & 0xffu;
  return (net->bytes[whole] & mask) == (host->bytes[whole] & mask);
}

template <class Compare>
bool compared(std::optional<double> actual, std::optional<double> wanted, Compare compare) {
  return actual && wanted && compare(*actual, *wanted);
}

/// One value of the request against one of the policy, leaving negation aside.
bool value_matches(Type type, const std::string& actual, const Pattern& wanted, const Context& context) {
  const auto& text = wanted.text();
  switch (type) {
    case Type::StringEquals:
    case Type::StringLike:
    case Type::StringEqualsIgnoreCase: return wanted.matches(actual, context);
    case Type::Arn: return wanted.matches_arn(actual, context);
    case Type::Bool: return same_ignoring_case(actual, text);
    case Type::Binary: {
      const auto a = from_base64(actual);
      const auto b = from_base64(text);
      return a && b && *a == *b;
    }
    case Type::IpAddress: return in_network(actual, text);
    case Type::NumericEquals: return compared(number(actual), number(text), std::equal_to<>());
    case Type::NumericLess: return compared(number(actual), number(text), std::less<>());
    case Type::NumericLessOrEqual: return compared(number(actual), number(text), std::less_equal<>());
    case Type::NumericGreater: return compared(number(actual), number(text), std::greater<>());
    case Type::NumericGreaterOrEqual: return compared(number(actual), number(text), std::greater_equal<>());
    case Type::DateEquals: return compared(date(actual), date(text), std::equal_to<>());
    case Type::DateLess: return compared(date(actual), date(text), std::less<>());
    case Type::DateLessOrEqual: return compared(date(actual), date(text), std::less_equal<>());
    case Type::DateGreater: return compared(date(actual), date(text), std::greater<>());
    case Type::DateGreaterOrEqual: return compared(date(actual), date(text), std::greater_equal<>());
    case Type::Null: break;
  }
  return false;
}

}  // namespace

std::optional<Condition> condition_operator(std::string_view name) {
  Condition condition;
  constexpr std::string_view kAll = "ForAllValues:", kAny = "ForAnyValue:", kIfExists = "IfExists";
  if (starts_ignoring_case(name, kAll)) {
    condition.set = Condition::Set::ForAllValues;
    name.remove_prefix(kAll.size());
  } else if (starts_ignoring_case(name, kAny)) {
    condition.set = Condition::Set::ForAnyValue;
    name.remove_prefix(kAny.size());
  }
  if (name.size() > kIfExists.size() && same_ignoring_case(name.substr(name.size() - kIfExists.size()), kIfExists)) {
    condition.if_exists = true;
    name.remove_suffix(kIfExists.size());
  }
  for (const auto& known : kNames) {
    if (!same_ignoring_case(known.name, name)) continue;
    if (known.type == Type::Null && condition.if_exists) return std::nullopt;
    condition.type = known.type;
    condition.negated = known.negated;
    return condition;
  }
  return std::nullopt;
}

Pattern::Form value_form(Condition::Type type, bool variables) {
  switch (type) {
    case Type::StringEquals: return {.wildcards = false, .variables = variables};
    case Type::StringLike:
    case Type::Arn: return {.wildcards = true, .variables = variables};
    case Type::StringEqualsIgnoreCase: return {.wildcards = false, .variables = variables, .ignore_case = true};
    default: return {.wildcards = false};
  }
}

bool is_date(std::string_view text) { return date(text).has_value(); }

bool Condition::holds(const Context& context) const {
  const auto actual = context.find(key);
  if (type == Type::Null)
    return std::ranges::any_of(
        values, [&](const Pattern& value) { return same_ignoring_case(value.text(), "true") == actual.empty(); });
  if (actual.empty()) {
    // Of the negated operators AWS says: "if the key that you specify is not present, the values do not match".
    if (set == Set::ForAllValues) return true;
    if (set == Set::ForAnyValue) return if_exists;
    return if_exists || negated;
  }
  const auto matches_any = [&](const std::string& value) {
    return std::ranges::any_of(values,
                               [&](const Pattern& wanted) { return value_matches(type, value, wanted, context); });
  };
  switch (set) {
    case Set::ForAllValues:
      return std::ranges::all_of(actual, [&](const auto& value) { return matches_any(value) != negated; });
    case Set::ForAnyValue:
      return std::ranges::any_of(actual, [&](const auto& value) { return matches_any(value) != negated; });
    case Set::None: break;
  }
  return std::ranges::any_of(actual, matches_any) != negated;
}

}  // namespace likeness::policy
