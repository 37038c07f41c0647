#include "domain/dynamodb/items.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "domain/dynamodb/errors.hpp"
#include "domain/dynamodb/item_record.hpp"
#include "domain/dynamodb/key_encoding.hpp"
#include "domain/dynamodb/limits.hpp"
#include "storage/writes.hpp"

namespace likeness::dynamodb {

namespace {

constexpr int kMaxAttempts = 50;
constexpr std::string_view kConditionFailed = "The conditional request failed";

std::string latch_name(const Table& table, const std::string& key) { return table.id + key; }

double kilobytes(std::size_t bytes) { return std::max(1.0, std::ceil(static_cast<double>(bytes) / 1024)); }

Failure damaged() { return internal_error("an item's record is damaged"); }

/// What a change does to one index.
struct IndexChange {
  std::optional<std::string> old_key, new_key;
  std::optional<Attributes> old_entry, new_entry;
};

IndexChange index_change(const Table& table, const Index& index, const Attributes* before, const Attributes* after) {
  IndexChange out;
  if (before) out.old_key = index_key(table, index, *before);
  if (after) out.new_key = index_key(table, index, *after);
  if (out.old_key) out.old_entry = projected(table, index, *before);
  if (out.new_key) out.new_entry = projected(table, index, *after);
  return out;
}

void count_units(Units& units, const Table& table, const Attributes* before, const Attributes* after) {
  units.table = kilobytes(std::max(before ? size_of(*before) : 0, after ? size_of(*after) : 0));
  for (const auto& index : table.indexes) {
    const auto change = index_change(table, index, before, after);
    double used = 0;
    if (change.old_key && change.new_key && *change.old_key == *change.new_key) {
      if (!(*change.old_entry == *change.new_entry))
        used = kilobytes(std::max(size_of(*change.old_entry), size_of(*change.new_entry)));
    } else {
      if (change.old_key) used += kilobytes(size_of(*change.old_entry));
      if (change.new_key) used += kilobytes(size_of(*change.new_entry));
    }
    if (used > 0) (index.global ? units.global : units.local)[index.name] = used;
  }
}

}  // namespace

double Units::total() const {
  double sum = table;
  for (const auto& [name, units] : local) sum += units;
  for (const auto& [name, units] : global) sum += units;
  return sum;
}

Result<std::optional<Attributes>> Items::get(const Table& table, const Attributes& key) const {
  auto record = store_.get(kItemsTable, {table.partition(), store_key(table, key)});
  if (!record) return from_storage(record.error());
  if (!*record) return std::optional<Attributes>();
  auto item = decode_item(**record);
  if (!item) return damaged();
  return item;
}

Result<std::vector<std::optional<Attributes>>> Items::get_together(const std::vector<ReadItem>& items) {
  std::vector<std::string> names;
  names.reserve(items.size());
  for (const auto& item : items) names.push_back(latch_name(*item.table, store_key(*item.table, item.key)));
  const auto held = latches_.acquire(std::move(names));
  std::vector<std::optional<Attributes>> out;
  out.reserve(items.size());
  for (const auto& item : items) {
    auto found = get(*item.table, item.key);
    if (!found) return fail(found);
    out.push_back(std::move(*found));
  }
  return out;
}

Result<WriteResult> Items::write_one(WriteRequest request) {
  std::vector<WriteRequest> requests;
  requests.push_back(std::move(request));
  auto outcome = write(requests);
  if (!outcome) return fail(outcome);
  return std::move(outcome->results.front());
}

Result<WriteOutcome> Items::write(const std::vector<WriteRequest>& requests, const std::vector<storage::Write>& more) {
  std::vector<Tables::Use> uses;
  std::vector<std::string> keys, names;
  uses.reserve(requests.size());
  keys.reserve(requests.size());
  names.reserve(requests.size());
  for (const auto& request : requests) {
    keys.push_back(store_key(*request.table, request.item));
    names.push_back(latch_name(*request.table, keys.back()));
  }
  // The latches first: who waits for one must not keep a table's definition from changing.
  const auto held = latches_.acquire(std::move(names));
  for (const auto& request : requests) {
    auto use = tables_.begin_write(*request.table);
    if (!use) return fail(use);
    uses.push_back(std::move(*use));
  }
  for (int i = 0; i < kMaxAttempts; ++i) {
    auto outcome = attempt(requests, uses, keys, more);
    // Another process wrote the item meanwhile; in this one the latch keeps others off.
    if (!outcome && outcome.error().code == "ConditionFailed") continue;
    return outcome;
  }
  return internal_error("an item changes too often");
}

/// One request on its way: what was there and what it makes of it.
struct Items::Planned {
  std::optional<std::string> old_record;
  std::optional<std::string> new_record;
  bool changes = false;
  bool blind = false;  // what was there does not matter
};

namespace {

/// Whether a write asks nothing of the item that is there: neither what it is, nor that its index entries go.
bool is_blind(const WriteRequest& request, const Table& table) {
  return request.kind == WriteRequest::Kind::Put && !request.condition && !request.wants_old && !request.count_units &&
         table.indexes.empty() && !table.stream.enabled && !table.ttl.enabled;
}

}  // namespace

Result<WriteOutcome> Items::attempt(const std::vector<WriteRequest>& requests, const std::vector<Tables::Use>& uses,
                                    const std::vector<std::string>& keys, const std::vector<storage::Write>& more) {
  static const Attributes kNothing;
  WriteOutcome outcome;
  outcome.results.resize(requests.size());
  std::vector<Planned> plans(requests.size());
  bool refused = false;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const WriteRequest& request = requests[i];
    const Table& table = *uses[i];
    WriteResult& result = outcome.results[i];
    // Its checks were made for this definition, unless the table changed since.
    const bool checked = &table == request.table.get();
    if (is_blind(request, table)) {
      if (auto fine = checked ? Result<void>() : check_item(table, request.item); !fine) {
        result.refused = std::move(fine.error());
        refused = true;
        continue;
      }
      plans[i].blind = plans[i].changes = true;
      plans[i].new_record = encode_item(request.item);
      continue;
    }
    auto record = store_.get(kItemsTable, {table.partition(), keys[i]});
    if (!record) return from_storage(record.error());
    if (*record) {
      result.old_item = decode_item(**record);
      if (!result.old_item) return damaged();
    }
    plans[i].old_record = std::move(*record);
    const Attributes& before = result.old_item ? *result.old_item : kNothing;
    if (request.condition && !holds(*request.condition, before)) {
      result.refused =
          Error{"ConditionalCheckFailedException", std::string(kConditionFailed), Error::Fault::Client, {}};
      refused = true;
      continue;
    }
    Result<void> fine;
    switch (request.kind) {
      case WriteRequest::Kind::Put: result.new_item = request.item; break;
      case WriteRequest::Kind::Delete: break;
      case WriteRequest::Kind::Check: result.new_item = result.old_item; break;
      case WriteRequest::Kind::Update: {
        const Attributes& base = result.old_item ? *result.old_item : request.item;
        if (request.update) {
          auto after = apply(*request.update, base);
          if (after) {
            result.new_item = std::move(*after);
            fine = check_updated(table, *request.update, *result.new_item);
          } else {
            fine = fail(after);
          }
        } else {
          result.new_item = base;
        }
        break;
      }
    }
    if (fine && request.kind == WriteRequest::Kind::Put && !checked) fine = check_item(table, *result.new_item);
    if (!fine) {
      result.refused = std::move(fine.error());
      refused = true;
      continue;
    }
    if (result.new_item && request.kind != WriteRequest::Kind::Check)
      plans[i].new_record = encode_item(*result.new_item);
    plans[i].changes = request.kind != WriteRequest::Kind::Check && plans[i].old_record != plans[i].new_record;
  }
  if (refused) return outcome;

