#include "domain/dynamodb/streams.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/bytes.hpp"
#include "base/log.hpp"
#include "domain/dynamodb/errors.hpp"
#include "domain/dynamodb/item_record.hpp"
#include "domain/dynamodb/resource_policy.hpp"
#include "domain/record.hpp"
#include "storage/writes.hpp"

namespace likeness::dynamodb {

namespace {

/// Partition: account/region; sort: TABLE/LABEL.
constexpr std::string_view kStreamsTable = "ddb.streams";
/// Partition: "closed"; sort: the feed's name; value: when it was first seen closed.
constexpr std::string_view kClosedPartition = "closed";
constexpr std::size_t kPiece = 16;  // records read at once: each may have two images of 400 KB

// Fields of a stream's record.
constexpr std::uint8_t kTableId = 1, kView = 2, kCreated = 3, kPartitionName = 4, kPartitionType = 5, kSortName = 6,
                       kSortType = 7;
// Fields of a change's record.
constexpr std::uint8_t kKind = 1, kExpired = 2, kTime = 3, kKeys = 4, kOld = 5, kNew = 6;

std::int64_t milliseconds(TimePoint time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}
TimePoint time_of(std::uint64_t milliseconds) {
  return TimePoint(std::chrono::milliseconds(static_cast<std::int64_t>(milliseconds)));
}

std::string scope_of(const StreamInfo& stream) { return stream.account + "/" + stream.region; }
std::string sort_of(const StreamInfo& stream) { return stream.table + "/" + stream.label; }
std::string feed_name(const StreamInfo& stream) { return "ddb.stream/" + stream.table_id + "/" + stream.label; }

StreamInfo stream_of(const Table& table) {
  StreamInfo stream;
  stream.account = table.account;
  stream.region = table.region;
  stream.table = table.name;
  stream.table_id = table.id;
  stream.label = table.stream.label;
  stream.view = table.stream.view;
  stream.keys = table.keys;
  stream.enabled = table.stream.enabled;
  return stream;
}

std::string encode_info(const StreamInfo& stream) {
  domain::RecordWriter record;
  record.text(kTableId, stream.table_id);
  record.number(kView, static_cast<std::uint64_t>(stream.view));
  record.number(kCreated, static_cast<std::uint64_t>(milliseconds(stream.created)));
  record.text(kPartitionName, stream.keys.partition.name);
  record.number(kPartitionType, static_cast<std::uint64_t>(stream.keys.partition.type));
  if (stream.keys.sort) {
    record.text(kSortName, stream.keys.sort->name);
    record.number(kSortType, static_cast<std::uint64_t>(stream.keys.sort->type));
  }
  return record.take();
}

std::optional<StreamInfo> decode_info(const storage::Item& item) {
  StreamInfo stream;
  const auto slash = item.key.partition.find('/');
  const auto label = item.key.sort.rfind('/');
  if (slash == std::string::npos || label == std::string::npos) return std::nullopt;
  stream.account = item.key.partition.substr(0, slash);
  stream.region = item.key.partition.substr(slash + 1);
  stream.table = item.key.sort.substr(0, label);
  stream.label = item.key.sort.substr(label + 1);
  domain::RecordReader reader(item.value);
  while (reader.next()) {
    switch (reader.field()) {
      case kTableId: stream.table_id = reader.text(); break;
      case kView: stream.view = static_cast<StreamView>(reader.number()); break;
      case kCreated: stream.created = time_of(reader.number()); break;
      case kPartitionName: stream.keys.partition.name = reader.text(); break;
      case kPartitionType: stream.keys.partition.type = static_cast<Type>(reader.number()); break;
      case kSortName: stream.keys.sort.emplace().name = reader.text(); break;
      case kSortType:
        if (stream.keys.sort) stream.keys.sort->type = static_cast<Type>(reader.number());
        break;
      default: break;
    }
  }
  if (!reader.ok()) return std::nullopt;
  return stream;
}

std::string encode_record(const ItemChange& change) {
  const StreamView view = change.table.stream.view;
  domain::RecordWriter record;
  record.number(kKind, static_cast<std::uint64_t>(change.kind));
  if (change.expired) record.number(kExpired, 1);
  record.number(kTime, static_cast<std::uint64_t>(milliseconds(change.time)));
  const Attributes& some = change.new_item != nullptr ? *change.new_item : *change.old_item;
  record.text(kKeys, encode_item(key_of(change.table, nullptr, some)));
  const bool with_old = view == StreamView::OldImage || view == StreamView::NewAndOldImages;
  const bool with_new = view == StreamView::NewImage || view == StreamView::NewAndOldImages;
  if (with_old && change.old_item != nullptr) record.text(kOld, encode_item(*change.old_item));
  if (with_new && change.new_item != nullptr) record.text(kNew, encode_item(*change.new_item));
  return record.take();
}

std::optional<StreamRecord> decode_record(const StreamInfo& stream, const domain::Change& change) {
  StreamRecord found;
  bool ok = true;
  const auto item = [&ok](std::string_view bytes) {
    std::optional<Attributes> decoded = decode_item(bytes);
    ok = ok && decoded.has_value();
    return decoded;
  };
  domain::RecordReader reader(change.body);
  while (reader.next()) {
    switch (reader.field()) {
      case kKind: found.kind = static_cast<ItemChange::Kind>(reader.number()); break;
      case kExpired: found.expired = reader.number() != 0; break;
      case kTime: found.time = time_of(reader.number()); break;
      case kKeys: found.keys = item(reader.text()).value_or(Attributes()); break;
      case kOld: found.old_item = item(reader.text()); break;
      case kNew: found.new_item = item(reader.text()); break;
      default: break;
    }
  }
  if (!ok || !reader.ok()) return std::nullopt;
  found.position = change.position;
  found.sequence_number = Streams::sequence_number(stream, change.position);
  const std::string name = feed_name(stream) + "/" + found.sequence_number;
  const Sha256 digest = sha256(as_bytes(name));
  found.id = to_hex(BytesView(digest).first(16));
  found.size = size_of(found.keys);
  if (found.old_item) found.size += size_of(*found.old_item);
  if (found.new_item) found.size += size_of(*found.new_item);
  return found;
}

std::string_view kind_name(ItemChange::Kind kind) {
  switch (kind) {
    case ItemChange::Kind::Insert: return "INSERT";
    case ItemChange::Kind::Modify: return "MODIFY";
    case ItemChange::Kind::Remove: return "REMOVE";
  }
  return "";
}

/// "2026-11-21T10:15:30.123" in milliseconds since 1970; a stream's label is when it was turned on.
std::uint64_t milliseconds_of_label(std::string_view label) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, fraction = 0;
  const auto number = [&](std::size_t at, std::size_t length, int& into) {
    if (at + length > label.size()) return;
    std::from_chars(label.data() + at, label.data() + at + length, into);
  };
  number(0, 4, year);
  number(5, 2, month);
  number(8, 2, day);
  number(11, 2, hour);
  number(14, 2, minute);
  number(17, 2, second);
  number(20, 3, fraction);
  const std::chrono::year_month_day date{std::chrono::year{year}, std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok()) return 0;
  const auto time = std::chrono::sys_days{date} + std::chrono::hours{hour} + std::chrono::minutes{minute} +
                    std::chrono::seconds{second} + std::chrono::milliseconds{fraction};
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count());
}

