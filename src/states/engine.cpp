#include "states/engine.hpp"

#include <pthread.h>

#include <algorithm>

#include "base/log.hpp"
#include "states/engine_live.hpp"
#include "states/map_runs.hpp"
#include "states/record.hpp"

namespace likeness::states {
namespace {

constexpr TimePoint kNever{};
constexpr auto kSoon = std::chrono::seconds(2);  // a wait shorter than that stays in memory

}  // namespace

Engine::Engine(storage::Store& store, Definitions definitions, TaskRunner& tasks, ExecutionObserver* observer,
               const Clock& clock, EngineOptions options)
    : store_(store),
      definitions_(std::move(definitions)),
      tasks_(tasks),
      observer_(observer),
      clock_(clock),
      options_(std::move(options)),
      interpreter_(options_.interpreter, clock),
      map_runs_(std::make_unique<MapRuns>(*this)),
      pool_("states-task", options_.task_threads) {}

Engine::~Engine() { stop(); }

Result<std::unique_ptr<Engine>> Engine::open(storage::Store& store, Definitions definitions, TaskRunner& tasks,
                                             ExecutionObserver* observer, const Clock& clock, EngineOptions options) {
  std::unique_ptr<Engine> out(new Engine(store, std::move(definitions), tasks, observer, clock, std::move(options)));
  if (auto recovered = out->recover(); !recovered) return fail(recovered);
  return out;
}

/// Fills the timers with what is running. What was in the middle of something is due at once.
Result<void> Engine::recover() {
  const std::lock_guard lock(mutex_);
  auto scanned = store_.scan(tables::kRunning, kRunningPartition, [&](std::string_view arn, std::string_view value) {
    FieldReader in(value);
    TimePoint due = clock_.now();
    while (in.next())
      if (in.field() == 1) due = in.time();
    if (due != kNever) set_timer(std::string(arn), due);
    return true;
  });
  if (!scanned) return scanned;
  std::vector<std::string> express;
  scanned = store_.scan(tables::kExpress, kRunningPartition, [&](std::string_view, std::string_view value) {
    auto record = decode_execution(value);
    if (!record) return true;
    auto definition = definitions_(record->info.machine_arn, record->info.revision);
    if (!definition) return true;
    auto live = make_live(record->info, *definition);
    if (!live) return true;
    live_.emplace((*live)->arn, *live);
    schedule(*live);
    return true;
  });
  return scanned;
}

void Engine::start() {
  for (std::size_t i = 0; i < options_.workers; ++i) workers_.emplace_back([this] { work(); });
  timer_ = std::thread([this] { keep_time(); });
  sweeper_ = std::thread([this] { keep_clean(); });
}

void Engine::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    stopping_ = true;
  }
  ready_.notify_all();
  timed_.notify_all();
  offered_.notify_all();
  swept_.notify_all();
  map_runs_->stop();
  pool_.stop();
  for (auto& worker : workers_) worker.join();
  if (timer_.joinable()) timer_.join();
  if (sweeper_.joinable()) sweeper_.join();
  // Whoever waits for a message to be taken learns that nobody will.
  std::vector<LivePtr> left;
  {
    const std::lock_guard lock(mutex_);
    for (auto& [arn, live] : live_) left.push_back(live);
    live_.clear();
    queue_.clear();
  }
  for (auto& live : left) {
    while (!live->mailbox.empty()) {
      auto message = std::move(live->mailbox.front());
      live->mailbox.pop_front();
      if (auto after = message(nullptr)) after(false);
    }
    if (live->on_end) live->on_end(live->execution);
  }
}

void Engine::schedule(const LivePtr& live) {
  if (live->scheduled || live->over) return;
  live->scheduled = true;
  queue_.push_back(live);
  ready_.notify_one();
}

void Engine::post(const std::string& arn, Message message) {
  {
    const std::lock_guard lock(mutex_);
    if (!stopping_) {
      auto& live = live_[arn];
      if (live == nullptr) {
        live = std::make_shared<Live>();
        live->arn = arn;
      }
      if (message) live->mailbox.push_back(std::move(message));
      schedule(live);
      return;
    }
  }
  if (message)
    if (auto after = message(nullptr)) after(false);
}

void Engine::work() {
  pthread_setname_np(pthread_self(), "states");
  std::unique_lock lock(mutex_);
  for (;;) {
    ready_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
    if (stopping_) return;
    auto live = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    run(live);
    live.reset();
    lock.lock();
  }
}

