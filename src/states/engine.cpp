#include "states/engine.hpp"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <charconv>

#include "base/bytes.hpp"
#include "base/log.hpp"
#include "states/engine_live.hpp"
#include "states/map_runs.hpp"
#include "states/record.hpp"

namespace likeness::states {
namespace {

constexpr TimePoint kNever{};
constexpr auto kSoon = std::chrono::seconds(2);  // a wait shorter than that stays in memory

Failure stopping() { return server_error("ServiceUnavailable", "The server is stopping."); }

struct Token {
  std::string execution;
  std::uint64_t fiber = 0;
};

std::optional<Token> read_token(std::string_view text) {
  const auto bytes = from_base64(text);
  if (!bytes) return std::nullopt;
  const auto plain = as_text(*bytes);
  const auto first = plain.find('\n');
  if (first == std::string_view::npos || !plain.starts_with("arn:")) return std::nullopt;
  Token out;
  out.execution = plain.substr(0, first);
  const auto read = std::from_chars(plain.data() + first + 1, plain.data() + plain.size(), out.fiber);
  if (read.ec != std::errc() || out.fiber == 0) return std::nullopt;
  return out;
}

}  // namespace

storage::Key execution_key(const std::string& execution_arn) {
  const auto colon = execution_arn.rfind(':');
  if (colon == std::string::npos || colon == 0) return {execution_arn.empty() ? "-" : execution_arn, ""};
  return {execution_arn.substr(0, colon), execution_arn.substr(colon + 1)};
}

std::string executions_of(const std::string& machine_arn) {
  std::string out = machine_arn;
  const auto at = out.find(":stateMachine:");
  if (at != std::string::npos) out.replace(at, 14, ":execution:");
  return out;
}

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
  map_runs_->stop();
  pool_.stop();
  for (auto& worker : workers_) worker.join();
  if (timer_.joinable()) timer_.join();
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

/// False: there is nothing that runs under that name.
Result<bool> Engine::load(Live& live) {
  const auto key = execution_key(live.arn);
  auto bytes = store_.get(tables::kExecutions, key);
  if (!bytes) return fail(bytes);
  if (!*bytes) return false;
  auto record = decode_execution(**bytes);
  if (!record) return fail(record);
  if (record->ending.status != Status::Running) return false;
  auto definition = definitions_(record->info.machine_arn, record->info.revision);
  if (!definition) return fail(definition);
  Execution out;
  out.info = std::move(record->info);
  out.definition = std::move(*definition);
  if (!out.info.processor_path.empty()) {
    const Definition* const part = part_of(*out.definition, out.info.processor_path);
    if (part == nullptr) return server_error("StorageFailure", "A stored execution does not fit its definition.");
    out.definition = std::shared_ptr<const Definition>(out.definition, part);
  }
  auto input = parse_json(out.info.input);
  out.input = input ? std::move(*input) : Value();
  out.redrive_count = record->redrive_count;
  out.redriven = record->redriven;
  std::uint64_t of = 0;
  std::uint32_t parts = 0;
  std::string joined;
  std::optional<Error> wrong;
  const auto flush = [&] {
    if (parts == 0) return;
    auto fiber = decode_fiber(joined);
    if (!fiber) {
      wrong = fiber.error();
    } else {
      fiber->stored_parts = parts;
      out.next_fiber = std::max(out.next_fiber, fiber->id + 1);
      if (fiber->phase == Phase::Enter || fiber->phase == Phase::Work) out.runnable.push_back(fiber->id);
      out.fibers.emplace(fiber->id, std::move(*fiber));
    }
    joined.clear();
    parts = 0;
  };
  auto scanned = store_.scan(tables::kFibers, live.arn, [&](std::string_view sort, std::string_view value) {
    const auto id = from_sortable(sort);
    if (id != of) flush();
    of = id;
    joined.append(value);
    ++parts;
    return true;
  });
  if (!scanned) return fail(scanned);
  flush();
  if (wrong) return Failure(*wrong);
  storage::Range last;
  last.limit = 1;
  last.reverse = true;
  auto block = store_.range(tables::kHistory, live.arn, last);
  if (!block) return fail(block);
  if (!block->items.empty()) {
    auto events = decode_events(block->items.front().value);
    if (!events) return fail(events);
    if (!events->empty()) out.next_event = events->back().id + 1;
  }
  if (out.definition->timeout_seconds)
    out.deadline = (out.redrive_count > 0 ? out.redriven : out.info.started) +
                   std::chrono::seconds(*out.definition->timeout_seconds);
  if (out.fibers.empty()) interpreter_.begin(out);
  live.execution = std::move(out);
  live.loaded = true;
  // A redrive that was stored, but not begun.
  if (Fiber& root = live.execution.fibers.begin()->second; root.phase == Phase::Failed) {
    --live.execution.redrive_count;
    interpreter_.redrive(live.execution);
  }
  return true;
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

Result<void> Engine::commit(Live& live) {
  Execution& execution = live.execution;
  if (execution.pending.empty() && execution.dirty.empty() && execution.removed.empty() && !execution.ending) return {};
  const auto publish = [&] {
    if (observer_ != nullptr && !execution.pending.empty()) observer_->happened(execution.info, execution.pending);
    execution.pending.clear();
    execution.dirty.clear();
    execution.removed.clear();
  };
  if (!live.durable) {
    if (execution.ending && !live.synchronous) {
      storage::Write gone{
          tables::kExpress, {kRunningPartition, live.arn}, std::nullopt, storage::Write::Expect::Anything, {}};
      if (auto done = store_.commit({std::move(gone)}); !done) return done;
    }
    publish();
    return {};
  }
  std::vector<storage::Write> writes;
  const auto put = [&](const char* table, storage::Key key, std::optional<std::string> value) {
    writes.push_back({table, std::move(key), std::move(value), storage::Write::Expect::Anything, {}});
  };
  // History, in values of a size that the store takes.
  for (std::size_t first = 0; first < execution.pending.size();) {
    std::size_t last = first;
    std::size_t bytes = 0;
    while (last < execution.pending.size() &&
           (last == first || bytes + execution.pending[last].details.size() < kPartBytes / 2))
      bytes += execution.pending[last++].details.size() + 64;
    put(tables::kHistory, {live.arn, sortable(execution.pending[first].id)}, encode(execution.pending, first, last));
    first = last;
  }
  const auto part_key = [&](std::uint64_t id, std::uint32_t part) {
    return storage::Key{live.arn, sortable(id) + sortable(part).substr(4)};
  };
  const auto drop_fiber = [&](std::uint64_t id, std::uint32_t first, std::uint32_t last) {
    for (auto part = first; part < last; ++part) put(tables::kFibers, part_key(id, part), std::nullopt);
  };
  for (const auto& [id, parts] : execution.removed) drop_fiber(id, 0, parts);
  const bool kept_for_redrive = execution.ending && execution.ending->status != Status::Succeeded;
  for (auto& [id, fiber] : execution.fibers) {
    const bool keep = !execution.ending || (kept_for_redrive && fiber.parent == 0);
    if (!keep) {
      drop_fiber(id, 0, fiber.stored_parts);
      continue;
    }
    if (!execution.dirty.contains(id) && !execution.ending) continue;
    if (execution.ending) fiber.phase = Phase::Failed;
    const auto bytes = encode(fiber);
    const auto parts = static_cast<std::uint32_t>((bytes.size() + kPartBytes - 1) / kPartBytes);
    for (std::uint32_t part = 0; part < parts; ++part)
      put(tables::kFibers, part_key(id, part), bytes.substr(part * kPartBytes, kPartBytes));
    drop_fiber(id, parts, std::max(parts, fiber.stored_parts));
    fiber.stored_parts = parts;
  }
  if (execution.ending) {
    ExecutionRecord record{execution.info, *execution.ending, execution.redrive_count, execution.redriven,
                           execution.next_event};
    put(tables::kExecutions, execution_key(live.arn), encode(record));
    auto summary = record;
    summary.info.input.clear();
    summary.ending.output.clear();
    summary.ending.cause.reset();
    const auto& info = execution.info;
    const auto partition = info.map_run_arn.empty() ? executions_of(info.machine_arn) : info.map_run_arn;
    const auto started = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(info.started.time_since_epoch()).count());
    put(tables::kByTime, {partition, sortable(started) + info.name}, encode(summary));
    put(tables::kRunning, {kRunningPartition, live.arn}, std::nullopt);
  } else {
    FieldWriter running(1);
    const bool in_the_middle = std::any_of(execution.fibers.begin(), execution.fibers.end(), [](const auto& entry) {
      const auto phase = entry.second.phase;
      return phase == Phase::Enter || phase == Phase::Work || phase == Phase::Task || phase == Phase::Activity ||
             phase == Phase::Child || phase == Phase::MapRun;
    });
    running.time(1, in_the_middle ? TimePoint(std::chrono::seconds(1)) : Interpreter::next_due(execution));
    auto value = running.take();
    if (value != live.running) put(tables::kRunning, {kRunningPartition, live.arn}, value);
    live.running = std::move(value);
  }
  if (auto done = store_.commit(std::move(writes)); !done) return done;
  publish();
  return {};
}

void Engine::perform(const LivePtr& live, const std::vector<Action>& actions) {
  watch_children(*live);
  for (const auto& action : actions) {
    switch (action.kind) {
      case Action::Kind::Call: call(live, action); break;
      case Action::Kind::Offer: {
        {
          const std::lock_guard lock(mutex_);
          offers_[action.resource.arn].push_back({live->arn, action.fiber, action.attempt});
        }
        offered_.notify_all();
        break;
      }
      case Action::Kind::MapRun: {
        {
          const std::lock_guard lock(mutex_);
          ++live->calls;
        }
        map_runs_->begin(live->execution, action.fiber, action.attempt, [this, live] {
          const std::lock_guard lock(mutex_);
          --live->calls;
        });
        break;
      }
    }
  }
}

void Engine::call(const LivePtr& live, const Action& action) {
  {
    const std::lock_guard lock(mutex_);
    ++live->calls;
  }
  TaskRequest request{action.resource,           action.input,
                      action.role_arn,           live->arn,
                      live->execution.info.name, live->execution.info.machine_arn};
  pool_.submit([this, live, request = std::move(request), fiber = action.fiber, attempt = action.attempt] {
    auto result = std::make_shared<Outcome<std::string>>(tasks_.run(request));
    std::unique_lock lock(mutex_);
    --live->calls;
    if (live->over || stopping_) return;
    live->mailbox.push_back([this, result, fiber, attempt](Execution* execution) -> AfterCommit {
      if (execution != nullptr) interpreter_.answer(*execution, fiber, attempt, std::move(*result));
      return nullptr;
    });
    schedule(live);
  });
}

/// Executions that fibers of this one wait for.
void Engine::watch_children(const Live& live) {
  for (const auto& [id, fiber] : live.execution.fibers) {
    if (fiber.phase != Phase::Child || fiber.child_arn.empty()) continue;
    {
      const std::lock_guard lock(mutex_);
      bool known = false;
      auto [first, last] = parents_.equal_range(fiber.child_arn);
      for (; first != last; ++first) known = known || first->second == std::pair(live.arn, id);
      if (known) continue;
      parents_.emplace(fiber.child_arn, std::pair(live.arn, id));
    }
    // It may be over already.
    const auto found = find(fiber.child_arn);
    if (found && (!*found || (*found)->ending.status != Status::Running)) child_over(fiber.child_arn);
  }
}

void Engine::child_over(const std::string& child_arn) {
  std::vector<std::pair<std::string, std::uint64_t>> parents;
  {
    const std::lock_guard lock(mutex_);
    auto [first, last] = parents_.equal_range(child_arn);
    for (auto at = first; at != last; ++at) parents.push_back(at->second);
    parents_.erase(first, last);
  }
  if (parents.empty()) return;
  auto record = find(child_arn);
  for (const auto& parent : parents)
    post(parent.first, [this, child_arn, fiber = parent.second, record](Execution* execution) -> AfterCommit {
      if (execution == nullptr) return nullptr;
      const auto at = execution->fibers.find(fiber);
      if (at == execution->fibers.end()) return nullptr;
      if (!record || !*record) {
        interpreter_.child_ended(*execution, fiber, child_arn, Status::Failed,
                                 Value(Object{{"ExecutionArn", Value(child_arn)}}));
        return nullptr;
      }
      const Definition* const part = part_of(*execution->definition, at->second.path);
      const State* const state = part == nullptr ? nullptr : part->find(at->second.state);
      const auto resource = state == nullptr ? std::nullopt : parse_resource(state->resource);
      const bool parsed = resource && resource->pattern == TaskResource::Pattern::Sync2;
      interpreter_.child_ended(*execution, fiber, child_arn, (*record)->ending.status,
                               describe_for_task(**record, parsed));
      return nullptr;
    });
}

void Engine::ended(const LivePtr& live) {
  std::deque<Message> mailbox;
  std::function<void(const Execution&)> on_end;
  {
    const std::lock_guard lock(mutex_);
    live->over = true;
    mailbox.swap(live->mailbox);
    on_end = std::move(live->on_end);
    live->on_end = nullptr;
    set_timer(live->arn, kNever);
    live_.erase(live->arn);
  }
  for (auto& message : mailbox)
    if (auto after = message(nullptr)) after(true);
  if (observer_ != nullptr) observer_->ended(live->execution.info, *live->execution.ending);
  if (on_end) on_end(live->execution);
  if (!live->execution.info.map_run_arn.empty()) map_runs_->child_ended(live->execution.info, *live->execution.ending);
  child_over(live->arn);
}

Result<Engine::LivePtr> Engine::make_live(ExecutionInfo info, std::shared_ptr<const Definition> definition) {
  auto input = parse_json(info.input);
  if (!input) return client_error("InvalidInput", input.error().message);
  auto live = std::make_shared<Live>();
  live->arn = info.arn;
  live->durable = !info.express;
  live->loaded = true;
  if (!info.processor_path.empty()) {
    const Definition* const part = part_of(*definition, info.processor_path);
    if (part == nullptr) return client_error("InvalidInput", "There is no such part of the definition.");
    definition = std::shared_ptr<const Definition>(definition, part);
  }
  live->execution.info = std::move(info);
  live->execution.definition = std::move(definition);
  live->execution.input = std::move(*input);
  interpreter_.begin(live->execution);
  // AWS ends express executions after five minutes.
  if (live->execution.info.express)
    live->execution.deadline =
        live->execution.info.started +
        std::min(std::chrono::seconds(300),
                 std::chrono::seconds(live->execution.definition->timeout_seconds.value_or(300)));
  return live;
}

void Engine::launch(const LivePtr& live) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return;
  // Somebody may have asked for it already; what is in the store is the same.
  const auto [at, added] = live_.emplace(live->arn, live);
  schedule(at->second);
}

