#include "domain/metrics/buffered_recorder.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "base/log.hpp"

namespace likeness::metrics {

BufferedRecorder::BufferedRecorder(MetricStore& store, const Clock& clock, RecorderOptions options)
    : store_(store),
      clock_(clock),
      options_(options),
      upkeep_({{.interval = options.interval,
                .run = [this](const Chore::GoOn&) -> Result<void> {
                  flush();
                  return {};
                },
                .trouble = {}}}) {}

BufferedRecorder::~BufferedRecorder() { stop(); }

void BufferedRecorder::record(std::string_view ns, std::string_view name, std::span<const Dimension> dimensions,
                              double value, Unit unit) {
  record_at(std::chrono::floor<std::chrono::seconds>(clock_.now().time_since_epoch()).count(), ns, name, dimensions,
            value, unit);
}

void BufferedRecorder::record_at(Seconds time, std::string_view ns, std::string_view name,
                                 std::span<const Dimension> dimensions, double value, Unit unit) {
  if (!std::isfinite(value)) return;
  const Seconds minute = time - time % 60;
  thread_local std::string key;
  key.assign(reinterpret_cast<const char*>(&minute), sizeof minute);
  key += static_cast<char>(unit);
  key += ns;
  key += '\0';
  key += name;
  // Almost always there are none or one, or they come sorted.
  const auto add = [&](std::span<const Dimension> sorted) {
    for (const auto& dimension : sorted) {
      key += '\0';
      key += dimension.name;
      key += '\0';
      key += dimension.value;
    }
  };
  std::vector<Dimension> own;
  if (!std::ranges::is_sorted(dimensions)) {
    own.assign(dimensions.begin(), dimensions.end());
    std::ranges::sort(own);
    dimensions = own;
  }
  add(dimensions);
  auto& shard = shards_[std::hash<std::string_view>{}(std::string_view(key).substr(sizeof minute)) % shards_.size()];
  const std::lock_guard lock(shard.mutex);
  auto at = shard.entries.find(key);
  if (at == shard.entries.end()) {
    if (shard.entries.size() >= options_.series / shards_.size()) {
      ++shard.dropped;
      return;
    }
    Entry entry;
    entry.series = {std::string(ns), std::string(name), {dimensions.begin(), dimensions.end()}};
    entry.minute = minute;
    entry.unit = unit;
    entry.number = store_.next_number();
    at = shard.entries.emplace(key, std::move(entry)).first;
  }
  at->second.aggregate.add(value);
  at->second.changed = true;
}

void BufferedRecorder::flush() {
  const std::lock_guard flushing(flushing_);
  const Seconds time = std::chrono::floor<std::chrono::seconds>(clock_.now().time_since_epoch()).count();
  std::vector<std::pair<Datum, std::uint64_t>> data;
  for (auto& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    for (auto at = shard.entries.begin(); at != shard.entries.end();) {
      auto& entry = at->second;
      if (entry.changed) {
        data.push_back(
            {{.series = entry.series, .time = entry.minute, .unit = entry.unit, .aggregate = entry.aggregate},
             entry.number});
        entry.changed = false;
        ++at;
      } else if (entry.minute + 60 <= time) {
        at = shard.entries.erase(at);  // stored and over
      } else {
        ++at;
      }
    }
  }
  if (data.empty()) return;
  if (auto stored = store_.replace(data); !stored)
    log::warn("metrics cannot be stored: {} {}", stored.error().message, stored.error().detail);
}

std::uint64_t BufferedRecorder::dropped() const {
  std::uint64_t out = 0;
  for (const auto& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    out += shard.dropped;
  }
  return out;
}

void BufferedRecorder::stop() {
  upkeep_.stop();
  flush();  // what came while the last one ran
}

}  // namespace likeness::metrics
