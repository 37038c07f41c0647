#pragma once

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/result.hpp"

namespace likeness::storage {

/// Syncs directories for many threads at once: whoever has named a file asks for its directory, syncs the file itself
/// meanwhile, and then waits. Requests that come while a sync runs share the next one. Thread-safe.
class DirectorySyncer {
 public:
  DirectorySyncer();
  ~DirectorySyncer();
  DirectorySyncer(const DirectorySyncer&) = delete;
  DirectorySyncer& operator=(const DirectorySyncer&) = delete;

  class Ticket {
   public:
    /// What was in the directory when the ticket was taken survives a crash of the machine.
    Result<void> wait();

   private:
    friend class DirectorySyncer;
    struct Round;
    Ticket(DirectorySyncer& syncer, std::shared_ptr<Round> round, std::filesystem::path directory);
    DirectorySyncer& syncer_;
    std::shared_ptr<Round> round_;
    std::filesystem::path directory_;
  };
  Ticket ask(std::filesystem::path directory);

 private:
  void run(const std::stop_token& stop);

  std::mutex mutex_;
  std::condition_variable_any asked_;
  std::shared_ptr<Ticket::Round> next_;
  std::jthread thread_;  // last: uses the others
};

}  // namespace likeness::storage
