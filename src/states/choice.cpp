#include "states/choice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "states/expression.hpp"

namespace likeness::states {
namespace {

struct Family {
  std::string_view prefix;
  bool (*fits)(const Value&);
};
bool is_timestamp(const Value& value) { return value.is_string() && parse_timestamp(value.as_string()).has_value(); }
constexpr Family kOrdered[] = {
    {"String", [](const Value& value) { return value.is_string(); }},
    {"Numeric", [](const Value& value) { return value.is_number(); }},
    {"Timestamp", is_timestamp},
};
constexpr std::string_view kComparisons[] = {"Equals", "LessThan", "GreaterThan", "LessThanEquals",
                                             "GreaterThanEquals"};
constexpr std::string_view kTests[] = {"IsNull", "IsPresent", "IsNumeric", "IsString", "IsBoolean", "IsTimestamp"};

const Family* family_of(std::string_view op) {
  for (const auto& family : kOrdered)
    if (op.starts_with(family.prefix) && std::find(std::begin(kComparisons), std::end(kComparisons),
                                                   op.substr(family.prefix.size())) != std::end(kComparisons))
      return &family;
  return nullptr;
}

/// '*' stands for any characters; a backslash takes its meaning away.
bool matches(std::string_view text, std::string_view pattern) {
  struct Token {
    char c;
    bool any;
  };
  std::vector<Token> tokens;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\\' && i + 1 < pattern.size()) {
      tokens.push_back({pattern[++i], false});
    } else {
      tokens.push_back({pattern[i], pattern[i] == '*'});
    }
  }
  std::size_t at = 0;
  std::size_t token = 0;
  std::size_t star = tokens.size();  // the last '*' and where the text was then
  std::size_t from = 0;
  while (at < text.size()) {
    if (token < tokens.size() && !tokens[token].any && tokens[token].c == text[at]) {
      ++at;
      ++token;
    } else if (token < tokens.size() && tokens[token].any) {
      star = token++;
      from = at;
    } else if (star < tokens.size()) {
      token = star + 1;
      at = ++from;
    } else {
      return false;
    }
  }
  while (token < tokens.size() && tokens[token].any) ++token;
  return token == tokens.size();
}

template <class T>
bool compare(std::string_view comparison, const T& left, const T& right) {
  if (comparison == "Equals") return left == right;
  if (comparison == "LessThan") return left < right;
  if (comparison == "GreaterThan") return left > right;
  if (comparison == "LessThanEquals") return left <= right;
  return left >= right;
}

bool compare_values(std::string_view op, const Value& left, const Value& right) {
  if (op == "BooleanEquals") return left.is_bool() && right.is_bool() && left.as_bool() == right.as_bool();
  if (op == "StringMatches")
    return left.is_string() && right.is_string() && matches(left.as_string(), right.as_string());
  const Family* const family = family_of(op);
  if (family == nullptr || !family->fits(left) || !family->fits(right)) return false;
  const auto comparison = op.substr(family->prefix.size());
  if (family->prefix == "String") return compare(comparison, left.as_string(), right.as_string());
  if (family->prefix == "Numeric") {
    if (left.is_integer() && right.is_integer()) return compare(comparison, left.as_integer(), right.as_integer());
    return compare(comparison, left.as_double(), right.as_double());
  }
  return compare(comparison, *parse_timestamp(left.as_string()), *parse_timestamp(right.as_string()));
}

bool is_a(std::string_view op, const Value& value) {
  if (op == "IsNull") return value.is_null();
  if (op == "IsNumeric") return value.is_number();
  if (op == "IsString") return value.is_string();
  if (op == "IsBoolean") return value.is_bool();
  return is_timestamp(value);
}

bool digits(std::string_view text, std::size_t at, std::size_t count, int& out) {
  if (text.size() < at + count) return false;
  out = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
    out = out * 10 + (text[i] - '0');
  }
  return true;
}

Outcome<Value> read(const JsonPath& path, const Scope& scope, std::string_view field) {
  auto value = read_path(path, scope);
  if (value) return std::move(*value);
  return runtime_problem(fmt::format(
      "Invalid path '{}': The choice state's condition path references an invalid value.", path.text(), field));
}

}  // namespace

