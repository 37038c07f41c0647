#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "domain/dynamodb/expression.hpp"
#include "domain/dynamodb/stream_writer.hpp"
#include "domain/dynamodb/table.hpp"
#include "domain/dynamodb/tables.hpp"
#include "domain/key_latches.hpp"
#include "storage/store.hpp"

namespace likeness::dynamodb {

/// Capacity units.
struct Units {
  double table = 0;
  std::map<std::string, double> local = {};  // by index
  std::map<std::string, double> global = {};
  double total() const;
};

/// One change (or check) of one item. What it asks of the item must have been validated against the table (check_key,
/// check_item); `write` validates what only the item before tells.
struct WriteRequest {
  enum class Kind : std::uint8_t { Put, Delete, Update, Check };
  TablePtr table;
  Kind kind = Kind::Put;
  Attributes item;  // Put: the item; otherwise the key
  const Condition* condition = nullptr;
  const Update* update = nullptr;  // with Update; null leaves an item as it is and makes one of the key alone
  bool expired = false;            // removed by time to live
  bool count_units = false;
  /// Whether the result must have the old item. A Put that nothing else needs it for does not read it then.
  bool wants_old = true;
};

struct WriteResult {
  /// Why this one stands in the way: ConditionalCheckFailedException or ValidationException. Nothing of the request
  /// was written then.
  std::optional<Error> refused;
  std::optional<Attributes> old_item;
  std::optional<Attributes> new_item;  // after Put, Update, and Check
  Units units;
};

struct WriteOutcome {
  bool committed = false;
  std::vector<WriteResult> results;  // one for each request, in order
};

struct ReadItem {
  TablePtr table;
  Attributes key;
};

/// Part of one partition key's items, or of all: a scan.
struct PageRequest {
  TablePtr table;
  const Index* index = nullptr;  // of `table`
  std::vector<Value> partition;  // one of each HASH attribute; empty: a scan
  /// Of the sort key: encoded bounds, see SortBounds.
  std::string first;                // from here
  std::optional<std::string> last;  // before here
  bool backward = false;
  std::uint64_t segment = 0;  // scans
  std::uint64_t segments = 1;
  std::optional<Attributes> start_after;  // all keys of table and index, which were checked
  std::optional<std::size_t> limit;       // items to look at
  const Condition* filter = nullptr;
  bool whole_items = false;  // fetch from the table what a local index does not hold
  std::size_t max_bytes = 1 << 20;
};

struct PageResult {
  std::vector<Attributes> items;  // that passed the filter
  std::size_t scanned = 0;
  std::optional<Attributes> last_key;  // where to go on; nullopt at the end
  std::size_t bytes = 0;               // of what was looked at
  std::size_t fetched_bytes = 0;       // in units of 4 KB each: what whole_items took from the table
};

/// Bounds of a sort key in the store's order, for PageRequest.
struct SortBounds {
  std::string first;
  std::optional<std::string> last;
};
enum class SortOperator : std::uint8_t { Equal, Less, LessOrEqual, Greater, GreaterOrEqual, Between, BeginsWith };
SortBounds sort_bounds(const Index* index, SortOperator op, const Value& value, const Value* upper = nullptr);
/// The bounds of a further RANGE attribute where those before it have the values that `before` encodes.
SortBounds within(std::string before, SortBounds bounds);

/// Reads and writes items; knows no JSON and no expression syntax. Index entries and stream records commit with the
/// item. Thread-safe. Every call blocks: call it on the work pool.
class Items {
 public:
  /// Borrows all; `streams` may be null.
  Items(storage::Store& store, Tables& tables, const Clock& clock = Clock::system(), StreamWriter* streams = nullptr)
      : store_(store), tables_(tables), clock_(clock), streams_(streams) {}

  Result<std::optional<Attributes>> get(const Table& table, const Attributes& key) const;
  /// All as they were at one moment.
  Result<std::vector<std::optional<Attributes>>> get_together(const std::vector<ReadItem>& items);

  /// All or none, no item twice. An Error is ours (storage) or the table's (gone); what stands against single requests
  /// is in their results.
  Result<WriteOutcome> write(const std::vector<WriteRequest>& requests, const std::vector<storage::Write>& more = {});
  /// One request; its refusal is the Error.
  Result<WriteResult> write_one(WriteRequest request);

  Result<PageResult> page(const PageRequest& request) const;

  /// Writes the index's entry of every item there is. Changes meanwhile are written by those who make them.
  Result<void> fill_index(const Table& table, const Index& index, const std::function<bool()>& go_on);

  const Clock& clock() const { return clock_; }
  Tables& tables() { return tables_; }
  storage::Store& store() { return store_; }

 private:
  struct Planned;
  Result<WriteOutcome> attempt(const std::vector<WriteRequest>& requests, const std::vector<Tables::Use>& uses,
                               const std::vector<std::string>& keys, const std::vector<storage::Write>& more);

  storage::Store& store_;
  Tables& tables_;
  const Clock& clock_;
  StreamWriter* const streams_;
  domain::KeyLatches latches_;
};

}  // namespace likeness::dynamodb
