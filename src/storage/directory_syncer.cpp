#include "storage/directory_syncer.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "storage/blob_file.hpp"

namespace likeness::storage {

/// The directories that are synced together, and what came of each.
struct DirectorySyncer::Ticket::Round {
  std::map<std::filesystem::path, Result<void>> directories;
  bool done = false;
  std::condition_variable over;  // its own, so that nobody is woken for another round
};

DirectorySyncer::Ticket::Ticket(DirectorySyncer& syncer, std::shared_ptr<Round> round, std::filesystem::path directory)
    : syncer_(syncer), round_(std::move(round)), directory_(std::move(directory)) {}

DirectorySyncer::DirectorySyncer()
    : next_(std::make_shared<Ticket::Round>()), thread_([this](const std::stop_token& stop) { run(stop); }) {}
DirectorySyncer::~DirectorySyncer() = default;

DirectorySyncer::Ticket DirectorySyncer::ask(std::filesystem::path directory) {
  const std::lock_guard lock(mutex_);
  if (next_->directories.empty()) asked_.notify_one();
  next_->directories.try_emplace(directory);
  return {*this, next_, std::move(directory)};
}

Result<void> DirectorySyncer::Ticket::wait() {
  std::unique_lock lock(syncer_.mutex_);
  round_->over.wait(lock, [&] { return round_->done; });
  return round_->directories.at(directory_);
}

void DirectorySyncer::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (asked_.wait(lock, stop, [&] { return !next_->directories.empty(); })) {
    const auto round = std::exchange(next_, std::make_shared<Ticket::Round>());
    lock.unlock();
    // Nobody else changes a round that is no longer the next one.
    for (auto& [directory, result] : round->directories) result = sync_directory(directory);
    lock.lock();
    round->done = true;
    round->over.notify_all();
  }
}

}  // namespace likeness::storage
