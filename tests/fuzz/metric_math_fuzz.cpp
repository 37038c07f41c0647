// Expressions of CloudWatch: metric math, SEARCH, names of statistics and rules of composite alarms from any text.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "domain/metrics/alarm.hpp"
#include "domain/metrics/expression.hpp"
#include "domain/metrics/search.hpp"
#include "domain/metrics/statistic.hpp"

namespace metrics = likeness::metrics;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 4096) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto expression = metrics::parse_expression(text)) {
    std::vector<std::string> names;
    metrics::names_in(*expression, names);
  }
  if (const auto search = metrics::Search::parse(text))
    (void)search->matches({"AWS/Lambda", "Errors", {{"FunctionName", "photo-check"}}});
  if (const auto statistic = metrics::Statistic::parse(text)) {
    metrics::Aggregate aggregate;
    for (int i = 0; i < 5; ++i) aggregate.add(i, i + 1);
    (void)statistic->of(aggregate);
  }
  if (const auto rule = metrics::AlarmRule::parse(text)) {
    (void)rule->holds(
        [](const std::string& name) { return name.empty() ? metrics::AlarmState::Ok : metrics::AlarmState::Alarm; });
    (void)rule->alarms();
  }
  return 0;
}
