#pragma once

#include <memory>
#include <vector>

#include "domain/dynamodb/stream_writer.hpp"
#include "domain/dynamodb/streams.hpp"
#include "domain/dynamodb/ttl.hpp"

namespace likeness::dynamodb {

/// All that is written with a change of an item beside the item and its indexes: stream records, and the index of time
/// to live. Borrows `streams`.
class ChangeWriters final : public StreamWriter {
 public:
  explicit ChangeWriters(Streams& streams) : streams_(streams) {}

  std::shared_ptr<void> add(const std::vector<ItemChange>& changes, std::vector<storage::Write>& writes) override {
    std::vector<const ItemChange*> streamed;
    for (const ItemChange& change : changes) {
      if (change.table.ttl.enabled) add_expiry_writes(change, writes);
      if (change.table.stream.enabled) streamed.push_back(&change);
    }
    return streamed.empty() ? nullptr : streams_.add(streamed, writes);
  }

 private:
  Streams& streams_;
};

}  // namespace likeness::dynamodb
