#include "domain/faces/eraser.hpp"

#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "domain/faces/records.hpp"

namespace likeness::domain {

namespace {

constexpr std::string_view kTablesOfCollection[] = {tables::kFaces, tables::kImages, tables::kUsers};
constexpr std::size_t kBatchesInline = 50;
constexpr std::size_t kBatchesPerStep = 50;

}  // namespace

Eraser::Eraser(storage::Store& store) : store_(store) {
  const auto scanned = store_.scan(tables::kDeleted, "collections", [&](std::string_view generation, std::string_view) {
    deleted_.emplace_back(generation);
    return true;
  });
  if (!scanned)
    log::error("deleted collections cannot be read: {} {}", scanned.error().message, scanned.error().detail);
  if (!deleted_.empty()) log::info("going on with the erasure of {} deleted collections", deleted_.size());
  thread_ = std::thread([this] { run(); });
}

Eraser::~Eraser() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void Eraser::collection_deleted(const std::string& generation) {
  const auto done = erase_some(generation, kBatchesInline);
  // Whatever is left, and the rewriting of the files, is not for the caller to wait for.
  if (!done) log::warn("erasing a deleted collection: {} {}", done.error().message, done.error().detail);
  const std::lock_guard lock(mutex_);
  deleted_.push_back(generation);
  to_purge_.erase(generation);
  wake_.notify_all();
}

void Eraser::items_deleted(const std::string& generation) {
  const std::lock_guard lock(mutex_);
  to_purge_.try_emplace(generation, std::chrono::steady_clock::now() + kPurgeDelay);
  wake_.notify_all();
}

void Eraser::run_later(std::function<void()> job) {
  const std::lock_guard lock(mutex_);
  jobs_.push_back(std::move(job));
  wake_.notify_all();
}

void Eraser::flush() {
  std::unique_lock lock(mutex_);
  hurry_ = true;
  wake_.notify_all();
  idle_.wait(lock, [this] { return stopping_ || (!busy_ && deleted_.empty() && to_purge_.empty() && jobs_.empty()); });
  hurry_ = false;
}

Result<bool> Eraser::erase_some(const std::string& generation, std::size_t batches) {
  for (const auto table : kTablesOfCollection) {
    while (true) {
      if (batches-- == 0) return false;
      auto page = store_.range(table, generation, {.first = "", .last = std::nullopt, .limit = 100, .reverse = false});
      if (!page) return fail(page);
      if (page->items.empty()) break;
      std::vector<storage::Write> writes;
      for (auto& item : page->items)
        writes.push_back({.table = std::string(table),
                          .key = std::move(item.key),
                          .value = std::nullopt,
                          .expect = storage::Write::Expect::Anything,
                          .expected_value = {}});
      auto removed = store_.commit(std::move(writes));
      if (!removed) return fail(removed);
    }
  }
  return true;
}

Result<void> Eraser::finish(const std::string& generation) {
  for (const auto table : kTablesOfCollection)
    if (auto purged = store_.purge(table, generation); !purged) return purged;
  return store_.commit({storage::Write{.table = std::string(tables::kDeleted),
                                       .key = {"collections", generation},
                                       .value = std::nullopt,
                                       .expect = storage::Write::Expect::Anything,
                                       .expected_value = {}}});
}

void Eraser::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const auto now = std::chrono::steady_clock::now();
    const auto due = std::find_if(to_purge_.begin(), to_purge_.end(),
                                  [&](const auto& entry) { return hurry_ || entry.second <= now; });
    if (!deleted_.empty()) {
      const auto generation = deleted_.front();
      busy_ = true;
      lock.unlock();
      auto done = erase_some(generation, kBatchesPerStep);
      if (done && *done) {
        if (auto finished = finish(generation); !finished) done = fail(finished);
      }
      lock.lock();
      busy_ = false;
      if (!done) {
        // A full disk, say. Later, or after the next start.
        log::error("erasing a deleted collection: {} {}", done.error().message, done.error().detail);
        wake_.wait_for(lock, std::chrono::seconds(5), [this] { return stopping_; });
      } else if (*done) {
        deleted_.erase(deleted_.begin());
      }
    } else if (due != to_purge_.end()) {
      const auto generation = due->first;
      to_purge_.erase(due);
      busy_ = true;
      lock.unlock();
      for (const auto table : kTablesOfCollection)
        if (const auto purged = store_.purge(table, generation); !purged)
          log::error("rewriting files after deletions: {} {}", purged.error().message, purged.error().detail);
      lock.lock();
      busy_ = false;
    } else if (!jobs_.empty()) {
      const auto job = std::move(jobs_.back());
      jobs_.pop_back();
      busy_ = true;
      lock.unlock();
      job();
      lock.lock();
      busy_ = false;
    } else {
      idle_.notify_all();
      if (to_purge_.empty()) {
        wake_.wait(lock);
      } else {
        const auto next = std::min_element(to_purge_.begin(), to_purge_.end(),
                                           [](const auto& a, const auto& b) { return a.second < b.second; });
        const auto when = next->second;
        wake_.wait_until(lock, when);
      }
    }
  }
  idle_.notify_all();
}

}  // namespace likeness::domain
