#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/upkeep.hpp"
#include "domain/metrics/metric_store.hpp"
#include "domain/metrics/recorder.hpp"

namespace likeness::metrics {

struct RecorderOptions {
  std::chrono::milliseconds interval{5000};  // how long values stay in memory only
  std::size_t series = 20'000;               // different ones of a minute
};

/// The Recorder of a server: values add up in memory, a thread stores what has been added since the last time. What is
/// stored of a minute is one value, replaced until the minute is over. Lives between the MetricStore and those who
/// record.
class BufferedRecorder final : public Recorder {
 public:
  explicit BufferedRecorder(MetricStore& store, const Clock& clock, RecorderOptions options = {});
  ~BufferedRecorder() override;
  BufferedRecorder(const BufferedRecorder&) = delete;
  BufferedRecorder& operator=(const BufferedRecorder&) = delete;

  using Recorder::record;
  void record(std::string_view ns, std::string_view name, std::span<const Dimension> dimensions, double value,
              Unit unit) override;
  /// Of a past time, as metric filters have it.
  void record_at(Seconds time, std::string_view ns, std::string_view name, std::span<const Dimension> dimensions,
                 double value, Unit unit);

  /// Stores what is there and ends the thread. Safe to call twice.
  void stop();
  /// Stores what is there.
  void flush();

  std::uint64_t dropped() const;

 private:
  struct Entry {
    SeriesKey series;
    Seconds minute = 0;
    Unit unit = Unit::None;
    Aggregate aggregate;
    std::uint64_t number = 0;
    bool changed = false;
  };
  /// Different metrics mostly lie in different shards, so that requests do not wait for one another.
  struct Shard {
    mutable std::mutex mutex;
    std::unordered_map<std::string, Entry> entries;
    std::uint64_t dropped = 0;
  };

  MetricStore& store_;
  const Clock& clock_;
  const RecorderOptions options_;
  std::array<Shard, 16> shards_;
  std::mutex flushing_;
  Upkeep upkeep_;  // last, as it uses the others
};

}  // namespace likeness::metrics
