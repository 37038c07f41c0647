#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "domain/queues/message.hpp"
#include "storage/store.hpp"

namespace likeness::queues {

/// What a deduplication id has stood for in the last five minutes.
struct KnownMessage {
  std::string id;
  Sequence sequence = 0;
};

/// The deduplication ids of FIFO queues and topics, written in the commits of the messages. `owner` tells the queues
/// apart. Thread-safe; blocks for the store. Who sends with an id holds a latch on it from `find` to the commit.
class Deduplication {
 public:
  static constexpr Millis kWindow = 5 * 60 * 1000;

  explicit Deduplication(storage::Store& store) : store_(store) {}

  Result<std::optional<KnownMessage>> find(const std::string& owner, const std::string& id, Millis now) const;
  /// For the commit of a message with that id.
  static void remember(const std::string& owner, const std::string& id, const KnownMessage& message, Millis now,
                       std::vector<storage::Write>& writes);
  /// Forgets what is older than the window, at most `limit` ids. How many there were.
  Result<std::size_t> sweep(const std::string& owner, Millis now, std::size_t limit = 400);

 private:
  storage::Store& store_;
};

}  // namespace likeness::queues