std::string sequence_prefix(const StreamInfo& stream) {
  return fmt::format("{}", milliseconds_of_label(stream.label) / 10);  // 12 digits, until the year 2286
}

}  // namespace

std::string StreamInfo::arn() const {
  return fmt::format("arn:aws:dynamodb:{}:{}:table/{}/stream/{}", region, account, table, label);
}

std::string StreamInfo::shard() const {
  const Sha256 digest = sha256(as_bytes(table_id));
  return fmt::format("shardId-{:020}-{}", milliseconds_of_label(label), to_hex(BytesView(digest).first(4)));
}

std::string Streams::sequence_number(const StreamInfo& stream, std::uint64_t position) {
  return fmt::format("{}{:016}", sequence_prefix(stream), position);
}

std::optional<std::uint64_t> Streams::position_of(const StreamInfo& stream, std::string_view sequence_number) {
  const std::string prefix = sequence_prefix(stream);
  if (!sequence_number.starts_with(prefix) || sequence_number.size() != prefix.size() + 16) return std::nullopt;
  std::uint64_t position = 0;
  const char* end = sequence_number.data() + sequence_number.size();
  const auto [stop, error] = std::from_chars(sequence_number.data() + prefix.size(), end, position);
  if (error != std::errc() || stop != end) return std::nullopt;
  return position;
}

