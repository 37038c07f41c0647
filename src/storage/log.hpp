#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

/// Sequences of records that many readers follow, each from its own position: table streams, event queues, shards.
namespace likeness::storage {

/// Ascending within a log; not always by one.
using Position = std::uint64_t;

struct LogRecord {
  Position position = 0;
  TimePoint written;
  std::string value;
};

struct LogPage {
  std::vector<LogRecord> records;
  Position next = 0;  // where to go on
};

/// Named logs; one exists as soon as something is appended to it. Thread-safe. Every call blocks, none for long.
/// Errors: "StorageFull", "StorageFailure".
class Log {
 public:
  virtual ~Log() = default;

  /// Appends in order, all or none; on return they survive a crash of the process and of the machine. The position of
  /// the first.
  virtual Result<Position> append(std::string_view log, const std::vector<std::string_view>& values) = 0;

  /// Up to `limit` records (and about `max_bytes` bytes, but at least one) at or after `from`.
  virtual Result<LogPage> read(std::string_view log, Position from, std::size_t limit,
                               std::size_t max_bytes = 1 << 20) const = 0;

  /// The first position that is still there, and the one that the next record will have at the earliest.
  virtual Result<std::pair<Position, Position>> bounds(std::string_view log) const = 0;

  /// Forgets what is before `position`. Readers behind it go on from `position`.
  virtual Result<void> trim(std::string_view log, Position position) = 0;
  /// Forgets the log and all in it; a later one of that name begins after the positions of this one.
  virtual Result<void> remove(std::string_view log) = 0;
};

}  // namespace likeness::storage