  std::vector<storage::Write> writes = more;
  std::vector<ItemChange> told;
  const TimePoint now = clock_.now();
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const Table& table = *uses[i];
    WriteResult& result = outcome.results[i];
    const Attributes* before = result.old_item ? &*result.old_item : nullptr;
    const Attributes* after = result.new_item ? &*result.new_item : nullptr;
    if (requests[i].count_units) count_units(result.units, table, before, after);
    if (!plans[i].changes) continue;
    storage::Write write =
        plans[i].new_record ? storage::put_of(kItemsTable, table.partition(), keys[i], std::move(*plans[i].new_record))
                            : storage::removal_of(kItemsTable, table.partition(), keys[i]);
    if (plans[i].blind) {
      writes.push_back(std::move(write));
      continue;
    }
    write.expect = plans[i].old_record ? storage::Write::Expect::SameValue : storage::Write::Expect::Absent;
    if (plans[i].old_record) write.expected_value = std::move(*plans[i].old_record);
    writes.push_back(std::move(write));
    for (const auto& index : table.indexes) {
      auto change = index_change(table, index, before, after);
      if (change.old_key && change.old_key != change.new_key)
        writes.push_back(storage::removal_of(kIndexTable, table.partition(index), std::move(*change.old_key)));
      else if (change.old_key && *change.old_entry == *change.new_entry)
        continue;
      if (change.new_key)
        writes.push_back(storage::put_of(kIndexTable, table.partition(index), std::move(*change.new_key),
                                         encode_item(*change.new_entry)));
    }
    if (streams_ && (table.stream.enabled || table.ttl.enabled))
      told.push_back({table,
                      !before  ? ItemChange::Kind::Insert
                      : !after ? ItemChange::Kind::Remove
                               : ItemChange::Kind::Modify,
                      before, after, now, requests[i].expired});
  }
  std::shared_ptr<void> ticket;
  if (!told.empty()) ticket = streams_->add(told, writes);
  if (auto done = store_.commit(std::move(writes)); !done) {
    if (done.error().code == "ConditionFailed") return fail(done);
    return from_storage(done.error());
  }
  outcome.committed = true;
  return outcome;
}