Result<TimePoint> Engine::start_execution(ExecutionInfo info, std::shared_ptr<const Definition> definition) {
  auto live = make_live(std::move(info), std::move(definition));
  if (!live) return fail(live);
  // Launched, the execution belongs to a worker: what is read of it is read before.
  const ExecutionRecord record{(*live)->execution.info, {}, 0, {}, 1};
  const auto& started = record.info;
  std::vector<storage::Write> writes;
  if (!(*live)->durable) {
    writes.push_back(
        {tables::kExpress, {kRunningPartition, started.arn}, encode(record), storage::Write::Expect::Anything, {}});
    if (auto done = store_.commit(std::move(writes)); !done) return fail(done);
    launch(*live);
    return started.started;
  }
  const auto key = execution_key(started.arn);
  auto summary = record;
  summary.info.input.clear();
  const auto micros = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(started.started.time_since_epoch()).count());
  const auto partition = started.map_run_arn.empty() ? executions_of(started.machine_arn) : started.map_run_arn;
  writes.push_back({tables::kExecutions, key, encode(record), storage::Write::Expect::Absent, {}});
  writes.push_back({tables::kByTime,
                    {partition, sortable(micros) + started.name},
                    encode(summary),
                    storage::Write::Expect::Anything,
                    {}});
  FieldWriter running(1);
  running.time(1, TimePoint(std::chrono::seconds(1)));
  writes.push_back(
      {tables::kRunning, {kRunningPartition, started.arn}, running.take(), storage::Write::Expect::Anything, {}});
  auto committed = store_.commit(std::move(writes));
  if (committed) {
    launch(*live);
    return started.started;
  }
  if (committed.error().code != "ConditionFailed") return fail(committed);
  auto existing = find(started.arn);
  if (!existing) return fail(existing);
  // The same start once more is answered like the first, as long as that one runs.
  if (*existing && (*existing)->ending.status == Status::Running && (*existing)->info.input == started.input)
    return (*existing)->info.started;
  return client_error("AlreadyExists", fmt::format("Execution Already Exists: '{}'", started.arn));
}

