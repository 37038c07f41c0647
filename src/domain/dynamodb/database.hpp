#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "domain/dynamodb/items.hpp"
#include "domain/dynamodb/stream_writer.hpp"
#include "domain/dynamodb/tables.hpp"
#include "storage/store.hpp"

namespace likeness::dynamodb {

struct Statistics {
  std::int64_t items = 0;
  std::int64_t bytes = 0;
};

/// Tables and items, and the work behind them: new indexes are filled, what was removed is swept out of the store. That
/// work goes on after a restart where it was left. Thread-safe.
class Database {
 public:
  /// Borrows the store, the clock, and `streams`, which may be null.
  static Result<std::unique_ptr<Database>> open(storage::Store& store, const Clock& clock = Clock::system(),
                                                StreamWriter* streams = nullptr);
  ~Database();

  Tables& tables() { return *tables_; }
  const Tables& tables() const { return *tables_; }
  Items& items() { return items_; }
  const Clock& clock() const { return clock_; }
  storage::Store& store() { return store_; }

  /// There is work: an index to fill, something to sweep.
  void wake();

  /// Of the table, or of an index. Counted by reading, no more often than that costs a fiftieth of the time.
  Result<Statistics> statistics(const Table& table, const Index* index);

 private:
  Database(storage::Store& store, const Clock& clock, StreamWriter* streams, std::unique_ptr<Tables> tables);
  void work();
  /// One round; true if something may be left to do.
  bool round();

  struct Counted {
    Statistics statistics;
    std::chrono::steady_clock::time_point taken;
    std::chrono::steady_clock::duration cost;
  };

  storage::Store& store_;
  const Clock& clock_;
  const std::unique_ptr<Tables> tables_;
  Items items_;

  std::mutex statistics_mutex_;
  std::unordered_map<std::string, Counted> counted_;  // by the store's partition

  std::mutex mutex_;
  std::condition_variable changed_;
  bool woken_ = true;
  std::atomic<bool> stopping_{false};
  std::thread worker_;
};

}  // namespace likeness::dynamodb