void Engine::set_timer(const std::string& arn, TimePoint due) {
  const auto at = timer_of_.find(arn);
  if (at != timer_of_.end()) {
    if (at->second == due) return;
    auto [first, last] = due_.equal_range(at->second);
    for (; first != last; ++first)
      if (first->second == arn) {
        due_.erase(first);
        break;
      }
    timer_of_.erase(at);
  }
  if (due == kNever) return;
  const bool sooner = due_.empty() || due < due_.begin()->first;
  due_.emplace(due, arn);
  timer_of_[arn] = due;
  if (sooner) timed_.notify_one();
}

void Engine::keep_time() {
  pthread_setname_np(pthread_self(), "states-timer");
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const auto now = clock_.now();
    while (!due_.empty() && due_.begin()->first <= now) {
      const auto arn = due_.begin()->second;
      due_.erase(due_.begin());
      timer_of_.erase(arn);
      auto& live = live_[arn];
      if (live == nullptr) {
        live = std::make_shared<Live>();
        live->arn = arn;
      }
      schedule(live);
    }
    // The clock may be a test's: look again now and then.
    auto patience = std::chrono::milliseconds(1000);
    if (!due_.empty())
      patience = std::clamp(std::chrono::duration_cast<std::chrono::milliseconds>(due_.begin()->first - now) +
                                std::chrono::milliseconds(1),
                            std::chrono::milliseconds(1), patience);
    timed_.wait_for(lock, patience);
  }
}

void Engine::run(const LivePtr& live) {
  bool resumed = false;
  if (!live->loaded) {
    auto loaded = load(*live);
    if (!loaded)
      log::error("states: {} could not be read: {} {}", live->arn, loaded.error().message, loaded.error().detail);
    if (!loaded || !*loaded) {
      std::deque<Message> mailbox;
      {
        const std::lock_guard lock(mutex_);
        live->over = true;
        mailbox.swap(live->mailbox);
        live_.erase(live->arn);
        if (!loaded) set_timer(live->arn, clock_.now() + std::chrono::seconds(5));
      }
      for (auto& message : mailbox)
        if (auto after = message(nullptr)) after(loaded.has_value());
      return;
    }
    resumed = true;
  }
  Execution& execution = live->execution;
  std::vector<AfterCommit> after;
  std::vector<Action> actions;
  if (resumed) actions = interpreter_.resume(execution);
  for (;;) {
    std::deque<Message> mailbox;
    {
      const std::lock_guard lock(mutex_);
      mailbox.swap(live->mailbox);
    }
    for (auto& message : mailbox)
      if (auto then = message(execution.ending ? nullptr : &execution)) after.push_back(std::move(then));
    interpreter_.wake(execution, clock_.now());
    bool more = false;
    if (!execution.ending) more = interpreter_.advance(execution, actions);
    auto committed = commit(*live);
    for (auto& then : after) then(committed.has_value());
    after.clear();
    if (!committed) {
      // What is in memory did not happen: begin again from what is in the store.
      log::error("states: {} could not be written: {} {}", live->arn, committed.error().message,
                 committed.error().detail);
      const std::lock_guard lock(mutex_);
      live->loaded = false;
      live->execution = Execution();
      live->scheduled = false;
      if (live->durable) {
        set_timer(live->arn, clock_.now() + std::chrono::seconds(1));
      } else {
        live->over = true;
        live_.erase(live->arn);
      }
      return;
    }
    if (execution.ending) {
      ended(live);
      return;
    }
    for (const auto& arn : std::exchange(execution.abandoned, {})) abandon(execution.info, arn);
    perform(live, actions);
    actions.clear();
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    if (more || !live->mailbox.empty()) {
      // Others first.
      live->scheduled = false;
      schedule(live);
      return;
    }
    const auto due = Interpreter::next_due(execution);
    set_timer(live->arn, due);
    live->scheduled = false;
    if (live->durable && live->calls == 0 && (due == kNever || due - clock_.now() > kSoon)) {
      live->over = true;  // out of memory; whoever needs it loads it again
      live_.erase(live->arn);
    }
    return;
  }
}

std::size_t Engine::loaded() const {
  const std::lock_guard lock(mutex_);
  return live_.size();
}

std::size_t Engine::timers() const {
  const std::lock_guard lock(mutex_);
  return due_.size();
}

}  // namespace likeness::states
