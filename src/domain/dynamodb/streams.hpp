#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "domain/caller.hpp"
#include "domain/change_feed.hpp"
#include "domain/dynamodb/stream_writer.hpp"
#include "domain/dynamodb/table.hpp"
#include "domain/dynamodb/tables.hpp"
#include "storage/store.hpp"

namespace likeness::policy {
class Document;
}

namespace likeness::dynamodb {

/// What a stream is: one life of a table's stream, from being turned on to being turned off. Readable for a day longer.
struct StreamInfo {
  std::string account;
  std::string region;
  std::string table;
  std::string table_id;
  std::string label;
  StreamView view = StreamView::NewAndOldImages;
  KeySchema keys;
  TimePoint created{};
  bool enabled = false;

  std::string arn() const;
  std::string shard() const;
};

/// One change of an item, as readers see it.
struct StreamRecord {
  std::uint64_t position = 0;
  std::string sequence_number;
  std::string id;
  TimePoint time{};
  ItemChange::Kind kind = ItemChange::Kind::Insert;
  bool expired = false;  // removed by time to live
  Attributes keys;
  std::optional<Attributes> old_item;
  std::optional<Attributes> new_item;
  std::size_t size = 0;  // bytes of keys and images
};

struct StreamPage {
  std::vector<StreamRecord> records;
  std::uint64_t next = 0;
  bool ended = false;  // the shard is closed and there is nothing after `next`
};

/// The streams of all tables: records that commit with the items, read by the Streams API and by whoever follows a
/// table inside the server. Each stream is one change feed and shows as one shard.
///
/// Lives as long as the server; thread-safe. Every call blocks.
class Streams {
 public:
  static constexpr std::chrono::hours kKept{24};
  static constexpr std::size_t kMaxPageBytes = 1 << 20;

  Streams(storage::Store& store, const Clock& clock) : store_(store), clock_(clock) {}

  /// Before anything but `add` is called: the tables are opened with this as their writer.
  void attach(const Tables& tables) { tables_ = &tables; }

  /// The records of changes of tables whose stream is on; see StreamWriter::add.
  std::shared_ptr<void> add(const std::vector<const ItemChange*>& changes, std::vector<storage::Write>& writes);

  /// By (table, label), after `after` (an ARN; "" for all). `table` empty for every table.
  Result<std::vector<StreamInfo>> list(const domain::Caller& caller, std::string_view table, std::string_view after,
                                       std::size_t limit);
  /// nullopt if there is none of that ARN.
  Result<std::optional<StreamInfo>> find(std::string_view arn);
  /// The policy of the stream of that ARN; null if it has none. Out of memory.
  std::shared_ptr<const policy::Document> policy(std::string_view arn) const;

  /// From `position` on: at most `limit` records and about kMaxPageBytes.
  Result<StreamPage> read(const StreamInfo& stream, std::uint64_t position, std::size_t limit);
  /// Positions of the first record that is there and of the next one to come.
  Result<std::pair<std::uint64_t, std::uint64_t>> bounds(const StreamInfo& stream);
  /// Waits until there is something at or after `position`. False if `timeout` passed first.
  Result<bool> wait(const StreamInfo& stream, std::uint64_t position, std::chrono::milliseconds timeout);

  /// Decimal digits, ascending within a stream and from one stream of a table to the next.
  static std::string sequence_number(const StreamInfo& stream, std::uint64_t position);
  /// nullopt if it is none of this stream.
  static std::optional<std::uint64_t> position_of(const StreamInfo& stream, std::string_view sequence_number);

  /// Forgets records older than a day, and streams that were off that long. `go_on` is asked between steps.
  Result<void> trim(const std::function<bool()>& go_on);

 private:
  /// A feed, opened when it is first needed.
  struct Opened {
    std::mutex mutex;
    std::unique_ptr<domain::ChangeFeed> feed;
    bool registered = false;
  };

  std::shared_ptr<Opened> opened(const std::string& feed);
  Result<domain::ChangeFeed*> feed_of(Opened& opened, const std::string& name);
  Result<domain::ChangeFeed*> feed_of(const StreamInfo& stream);
  /// Writes down that the stream exists, so that it is found when the table has another one or is gone.
  Result<void> enroll(const StreamInfo& stream, Opened& opened);
  Result<void> enroll_all(const domain::Caller& caller);
  Result<void> forget(const StreamInfo& stream);
  void refresh(StreamInfo& stream) const;

  storage::Store& store_;
  const Tables* tables_ = nullptr;
  const Clock& clock_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Opened>, std::less<>> opened_;
};

}  // namespace likeness::dynamodb
