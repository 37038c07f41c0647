#pragma once

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
/// `partition` must not be empty.
struct Key {
  std::string partition;
  std::string sort;
  auto operator<=>(const Key&) const = default;
};

struct Item {
  Key key;
  std::string value;
};

/// One change of a commit. `expect` is checked before anything is written.
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
  std::size_t limit = 1000;
  bool reverse = false;
};

struct Page {
  std::vector<Item> items;
  std::optional<std::string> next;  // sort key to go on from; nullopt at the end
};

/// A set of tables with atomic commits across them. Thread-safe. Every call blocks: call it on the work pool.
/// Errors: "ConditionFailed" (an expectation did not hold; nothing was written), "StorageFull", "StorageFailure".
class Store {
 public:
  virtual ~Store() = default;

  virtual Result<std::optional<std::string>> get(std::string_view table, const Key& key) const = 0;
  virtual Result<Page> range(std::string_view table, std::string_view partition, const Range& range) const = 0;

  /// All writes or none; on return they survive a crash of the process and of the machine. Commits of many threads
  /// share one sync of the log. At most 100 writes, the limit of the DynamoDB API; `scan`-and-batch for more.
  virtual Result<void> commit(std::vector<Write> writes) = 0;

  /// Calls `visit` for each item of a partition in order, from one snapshot, until it returns false.
  virtual Result<void> scan(std::string_view table, std::string_view partition,
                            const std::function<bool(std::string_view sort, std::string_view value)>& visit) const = 0;
};

}  // namespace likeness::storage