std::shared_ptr<Streams::Opened> Streams::opened(const std::string& feed) {
  const std::lock_guard lock(mutex_);
  auto& entry = opened_[feed];
  if (!entry) entry = std::make_shared<Opened>();
  return entry;
}

Result<domain::ChangeFeed*> Streams::feed_of(Opened& opened, const std::string& name) {
  // Held over the opening: two feeds of one name would give the same positions twice.
  const std::lock_guard lock(opened.mutex);
  if (!opened.feed) {
    auto feed = domain::ChangeFeed::open(store_, name, clock_);
    if (!feed) return fail(feed);
    opened.feed = std::move(*feed);
  }
  return opened.feed.get();
}

Result<domain::ChangeFeed*> Streams::feed_of(const StreamInfo& stream) {
  const std::string name = feed_name(stream);
  return feed_of(*opened(name), name);
}

Result<void> Streams::enroll(const StreamInfo& stream, Opened& opened) {
  {
    const std::lock_guard lock(opened.mutex);
    if (opened.registered) return {};
  }
  StreamInfo full = stream;
  full.created = time_of(milliseconds_of_label(stream.label));
  std::vector<storage::Write> writes;
  writes.push_back(storage::put_of(kStreamsTable, scope_of(full), sort_of(full), encode_info(full)));
  if (auto done = store_.commit(std::move(writes)); !done) return from_storage(done.error());
  const std::lock_guard lock(opened.mutex);
  opened.registered = true;
  return {};
}

std::shared_ptr<void> Streams::add(const std::vector<const ItemChange*>& changes, std::vector<storage::Write>& writes) {
  auto entries = std::make_shared<std::vector<domain::ChangeFeed::Entry>>();
  entries->reserve(changes.size());
  for (const ItemChange* change : changes) {
    const StreamInfo stream = stream_of(change->table);
    const std::string name = feed_name(stream);
    const std::shared_ptr<Opened> found = opened(name);
    if (auto done = enroll(stream, *found); !done)
      log::warn("a table's stream could not be written down: {}", done.error().message);
    auto feed = feed_of(*found, name);
    if (!feed) {
      // An expectation that cannot hold: the change must not go without its record.
      log::error("a table's stream could not be opened: {}", feed.error().message);
      storage::Write never = storage::put_of(kStreamsTable, "never", "never", {});
      never.expect = storage::Write::Expect::Present;
      writes.push_back(std::move(never));
      continue;
    }
    entries->push_back(
        (*feed)->begin(std::string(kind_name(change->kind)), change->table.arn(), encode_record(*change)));
    writes.push_back(entries->back().write());
  }
  return entries;
}

void Streams::refresh(StreamInfo& stream) const {
  const TablePtr table = tables_->find_by_arn(stream.arn());
  stream.enabled =
      table && table->id == stream.table_id && table->stream.enabled && table->stream.label == stream.label;
}

