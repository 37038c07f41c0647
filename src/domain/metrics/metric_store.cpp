#include "domain/metrics/metric_store.hpp"

#include <algorithm>
#include <array>
#include <mutex>
#include <utility>

#include "domain/record.hpp"

namespace likeness::metrics {
namespace {

using storage::Write;

constexpr const char* kData = "metric_data";      // (series id; time, number)
constexpr const char* kSeries = "metric_series";  // ("series"; series id)
constexpr const char* kAllSeries = "series";
constexpr Seconds kHour = 3600;
constexpr Seconds kDay = 24 * kHour;
constexpr Seconds kListed = 14 * kDay;
constexpr Seconds kNoteEvery = kHour;  // how stale the time of a metric's last data may be after a crash

/// Older than `after`: joined into `resolution`.
struct Age {
  Seconds after, resolution;
};
constexpr std::array kAges = {Age{3 * kHour, 60}, Age{15 * kDay, 300}, Age{63 * kDay, kHour}};
constexpr Seconds kKept = 455 * kDay;

void put_big_endian(std::uint64_t value, std::string& out) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>((value >> shift) & 0xff));
}
std::uint64_t big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8 && i < bytes.size(); ++i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

std::string time_key(Seconds time) {
  std::string out;
  put_big_endian(static_cast<std::uint64_t>(std::max<Seconds>(time, 0)), out);
  return out;
}
std::string data_key(Seconds time, std::uint64_t number) {
  auto out = time_key(time);
  put_big_endian(number, out);
  return out;
}

std::string encode_series(const SeriesKey& key, Seconds active) {
  domain::RecordWriter out;
  out.text(1, key.name_space);
  out.text(2, key.name);
  for (const auto& dimension : key.dimensions) {
    out.text(3, dimension.name);
    out.text(4, dimension.value);
  }
  out.number(5, static_cast<std::uint64_t>(active));
  return out.take();
}

std::pair<SeriesKey, Seconds> decode_series(std::string_view bytes) {
  std::pair<SeriesKey, Seconds> out;
  domain::RecordReader in(bytes);
  while (in.next()) {
    switch (in.field()) {
      case 1: out.first.name_space = in.text(); break;
      case 2: out.first.name = in.text(); break;
      case 3: out.first.dimensions.push_back({std::string(in.text()), {}}); break;
      case 4:
        if (!out.first.dimensions.empty()) out.first.dimensions.back().value = in.text();
        break;
      case 5: out.second = static_cast<Seconds>(in.number()); break;
      default: break;
    }
  }
  return out;
}

Failure from_store(const Error& error) {
  const bool full = error.code == "StorageFull";
  return server_error("InternalServiceFault",
                      full ? "The disk is full; nothing was stored." : "The service cannot complete the request.",
                      error.code + ": " + error.message + " " + error.detail);
}

Seconds floor_to(Seconds time, Seconds step) { return time - time % step; }

}  // namespace

std::string_view to_text(Unit unit) {
  constexpr std::array<std::string_view, 27> kNames = {
      "Seconds",          "Microseconds",     "Milliseconds", "Bytes",           "Kilobytes",        "Megabytes",
      "Gigabytes",        "Terabytes",        "Bits",         "Kilobits",        "Megabits",         "Gigabits",
      "Terabits",         "Percent",          "Count",        "Bytes/Second",    "Kilobytes/Second", "Megabytes/Second",
      "Gigabytes/Second", "Terabytes/Second", "Bits/Second",  "Kilobits/Second", "Megabits/Second",  "Gigabits/Second",
      "Terabits/Second",  "Count/Second",     "None"};
  return kNames[static_cast<std::size_t>(unit)];
}

Result<std::unique_ptr<MetricStore>> MetricStore::open(storage::Store& store, const Clock& clock, StoreLimits limits) {
  std::unique_ptr<MetricStore> out(new MetricStore(store, clock, limits));
  auto read = store.scan(kSeries, kAllSeries, [&](std::string_view, std::string_view value) {
    auto [key, active] = decode_series(value);
    out->series_.emplace(std::move(key), active);
    return true;
  });
  if (!read) return from_store(read.error());
  return out;
}

Seconds MetricStore::now() const {
  return std::chrono::floor<std::chrono::seconds>(clock_.now().time_since_epoch()).count();
}

std::uint64_t MetricStore::next_number() {
  const auto time = static_cast<std::uint64_t>(
      std::chrono::floor<std::chrono::microseconds>(clock_.now().time_since_epoch()).count());
  std::uint64_t last = last_number_;
  while (!last_number_.compare_exchange_weak(last, std::max(time, last + 1))) {
  }
  return std::max(time, last + 1);
}

/// Writes down that the metric exists and lives, unless that is written already.
Result<void> MetricStore::note(const SeriesKey& key, Seconds time, std::vector<Write>& writes) {
  {
    const std::shared_lock lock(mutex_);
    const auto at = series_.find(key);
    if (at != series_.end() && at->second + kNoteEvery >= time) return {};
    if (at == series_.end() && series_.size() >= limits_.series)
      return client_error("LimitExceededException", "There are too many metrics.");
  }
  writes.push_back({.table = kSeries, .key = {kAllSeries, key.id()}, .value = encode_series(key, time)});
  return {};
}

Result<void> MetricStore::commit(std::vector<Write> writes) {
  // Data need not appear together, so a commit may be as small as the engine wants it.
  const std::size_t most = store_.max_writes();
  for (std::size_t from = 0; from < writes.size(); from += most) {
    const auto begin = writes.begin() + static_cast<std::ptrdiff_t>(from);
    const auto end = writes.begin() + static_cast<std::ptrdiff_t>(std::min(writes.size(), from + most));
    if (auto done = store_.commit({std::make_move_iterator(begin), std::make_move_iterator(end)}); !done)
      return from_store(done.error());
  }
  return {};
}

