#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "states/execution.hpp"
#include "states/jsonata.hpp"
#include "states/resource.hpp"

namespace likeness::states {

/// What is to be done outside once everything that led to it is in the store.
struct Action {
  enum class Kind {
    Call,    // a task
    Offer,   // an activity's task, for whoever polls
    MapRun,  // a distributed map
  };
  Kind kind = Kind::Call;
  std::uint64_t fiber = 0;
  std::uint32_t attempt = 0;
  TaskResource resource;
  std::string input;
  std::string role_arn;
};

struct InterpreterOptions {
  std::string region = "us-east-1";
  std::size_t max_data_bytes = 262'144;  // of any input, output or result
  std::size_t max_events = 25'000;       // of a history
  std::size_t max_steps = 2'000;         // of one `advance` before the engine commits
  const Jsonata* jsonata = nullptr;
  /// Whether an activity of that ARN is there; null: each is.
  std::function<bool(std::string_view)> activity_exists;
};

/// The rules of the Amazon States Language: takes an execution from step to step. Knows neither store nor threads:
/// what has to wait, or be called, is left to the engine. Thread-safe; each call works on one execution.
class Interpreter {
 public:
  Interpreter(InterpreterOptions options, const Clock& clock) : options_(std::move(options)), clock_(clock) {}

  /// A new execution's first fiber and event.
  void begin(Execution& execution) const;
  /// Runs whatever can run. True if there is more to do at once (the step limit was reached).
  bool advance(Execution& execution, std::vector<Action>& actions) const;
  /// Fibers whose wait or time limit has passed.
  void wake(Execution& execution, TimePoint now) const;
  /// When `wake` has something to do next; epoch: never.
  static TimePoint next_due(const Execution& execution);
  /// After a restart: what was under way has to be done again.
  std::vector<Action> resume(const Execution& execution) const;

  /// A call's result. Late and foreign ones are ignored.
  void answer(Execution& execution, std::uint64_t fiber, std::uint32_t attempt, Outcome<std::string> result) const;
  /// What came back for a task token; false if nobody waits for it (any more).
  bool token_answer(Execution& execution, std::uint64_t fiber, std::string_view token,
                    Outcome<std::string> result) const;
  bool heartbeat(Execution& execution, std::uint64_t fiber, std::string_view token) const;
  /// A worker has fetched an activity's task. False if it is gone.
  bool activity_started(Execution& execution, std::uint64_t fiber, std::uint32_t attempt,
                        std::string_view worker) const;
  /// The execution that a task waits for has ended; `description` is DescribeExecution's answer.
  void child_ended(Execution& execution, std::uint64_t fiber, std::string_view child_arn, Status status,
                   const Value& description) const;
  void map_run_started(Execution& execution, std::uint64_t fiber, std::uint32_t attempt, const std::string& arn,
                       std::size_t items) const;
  void map_run_ended(Execution& execution, std::uint64_t fiber, std::uint32_t attempt, Outcome<Value> result) const;

  void abort(Execution& execution, std::optional<std::string> error, std::optional<std::string> cause) const;
  /// Goes on from where an execution stopped: only with the branches, iterations and map runs that did not succeed.
  void redrive(Execution& execution, TimePoint at) const;
  /// When it runs out of time: TimeoutSeconds after its start or redrive, a year after its start at the latest.
  static TimePoint deadline_of(const Execution& execution);

  /// "$$".
  Value context_of(const Execution& execution, const Fiber& fiber) const;
  const InterpreterOptions& options() const { return options_; }

  /// What TestState shows of a state's data on its way.
  struct Inspection {
    std::optional<Value> after_input_path, after_parameters, result, after_result_selector, after_result_path;
    std::optional<Value> after_arguments;
    std::optional<Value> after_items_path;
    Value::Array after_item_selector;
    std::optional<std::int64_t> max_concurrency;
    const Value* context = nullptr;  // members of "$$" that a test says
  };
  /// The state that a fiber is in is over, with a result that was made up: a call, the branches, a map.
  void settle(Execution& execution, std::uint64_t fiber, Outcome<std::string> result) const;
  /// Null: nobody looks.
  Inspection* inspection = nullptr;

 private:
  friend class FiberRun;
  InterpreterOptions options_;
  const Clock& clock_;
};

/// AWS lets no execution of a standard state machine be open for longer.
inline constexpr std::chrono::hours kLongestExecution{24 * 365};

/// Whether `names` of a retrier or catcher take this error.
bool error_matches(const std::vector<std::string>& names, const Problem& problem);
/// Seconds before attempt `retry` (0: the first one) without jitter.
double retry_delay(const Retrier& retrier, std::uint32_t retry);
std::string iso_milliseconds(TimePoint time);

}  // namespace likeness::states
