#include "domain/dynamodb/tables.hpp"

#include <thread>
#include <utility>

#include "domain/dynamodb/errors.hpp"
#include "storage/writes.hpp"

namespace likeness::dynamodb {

namespace {

// Which scopes (account/region) have tables: the store reads one partition at a time.
constexpr std::string_view kScopesTable = "ddb.scopes";
constexpr std::string_view kScopes = "all";
constexpr std::string_view kGarbagePartition = "all";
constexpr std::size_t kSweepBatch = 90;

std::string scope_of(const Table& table) { return table.account + '/' + table.region; }

storage::Write write_of(const Table& table) {
  return storage::put_of(kTablesTable, scope_of(table), table.name, encode_table(table));
}

std::string garbage_key(std::string_view table, std::string_view partition) {
  std::string key;
  key.reserve(table.size() + partition.size() + 1);
  key.append(table).append(" ").append(partition);
  return key;
}

}  // namespace

struct Tables::Version {
  explicit Version(Table definition) : table(std::make_shared<const Table>(std::move(definition))) {}
  const TablePtr table;
  std::atomic<std::int64_t> writers{0};
  std::atomic<bool> retired{false};
};

Tables::Use::~Use() {
  if (!version_) return;
  version_->writers.fetch_sub(1, std::memory_order_seq_cst);
}
const Table& Tables::Use::operator*() const { return *version_->table; }

Tables::~Tables() = default;

std::string Tables::name_key(std::string_view account, std::string_view region, std::string_view name) {
  std::string key;
  key.reserve(account.size() + region.size() + name.size() + 2);
  key.append(account).append("/").append(region).append("/").append(name);
  return key;
}

Result<std::unique_ptr<Tables>> Tables::open(storage::Store& store) {
  auto tables = std::unique_ptr<Tables>(new Tables(store));
  std::vector<std::string> scopes;
  const auto scanned = store.scan(kScopesTable, kScopes, [&](std::string_view scope, std::string_view) {
    scopes.emplace_back(scope);
    return true;
  });
  if (!scanned) return from_storage(scanned.error());
  for (const auto& scope : scopes) {
    Result<void> decoded;
    const auto read = store.scan(kTablesTable, scope, [&](std::string_view, std::string_view record) {
      auto table = decode_table(record);
      if (!table) {
        decoded = fail(table);
        return false;
      }
      auto key = name_key(table->account, table->region, table->name);
      tables->tables_.emplace(std::move(key), std::make_shared<Version>(std::move(*table)));
      return true;
    });
    if (!read) return from_storage(read.error());
    if (!decoded) return fail(decoded);
  }
  return tables;
}

std::shared_ptr<Tables::Version> Tables::current(const std::string& key) const {
  const std::shared_lock lock(mutex_);
  const auto found = tables_.find(key);
  return found == tables_.end() ? nullptr : found->second;
}

Result<TablePtr> Tables::find(const domain::Caller& caller, std::string_view name_or_arn) const {
  if (name_or_arn.starts_with("arn:")) {
    auto table = find_by_arn(name_or_arn);
    if (table && table->account == caller.account && table->region == caller.region) return table;
    return resource_not_found();
  }
  const auto version = current(name_key(caller.account, caller.region, name_or_arn));
  if (!version) return resource_not_found();
  return version->table;
}

TablePtr Tables::find_by_arn(std::string_view arn) const {
  // arn:aws:dynamodb:REGION:ACCOUNT:table/NAME
  std::vector<std::string_view> parts;
  parts.reserve(6);
  for (int i = 0; i < 5; ++i) {
    const auto colon = arn.find(':');
    if (colon == std::string_view::npos) return nullptr;
    parts.push_back(arn.substr(0, colon));
    arn.remove_prefix(colon + 1);
  }
  constexpr std::string_view kKind = "table/";
  if (parts[0] != "arn" || parts[2] != "dynamodb" || !arn.starts_with(kKind)) return nullptr;
  arn.remove_prefix(kKind.size());
  const auto version = current(name_key(parts[4], parts[3], arn.substr(0, arn.find('/'))));
  return version ? version->table : nullptr;
}

std::vector<std::string> Tables::names(const domain::Caller& caller, std::string_view after, std::size_t limit) const {
  std::vector<std::string> out;
  const std::string prefix = name_key(caller.account, caller.region, "");
  const std::shared_lock lock(mutex_);
  for (auto it = tables_.upper_bound(prefix + std::string(after));
       it != tables_.end() && it->first.starts_with(prefix) && out.size() < limit; ++it)
    out.push_back(it->second->table->name);
  return out;
}

std::size_t Tables::count(const domain::Caller& caller) const { return names(caller, "", SIZE_MAX).size(); }

std::vector<TablePtr> Tables::all() const {
  const std::shared_lock lock(mutex_);
  std::vector<TablePtr> out;
  out.reserve(tables_.size());
  for (const auto& [key, version] : tables_) out.push_back(version->table);
  return out;
}

Result<Tables::Use> Tables::begin_write(const Table& table) const {
  const std::string key = name_key(table.account, table.region, table.name);
  for (;;) {
    auto version = current(key);
    if (!version || version->table->id != table.id) return resource_not_found();
    // Counted first, looked at then: either we see that it is retired, or who retired it sees us.
    version->writers.fetch_add(1, std::memory_order_seq_cst);
    Use use(std::move(version));
    if (!use.version_->retired.load(std::memory_order_seq_cst)) return use;
    std::this_thread::yield();
  }
}

void Tables::drain(const Version& version) {
  // Writes take a millisecond or so, and definitions change rarely.
  while (version.writers.load(std::memory_order_seq_cst) > 0)
    std::this_thread::sleep_for(std::chrono::microseconds(200));
}

Result<TablePtr> Tables::create(Table table) {
  const std::lock_guard one(change_mutex_);
  const std::string key = name_key(table.account, table.region, table.name);
  if (current(key)) return table_in_use(table.name);
  std::vector<storage::Write> writes;
  writes.reserve(2);
  writes.push_back(write_of(table));
  writes.push_back(storage::put_of(kScopesTable, std::string(kScopes), scope_of(table), {}));
  if (auto done = store_.commit(std::move(writes)); !done) return from_storage(done.error());
  auto version = std::make_shared<Version>(std::move(table));
  const std::lock_guard lock(mutex_);
  tables_[key] = version;
  return version->table;
}

Result<TablePtr> Tables::change(const Table& table, const std::function<Result<void>(Table&)>& change,
                                std::vector<storage::Write> more) {
  const std::lock_guard one(change_mutex_);
  const std::string key = name_key(table.account, table.region, table.name);
  const auto old = current(key);
  if (!old || old->table->id != table.id) return table_not_found(table.name);
  Table next = *old->table;
  if (auto fine = change(next); !fine) return fail(fine);
  more.push_back(write_of(next));
  if (auto done = store_.commit(std::move(more)); !done) return from_storage(done.error());
  auto version = std::make_shared<Version>(std::move(next));
  {
    const std::lock_guard lock(mutex_);
    tables_[key] = version;
  }
  old->retired.store(true, std::memory_order_seq_cst);
  drain(*old);
  return version->table;
}

storage::Write Tables::garbage_write(std::string_view table, const std::string& partition) {
  return storage::put_of(kGarbageTable, std::string(kGarbagePartition), garbage_key(table, partition), {});
}

Result<void> Tables::remove(const Table& table) {
  const std::lock_guard one(change_mutex_);
  const std::string key = name_key(table.account, table.region, table.name);
  const auto old = current(key);
  if (!old || old->table->id != table.id) return table_not_found(table.name);
  std::vector<storage::Write> writes;
  writes.reserve(2 + old->table->indexes.size());
  writes.push_back(storage::removal_of(kTablesTable, scope_of(table), table.name));
  writes.push_back(garbage_write(kItemsTable, old->table->partition()));
  for (const auto& index : old->table->indexes)
    writes.push_back(garbage_write(kIndexTable, old->table->partition(index)));
  if (auto done = store_.commit(std::move(writes)); !done) return from_storage(done.error());
  {
    const std::lock_guard lock(mutex_);
    tables_.erase(key);
  }
  old->retired.store(true, std::memory_order_seq_cst);
  drain(*old);
  return {};
}

Result<std::vector<std::pair<std::string, std::string>>> Tables::garbage() const {
  std::vector<std::pair<std::string, std::string>> out;
  const auto scanned = store_.scan(kGarbageTable, kGarbagePartition, [&](std::string_view name, std::string_view) {
    const auto space = name.find(' ');
    out.emplace_back(name.substr(0, space), name.substr(space + 1));
    return true;
  });
  if (!scanned) return from_storage(scanned.error());
  return out;
}

Result<void> Tables::sweep(const std::string& table, const std::string& partition, const std::function<bool()>& go_on) {
  for (;;) {
    auto page = store_.range(table, partition, {.first = "", .last = std::nullopt, .limit = kSweepBatch});
    if (!page) return from_storage(page.error());
    std::vector<storage::Write> writes;
    writes.reserve(page->items.size() + 1);
    for (auto& item : page->items)
      writes.push_back(storage::removal_of(table, std::move(item.key.partition), std::move(item.key.sort)));
    const bool last = !page->next;
    if (last)
      writes.push_back(
          storage::removal_of(kGarbageTable, std::string(kGarbagePartition), garbage_key(table, partition)));
    if (auto done = store_.commit(std::move(writes)); !done) return from_storage(done.error());
    if (last || !go_on()) return {};
  }
}

}  // namespace likeness::dynamodb
