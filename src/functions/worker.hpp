#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "functions/api_connection.hpp"
#include "functions/job.hpp"
#include "functions/log_text.hpp"
#include "functions/loop.hpp"
#include "functions/process.hpp"
#include "functions/sandbox.hpp"

namespace likeness::functions {

class Worker;

/// What the invocation that a worker was started for is told.
struct InitFailure {
  std::string error_type{};
  std::string payload{};  // of the runtime; else
  std::string reason{};   // "Runtime exited with error: exit status 1"
};

/// Who keeps the workers. Called on the loop's thread.
class WorkerOwner {
 public:
  virtual ~WorkerOwner() = default;
  /// It waits for an event.
  virtual void on_ready(Worker& worker) = 0;
  /// It never got ready.
  virtual void on_init_failed(Worker& worker, const InitFailure& failure) = 0;
  /// It did not get ready in its time and was ended.
  virtual void on_init_timeout(Worker& worker) = 0;
  /// It ended a job, and is not ready again (yet).
  virtual void on_done(Worker& worker) = 0;
  /// Its process has ended. The last call.
  virtual void on_gone(Worker& worker) = 0;
};

/// What a worker is made of, prepared by a thread that may block.
struct WorkerParts {
  std::shared_ptr<const FunctionSpec> function;
  Sandbox::Place place;
  std::size_t slot = 0;
  Process process;
  Descriptor listener;
  Descriptor log;
  Descriptor frames;
  std::string log_stream;
  std::string runtime_version;
  TimePoint usable_until{};
  std::chrono::milliseconds init_timeout{};
  bool second_try = false;  // of an initialisation that ran out of time
  std::chrono::steady_clock::time_point started{};
};

struct WorkerHost {
  Loop& loop;
  RunnerHost& runner;
  const RunnerOptions& options;
  const Sandbox& sandbox;
  const Clock& clock;
  WorkerOwner& owner;
};

/// One worker process: its Runtime API, its output, its clock. Of the loop's thread.
class Worker final : public std::enable_shared_from_this<Worker>, private ApiOwner {
 public:
  enum class State { Starting, Idle, Busy, Finishing, Ending };
  enum class End { None, Timeout, Memory, Retired, InitTimeout, Stopped };

  Worker(WorkerHost host, WorkerParts parts);
  ~Worker() override;

  void start();
  /// Gives it the event of a job. Only when Idle.
  void run(std::shared_ptr<Job> job);
  /// Ends the process and all that it started; on_gone() follows.
  void end(End reason);

  State state() const { return state_; }
  const std::string& key() const { return parts_.function->key; }
  std::size_t slot() const { return parts_.slot; }
  Sandbox::Place& place() { return parts_.place; }
  pid_t process() const { return parts_.process.pid; }
  int memory_limit_mb() const { return parts_.function->memory_mb; }
  TimePoint usable_until() const { return parts_.usable_until; }
  std::chrono::steady_clock::time_point idle_since() const { return idle_since_; }
  bool second_try() const { return parts_.second_try; }
  bool has_run() const { return !first_job_; }
  bool killed_for_cause() const { return end_ == End::Timeout || end_ == End::Memory || end_ == End::InitTimeout; }
  /// What the watch has seen it use.
  void note_memory(int megabytes) { max_memory_mb_ = std::max(max_memory_mb_, megabytes); }

  /// START, an error's lines, END and REPORT of an invocation that no worker could be started for.
  Outcome fail_unstarted(const Job& job, const InitFailure& failure);

 private:
  // ApiOwner
  BodyMode on_head(ApiConnection& connection, const net::Request& request) override;
  void on_piece(ApiConnection& connection, std::string_view piece) override;
  void on_request(ApiConnection& connection, const net::Request& request, std::string body,
                  const std::string& trailers) override;
  void on_too_large(ApiConnection& connection, const net::Request& request) override;
  void on_closed(ApiConnection& connection) override;

  void accept();
  void on_next(ApiConnection& connection);
  void on_init_error(ApiConnection& connection, const net::Request& request, const std::string& body);
  void on_response(ApiConnection& connection, const std::string& id, std::string body, const std::string& trailers);
  void on_error(ApiConnection& connection, const std::string& id, const net::Request& request, std::string body);
  bool is_current(const std::string& id) const;
  void on_deadline();
  void on_exit();

  struct Verdict {
    std::string payload{};
    std::string error_type{};     // not empty: the function failed
    std::string report_status{};  // "timeout", "error"
    std::string platform_line{};  // before END
    std::string stream_error_type{}, stream_error_body{};
  };
  void finish(Verdict verdict);

  void read_log(bool all);
  void read_frames();
  void pause_log();
  void watch_output();
  void write(std::vector<LogLine> lines);
  void write_line(std::string text);
  int memory_now();

  const WorkerHost host_;
  WorkerParts parts_;
  PlatformLines lines_;
  State state_ = State::Starting;
  End end_ = End::None;

  std::map<ApiConnection*, std::shared_ptr<ApiConnection>> connections_;
  ApiConnection* next_ = nullptr;       // waits for an event
  ApiConnection* streaming_ = nullptr;  // sends the answer in pieces
  std::shared_ptr<Job> job_;
  bool first_job_ = true;
  bool refusal_told_ = false;
  bool answering_ = false;  // the job's caller has got the beginning of a stream
  std::chrono::steady_clock::time_point begun_{}, idle_since_{};
  std::chrono::microseconds init_{0};
  int max_memory_mb_ = 0;
  Descriptor status_file_;  // /proc/PID/status of the runtime itself

  LineSplitter splitter_;
  FrameReader frame_reader_;
  std::optional<LogTail> tail_;
  double log_credit_ = 0;  // bytes that may be read now
  std::chrono::steady_clock::time_point log_credit_at_{};

  Loop::Token listen_watch_ = 0, log_watch_ = 0, frames_watch_ = 0, exit_watch_ = 0;
  Loop::Token deadline_ = 0, log_pause_ = 0;
};

/// The request id of "/2018-06-01/runtime/invocation/ID/response" with `what` = "response"; nothing for another path.
std::optional<std::string> invocation_in(std::string_view path, std::string_view what);
/// One field of trailers.
std::string trailer(const std::string& trailers, std::string_view name);

}  // namespace likeness::functions