Result<void> Streams::enroll_all(const domain::Caller& caller) {
  for (const TablePtr& table : tables_->all()) {
    if (table->account != caller.account || table->region != caller.region || !table->stream.enabled) continue;
    const StreamInfo stream = stream_of(*table);
    if (auto done = enroll(stream, *opened(feed_name(stream))); !done) return done;
  }
  return {};
}

Result<std::vector<StreamInfo>> Streams::list(const domain::Caller& caller, std::string_view table,
                                              std::string_view after, std::size_t limit) {
  if (auto done = enroll_all(caller); !done) return fail(done);
  storage::Range range;
  range.limit = limit;
  if (!table.empty()) {
    range.first = std::string(table) + "/";
    range.last = std::string(table) + "0";  // '0' follows '/'
  }
  if (const auto at = after.find(":table/"); at != std::string_view::npos) {
    std::string start(after.substr(at + 7));
    if (const auto stream = start.find("/stream/"); stream != std::string::npos) start.replace(stream, 8, "/");
    range.first = std::max(range.first, start + '\0');
  }
  auto page = store_.range(kStreamsTable, caller.scope(), range);
  if (!page) return from_storage(page.error());
  std::vector<StreamInfo> found;
  found.reserve(page->items.size());
  for (const auto& item : page->items) {
    auto stream = decode_info(item);
    if (!stream) return internal_error("a stream's record is damaged");
    refresh(*stream);
    found.push_back(std::move(*stream));
  }
  return found;
}

std::shared_ptr<const policy::Document> Streams::policy(std::string_view arn) const {
  const TablePtr table = tables_->find_by_arn(arn);
  return table ? policy_document(*table, arn) : nullptr;
}

Result<std::optional<StreamInfo>> Streams::find(std::string_view arn) {
  // arn:aws:dynamodb:REGION:ACCOUNT:table/NAME/stream/LABEL; labels have colons, names have none.
  constexpr std::string_view kStart = "arn:aws:dynamodb:";
  if (!arn.starts_with(kStart)) return std::nullopt;
  const auto region = arn.find(':', kStart.size());
  if (region == std::string_view::npos) return std::nullopt;
  const auto account = arn.find(":table/", region + 1);
  if (account == std::string_view::npos) return std::nullopt;
  const auto stream = arn.find("/stream/", account);
  if (stream == std::string_view::npos) return std::nullopt;
  storage::Item item;
  item.key.partition = fmt::format("{}/{}", arn.substr(region + 1, account - region - 1),
                                   arn.substr(kStart.size(), region - kStart.size()));
  item.key.sort = fmt::format("{}/{}", arn.substr(account + 7, stream - account - 7), arn.substr(stream + 8));
  if (item.key.partition.size() > storage::kMaxPartitionBytes || item.key.sort.size() > storage::kMaxSortBytes)
    return std::nullopt;
  if (const TablePtr table = tables_->find_by_arn(arn); table && table->stream_arn() == arn) {
    const StreamInfo live = stream_of(*table);
    if (auto done = enroll(live, *opened(feed_name(live))); !done) return fail(done);
  }
  auto value = store_.get(kStreamsTable, item.key);
  if (!value) return from_storage(value.error());
  if (!*value) return std::nullopt;
  item.value = std::move(**value);
  auto found = decode_info(item);
  if (!found) return internal_error("a stream's record is damaged");
  refresh(*found);
  return found;
}

Result<StreamPage> Streams::read(const StreamInfo& stream, std::uint64_t position, std::size_t limit) {
  // Asked before the records are read: what is written before the stream is turned off is read before it ends.
  StreamInfo now = stream;
  refresh(now);
  auto feed = feed_of(stream);
  if (!feed) return fail(feed);
  StreamPage page;
  page.next = position;
  std::size_t bytes = 0;
  while (page.records.size() < limit && bytes < kMaxPageBytes) {
    auto piece = (*feed)->read(page.next, std::min(kPiece, limit - page.records.size()));
    if (!piece) return from_storage(piece.error());
    for (const auto& change : piece->changes) {
      auto record = decode_record(stream, change);
      if (!record) return internal_error("a stream record is damaged");
      if (!page.records.empty() && bytes + record->size > kMaxPageBytes) return page;
      bytes += record->size;
      page.next = change.position + 1;
      page.records.push_back(std::move(*record));
    }
    if (piece->changes.empty()) {
      page.next = std::max(page.next, piece->next);
      page.ended = !now.enabled;
      break;
    }
  }
  return page;
}

