#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "states/definition.hpp"
#include "states/scope.hpp"
#include "states/value.hpp"

namespace likeness::states {

/// A JSON value with its text. Text that nobody changed stays as it came in.
struct Data {
  Value value;
  std::shared_ptr<const std::string> text;

  Data() : Data(Value(Object())) {}
  explicit Data(Value of) : value(std::move(of)), text(std::make_shared<const std::string>(write_json(value))) {}
  Data(Value of, std::string written)
      : value(std::move(of)), text(std::make_shared<const std::string>(std::move(written))) {}
};

/// One line of an execution's history.
struct Event {
  std::uint64_t id = 0;
  std::uint64_t previous = 0;
  TimePoint time;
  std::string type;     // "PassStateEntered"
  std::string details;  // JSON of the member that belongs to the type; empty if it has none
};

/// What an execution is, and stays.
struct ExecutionInfo {
  std::string arn;
  std::string name;
  std::string machine_arn;  // without version or alias
  std::string machine_name;
  std::string revision;     // of the definition
  std::string version_arn;  // what it was started by; may be empty
  std::string alias_arn;
  std::string role_arn;
  bool express = false;
  std::string input;
  TimePoint started;
  std::string trace_header;
  std::string map_run_arn;     // of a child of a distributed map
  std::string processor_path;  // and which part of the definition it runs
};

enum class Status : std::uint8_t { Running, Succeeded, Failed, TimedOut, Aborted, PendingRedrive };
std::string_view name_of(Status status);

/// How an execution ended.
struct Ending {
  Status status = Status::Running;
  TimePoint stopped;
  std::string output;
  std::optional<std::string> error;
  std::optional<std::string> cause;
};

enum class Phase : std::uint8_t {
  Enter,     // the next state has yet to be entered
  Work,      // entered, nothing done yet
  Task,      // a call is under way
  Token,     // waits for a task token to come back
  Activity,  // waits for a worker to fetch it
  Child,     // waits for another execution
  Wait,      // until `due`
  Retry,     // until `due`, then once more
  Join,      // waits for its branches or iterations
  MapRun,    // waits for a distributed map
  Done,      // a branch that ended, with `input` as its output
  Failed,    // where it stopped, unless something else stopped it: then it is left as it was
};

/// One thread of control: the execution itself, a branch of Parallel, an iteration of Map.
struct Fiber {
  std::uint64_t id = 0;
  std::uint64_t parent = 0;  // 0: none
  std::uint32_t index = 0;   // among its parent's
  std::string path;          // which part of the definition: "MapState/0", parts behind one another with newlines
  std::string state;
  Phase phase = Phase::Enter;
  Data input;  // of the state
  Variables variables;
  std::uint64_t previous_event = 0;
  std::uint64_t entered_event = 0;
  std::uint64_t before_entered = 0;  // the event before that
  TimePoint entered;
  std::vector<std::uint32_t> retries;  // per retrier
  std::uint32_t retry_count = 0;
  std::uint32_t attempt = 0;  // which call an answer belongs to
  TimePoint due{};            // Wait, Retry
  TimePoint timeout_at{};     // 0: none
  TimePoint heartbeat_at{};
  std::int64_t heartbeat_seconds = 0;
  std::string token;               // of Token and Activity
  std::string call_input;          // what the task was called with
  std::string call_role;           // on whose behalf
  std::string child_arn;           // Child, MapRun
  std::optional<Value> map_value;  // $$.Map.Item
  std::uint32_t map_index = 0;
  // Of Map and Parallel:
  std::shared_ptr<const Value> items;
  std::uint32_t started_children = 0;
  std::uint32_t done_children = 0;
  std::uint32_t total_children = 0;
  std::uint32_t max_concurrency = 0;  // 0: none
  std::uint32_t map_redrives = 0;     // of MapRun: how often that run was taken up again
  std::uint32_t stored_parts = 0;     // how many values of the store hold it

  /// For `child_arn`, which runs by itself.
  bool waits_elsewhere() const { return !child_arn.empty() && (phase == Phase::Child || phase == Phase::MapRun); }
};

/// A running execution in memory. Belongs to one thread at a time (the engine sees to that).
struct Execution {
  ExecutionInfo info;
  std::shared_ptr<const Definition> definition;
  Value input;
  std::map<std::uint64_t, Fiber> fibers;
  std::uint64_t next_event = 1;
  std::uint64_t next_fiber = 1;
  std::uint32_t redrive_count = 0;
  TimePoint redriven{};
  std::string redrive_token;  // of the client who asked for the last one
  TimePoint deadline{};       // 0: none
  std::optional<Ending> ending;
  std::deque<std::uint64_t> runnable;  // fibers that may have something to do

  // Not yet in the store:
  std::vector<Event> pending;
  std::set<std::uint64_t> dirty;
  std::map<std::uint64_t, std::uint32_t> removed;  // and in how many parts the store has them
  /// Map runs and executions that nobody waits for any more.
  std::vector<std::string> abandoned;
};

/// The part of a definition that a fiber runs; null if the path leads nowhere.
const Definition* part_of(const Definition& definition, std::string_view path);

/// How the store keeps them.
std::string encode(const Fiber& fiber);
Result<Fiber> decode_fiber(std::string_view bytes);
std::string encode(const std::vector<Event>& events, std::size_t first, std::size_t last);
Result<std::vector<Event>> decode_events(std::string_view bytes);

/// All of an execution but its fibers and history.
struct ExecutionRecord {
  ExecutionInfo info;
  Ending ending;  // Running: none yet
  std::uint32_t redrive_count = 0;
  TimePoint redriven{};
  std::uint64_t next_event = 1;
  std::string redrive_token;
};
std::string encode(const ExecutionRecord& record);
Result<ExecutionRecord> decode_execution(std::string_view bytes);

}  // namespace likeness::states
