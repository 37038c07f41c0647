#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "domain/metrics/series.hpp"
#include "storage/store.hpp"

namespace likeness::metrics {

/// Values of one metric at one time, on their way in.
struct Datum {
  SeriesKey series;
  Seconds time = 0;  // of a minute, or of a second with high resolution
  Unit unit = Unit::None;
  bool high_resolution = false;
  Aggregate aggregate;
};

/// What is stored of a metric from `time` on, up to its resolution.
struct Sample {
  Seconds time = 0;
  Unit unit = Unit::None;
  Aggregate aggregate;
};

struct SeriesInfo {
  SeriesKey key;
  Seconds last_active = 0;
};

struct StoreLimits {
  std::size_t series = 200'000;  // metrics are held in memory
};

/// All metrics and their data. Data are only appended: what comes for one metric and minute at different times is added
/// up when it is read, and joined into coarser values when it is old (as on AWS: minutes for 15 days, 5 minutes for 63,
/// hours for 455 days). What was answered survives a crash. Thread-safe; `put`, `read` and `compact` block.
class MetricStore {
 public:
  static Result<std::unique_ptr<MetricStore>> open(storage::Store& store, const Clock& clock, StoreLimits limits = {});

  /// Error: LimitExceededException if there would be too many metrics.
  Result<void> put(const std::vector<Datum>& data);
  /// The same, under a key that a later call with it replaces: what a recorder has so far of a minute.
  Result<void> replace(const std::vector<std::pair<Datum, std::uint64_t>>& data);
  /// Never the same twice.
  std::uint64_t next_number();

  /// Data of `series` with from <= time < to, by time; not joined.
  Result<void> read(const SeriesKey& series, Seconds from, Seconds to, const std::function<void(Sample)>& visit) const;

  /// In the order of their keys, from `first` on, until `visit` returns false; those of the last two weeks.
  void list(const SeriesKey& first, const std::function<bool(const SeriesInfo&)>& visit) const;

  /// Joins and forgets what is old; how many items that took. To be called now and then.
  Result<std::size_t> compact();

  Seconds now() const;

 private:
  MetricStore(storage::Store& store, const Clock& clock, StoreLimits limits)
      : store_(store), clock_(clock), limits_(limits) {}
  Result<void> note(const SeriesKey& key, Seconds time, std::vector<storage::Write>& writes);
  Result<void> commit(std::vector<storage::Write> writes);
  Result<std::size_t> compact(const SeriesKey& key);

  storage::Store& store_;
  const Clock& clock_;
  const StoreLimits limits_;
  std::atomic<std::uint64_t> last_number_ = 0;
  mutable std::shared_mutex mutex_;
  std::map<SeriesKey, Seconds> series_;  // when it was last active
};

/// AWS's words for the units; nullopt for one that is none.
std::string_view to_text(Unit unit);

}  // namespace likeness::metrics