Result<std::pair<std::uint64_t, std::uint64_t>> Streams::bounds(const StreamInfo& stream) {
  auto feed = feed_of(stream);
  if (!feed) return fail(feed);
  const std::uint64_t end = (*feed)->end();
  auto first = (*feed)->read(0, 1);
  if (!first) return from_storage(first.error());
  return std::pair{first->changes.empty() ? end : first->changes.front().position, end};
}

Result<bool> Streams::wait(const StreamInfo& stream, std::uint64_t position, std::chrono::milliseconds timeout) {
  auto feed = feed_of(stream);
  if (!feed) return fail(feed);
  return (*feed)->wait(position, timeout);
}

Result<void> Streams::forget(const StreamInfo& stream) {
  const std::string name = feed_name(stream);
  auto feed = feed_of(stream);
  if (!feed) return fail(feed);
  if (auto done = (*feed)->trim((*feed)->end()); !done) return from_storage(done.error());
  std::vector<storage::Write> writes;
  writes.push_back(storage::removal_of(kStreamsTable, scope_of(stream), sort_of(stream)));
  writes.push_back(storage::removal_of(kStreamsTable, std::string(kClosedPartition), name));
  if (auto done = store_.commit(std::move(writes)); !done) return from_storage(done.error());
  return {};
}

Result<void> Streams::trim(const std::function<bool()>& go_on) {
  const TimePoint before = clock_.now() - kKept;
  std::vector<std::string> scopes;
  for (const TablePtr& table : tables_->all()) {
    std::string scope = table->account + "/" + table->region;
    if (std::find(scopes.begin(), scopes.end(), scope) == scopes.end()) scopes.push_back(std::move(scope));
  }
  for (const std::string& scope : scopes) {
    std::string first;
    do {
      auto page = store_.range(kStreamsTable, scope, {.first = first, .last = std::nullopt, .limit = 100});
      if (!page) return from_storage(page.error());
      first = page->next.value_or("");
      for (const auto& item : page->items) {
        auto stream = decode_info(item);
        if (!stream) continue;
        refresh(*stream);
        auto feed = feed_of(*stream);
        if (!feed) return fail(feed);
        // In small pieces: what was trimmed is gone, whenever this stops.
        while (go_on()) {
          auto piece = (*feed)->read(0, kPiece);
          if (!piece) return from_storage(piece.error());
          std::uint64_t upto = 0;
          for (const auto& change : piece->changes)
            if (change.time < before) upto = change.position + 1;
          if (upto == 0) break;
          if (auto done = (*feed)->trim(upto); !done) return from_storage(done.error());
        }
        if (!go_on()) return {};
        if (stream->enabled) continue;
        const storage::Key key{std::string(kClosedPartition), feed_name(*stream)};
        auto closed = store_.get(kStreamsTable, key);
        if (!closed) return from_storage(closed.error());
        if (*closed) {
          std::int64_t since = 0;
          std::from_chars((*closed)->data(), (*closed)->data() + (*closed)->size(), since);
          if (since >= milliseconds(before)) continue;
          if (auto done = forget(*stream); !done) return done;
        } else {
          std::vector<storage::Write> writes;
          writes.push_back(
              storage::put_of(kStreamsTable, key.partition, key.sort, std::to_string(milliseconds(clock_.now()))));
          if (auto done = store_.commit(std::move(writes)); !done) return from_storage(done.error());
        }
      }
    } while (!first.empty());
  }
  return {};
}

}  // namespace likeness::dynamodb
