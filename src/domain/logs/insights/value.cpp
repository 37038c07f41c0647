#include "domain/logs/insights/value.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <utility>

namespace likeness::logs::insights {

bool as_number(const Value& value, double& out) {
  if (value.kind == Value::Kind::Nothing) return false;
  if (value.kind != Value::Kind::Text) {
    out = value.number;
    return true;
  }
  const std::string_view text = value.text;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), out);
  return read.ec == std::errc() && read.ptr == text.data() + text.size() && std::isfinite(out);
}

std::string to_text(const Value& value) {
  switch (value.kind) {
    case Value::Kind::Nothing: return {};
    case Value::Kind::Text: return value.text;
    case Value::Kind::Time: {
      const auto millis = static_cast<std::int64_t>(value.number);
      const std::int64_t seconds = millis / 1000 - (millis % 1000 < 0 ? 1 : 0);
      if (std::abs(seconds) > 200'000'000'000) return fmt::format("{}", millis);
      return fmt::format("{:%Y-%m-%d %H:%M:%S}.{:03}", fmt::gmtime(static_cast<std::time_t>(seconds)),
                         millis - seconds * 1000);
    }
    case Value::Kind::Number: break;
  }
  if (!std::isfinite(value.number)) return {};
  if (std::nearbyint(value.number) == value.number && std::abs(value.number) < 1e15)
    return fmt::format("{}", static_cast<std::int64_t>(value.number));
  auto text = fmt::format("{:.4f}", value.number);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

int compare(const Value& a, const Value& b) {
  if (a.is_nothing() || b.is_nothing()) return static_cast<int>(b.is_nothing()) - static_cast<int>(a.is_nothing());
  double x = 0;
  double y = 0;
  if (as_number(a, x) && as_number(b, y)) return x < y ? -1 : x > y ? 1 : 0;
  const int order = to_text(a).compare(to_text(b));
  return order < 0 ? -1 : order > 0 ? 1 : 0;
}

}  // namespace likeness::logs::insights
