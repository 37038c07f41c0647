#include "domain/metrics/statistic.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

namespace likeness::metrics {
namespace {

std::optional<double> number(std::string_view text) {
  double value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

bool same(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y));
  });
}

/// One end of "10%:90%", "100:2000", ":90%".
struct Bound {
  std::optional<double> value;
  bool share = false;
  bool ok = true;
};

Bound read_bound(std::string_view text) {
  Bound out;
  if (text.empty()) return out;
  if (text.ends_with('%')) {
    text.remove_suffix(1);
    out.share = true;
  }
  out.value = number(text);
  out.ok = out.value.has_value();
  if (out.ok && out.share) {
    out.ok = *out.value >= 0 && *out.value <= 100;
    *out.value /= 100;
  }
  return out;
}

}  // namespace

std::optional<Statistic> Statistic::parse(std::string_view name) {
  Statistic out;
  constexpr std::array<std::string_view, 5> kBasic = {"SampleCount", "Average", "Sum", "Minimum", "Maximum"};
  for (std::size_t i = 0; i < kBasic.size(); ++i) {
    if (name != kBasic[i]) continue;
    out.kind_ = static_cast<Kind>(i);
    return out;
  }
  if (same(name, "IQM")) {
    out.kind_ = Kind::TrimmedMean;
    out.low_ = 0.25;
    out.high_ = 0.75;
    return out;
  }
  if (!name.empty() && (name[0] == 'p' || name[0] == 'P') && name.size() > 1 && name[1] != 'R' && name[1] != 'r') {
    const auto share = number(name.substr(1));
    if (!share || *share < 0 || *share > 100) return std::nullopt;
    out.kind_ = Kind::Percentile;
    out.high_ = *share / 100;
    return out;
  }
  struct Family {
    std::string_view name;
    Kind kind;
  };
  constexpr std::array kFamilies = {Family{"tm", Kind::TrimmedMean}, Family{"wm", Kind::WinsorizedMean},
                                    Family{"tc", Kind::TrimmedCount}, Family{"ts", Kind::TrimmedSum},
                                    Family{"pr", Kind::PercentileRank}};
  if (name.size() < 3) return std::nullopt;
  for (const auto& family : kFamilies) {
    if (!same(name.substr(0, 2), family.name)) continue;
    out.kind_ = family.kind;
    auto rest = name.substr(2);
    if (rest.front() != '(') {  // "tm90" is "TM(0%:90%)"
      const auto share = number(rest);
      if (!share || *share < 0 || *share > 100 || family.kind == Kind::PercentileRank) return std::nullopt;
      out.low_ = 0;
      out.high_ = *share / 100;
      return out;
    }
    if (!rest.ends_with(')')) return std::nullopt;
    rest = rest.substr(1, rest.size() - 2);
    const auto colon = rest.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const auto low = read_bound(rest.substr(0, colon));
    const auto high = read_bound(rest.substr(colon + 1));
    if (!low.ok || !high.ok || (!low.value && !high.value)) return std::nullopt;
    if (low.value && high.value && (low.share != high.share || *low.value > *high.value)) return std::nullopt;
    out.by_share_ = low.share || high.share;
    if (family.kind == Kind::PercentileRank && out.by_share_) return std::nullopt;
    out.low_ = low.value;
    out.high_ = high.value;
    return out;
  }
  return std::nullopt;
}

std::optional<double> Statistic::of(const Aggregate& aggregate) const {
  if (aggregate.empty()) return std::nullopt;
  switch (kind_) {
    case Kind::SampleCount: return aggregate.count;
    case Kind::Average: return aggregate.sum / aggregate.count;
    case Kind::Sum: return aggregate.sum;
    case Kind::Minimum: return aggregate.minimum;
    case Kind::Maximum: return aggregate.maximum;
    default: break;
  }
  if (!aggregate.complete) return std::nullopt;
  const auto& points = aggregate.values.points();
  if (kind_ == Kind::Percentile) {
    const double wanted = *high_ * aggregate.count;
    double seen = 0;
    for (const auto& [value, count] : points) {
      seen += count;
      if (seen >= wanted && seen > 0) return value;
    }
    return aggregate.maximum;
  }
  // The values between the bounds, with how much of each counts.
  const double infinity = std::numeric_limits<double>::infinity();
  double count = 0;
  double sum = 0;
  double before = 0;
  double outside_low = 0;
  double outside_high = 0;
  double least = infinity;
  double most = -infinity;
  for (const auto& [value, times] : points) {
    double inside = times;
    if (by_share_) {
      const double from = std::max(before, low_.value_or(0) * aggregate.count);
      const double to = std::min(before + times, high_.value_or(1) * aggregate.count);
      inside = std::max(0.0, to - from);
      outside_low += std::clamp(low_.value_or(0) * aggregate.count - before, 0.0, times);
      outside_high += std::clamp(before + times - high_.value_or(1) * aggregate.count, 0.0, times);
    } else if ((low_ && value <= *low_) || (high_ && value > *high_)) {
      inside = 0;
      (low_ && value <= *low_ ? outside_low : outside_high) += times;
    }
    before += times;
    if (inside <= 0) continue;
    count += inside;
    sum += inside * value;
    least = std::min(least, value);
    most = std::max(most, value);
  }
  switch (kind_) {
    case Kind::TrimmedCount: return count;
    case Kind::TrimmedSum: return sum;
    case Kind::PercentileRank: return count / aggregate.count * 100;
    case Kind::WinsorizedMean:
      if (count == 0) return std::nullopt;
      return (sum + outside_low * least + outside_high * most) / aggregate.count;
    default: break;
  }
  if (count == 0) return std::nullopt;
  return sum / count;
}

}  // namespace likeness::metrics