namespace {

/// Walks a range of the store in pieces that grow while items are small, so that neither many round trips nor much
/// memory is spent.
class Walk {
 public:
  Walk(const storage::Store& store, std::string_view table, std::string partition, std::string first,
       std::optional<std::string> last, bool backward, std::optional<std::size_t> limit)
      : store_(store),
        table_(table),
        partition_(std::move(partition)),
        first_(std::move(first)),
        last_(std::move(last)),
        backward_(backward),
        piece_(std::min<std::size_t>(limit.value_or(kFirstPiece), kLargestPiece)) {}

  /// Null at the end. The item is the caller's to take.
  Result<storage::Item*> next() {
    if (at_ == page_.items.size()) {
      if (done_) return nullptr;
      if (auto read = read_piece(); !read) return fail(read);
      if (page_.items.empty()) return nullptr;
    }
    return &page_.items[at_++];
  }

 private:
  static constexpr std::size_t kFirstPiece = 16;
  static constexpr std::size_t kLargestPiece = 512;
  static constexpr std::size_t kPieceBytes = 256 << 10;

  Result<void> read_piece() {
    storage::Range range;
    range.first = first_;
    range.last = last_;
    range.limit = std::max<std::size_t>(1, piece_);
    range.reverse = backward_;
    auto page = store_.range(table_, partition_, range);
    if (!page) return from_storage(page.error());
    page_ = std::move(*page);
    at_ = 0;
    done_ = !page_.next;
    if (page_.next) (backward_ ? last_.emplace() : first_) = *page_.next;
    std::size_t bytes = 0;
    for (const auto& item : page_.items) bytes += item.value.size();
    const std::size_t average = page_.items.empty() ? 1 : bytes / page_.items.size() + 1;
    piece_ = std::clamp<std::size_t>(kPieceBytes / average, 1, kLargestPiece);
    return {};
  }

  const storage::Store& store_;
  const std::string_view table_;
  const std::string partition_;
  std::string first_;
  std::optional<std::string> last_;
  const bool backward_;
  std::size_t piece_;
  storage::Page page_;
  std::size_t at_ = 0;
  bool done_ = false;
};

}  // namespace