Result<std::pair<ExecutionInfo, Ending>> Engine::start_sync(ExecutionInfo info,
                                                            std::shared_ptr<const Definition> definition) {
  auto live = make_live(std::move(info), std::move(definition));
  if (!live) return fail(live);
  struct Waiter {
    std::mutex mutex;
    std::condition_variable done;
    bool over = false;
    std::optional<Ending> ending;
  };
  auto waiter = std::make_shared<Waiter>();
  (*live)->synchronous = true;
  const ExecutionInfo kept = (*live)->execution.info;
  (*live)->on_end = [waiter](const Execution& execution) {
    const std::lock_guard lock(waiter->mutex);
    waiter->over = true;
    waiter->ending = execution.ending;
    waiter->done.notify_all();
  };
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return stopping();
    live_[(*live)->arn] = *live;
    schedule(*live);
  }
  std::unique_lock lock(waiter->mutex);
  waiter->done.wait(lock, [&] { return waiter->over; });
  if (!waiter->ending) return stopping();
  return std::pair(kept, *waiter->ending);
}

std::size_t Engine::loaded() const {
  const std::lock_guard lock(mutex_);
  return live_.size();
}

std::size_t Engine::timers() const {
  const std::lock_guard lock(mutex_);
  return due_.size();
}

Result<void> Engine::task_answer(std::string_view token, Outcome<std::string> result) {
  const auto read = read_token(token);
  if (!read) return client_error("InvalidToken", "Invalid Token: 'Invalid token'");
  struct Reply {
    std::mutex mutex;
    std::condition_variable done;
    std::optional<int> code;  // 0: taken, 1: gone, 2: not stored
  };
  auto reply = std::make_shared<Reply>();
  auto shared = std::make_shared<Outcome<std::string>>(std::move(result));
  post(read->execution,
       [this, reply, shared, fiber = read->fiber, token = std::string(token)](Execution* execution) -> AfterCommit {
         const bool taken = execution != nullptr && interpreter_.token_answer(*execution, fiber, token, *shared);
         return [reply, taken](bool committed) {
           const std::lock_guard lock(reply->mutex);
           reply->code = !committed ? 2 : taken ? 0 : 1;
           reply->done.notify_all();
         };
       });
  std::unique_lock lock(reply->mutex);
  reply->done.wait(lock, [&] { return reply->code.has_value(); });
  if (*reply->code == 2) return server_error("ServiceUnavailable", "The answer could not be stored.");
  if (*reply->code == 1)
    return client_error("TaskDoesNotExist", "Task Timed Out: 'Provided task does not exist anymore'");
  return {};
}

