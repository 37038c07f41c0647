#include "domain/dynamodb/ttl.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/bytes.hpp"
#include "domain/dynamodb/errors.hpp"
#include "domain/dynamodb/expression.hpp"
#include "domain/dynamodb/item_record.hpp"
#include "storage/writes.hpp"

namespace likeness::dynamodb {

namespace {

/// Partition: "all"; sort: a table's id; value: of this change of its settings. Tables whose index must be filled or
/// emptied.
constexpr std::string_view kExpiryWork = "ddb.expiry_work";
constexpr std::string_view kAll = "all";
constexpr std::size_t kAtOnce = 50;
/// AWS leaves items alone whose time is more than five years ago: more likely another unit than an old item.
constexpr std::int64_t kOldestSeconds = std::int64_t{5} * 365 * 24 * 3600;

std::int64_t seconds(TimePoint time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

/// When the item expires; nullopt if never. Fractions count as nothing.
std::optional<std::uint64_t> expiry_of(const Table& table, const Attributes& item) {
  const Value* value = item.find(table.ttl.attribute);
  if (value == nullptr) return std::nullopt;
  const Number* number = value->number();
  if (number == nullptr || number->is_negative()) return std::nullopt;
  std::string text = number->text();
  if (const auto point = text.find('.'); point != std::string::npos) text.resize(point);
  if (text.size() > 18) return std::nullopt;  // not before the sun goes out
  std::uint64_t found = 0;
  for (const char digit : text) found = found * 10 + static_cast<std::uint64_t>(digit - '0');
  return found;
}

std::string big_endian(std::uint64_t number) {
  std::string bytes(8, '\0');
  for (std::size_t i = 8; i-- > 0; number >>= 8U) bytes[i] = static_cast<char>(number & 0xFFU);
  return bytes;
}

std::string sort_of(std::uint64_t expiry, const std::string& key) {
  // A digest because keys may be longer than what is left of a sort key.
  const Sha256 digest = sha256(as_bytes(key));
  std::string sort = big_endian(expiry);
  sort.append(reinterpret_cast<const char*>(digest.data()), 16);
  return sort;
}

struct Entry {
  std::string sort;
  std::string key;
};

std::optional<Entry> entry_of(const Table& table, const Attributes* item) {
  if (item == nullptr) return std::nullopt;
  const auto expiry = expiry_of(table, *item);
  if (!expiry) return std::nullopt;
  std::string key = encode_item(key_of(table, nullptr, *item));
  return Entry{sort_of(*expiry, key), std::move(key)};
}

}  // namespace

void add_expiry_writes(const ItemChange& change, std::vector<storage::Write>& writes) {
  auto before = entry_of(change.table, change.old_item);
  auto after = entry_of(change.table, change.new_item);
  if (before && after && before->sort == after->sort) return;
  if (before) writes.push_back(storage::removal_of(kExpiryTable, change.table.id, std::move(before->sort)));
  if (after)
    writes.push_back(storage::put_of(kExpiryTable, change.table.id, std::move(after->sort), std::move(after->key)));
}

Result<TablePtr> Expiry::set(const Table& table, const TimeToLive& wanted) {
  std::vector<storage::Write> more;
  more.push_back(storage::put_of(kExpiryWork, std::string(kAll), table.id, uuid_v4()));
  return tables_.change(
      table,
      [&](Table& changed) -> Result<void> {
        TimeToLive& now = changed.ttl;
        if (!wanted.enabled && !now.enabled) return validation("TimeToLive is already disabled");
        if (now.enabled && now.attribute != wanted.attribute)
          return validation("TimeToLive is active on a different AttributeName: current AttributeName is " +
                            now.attribute);
        if (wanted.enabled && now.enabled) return validation("TimeToLive is already enabled");
        now = wanted;
        return {};
      },
      std::move(more));
}

Result<void> Expiry::fill(const TablePtr& table, const std::function<bool()>& go_on) {
  PageRequest request;
  request.table = table;
  request.limit = kAtOnce;
  do {
    auto page = items_.page(request);
    if (!page) return fail(page);
    std::vector<storage::Write> writes;
    writes.reserve(page->items.size());
    for (const Attributes& item : page->items)
      if (auto entry = entry_of(*table, &item))
        writes.push_back(storage::put_of(kExpiryTable, table->id, std::move(entry->sort), std::move(entry->key)));
    if (!writes.empty())
      if (auto done = store_.commit(std::move(writes)); !done) return from_storage(done.error());
    request.start_after = std::move(page->last_key);
  } while (request.start_after && go_on());
  return {};
}

Result<void> Expiry::empty(const std::string& table_id, const std::function<bool()>& go_on) {
  while (go_on()) {
    auto page = store_.range(kExpiryTable, table_id, {.first = {}, .last = std::nullopt, .limit = kAtOnce});
    if (!page) return from_storage(page.error());
    if (page->items.empty()) return {};
    std::vector<storage::Write> writes;
    writes.reserve(page->items.size());
    for (auto& item : page->items)
      writes.push_back(storage::removal_of(kExpiryTable, table_id, std::move(item.key.sort)));
    if (auto done = store_.commit(std::move(writes)); !done) return from_storage(done.error());
  }
  return {};
}

Result<void> Expiry::catch_up(const std::function<bool()>& go_on) {
  auto work = store_.range(kExpiryWork, kAll, {.first = {}, .last = std::nullopt, .limit = kAtOnce});
  if (!work) return from_storage(work.error());
  if (work->items.empty()) return {};
  const std::vector<TablePtr> tables = tables_.all();
  for (auto& item : work->items) {
    const auto found = std::find_if(tables.begin(), tables.end(),
                                    [&item](const TablePtr& table) { return table->id == item.key.sort; });
    auto done = found != tables.end() && (*found)->ttl.enabled ? fill(*found, go_on) : empty(item.key.sort, go_on);
    if (!done && done.error().code != "ResourceNotFoundException") return done;
    if (!go_on()) return {};
    // Unless the settings were changed again meanwhile: then there is more to do the next time.
    storage::Write finished = storage::removal_of(kExpiryWork, std::string(kAll), std::move(item.key.sort));
    finished.expect = storage::Write::Expect::SameValue;
    finished.expected_value = std::move(item.value);
    std::vector<storage::Write> writes;
    writes.push_back(std::move(finished));
    if (auto removed = store_.commit(std::move(writes)); !removed && removed.error().code != "ConditionFailed")
      return from_storage(removed.error());
  }
  return {};
}

Result<std::size_t> Expiry::sweep_table(const TablePtr& table, const std::function<bool()>& go_on) {
  const std::int64_t now = seconds(clock_.now());
  const std::int64_t oldest = now - kOldestSeconds;
  std::size_t deleted = 0;
  std::string first = big_endian(oldest > 0 ? static_cast<std::uint64_t>(oldest) : 0);
  const std::string last = big_endian(static_cast<std::uint64_t>(std::max<std::int64_t>(now, 0)));

  Condition due;
  due.kind = Condition::Kind::And;
  const auto bound = [&table](Condition::Kind kind, std::int64_t value) {
    Condition part;
    part.kind = kind;
    part.operands.push_back(Operand::of(Path::of(table->ttl.attribute)));
    part.operands.push_back(Operand::of(Value{Number::of(value)}));
    return part;
  };
  due.parts.push_back(bound(Condition::Kind::Less, now));
  due.parts.push_back(bound(Condition::Kind::GreaterOrEqual, std::max<std::int64_t>(oldest, 0)));

  while (go_on()) {
    auto page = store_.range(kExpiryTable, table->id, {.first = first, .last = last, .limit = kAtOnce});
    if (!page) return from_storage(page.error());
    std::vector<storage::Write> stale;
    for (auto& item : page->items) {
      auto key = decode_item(item.value);
      if (!key) return internal_error("an entry of the expiry index is damaged");
      WriteRequest request;
      request.table = table;
      request.kind = WriteRequest::Kind::Delete;
      request.item = std::move(*key);
      request.condition = &due;
      request.expired = true;
      auto done = items_.write_one(std::move(request));
      if (!done) return fail(done);
      if (done->refused)
        stale.push_back(storage::removal_of(kExpiryTable, table->id, item.key.sort));
      else
        ++deleted;
    }
    if (!stale.empty())
      if (auto done = store_.commit(std::move(stale)); !done) return from_storage(done.error());
    if (!page->next) break;
    first = *page->next;
  }
  return deleted;
}

Result<std::size_t> Expiry::sweep(const std::function<bool()>& go_on) {
  if (auto done = catch_up(go_on); !done) return fail(done);
  std::size_t deleted = 0;
  for (const TablePtr& table : tables_.all()) {
    if (!go_on()) break;
    if (!table->ttl.enabled || table->status == Status::Deleting) continue;
    auto some = sweep_table(table, go_on);
    if (!some && some.error().code == "ResourceNotFoundException") continue;  // deleted just now
    if (!some) return some;
    deleted += *some;
  }
  return deleted;
}

}  // namespace likeness::dynamodb