std::optional<TimePoint> parse_timestamp(std::string_view text) {
  using namespace std::chrono;
  int year_number = 0, month_number = 0, day_number = 0, hour = 0, minute = 0, second = 0;
  if (!digits(text, 0, 4, year_number) || !digits(text, 5, 2, month_number) || !digits(text, 8, 2, day_number) ||
      !digits(text, 11, 2, hour) || !digits(text, 14, 2, minute))
    return std::nullopt;
  if (text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':') return std::nullopt;
  std::size_t at = 16;
  nanoseconds fraction{0};
  if (at < text.size() && text[at] == ':') {
    if (!digits(text, 17, 2, second)) return std::nullopt;
    at = 19;
    if (at < text.size() && (text[at] == '.' || text[at] == ',')) {
      const auto first = ++at;
      std::int64_t value = 0;
      while (at < text.size() && std::isdigit(static_cast<unsigned char>(text[at])) != 0) {
        if (at - first < 9) value = value * 10 + (text[at] - '0');
        ++at;
      }
      if (at == first || at - first > 9) return std::nullopt;
      for (auto i = at - first; i < 9; ++i) value *= 10;
      fraction = nanoseconds(value);
    }
  }
  const year_month_day date{year(year_number), month(static_cast<unsigned>(month_number)),
                            day(static_cast<unsigned>(day_number))};
  if (!date.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  minutes offset{0};
  const auto zone = text.substr(at);
  if (zone != "Z") {
    int hours_off = 0, minutes_off = 0;
    if (zone.size() != 6 || (zone[0] != '+' && zone[0] != '-') || zone[3] != ':' || !digits(zone, 1, 2, hours_off) ||
        !digits(zone, 4, 2, minutes_off) || hours_off > 18 || minutes_off > 59)
      return std::nullopt;
    offset = minutes((hours_off * 60 + minutes_off) * (zone[0] == '-' ? -1 : 1));
  }
  // A system_clock of nanoseconds holds the years 1677 to 2262 only.
  if (year_number < 1700 || year_number > 2200) {
    const auto edge =
        year_number < 1700 ? year_month_day{year(1700), January, day(1)} : year_month_day{year(2200), January, day(1)};
    return TimePoint(sys_days(edge).time_since_epoch());
  }
  const auto since = sys_days(date).time_since_epoch() + hours(hour) + minutes(minute) + seconds(second) - offset;
  return TimePoint(duration_cast<TimePoint::duration>(since + fraction));
}

bool is_choice_operator(std::string_view op) {
  return op == "BooleanEquals" || op == "StringMatches" || family_of(op) != nullptr ||
         std::find(std::begin(kTests), std::end(kTests), op) != std::end(kTests);
}

bool choice_operator_takes_path(std::string_view op) { return op == "BooleanEquals" || family_of(op) != nullptr; }

bool choice_literal_fits(std::string_view op, const Value& literal) {
  if (op == "StringMatches") return literal.is_string();
  const Family* const family = family_of(op);
  return family != nullptr ? family->fits(literal) : literal.is_bool();
}

Outcome<bool> holds(const ChoiceTest& test, const Scope& scope) {
  switch (test.kind) {
    case ChoiceTest::Kind::And:
      for (const auto& part : test.parts) {
        auto result = holds(part, scope);
        if (!result || !*result) return result;
      }
      return true;
    case ChoiceTest::Kind::Or:
      for (const auto& part : test.parts) {
        auto result = holds(part, scope);
        if (!result || *result) return result;
      }
      return false;
    case ChoiceTest::Kind::Not: {
      auto result = holds(test.parts.front(), scope);
      if (!result) return result;
      return !*result;
    }
    case ChoiceTest::Kind::Compare: break;
  }
  if (test.op == "IsPresent") {
    const auto found = read_path(*test.variable, scope);
    return found.has_value() == test.literal.as_bool();
  }
  auto left = read(*test.variable, scope, "Variable");
  if (!left) return fail(left);
  if (test.op.starts_with("Is")) return is_a(test.op, *left) == test.literal.as_bool();
  if (!test.path) return compare_values(test.op, *left, test.literal);
  auto right = read(*test.path, scope, test.op + "Path");
  if (!right) return fail(right);
  return compare_values(test.op, *left, *right);
}

}  // namespace likeness::states
