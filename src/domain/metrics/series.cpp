#include "domain/metrics/series.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/bytes.hpp"

namespace likeness::metrics {
namespace {

constexpr std::size_t kMostPoints = 160;  // a datum of PutMetricData may have 150
constexpr double kBucket = 0.02;          // relative

constexpr std::uint8_t kFormat = 1;
constexpr std::uint8_t kHighResolution = 1;
constexpr std::uint8_t kIncomplete = 2;
constexpr std::uint8_t kSingle = 4;  // one value, once

void put(double value, std::string& out) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof value);
}

bool take(std::string_view& from, double& value) {
  if (from.size() < sizeof value) return false;
  std::memcpy(&value, from.data(), sizeof value);
  from.remove_prefix(sizeof value);
  return true;
}

Failure damaged() {
  return server_error("StorageFailure", "The data of a metric cannot be read.", "its bytes make no sense");
}

}  // namespace

std::string SeriesKey::id() const {
  std::string text = name_space;
  text += '\0';
  text += name;
  for (const auto& dimension : dimensions) {
    text += '\0';
    text += dimension.name;
    text += '\0';
    text += dimension.value;
  }
  const auto digest = sha256(as_bytes(text));
  return {reinterpret_cast<const char*>(digest.data()), 16};
}

void Distribution::add(double value, double count) {
  const auto at = std::ranges::lower_bound(points_, value, {}, &std::pair<double, double>::first);
  if (at != points_.end() && at->first == value) {
    at->second += count;
    return;
  }
  points_.insert(at, {value, count});
  if (points_.size() > kMostPoints) compress();
}

void Distribution::add(const Distribution& other) {
  if (points_.empty()) {
    points_ = other.points_;
    return;
  }
  for (const auto& [value, count] : other.points_) add(value, count);
}

Distribution Distribution::of(std::vector<std::pair<double, double>> points) {
  Distribution out;
  out.points_ = std::move(points);
  return out;
}

/// Joins neighbours that are close, with a wider and wider notion of it until they are few.
void Distribution::compress() {
  for (double width = kBucket; points_.size() > kMostPoints / 2; width *= 2) {
    std::vector<std::pair<double, double>> joined;
    double start = 0;
    for (const auto& [value, count] : points_) {
      const bool close =
          !joined.empty() && std::abs(value - start) <= width * std::max(std::abs(value), std::abs(start));
      if (!close) {
        joined.emplace_back(value, count);
        start = value;
        continue;
      }
      auto& [mean, weight] = joined.back();
      mean += (value - mean) * count / (weight + count);
      weight += count;
    }
    points_ = std::move(joined);
    if (width > 1e6) return;  // no more than two are left then, but for numbers that are none
  }
}

void Aggregate::add(double value, double times) {
  if (times <= 0) return;
  minimum = count == 0 ? value : std::min(minimum, value);
  maximum = count == 0 ? value : std::max(maximum, value);
  sum += value * times;
  count += times;
  if (complete) values.add(value, times);
}

void Aggregate::add_set(double samples, double total, double least, double most) {
  Aggregate other;
  other.sum = total;
  other.minimum = least;
  other.maximum = most;
  other.count = samples;
  // One sample, or samples of one value, are known all the same.
  other.complete = least == most;
  if (other.complete) other.values.add(least, samples);
  add(other);
}

void Aggregate::add(const Aggregate& other) {
  if (other.empty()) return;
  if (empty()) {
    *this = other;
    return;
  }
  minimum = std::min(minimum, other.minimum);
  maximum = std::max(maximum, other.maximum);
  sum += other.sum;
  count += other.count;
  complete = complete && other.complete;
  if (complete)
    values.add(other.values);
  else
    values = {};
}

std::string encode(const Aggregate& aggregate, Unit unit, bool high_resolution) {
  const auto& points = aggregate.values.points();
  const bool single = aggregate.complete && points.size() == 1 && points.front().second == 1 && aggregate.count == 1;
  std::string out;
  out.push_back(kFormat);
  out.push_back(static_cast<char>((high_resolution ? kHighResolution : 0) | (aggregate.complete ? 0 : kIncomplete) |
                                  (single ? kSingle : 0)));
  out.push_back(static_cast<char>(unit));
  if (single) {
    put(aggregate.sum, out);
    return out;
  }
  for (const double value : {aggregate.sum, aggregate.minimum, aggregate.maximum, aggregate.count}) put(value, out);
  if (aggregate.complete)
    for (const auto& [value, count] : points) {
      put(value, out);
      put(count, out);
    }
  return out;
}

Result<StoredAggregate> decode_aggregate(std::string_view bytes) {
  if (bytes.size() < 3 || static_cast<std::uint8_t>(bytes[0]) != kFormat) return damaged();
  StoredAggregate out;
  const auto flags = static_cast<std::uint8_t>(bytes[1]);
  const auto unit = static_cast<std::uint8_t>(bytes[2]);
  if (unit > static_cast<std::uint8_t>(Unit::None)) return damaged();
  out.unit = static_cast<Unit>(unit);
  out.high_resolution = (flags & kHighResolution) != 0;
  auto& aggregate = out.aggregate;
  aggregate.complete = (flags & kIncomplete) == 0;
  bytes.remove_prefix(3);
  if ((flags & kSingle) != 0) {
    double value = 0;
    if (!take(bytes, value)) return damaged();
    aggregate.add(value);
    return out;
  }
  if (!take(bytes, aggregate.sum) || !take(bytes, aggregate.minimum) || !take(bytes, aggregate.maximum) ||
      !take(bytes, aggregate.count))
    return damaged();
  std::vector<std::pair<double, double>> points(bytes.size() / 16);
  for (auto& [value, count] : points)
    if (!take(bytes, value) || !take(bytes, count)) return damaged();
  aggregate.values = Distribution::of(std::move(points));
  return out;
}

}  // namespace likeness::metrics
