#include <pthread.h>

#include "base/log.hpp"
#include "states/engine.hpp"
#include "states/engine_live.hpp"
#include "states/map_runs.hpp"
#include "states/record.hpp"

namespace likeness::states {
namespace {

constexpr std::size_t kAtOnce = 50;
constexpr std::size_t kWritesAtOnce = 90;
constexpr auto kPause = std::chrono::milliseconds(50);  // others need the store too

}  // namespace

Result<void> remove_partition(storage::Store& store, const char* table, const std::string& partition) {
  storage::Range range;
  range.limit = kWritesAtOnce;
  for (;;) {
    auto page = store.range(table, partition, range);
    if (!page) return fail(page);
    std::vector<storage::Write> writes;
    for (auto& item : page->items) writes.push_back(put_item(table, std::move(item.key), std::nullopt));
    if (!writes.empty())
      if (auto done = store.commit(std::move(writes)); !done) return done;
    if (!page->next) return {};
    range.first = *page->next;
  }
}

Result<std::size_t> Engine::sweep() {
  storage::Range range;
  range.limit = kAtOnce;
  range.last = sortable(clock_.now() - options_.keep_closed);
  auto page = store_.range(tables::kClosed, kClosedPartition, range);
  if (!page) return fail(page);
  for (const auto& item : page->items) {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) break;
    }
    if (auto done = forget(item.key.sort.substr(8), item.key); !done) return fail(done);
  }
  return page->items.size();
}

/// The line among the closed ones goes last: whatever stops this before is found again.
Result<void> Engine::forget(const std::string& arn, const storage::Key& closed) {
  std::vector<storage::Write> writes;
  writes.push_back(put_item(tables::kClosed, closed, std::nullopt));
  auto record = find(arn);
  if (!record) return fail(record);
  // It may have been redriven since, or be gone.
  if (*record && (*record)->ending.status != Status::Running && closed_key(**record) == closed) {
    if (auto done = map_runs_->forget(arn); !done) return done;
    for (const auto* table : {tables::kHistory, tables::kFibers})
      if (auto done = remove_partition(store_, table, arn); !done) return done;
    writes.push_back(put_item(tables::kExecutions, execution_key(arn), std::nullopt));
    writes.push_back(put_item(tables::kByTime, listed_key((*record)->info), std::nullopt));
  }
  return store_.commit(std::move(writes));
}

void Engine::keep_clean() {
  pthread_setname_np(pthread_self(), "states-sweep");
  std::unique_lock lock(mutex_);
  auto pause = options_.sweep_every;
  while (!stopping_) {
    swept_.wait_for(lock, pause, [&] { return stopping_; });
    if (stopping_) return;
    lock.unlock();
    const auto seen = sweep();
    if (!seen) log::error("states: closed executions could not be deleted: {}", seen.error().message);
    pause = seen && *seen == kAtOnce ? kPause : options_.sweep_every;
    lock.lock();
  }
}

}  // namespace likeness::states
