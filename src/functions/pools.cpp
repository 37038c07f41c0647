#include "functions/pools.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <thread>
#include <utility>

#include "base/log.hpp"
#include "functions/peer.hpp"

namespace likeness::functions {
namespace {

constexpr std::size_t kStarters = 2;
constexpr auto kLookAround = std::chrono::milliseconds(250);
/// How long a worker that has answered is waited for instead of starting another.
constexpr auto kGrace = std::chrono::milliseconds(25);
constexpr auto kCredentialsRoom = std::chrono::seconds(60);

/// Workers of one function that start at the same time. Starting costs a processor more than most invocations do: after
/// a burst the first to be ready take most of the jobs, where all at once would be ready late, all of them.
std::size_t most_coming() { return std::max(4U, 2 * std::thread::hardware_concurrency()); }

}  // namespace

Pools::Pools(Loop& loop, RunnerHost& runner, const RunnerOptions& options, Sandbox& sandbox, Runtimes& runtimes,
             const Clock& clock)
    : loop_(loop),
      runner_(runner),
      options_(options),
      sandbox_(sandbox),
      runtimes_(runtimes),
      clock_(clock),
      most_coming_(most_coming()),
      starters_("fn-start", kStarters, options.max_workers * 2 + 16),
      memory_([this](pid_t process) {
        loop_.post([this, process] {
          for (const auto& [worker, held] : workers_)
            if (worker->process() == process) return held.worker->end(Worker::End::Memory);
        });
      }) {
  for (std::size_t slot = options.max_workers; slot-- > 0;) free_slots_.push_back(slot);
}

Pools::~Pools() = default;

void Pools::join() { starters_.stop(); }

Pools::Held* Pools::held(const Worker& worker) {
  const auto found = workers_.find(&worker);
  return found == workers_.end() ? nullptr : &found->second;
}

void Pools::accept(const std::shared_ptr<Job>& job) {
  if (stopping_) return job->finish(server_error("Stopping", "The server is stopping."));
  ++stats_.invocations;
  if (look_around_ == 0) look_around();
  const std::string& key = job->function().key;
  Pool& pool = pools_[key];
  if (pool.function == nullptr) pool.function = std::make_shared<const FunctionSpec>(job->function());
  pool.waiting.push_back({job, std::chrono::steady_clock::now() + options_.max_wait});
  while (!pool.idle.empty()) {
    Worker& worker = *pool.idle.back();
    if (usable(worker, *pool.function)) return give(worker, pool);
    pool.idle.pop_back();
    worker.end(Worker::End::Retired);
  }
  provide(key);
}

/// Whether its credentials last for another invocation.
bool Pools::usable(const Worker& worker, const FunctionSpec& function) const {
  return clock_.now() + function.timeout + kCredentialsRoom < worker.usable_until();
}

void Pools::give(Worker& worker, Pool& pool) {
  std::erase(pool.idle, &worker);
  auto job = std::move(pool.waiting.front().job);
  pool.waiting.pop_front();
  Held& entry = *held(worker);
  entry.busy = true;
  ++pool.busy;
  memory_.set_busy(worker.process(), true);
  worker.run(std::move(job));
}

void Pools::provide(const std::string& key) {
  const auto found = pools_.find(key);
  if (found == pools_.end() || stopping_) return;
  Pool& pool = found->second;
  while (pool.waiting.size() > pool.coming + pool.returning && pool.coming < most_coming_) {
    if (free_slots_.empty()) {
      make_room(key);
      return;  // goes on when one has ended
    }
    start_worker(key, pool);
  }
}

/// Ends the worker that has been idle for longest, of another function: this one's would have been used.
bool Pools::make_room(const std::string& but) {
  Worker* oldest = nullptr;
  for (auto& [key, pool] : pools_)
    if (key != but && !pool.idle.empty() &&
        (oldest == nullptr || pool.idle.front()->idle_since() < oldest->idle_since()))
      oldest = pool.idle.front();
  if (oldest == nullptr) return false;
  std::erase(pools_[oldest->key()].idle, oldest);
  oldest->end(Worker::End::Retired);
  return true;
}

void Pools::start_worker(const std::string& key, Pool& pool) {
  const std::size_t slot = free_slots_.back();
  free_slots_.pop_back();
  ++pool.coming;
  ++pool.workers;
  ++stats_.started;
  const bool second_try = std::exchange(pool.second_try, false);
  const bool submitted = starters_.submit([this, key, slot, second_try, function = pool.function] {
    auto parts = make_parts(function, slot, second_try);
    auto shared = parts ? Result<std::shared_ptr<WorkerParts>>(std::make_shared<WorkerParts>(std::move(*parts)))
                        : Result<std::shared_ptr<WorkerParts>>(fail(parts));
    loop_.post([this, key, slot, shared]() mutable { started(key, slot, std::move(shared)); });
  });
  if (!submitted)
    loop_.post([this, key, slot] {
      started(key, slot, server_error("WorkerStartFailed", "Too many workers are being started."));
    });
}

Result<WorkerParts> Pools::make_parts(std::shared_ptr<const FunctionSpec> function, std::size_t slot, bool second_try) {
  WorkerParts parts;
  parts.slot = slot;
  parts.started = std::chrono::steady_clock::now();
  auto runtime = runtimes_.find(function->runtime);
  if (!runtime) return fail(runtime);
  auto credentials = runner_.credentials(*function);
  if (!credentials) return fail(credentials);
  auto place = sandbox_.prepare(*function, *runtime, slot);
  if (!place) return fail(place);
  parts.place = std::move(*place);
  auto listener = listen_privately();
  auto log = make_pipe();
  auto frames = make_pipe();
  const Descriptor null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  const Descriptor nothing(::fcntl(null.get(), F_DUPFD_CLOEXEC, 10));
  Descriptor environment_file;
  auto process = [&]() -> Result<Process> {
    if (!listener) return fail(listener);
    if (!log) return fail(log);
    if (!frames) return fail(frames);
    parts.log_stream = log_stream_name(function->version, clock_.now());
    const auto environment =
        environment_of(*runtime, *function, parts.place.view,
                       {.api_address = listener->address,
                        .endpoint_url = options_.endpoint_url,
                        .region = options_.region,
                        .log_stream = parts.log_stream,
                        .frames_descriptor = runtime->kind == InstalledRuntime::Kind::Provided ? "" : "3",
                        .credentials = *credentials});
    auto what = sandbox_.launch_of(*function, *runtime, parts.place, slot, environment, log->write.get(),
                                   frames->write.get(), nothing.get(), environment_file);
    if (!what) return fail(what);
    return launch(*what);
  }();
  if (!process) {
    sandbox_.remove(parts.place);
    return fail(process);
  }
  parts.function = std::move(function);
  parts.process = std::move(*process);
  parts.listener = std::move(listener->socket);
  parts.log = std::move(log->read);
  parts.frames = std::move(frames->read);
  parts.runtime_version = runtime->version;
  parts.usable_until = credentials->expires;
  parts.second_try = second_try;
  parts.init_timeout = second_try ? std::chrono::milliseconds(parts.function->timeout) : options_.init_timeout;
  return parts;
}

void Pools::started(const std::string& key, std::size_t slot, Result<std::shared_ptr<WorkerParts>> parts) {
  Pool& pool = pools_[key];
  if (!parts) {
    --pool.coming;
    --pool.workers;
    free_slots_.push_back(slot);
    log::warn("functions: {} ({})", parts.error().message, parts.error().detail);
    if (!pool.waiting.empty()) {
      pool.waiting.front().job->finish(fail(parts));
      pool.waiting.pop_front();
    }
    provide(key);
    forget_if_empty(key);
    if (stopping_ && workers_.empty() && free_slots_.size() == options_.max_workers && stopped_) stopped_();
    return;
  }
  auto worker =
      std::make_shared<Worker>(WorkerHost{loop_, runner_, options_, sandbox_, clock_, *this}, std::move(**parts));
  memory_.add(worker->process(), worker->memory_limit_mb());
  Held& entry = workers_[worker.get()];
  entry.worker = worker;
  worker->start();
  if (stopping_) worker->end(Worker::End::Stopped);
}

/// It is neither coming nor returning nor busy any more.
void Pools::settle(Held& entry, Pool& pool) {
  if (std::exchange(entry.coming, false)) --pool.coming;
  if (std::exchange(entry.returning, false)) --pool.returning;
  if (std::exchange(entry.busy, false)) --pool.busy;
  loop_.cancel(entry.grace);
}

void Pools::on_ready(Worker& worker) {
  Pool& pool = pools_[worker.key()];
  Held& entry = *held(worker);
  settle(entry, pool);
  const auto wants = [&](const Pool& other) {
    return &other != &pool && other.waiting.size() > other.coming + other.returning;
  };
  if (worker.has_run() && !usable(worker, *pool.function)) {
    worker.end(Worker::End::Retired);
    return provide(worker.key());
  }
  if (!pool.waiting.empty()) {
    give(worker, pool);
    return provide(worker.key());
  }
  // Another function may have found no room while this one was busy.
  if (free_slots_.empty() && std::ranges::any_of(pools_, [&](const auto& other) { return wants(other.second); }))
    return worker.end(Worker::End::Retired);
  memory_.set_busy(worker.process(), false);
  pool.idle.push_back(&worker);
}

void Pools::on_init_failed(Worker& worker, const InitFailure& failure) {
  Pool& pool = pools_[worker.key()];
  settle(*held(worker), pool);
  if (pool.waiting.empty()) return;
  const auto job = std::move(pool.waiting.front().job);
  pool.waiting.pop_front();
  if (stopping_)
    job->finish(server_error("Stopping", "The server is stopping."));
  else
    job->finish(worker.fail_unstarted(*job, failure));
}

void Pools::on_init_timeout(Worker& worker) {
  Pool& pool = pools_[worker.key()];
  settle(*held(worker), pool);
  if (pool.waiting.empty()) return;
  // The first time it had ten seconds; as on AWS the invocation tries again within its own.
  if (std::chrono::milliseconds(pool.function->timeout) > options_.init_timeout && !worker.second_try()) {
    pool.second_try = true;
    for (auto& waiting : pool.waiting)
      waiting.until = std::max(waiting.until, std::chrono::steady_clock::now() + pool.function->timeout);
    return provide(worker.key());
  }
  const auto job = std::move(pool.waiting.front().job);
  pool.waiting.pop_front();
  const std::string words = fmt::format("Task timed out after {}.00 seconds", pool.function->timeout.count());
  job->finish(worker.fail_unstarted(*job, {.error_type = "Sandbox.Timedout", .reason = words}));
}

void Pools::on_done(Worker& worker) {
  Pool& pool = pools_[worker.key()];
  Held& entry = *held(worker);
  settle(entry, pool);
  entry.returning = true;
  ++pool.returning;
  entry.grace = loop_.after(kGrace, [this, weak = std::weak_ptr<Worker>(entry.worker)] {
    const auto late = weak.lock();
    if (late == nullptr) return;
    Held* slow = held(*late);
    if (slow == nullptr) return;
    slow->grace = 0;
    const std::string key = late->key();
    settle(*slow, pools_[key]);
    provide(key);
  });
}

void Pools::on_gone(Worker& worker) {
  const std::string key = worker.key();
  Pool& pool = pools_[key];
  Held& entry = *held(worker);
  settle(entry, pool);
  std::erase(pool.idle, &worker);
  --pool.workers;
  if (worker.killed_for_cause()) ++stats_.killed;
  memory_.remove(worker.process());
  const auto kept = entry.worker;
  workers_.erase(&worker);
  const std::size_t slot = kept->slot();
  const auto freed = [this, slot, key] {
    free_slots_.push_back(slot);
    provide(key);
    for (const auto& [other, waiting] : pools_)
      if (!waiting.waiting.empty() && !free_slots_.empty()) {
        provide(other);
        break;
      }
    forget_if_empty(key);
    if (stopping_ && workers_.empty() && free_slots_.size() == options_.max_workers && stopped_) stopped_();
  };
  // Removing its files may take a while.
  auto place = std::make_shared<Sandbox::Place>(std::move(kept->place()));
  if (place->folder.empty() && place->cgroup == nullptr) return freed();
  if (!starters_.submit([this, place, freed] {
        sandbox_.remove(*place);
        loop_.post(freed);
      }))
    freed();
}

void Pools::forget_if_empty(const std::string& key) {
  const auto found = pools_.find(key);
  if (found != pools_.end() && found->second.workers == 0 && found->second.waiting.empty()) pools_.erase(found);
}

bool Pools::retire(const std::string& key) {
  const auto found = pools_.find(key);
  if (found == pools_.end()) return true;
  Pool& pool = found->second;
  for (Worker* worker : std::exchange(pool.idle, {})) worker->end(Worker::End::Retired);
  return pool.busy == 0 && pool.coming == 0 && pool.returning == 0 && pool.waiting.empty();
}

void Pools::look_around() {
  look_around_ = loop_.after(kLookAround, [this] { look_around(); });
  const auto now = std::chrono::steady_clock::now();
  std::vector<Worker*> ended;
  for (auto& [key, pool] : pools_) {
    while (!pool.idle.empty() && now - pool.idle.front()->idle_since() >= options_.idle_time) {
      ended.push_back(pool.idle.front());
      pool.idle.erase(pool.idle.begin());
    }
    // One that is on its way is waited for: starting has its own limit.
    while (!pool.waiting.empty() && pool.waiting.front().until <= now && pool.coming == 0) {
      pool.waiting.front().job->finish(client_error(
          "TooManyWorkers", fmt::format("No worker became free in {} s.", options_.max_wait.count() / 1000)));
      pool.waiting.pop_front();
    }
  }
  for (Worker* worker : ended) worker->end(Worker::End::Retired);
}

RunnerStats Pools::stats() const {
  RunnerStats stats = stats_;
  stats.workers = workers_.size();
  for (const auto& [key, pool] : pools_) stats.busy += pool.busy;
  return stats;
}

void Pools::stop(std::function<void()> done) {
  stopping_ = true;
  loop_.cancel(look_around_);
  stopped_ = std::move(done);
  for (auto& [key, pool] : pools_) {
    for (const auto& waiting : pool.waiting) waiting.job->finish(server_error("Stopping", "The server is stopping."));
    pool.waiting.clear();
    pool.idle.clear();
  }
  std::vector<std::shared_ptr<Worker>> all;
  all.reserve(workers_.size());
  for (const auto& [worker, entry] : workers_) all.push_back(entry.worker);
  for (const auto& worker : all) worker->end(Worker::End::Stopped);
  if (workers_.empty() && free_slots_.size() == options_.max_workers) stopped_();
}

}  // namespace likeness::functions
