#include "config/values.hpp"

#include <fmt/format.h>

#include <charconv>
#include <limits>
#include <utility>

namespace likeness::config {
namespace {

/// A number with one of the suffixes after it.
template <std::size_t N>
std::optional<std::int64_t> parse_with_unit(std::string_view text,
                                            const std::pair<std::string_view, std::int64_t> (&units)[N]) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number < 0) return std::nullopt;
  std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  if (unit.starts_with(' ')) unit.remove_prefix(1);
  for (const auto& [name, factor] : units) {
    if (unit != name) continue;
    if (number > std::numeric_limits<std::int64_t>::max() / factor) return std::nullopt;
    return number * factor;
  }
  return std::nullopt;
}

constexpr std::pair<std::string_view, std::int64_t> kSizes[] = {
    {"GiB", 1ll << 30}, {"MiB", 1ll << 20}, {"KiB", 1ll << 10}, {"GB", 1'000'000'000},
    {"MB", 1'000'000},  {"KB", 1'000},      {"B", 1},           {"", 1}};
constexpr std::pair<std::string_view, std::int64_t> kTimes[] = {
    {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}};

}  // namespace

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<std::int64_t> parse_size(std::string_view text) { return parse_with_unit(text, kSizes); }

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const auto parsed = parse_with_unit(text, kTimes);
  if (!parsed) return std::nullopt;
  return std::chrono::milliseconds(*parsed);
}

std::optional<bool> parse_bool(std::string_view text) {
  for (const std::string_view yes : {"true", "yes", "on"})
    if (text == yes) return true;
  for (const std::string_view no : {"false", "no", "off"})
    if (text == no) return false;
  return std::nullopt;
}

std::optional<std::map<std::string, double>> parse_rates(std::string_view text) {
  std::map<std::string, double> rates;
  while (!text.empty()) {
    const std::string_view entry = text.substr(0, text.find(','));
    text.remove_prefix(entry.size() == text.size() ? entry.size() : entry.size() + 1);
    const std::size_t equals = entry.find('=');
    if (equals == std::string_view::npos || equals == 0) return std::nullopt;
    const std::string_view number = entry.substr(equals + 1);
    double rate = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), rate);
    if (error != std::errc() || end != number.data() + number.size() || !(rate >= 0 && rate <= 1e9))
      return std::nullopt;
    rates[std::string(entry.substr(0, equals))] = rate;
  }
  return rates;
}

std::string format_size(std::int64_t bytes) {
  for (const auto& [name, factor] : kSizes)
    if (name.ends_with("iB") && bytes >= factor && bytes % factor == 0)
      return fmt::format("{}{}", bytes / factor, name);
  return std::to_string(bytes);
}

std::string format_duration(std::chrono::milliseconds time) {
  for (const auto& [name, factor] : kTimes)
    if (time.count() % factor == 0 && (time.count() > 0 || factor == 1000))
      return fmt::format("{}{}", time.count() / factor, name);
  return fmt::format("{}ms", time.count());
}

std::string format_rates(const std::map<std::string, double>& rates) {
  std::string text;
  for (const auto& [operation, rate] : rates) text += fmt::format("{}{}={}", text.empty() ? "" : ",", operation, rate);
  return text;
}

}  // namespace likeness::config