Result<void> MetricStore::put(const std::vector<Datum>& data) {
  std::vector<std::pair<Datum, std::uint64_t>> numbered;
  numbered.reserve(data.size());
  for (const auto& datum : data) numbered.emplace_back(datum, next_number());
  return replace(numbered);
}

Result<void> MetricStore::replace(const std::vector<std::pair<Datum, std::uint64_t>>& data) {
  std::vector<Write> writes;
  std::map<SeriesKey, Seconds> active;
  for (const auto& [datum, number] : data) {
    writes.push_back({.table = kData,
                      .key = {datum.series.id(), data_key(datum.time, number)},
                      .value = encode(datum.aggregate, datum.unit, datum.high_resolution)});
    auto& last = active[datum.series];
    last = std::max(last, datum.time);
  }
  for (const auto& [key, time] : active)
    if (auto noted = note(key, time, writes); !noted) return noted;
  if (auto done = commit(std::move(writes)); !done) return done;
  const std::unique_lock lock(mutex_);
  for (const auto& [key, time] : active) {
    auto& last = series_[key];
    // What is in memory is what is written down, so that a metric that lives is noted again.
    if (last + kNoteEvery < time) last = time;
  }
  return {};
}

Result<void> MetricStore::read(const SeriesKey& series, Seconds from, Seconds to,
                               const std::function<void(Sample)>& visit) const {
  const auto id = series.id();
  storage::Range range;
  range.first = time_key(from);
  range.last = time_key(std::max(from, to));
  range.limit = 2000;
  while (true) {
    auto page = store_.range(kData, id, range);
    if (!page) return from_store(page.error());
    for (const auto& item : page->items) {
      auto stored = decode_aggregate(item.value);
      if (!stored) return fail(stored);
      visit({static_cast<Seconds>(big_endian(item.key.sort)), stored->unit, std::move(stored->aggregate)});
    }
    if (!page->next) return {};
    range.first = *page->next;
  }
}

void MetricStore::list(const SeriesKey& first, const std::function<bool(const SeriesInfo&)>& visit) const {
  const Seconds oldest = now() - kListed;
  const std::shared_lock lock(mutex_);
  for (auto at = series_.lower_bound(first); at != series_.end(); ++at) {
    if (at->second < oldest) continue;
    if (!visit({at->first, at->second})) return;
  }
}

Result<std::size_t> MetricStore::compact(const SeriesKey& key) {
  const auto id = key.id();
  const Seconds time = now();
  std::size_t count = 0;
  // The coarsest first; what is in its resolution already is left alone.
  Seconds from = 0;
  for (auto age = kAges.rbegin(); age != kAges.rend(); ++age) {
    const Seconds until = floor_to(time - age->after, age->resolution);
    storage::Range range{.first = time_key(from), .last = time_key(std::max<Seconds>(until, 0)), .limit = 1000};
    while (true) {
      auto page = store_.range(kData, id, range);
      if (!page) return from_store(page.error());
      std::vector<Write> writes;
      for (std::size_t i = 0; i < page->items.size();) {
        const Seconds start = floor_to(static_cast<Seconds>(big_endian(page->items[i].key.sort)), age->resolution);
        std::map<Unit, Aggregate> joined;
        std::size_t end = i;
        for (; end < page->items.size(); ++end) {
          const auto at = static_cast<Seconds>(big_endian(page->items[end].key.sort));
          if (at >= start + age->resolution) break;
          auto stored = decode_aggregate(page->items[end].value);
          if (!stored) return fail(stored);
          joined[stored->unit].add(stored->aggregate);
        }
        const bool expired = start + age->resolution < time - kKept;
        const bool fine =
            end - i <= joined.size() && static_cast<Seconds>(big_endian(page->items[i].key.sort)) == start;
        if (expired || !fine) {
          for (std::size_t j = i; j < end; ++j)
            writes.push_back({.table = kData, .key = page->items[j].key, .value = std::nullopt});
          count += end - i;
          if (!expired)
            for (const auto& [unit, aggregate] : joined)
              writes.push_back({.table = kData,
                                .key = {id, data_key(start, next_number())},
                                .value = encode(aggregate, unit, false)});
        }
        i = end;
      }
      // Each commit of its own removes and writes what belongs together, so it must not be cut in two.
      if (!writes.empty())
        if (auto done = store_.commit(std::move(writes)); !done) return from_store(done.error());
      if (!page->next) break;
      range.first = *page->next;
    }
    from = std::max<Seconds>(until, 0);
  }
  return count;
}

Result<std::size_t> MetricStore::compact() {
  std::vector<SeriesInfo> all;
  {
    const std::shared_lock lock(mutex_);
    for (const auto& [key, active] : series_) all.push_back({key, active});
  }
  std::size_t count = 0;
  const Seconds time = now();
  for (const auto& one : all) {
    auto done = compact(one.key);
    if (!done) return fail(done);
    count += *done;
    if (one.last_active >= time - kKept) continue;
    auto removed = store_.commit({{.table = kSeries, .key = {kAllSeries, one.key.id()}, .value = std::nullopt}});
    if (!removed) return from_store(removed.error());
    const std::unique_lock lock(mutex_);
    series_.erase(one.key);
  }
  return count;
}

}  // namespace likeness::metrics
