#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "aws/local_calls.hpp"
#include "base/clock.hpp"
#include "domain/lambda/registry.hpp"
#include "events/pattern.hpp"
#include "functions/runner.hpp"
#include "services/lambda/destinations.hpp"
#include "services/lambda/invoker.hpp"
#include "storage/store.hpp"

/// Event source mappings at work: reads of queues and streams, batches, runs of functions.
namespace likeness::lambda {

/// What pollers share; borrowed.
struct PollerParts {
  storage::Store& store;
  const Clock& clock;
  Registry& registry;
  Invoker& invoker;
  const RoleSource& roles;
  const aws::LocalCalls& calls;
  const Destinations& destinations;
};

/// The filters of a mapping: an event passes if it matches one of them, or if there are none.
class BatchFilter {
 public:
  /// Error: InvalidParameterValueException.
  static Result<BatchFilter> make(const std::vector<std::string>& patterns);
  bool passes(std::string_view record) const;
  bool empty() const { return patterns_.empty(); }

 private:
  std::vector<events::Pattern> patterns_;
};

/// A flag that ends waiting. Thread-safe.
class Stopper {
 public:
  void stop() {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
  }
  bool stopped() const {
    const std::lock_guard lock(mutex_);
    return stopped_;
  }
  /// False if it was stopped.
  bool sleep(std::chrono::milliseconds time) const {
    std::unique_lock lock(mutex_);
    return !changed_.wait_for(lock, time, [&] { return stopped_; });
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  bool stopped_ = false;
};

/// One mapping at work, in threads of its own until it is stopped.
class Poller {
 public:
  virtual ~Poller() = default;
  /// Begins nothing new; the destructor waits for what runs.
  virtual void stop() = 0;
};

std::unique_ptr<Poller> make_queue_poller(const PollerParts& parts, MappingPtr mapping);
std::unique_ptr<Poller> make_stream_poller(const PollerParts& parts, MappingPtr mapping);

/// What a run of a function for a batch came to.
struct BatchRun {
  Target target;
  std::string request_id;
  functions::Outcome outcome;
  /// Items that the function reports as failed ("batchItemFailures"); nullopt: the whole batch.
  std::optional<std::vector<std::string>> failures;
  bool failed() const { return !outcome.function_error.empty(); }
};
/// Errors: TooManyRequestsException, and all of Invoker::run.
Result<BatchRun> run_batch(const PollerParts& parts, const Mapping& mapping, const std::string& event);

/// Keeps as many pollers as there are enabled mappings. Thread-safe.
class Pollers {
 public:
  explicit Pollers(PollerParts parts) : parts_(parts) {}
  ~Pollers() { stop(); }

  void start();
  void stop();
  /// Mappings have changed.
  void changed();

 private:
  struct Running {
    MappingPtr mapping;
    std::unique_ptr<Poller> poller;
  };
  void run();

  const PollerParts parts_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool changed_ = true, stopping_ = false;
  std::map<std::string, Running> running_;  // of the thread
  std::thread thread_;
};

}  // namespace likeness::lambda
