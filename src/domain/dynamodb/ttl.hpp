#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "domain/dynamodb/items.hpp"
#include "domain/dynamodb/stream_writer.hpp"
#include "domain/dynamodb/table.hpp"
#include "domain/dynamodb/tables.hpp"
#include "storage/store.hpp"

/// Time to live: items of a table leave it when the time in one of their attributes has come.
namespace likeness::dynamodb {

/// Partition: the table's id; sort: when the item expires, and a digest of its key; value: its key.
inline constexpr std::string_view kExpiryTable = "ddb.expiry";

/// Keeps the index of what expires when, in the commits that change the items. Stateless.
void add_expiry_writes(const ItemChange& change, std::vector<storage::Write>& writes);

/// Deletes what has expired. Reads the index only, so that tables are not scanned; what is found is deleted on the
/// condition that its time really has come, since the index may lag behind where it was filled later. Thread-safe, but
/// meant for one background thread.
class Expiry {
 public:
  Expiry(storage::Store& store, Tables& tables, Items& items, const Clock& clock)
      : store_(store), tables_(tables), items_(items), clock_(clock) {}

  /// UpdateTimeToLive. Errors: ValidationException, ResourceNotFoundException.
  Result<TablePtr> set(const Table& table, const TimeToLive& wanted);

  /// Fills or empties indexes after changes of `set`, then deletes what has expired. How many items. `go_on` is asked
  /// between steps.
  Result<std::size_t> sweep(const std::function<bool()>& go_on);

 private:
  Result<void> catch_up(const std::function<bool()>& go_on);
  Result<void> fill(const TablePtr& table, const std::function<bool()>& go_on);
  Result<void> empty(const std::string& table_id, const std::function<bool()>& go_on);
  Result<std::size_t> sweep_table(const TablePtr& table, const std::function<bool()>& go_on);

  storage::Store& store_;
  Tables& tables_;
  Items& items_;
  const Clock& clock_;
};

}  // namespace likeness::dynamodb
