#include "domain/queues/move_tasks.hpp"

#include <algorithm>
#include <cmath>

#include "base/bytes.hpp"
#include "domain/queues/errors.hpp"
#include "domain/record.hpp"
#include "storage/writes.hpp"

namespace likeness::queues {
namespace {

constexpr std::string_view kTable = "queue_moves";
constexpr std::string_view kAll = "all";
constexpr std::size_t kKept = 10;  // finished tasks of a queue
constexpr std::size_t kAtOnce = 100;
constexpr std::uint64_t kFastest = 500;  // a second: AWS's most

// Fields of the record.
constexpr std::uint8_t kSource = 1;
constexpr std::uint8_t kDestination = 2;
constexpr std::uint8_t kPerSecond = 3;
constexpr std::uint8_t kStatus = 4;
constexpr std::uint8_t kMoved = 5;
constexpr std::uint8_t kToMove = 6;
constexpr std::uint8_t kFailure = 7;
constexpr std::uint8_t kStarted = 8;

std::string encode(const MoveTask& task) {
  domain::RecordWriter out;
  out.text(kSource, task.source_arn);
  out.text(kDestination, task.destination_arn);
  out.number(kPerSecond, task.per_second);
  out.number(kStatus, static_cast<std::uint64_t>(task.status));
  out.number(kMoved, task.moved);
  out.number(kToMove, task.to_move);
  out.text(kFailure, task.failure);
  out.number(kStarted, static_cast<std::uint64_t>(task.started));
  return out.take();
}

Result<MoveTask> decode(const std::string& id, std::string_view bytes) {
  MoveTask task;
  task.id = id;
  domain::RecordReader in(bytes);
  while (in.next()) switch (in.field()) {
      case kSource: task.source_arn = in.text(); break;
      case kDestination: task.destination_arn = in.text(); break;
      case kPerSecond: task.per_second = in.number(); break;
      case kStatus: task.status = static_cast<MoveTask::Status>(std::min<std::uint64_t>(in.number(), 4)); break;
      case kMoved: task.moved = in.number(); break;
      case kToMove: task.to_move = in.number(); break;
      case kFailure: task.failure = in.text(); break;
      case kStarted: task.started = static_cast<Millis>(in.number()); break;
      default: break;
    }
  if (!in.ok()) return server_error("InternalError", "The record of a task that moves messages is damaged.");
  return task;
}

}  // namespace

std::string_view name_of(MoveTask::Status status) {
  static constexpr std::string_view kNames[] = {"RUNNING", "COMPLETED", "CANCELLING", "CANCELLED", "FAILED"};
  return kNames[static_cast<std::size_t>(status)];
}

Result<std::unique_ptr<MoveTasks>> MoveTasks::open(storage::Store& store, Surroundings& around) {
  std::unique_ptr<MoveTasks> tasks(new MoveTasks(store, around));
  auto page = store.range(kTable, kAll, {.first = {}, .last = {}, .limit = 10'000});
  if (!page) return fail(page);
  for (const auto& item : page->items) {
    auto task = decode(item.key.sort, item.value);
    if (!task) return fail(task);
    tasks->tasks_.push_back(std::move(*task));
  }
  std::ranges::sort(tasks->tasks_, {}, &MoveTask::started);
  return tasks;
}

Result<void> MoveTasks::save(const MoveTask& task) {
  if (auto done = store_.commit({storage::put_of(kTable, std::string(kAll), task.id, encode(task))}); !done)
    return from_store(done.error());
  return {};
}

Result<MoveTask> MoveTasks::start(const std::string& source_arn, const std::string& destination_arn,
                                  std::uint64_t per_second) {
  const auto source = around_.find(source_arn);
  if (source == nullptr || (!destination_arn.empty() && around_.find(destination_arn) == nullptr))
    return client_error("ResourceNotFoundException",
                        source == nullptr ? "The resource that you specified for the SourceArn parameter doesn't exist."
                                          : "The resource that you specified for the DestinationArn parameter doesn't "
                                            "exist.");
  MoveTask task{.id = uuid_v4(),
                .source_arn = source_arn,
                .destination_arn = destination_arn,
                .per_second = per_second,
                .to_move = source->counts().visible,
                .failure = {},
                .started = millis(around_.clock.now())};
  const std::lock_guard lock(mutex_);
  for (const auto& other : tasks_)
    if (other.source_arn == source_arn && other.active())
      return unsupported(
          "There is already a task running. Only one active task is allowed for a source queue arn at a given time.");
  if (auto saved = save(task); !saved) return fail(saved);
  tasks_.push_back(task);
  // The oldest of a queue are forgotten.
  const auto of_queue = [&](const MoveTask& other) { return other.source_arn == source_arn; };
  while (static_cast<std::size_t>(std::ranges::count_if(tasks_, of_queue)) > kKept) {
    const auto oldest = std::ranges::find_if(tasks_, of_queue);
    if (auto done = store_.commit({storage::removal_of(kTable, std::string(kAll), oldest->id)}); !done)
      return from_store(done.error());
    tasks_.erase(oldest);
  }
  return task;
}

Result<MoveTask> MoveTasks::cancel(const std::string& source_arn, const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto at = std::ranges::find(tasks_, id, &MoveTask::id);
  if (at == tasks_.end() || at->source_arn != source_arn)
    return client_error("ResourceNotFoundException", "Task does not exist.");
  if (at->status != MoveTask::Status::Running)
    return client_error("ResourceNotFoundException", "Only active tasks can be cancelled.");
  MoveTask task = *at;
  task.status = MoveTask::Status::Cancelling;
  if (auto saved = save(task); !saved) return fail(saved);
  *at = task;
  return task;
}

std::vector<MoveTask> MoveTasks::list(const std::string& source_arn) const {
  const std::lock_guard lock(mutex_);
  std::vector<MoveTask> out;
  for (auto at = tasks_.rbegin(); at != tasks_.rend(); ++at)
    if (at->source_arn == source_arn) out.push_back(*at);
  return out;
}

bool MoveTasks::any_active() const {
  const std::lock_guard lock(mutex_);
  return std::ranges::any_of(tasks_, &MoveTask::active);
}

Result<void> MoveTasks::step(double seconds) {
  std::vector<MoveTask> active;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& task : tasks_)
      if (task.active()) active.push_back(task);
  }
  for (auto& task : active) {
    if (task.status == MoveTask::Status::Cancelling) {
      task.status = MoveTask::Status::Cancelled;
    } else {
      const auto per_second = task.per_second != 0 ? task.per_second : kFastest;
      auto left = static_cast<std::size_t>(std::max(1.0, std::floor(static_cast<double>(per_second) * seconds)));
      const auto source = around_.find(task.source_arn);
      const auto destination = task.destination_arn.empty() ? nullptr : around_.find(task.destination_arn);
      if (source == nullptr || (destination == nullptr && !task.destination_arn.empty())) {
        task.status = MoveTask::Status::Failed;
        task.failure = "AWS.SimpleQueueService.NonExistentQueue";
      }
      while (left > 0 && task.status == MoveTask::Status::Running && !around_.stopping) {
        const auto asked = std::min(left, kAtOnce);
        auto moved = source->move(asked, destination);
        if (!moved) {
          task.status = MoveTask::Status::Failed;
          task.failure =
              moved.error().code == "DestinationGone" ? "AWS.SimpleQueueService.NonExistentQueue" : moved.error().code;
          break;
        }
        task.moved += *moved;
        left -= asked;
        if (*moved < asked) task.status = MoveTask::Status::Completed;
      }
    }
    const std::lock_guard lock(mutex_);
    const auto at = std::ranges::find(tasks_, task.id, &MoveTask::id);
    if (at == tasks_.end()) continue;
    if (at->status == MoveTask::Status::Cancelling && task.status == MoveTask::Status::Running)
      task.status = MoveTask::Status::Cancelled;
    if (auto saved = save(task); !saved) return saved;
    *at = task;
  }
  return {};
}

}  // namespace likeness::queues
