#pragma once

#include <memory>
#include <vector>

#include "base/clock.hpp"
#include "domain/dynamodb/table.hpp"
#include "storage/store.hpp"

namespace likeness::dynamodb {

/// One item that changed. The references are good during the call only.
struct ItemChange {
  enum class Kind : std::uint8_t { Insert, Modify, Remove };
  const Table& table;
  Kind kind;
  const Attributes* old_item;  // null for Insert
  const Attributes* new_item;  // null for Remove
  TimePoint time;
  bool expired = false;  // removed by time to live
};

/// Told of every change of tables whose stream is on, before it is committed: what it adds to `writes` commits with the
/// change, or not at all. Called from many threads at once. A commit whose expectations fail is made and told again.
class StreamWriter {
 public:
  virtual ~StreamWriter() = default;

  /// The changes of one commit. What it returns is kept until the commit is done, in either way: records become
  /// readable in the order of their numbers although commits overtake one another.
  virtual std::shared_ptr<void> add(const std::vector<ItemChange>& changes, std::vector<storage::Write>& writes) = 0;
};

}  // namespace likeness::dynamodb
