#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

/// Where all state lives. The interface asks for no more than an engine behind the DynamoDB API can give: items of a
/// named table under (partition, sort), ordered by sort within a partition, and atomic conditional commits.
namespace likeness::storage {

/// `partition` spreads load and bounds a range read; `sort` orders within it (bytewise). Both are binary-safe;
/// `partition` must not be empty, `sort` may be. Sizes: kMaxPartitionBytes, kMaxSortBytes.
struct Key {
  std::string partition;
  std::string sort;
  auto operator<=>(const Key&) const = default;
};

struct Item {
  Key key;
  std::string value;
};

/// One change of a commit. `expect` is checked against the state that all earlier commits left, before anything of
/// this commit is written.
struct Write {
  enum class Expect { Anything, Absent, Present, SameValue };
  std::string table;
  Key key;
  std::optional<std::string> value;  // nullopt removes the item
  Expect expect = Expect::Anything;
  std::string expected_value;  // with SameValue
};

struct Range {
  std::string first;                // sort keys from here, inclusive
  std::optional<std::string> last;  // up to here, exclusive; nullopt = to the end of the partition
  std::size_t limit = 1000;         // at least 1
  bool reverse = false;             // from `last` down to `first`
};

struct Page {
  std::vector<Item> items;
  /// Where to go on: the `first` of the next forward read, the `last` of the next reverse one; nullopt at the end.
  std::optional<std::string> next;
};

inline constexpr std::size_t kMaxWritesInCommit = 100;  // what every engine takes: the DynamoDB API's transactions
inline constexpr std::size_t kMaxPartitionBytes = 2048;
inline constexpr std::size_t kMaxSortBytes = 8192;      // an index entry has two keys in it
inline constexpr std::size_t kMaxValueBytes = 1 << 20;  // larger values belong into a blob

/// A set of tables with atomic commits across them; a table exists as soon as something is written to it.
/// Thread-safe. Every call blocks: call it on the work pool.
///
/// Errors: "ConditionFailed" (an expectation did not hold; nothing was written), "InvalidWrite" (a bad table name, an
/// empty partition, a key twice in one commit, a limit exceeded), "StorageFull" (nothing was written; removals may
/// still work), "StorageFailure".
class Store {
 public:
  virtual ~Store() = default;

  virtual Result<std::optional<std::string>> get(std::string_view table, const Key& key) const = 0;
  virtual Result<Page> range(std::string_view table, std::string_view partition, const Range& range) const = 0;

  /// All writes or none; on return they survive a crash of the process and of the machine, and nobody saw them
  /// before. Commits of many threads share one sync of the log, so many at once are far cheaper than one by one.
  virtual Result<void> commit(std::vector<Write> writes) = 0;
  /// How many writes one commit may have with this engine; never below kMaxWritesInCommit.
  virtual std::size_t max_writes() const { return kMaxWritesInCommit; }

  /// Calls `visit` for each item of a partition in order, from one snapshot, until it returns false. The views are
  /// valid during the call only.
  virtual Result<void> scan(std::string_view table, std::string_view partition,
                            const std::function<bool(std::string_view sort, std::string_view value)>& visit) const = 0;

  /// Rewrites the files that hold this partition so that what was removed or replaced is no longer in them. A removed
  /// item is out of every read at once; its bytes leave the files within a day by themselves, and now with this call.
  virtual Result<void> purge(std::string_view table, std::string_view partition) = 0;
};

}  // namespace likeness::storage