Result<PageResult> Items::page(const PageRequest& request) const {
  const Table& table = *request.table;
  std::string first;
  std::optional<std::string> last;
  if (!request.partition.empty()) {
    const std::string prefix = partition_prefix(request.partition);
    first = prefix + request.first;
    last = request.last ? prefix + *request.last : after_prefix(prefix);
  } else {
    first = segment_start(request.segment, request.segments);
    if (auto end = segment_start(request.segment + 1, request.segments); !end.empty()) last = std::move(end);
  }
  if (request.start_after) {
    std::string key = store_key(table, *request.start_after);
    if (request.index) {
      auto entry = index_key(table, *request.index, *request.start_after);
      if (!entry) return internal_error("a start key without the index's keys");
      key = std::move(*entry);
    }
    if (request.backward) {
      if (!last || key < *last) last = std::move(key);
    } else if (key >= first) {
      first = key + '\0';
    }
  }

  PageResult out;
  if (last && first >= *last) return out;
  Walk walk(store_, request.index ? kIndexTable : kItemsTable,
            request.index ? table.partition(*request.index) : table.partition(), std::move(first), std::move(last),
            request.backward, request.limit);
  for (;;) {
    auto entry = walk.next();
    if (!entry) return fail(entry);
    if (!*entry) return out;
    auto item = decode_item((*entry)->value);
    if (!item) return damaged();
    ++out.scanned;
    out.bytes += size_of(*item);
    const bool full = (request.limit && out.scanned >= *request.limit) || out.bytes >= request.max_bytes;
    if (full) out.last_key = key_of(table, request.index, *item);
    if (request.whole_items) {
      auto whole = get(table, *item);
      if (!whole) return fail(whole);
      if (*whole) item = std::move(**whole);  // else it was removed just now: what the index had is what there was
      out.fetched_bytes += (size_of(*item) + 4095) / 4096 * 4096;
    }
    if (!request.filter || holds(*request.filter, *item)) out.items.push_back(std::move(*item));
    if (full) return out;
  }
}

SortBounds sort_bounds(const Index* index, SortOperator op, const Value& value, const Value* upper) {
  // In a table the sort key ends the store's key; in an index the item's own key comes behind it.
  const auto at = [&](const Value& bound) {
    std::string out;
    if (index)
      append_separated(out, key_value(bound));
    else
      append_key_value(out, bound);
    return out;
  };
  const auto behind = [&](const Value& bound) { return index ? after_prefix(at(bound)) : at(bound) + '\0'; };
  SortBounds out;
  switch (op) {
    case SortOperator::Equal: return {at(value), behind(value)};
    case SortOperator::Less: return {"", at(value)};
    case SortOperator::LessOrEqual: return {"", behind(value)};
    case SortOperator::Greater: return {behind(value), std::nullopt};
    case SortOperator::GreaterOrEqual: return {at(value), std::nullopt};
    case SortOperator::Between: return {at(value), behind(*upper)};
    case SortOperator::BeginsWith: {
      std::string prefix = at(value);
      if (index) prefix.resize(prefix.size() - 2);  // without the separator
      out.first = prefix;
      if (auto end = after_prefix(std::move(prefix)); !end.empty()) out.last = std::move(end);
      return out;
    }
  }
  return out;
}

SortBounds within(std::string before, SortBounds bounds) {
  if (before.empty()) return bounds;
  bounds.first = before + bounds.first;
  bounds.last = bounds.last ? before + *bounds.last : after_prefix(std::move(before));
  return bounds;
}

Result<void> Items::fill_index(const Table& table, const Index& index, const std::function<bool()>& go_on) {
  constexpr std::size_t kBatch = 50;
  std::string first;
  for (;;) {
    auto page = store_.range(kItemsTable, table.partition(), {.first = first, .last = std::nullopt, .limit = kBatch});
    if (!page) return from_storage(page.error());
    std::vector<std::string> names;
    names.reserve(page->items.size());
    for (const auto& item : page->items) names.push_back(latch_name(table, item.key.sort));
    {
      const auto held = latches_.acquire(std::move(names));
      std::vector<storage::Write> writes;
      writes.reserve(page->items.size());
      for (const auto& item : page->items) {
        auto record = store_.get(kItemsTable, item.key);
        if (!record) return from_storage(record.error());
        if (!*record) continue;
        const auto now = decode_item(**record);
        if (!now) return damaged();
        if (!fits_index(index, *now)) continue;
        if (auto key = index_key(table, index, *now))
          writes.push_back(storage::put_of(kIndexTable, table.partition(index), std::move(*key),
                                           encode_item(projected(table, index, *now))));
      }
      if (auto done = store_.commit(std::move(writes)); !done) return from_storage(done.error());
    }
    if (!page->next || !go_on()) return {};
    first = *page->next;
  }
}

}  // namespace likeness::dynamodb
