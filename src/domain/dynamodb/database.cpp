#include "domain/dynamodb/database.hpp"

#include <utility>

#include "base/log.hpp"
#include "domain/dynamodb/errors.hpp"

namespace likeness::dynamodb {

namespace {
constexpr auto kRetryAfter = std::chrono::seconds(5);
}

Database::Database(storage::Store& store, const Clock& clock, StreamWriter* streams, std::unique_ptr<Tables> tables)
    : store_(store), clock_(clock), tables_(std::move(tables)), items_(store, *tables_, clock, streams) {}

Result<std::unique_ptr<Database>> Database::open(storage::Store& store, const Clock& clock, StreamWriter* streams) {
  auto tables = Tables::open(store);
  if (!tables) return fail(tables);
  auto database = std::unique_ptr<Database>(new Database(store, clock, streams, std::move(*tables)));
  database->worker_ = std::thread([&self = *database] { self.work(); });
  return database;
}

Database::~Database() {
  stopping_ = true;
  wake();
  if (worker_.joinable()) worker_.join();
}

void Database::wake() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  changed_.notify_all();
}

void Database::work() {
  bool left = false;
  while (!stopping_) {
    {
      std::unique_lock lock(mutex_);
      const auto ready = [&] { return woken_; };
      if (left)
        changed_.wait_for(lock, kRetryAfter, ready);
      else
        changed_.wait(lock, ready);
      woken_ = false;
    }
    if (!stopping_) left = round();
  }
}

bool Database::round() {
  bool left = false;
  const auto go_on = [this] { return !stopping_.load(); };
  const auto failed = [&](const Error& error) {
    log::error("work behind the tables: {} {}", error.message, error.detail);
    left = true;
  };
  for (const auto& table : tables_->all()) {
    for (const auto& index : table->indexes) {
      if (index.status != Status::Creating || stopping_) continue;
      if (auto filled = items_.fill_index(*table, index, go_on); !filled) {
        failed(filled.error());
        continue;
      }
      if (stopping_) return true;
      const auto active = [&](Table& next) -> Result<void> {
        bool creating = false;
        for (auto& candidate : next.indexes) {
          if (candidate.id == index.id) candidate.status = Status::Active;
          creating = creating || candidate.status == Status::Creating;
        }
        if (!creating && next.status == Status::Updating) next.status = Status::Active;
        return {};
      };
      // The table may have been deleted meanwhile.
      if (auto done = tables_->change(*table, active); !done && done.error().code != "ResourceNotFoundException")
        failed(done.error());
    }
  }
  auto garbage = tables_->garbage();
  if (!garbage) {
    failed(garbage.error());
    return left;
  }
  for (const auto& [table, partition] : *garbage) {
    if (stopping_) return true;
    if (auto swept = tables_->sweep(table, partition, go_on); !swept) failed(swept.error());
  }
  return left;
}

Result<Statistics> Database::statistics(const Table& table, const Index* index) {
  const std::string partition = index ? table.partition(*index) : table.partition();
  const auto start = std::chrono::steady_clock::now();
  {
    const std::lock_guard lock(statistics_mutex_);
    const auto found = counted_.find(partition);
    if (found != counted_.end() && start - found->second.taken < found->second.cost * 50)
      return found->second.statistics;
  }
  Statistics out;
  const auto scanned =
      store_.scan(index ? kIndexTable : kItemsTable, partition, [&](std::string_view, std::string_view value) {
        ++out.items;
        out.bytes += static_cast<std::int64_t>(value.size());
        return true;
      });
  if (!scanned) return from_storage(scanned.error());
  const auto end = std::chrono::steady_clock::now();
  const std::lock_guard lock(statistics_mutex_);
  if (counted_.size() > 10'000) counted_.clear();
  counted_[partition] = {out, end, end - start};
  return out;
}

}  // namespace likeness::dynamodb
