#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "domain/queues/queue.hpp"
#include "storage/store.hpp"

namespace likeness::queues {

/// A move of dead letters back to where they came from, or to another queue.
struct MoveTask {
  enum class Status { Running, Completed, Cancelling, Cancelled, Failed };
  std::string id;
  std::string source_arn;
  std::string destination_arn;   // empty: the queues they came from
  std::uint64_t per_second = 0;  // 0: as fast as it goes
  Status status = Status::Running;
  std::uint64_t moved = 0;
  std::uint64_t to_move = 0;  // when it began
  std::string failure;
  Millis started = 0;

  bool active() const { return status == Status::Running || status == Status::Cancelling; }
};
std::string_view name_of(MoveTask::Status status);

/// The tasks that move messages between queues, kept in the store: one that was running goes on after a restart.
/// Thread-safe; blocks for the store. `step` does the moving and is called by one thread.
class MoveTasks {
 public:
  static Result<std::unique_ptr<MoveTasks>> open(storage::Store& store, Surroundings& around);

  Result<MoveTask> start(const std::string& source_arn, const std::string& destination_arn, std::uint64_t per_second);
  Result<MoveTask> cancel(const std::string& source_arn, const std::string& id);
  /// The latest first; of a queue AWS keeps ten.
  std::vector<MoveTask> list(const std::string& source_arn) const;
  bool any_active() const;

  /// Moves on by what `seconds` allow each task.
  Result<void> step(double seconds);

 private:
  MoveTasks(storage::Store& store, Surroundings& around) : store_(store), around_(around) {}
  Result<void> save(const MoveTask& task);

  storage::Store& store_;
  Surroundings& around_;
  mutable std::mutex mutex_;
  std::vector<MoveTask> tasks_;  // in the order of their start
};

}  // namespace likeness::queues
