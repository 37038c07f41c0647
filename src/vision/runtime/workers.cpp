#include "vision/runtime/workers.hpp"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <optional>
#include <string>

namespace likeness::vision {
namespace {

/// Which worker of which pool the current thread is.
struct Identity {
  const Workers* pool = nullptr;
  std::size_t number = 0;
};
Identity& identity() {
  thread_local Identity current;
  return current;
}

}  // namespace

struct Workers::Request {
  const std::function<Result<void>(std::size_t)>* work = nullptr;
  std::size_t count = 0;
  std::size_t next = 0;     // first piece nobody has taken
  std::size_t running = 0;  // pieces taken and not done
  std::size_t failed_piece = 0;
  std::optional<Error> error;
  std::condition_variable done;

  bool finished() const { return running == 0 && next == count; }
};

std::size_t usable_cores() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  std::size_t cores = 1;
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) cores = static_cast<std::size_t>(CPU_COUNT(&allowed));
  // Version 2 of control groups: "QUOTA PERIOD" in microseconds, or "max PERIOD".
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (file >> quota >> period && quota != "max" && period > 0) {
    const double share = std::strtod(quota.c_str(), nullptr) / period;
    if (share > 0) cores = std::min(cores, static_cast<std::size_t>(std::max(1.0, share + 0.5)));
  }
  return std::max<std::size_t>(1, cores);
}

Workers::Workers(std::size_t threads, std::size_t queue_limit) : queue_limit_(queue_limit) {
  const std::size_t count = threads == 0 ? usable_cores() : threads;
  threads_.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    threads_.emplace_back([this, i] { worker_loop(i); });
    pthread_setname_np(threads_.back().native_handle(), ("infer-" + std::to_string(i)).c_str());
  }
}

Workers::~Workers() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  ready_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

std::size_t Workers::this_worker() const {
  const Identity& me = identity();
  return me.pool == this ? me.number : threads_.size();
}

std::size_t Workers::requests() const {
  const std::lock_guard lock(mutex_);
  return outside_;
}

Result<void> Workers::run(const std::function<Result<void>()>& work) {
  return run(1, [&work](std::size_t) { return work(); });
}

Result<void> Workers::run(std::size_t count, const std::function<Result<void>(std::size_t)>& work) {
  if (count == 0) return {};
  const bool inside = identity().pool == this;
  if (inside && count == 1) return work(0);

  const auto request = std::make_shared<Request>();
  request->work = &work;
  request->count = count;
  std::unique_lock lock(mutex_);
  if (!inside) {
    if (outside_ >= queue_limit_ || stopping_)
      return server_error("Throttling", "Too many images are being analysed; try again later");
    ++outside_;
  }
  line_.push_back(request);
  if (count == 1) {
    ready_.notify_one();
  } else {
    ready_.notify_all();
  }
  // A worker that waited here would be missing from the work it waits for: it takes pieces of its own request.
  if (inside)
    while (request->next < request->count) run_piece(request, lock);
  request->done.wait(lock, [&] { return request->finished(); });
  if (!inside) --outside_;
  if (request->error) return Failure(std::move(*request->error));
  return {};
}

void Workers::run_piece(const std::shared_ptr<Request>& request, std::unique_lock<std::mutex>& lock) {
  const std::size_t piece = request->next++;
  ++request->running;
  // Fair turns: whoever had one goes to the end of the line; who has nothing left to take leaves it.
  const auto place = std::find(line_.begin(), line_.end(), request);
  if (place != line_.end()) {
    line_.erase(place);
    if (request->next < request->count) line_.push_back(request);
  }
  lock.unlock();
  Result<void> result;
  try {
    result = (*request->work)(piece);
  } catch (const std::exception& e) {
    result = server_error("Internal", "The analysis failed", e.what());
  }
  lock.lock();
  --request->running;
  if (!result && (!request->error || piece < request->failed_piece)) {
    request->error = std::move(result.error());
    request->failed_piece = piece;
    request->next = request->count;
    if (const auto left = std::find(line_.begin(), line_.end(), request); left != line_.end()) line_.erase(left);
  }
  if (request->finished()) request->done.notify_all();
}

void Workers::worker_loop(std::size_t number) {
  identity() = {this, number};
  std::unique_lock lock(mutex_);
  while (true) {
    ready_.wait(lock, [this] { return stopping_ || !line_.empty(); });
    if (line_.empty()) return;
    const std::shared_ptr<Request> request = line_.front();
    run_piece(request, lock);
  }
}

}  // namespace likeness::vision