Result<void> Engine::task_heartbeat(std::string_view token) {
  const auto read = read_token(token);
  if (!read) return client_error("InvalidToken", "Invalid Token: 'Invalid token'");
  struct Reply {
    std::mutex mutex;
    std::condition_variable done;
    std::optional<bool> taken;
  };
  auto reply = std::make_shared<Reply>();
  post(read->execution,
       [this, reply, fiber = read->fiber, token = std::string(token)](Execution* execution) -> AfterCommit {
         const bool taken = execution != nullptr && interpreter_.heartbeat(*execution, fiber, token);
         return [reply, taken](bool committed) {
           const std::lock_guard lock(reply->mutex);
           reply->taken = taken && committed;
           reply->done.notify_all();
         };
       });
  std::unique_lock lock(reply->mutex);
  reply->done.wait(lock, [&] { return reply->taken.has_value(); });
  if (*reply->taken) return {};
  return client_error("TaskDoesNotExist", "Task Timed Out: 'Provided task does not exist anymore'");
}

std::size_t Engine::waiting_activity_tasks(const std::string& activity_arn) const {
  const std::lock_guard lock(mutex_);
  const auto at = offers_.find(activity_arn);
  return at == offers_.end() ? 0 : at->second.size();
}

Result<std::optional<ActivityTask>> Engine::next_activity_task(const std::string& activity_arn,
                                                               const std::string& worker,
                                                               std::chrono::milliseconds patience,
                                                               const std::function<bool()>& cancelled) {
  const auto until = std::chrono::steady_clock::now() + patience;
  for (;;) {
    Offer offer;
    {
      std::unique_lock lock(mutex_);
      for (;;) {
        if (stopping_ || (cancelled && cancelled())) return std::optional<ActivityTask>();
        const auto at = offers_.find(activity_arn);
        if (at != offers_.end() && !at->second.empty()) {
          offer = std::move(at->second.front());
          at->second.pop_front();
          if (at->second.empty()) offers_.erase(at);
          break;
        }
        const auto now = std::chrono::steady_clock::now();
        if (now >= until) return std::optional<ActivityTask>();
        offered_.wait_for(lock, std::min<std::chrono::nanoseconds>(until - now, std::chrono::milliseconds(250)));
      }
    }
    struct Reply {
      std::mutex mutex;
      std::condition_variable done;
      bool over = false;
      std::optional<ActivityTask> task;
    };
    auto reply = std::make_shared<Reply>();
    post(offer.execution, [this, reply, offer, worker](Execution* execution) -> AfterCommit {
      std::optional<ActivityTask> task;
      if (execution != nullptr && interpreter_.activity_started(*execution, offer.fiber, offer.attempt, worker)) {
        const Fiber& fiber = execution->fibers.at(offer.fiber);
        task = ActivityTask{fiber.token, fiber.call_input};
      }
      return [reply, task](bool committed) {
        const std::lock_guard lock(reply->mutex);
        reply->over = true;
        if (committed) reply->task = task;
        reply->done.notify_all();
      };
    });
    std::unique_lock lock(reply->mutex);
    reply->done.wait(lock, [&] { return reply->over; });
    if (reply->task) return std::move(reply->task);
  }
}

}  // namespace likeness::states
