#include "functions/worker.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/log.hpp"
#include "functions/peer.hpp"

namespace likeness::functions {
namespace {

constexpr std::string_view kPrefix = "/2018-06-01/runtime/";
constexpr std::string_view kAccepted = "{\"status\":\"OK\"}\n";
constexpr std::size_t kMaxConnections = 16;
constexpr double kLogBurst = 4.0 * 1024 * 1024;
constexpr auto kLogPause = std::chrono::milliseconds(50);
constexpr auto kLeastTail = std::chrono::milliseconds(5'000);  // for a runtime between its answer and its next question

std::chrono::microseconds since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin);
}

/// A value from a caller as a header's: it cannot add one.
std::string header_value(std::string_view text) {
  std::string value(text);
  std::ranges::replace_if(value, [](char c) { return c >= 0 && c < 0x20; }, ' ');
  return value;
}

std::string new_trace_id(TimePoint now) {
  return fmt::format("Root=1-{:08x}-{};Sampled=0", std::chrono::system_clock::to_time_t(now), to_hex(random_bytes(12)));
}

/// The process that a wrapper of the sandbox has put into its place.
pid_t only_child(pid_t process) {
  const std::string path = fmt::format("/proc/{0}/task/{0}/children", process);
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 64> text{};
  if (!file || ::read(file.get(), text.data(), text.size() - 1) <= 0) return -1;
  return static_cast<pid_t>(std::strtol(text.data(), nullptr, 10));
}

}  // namespace

std::optional<std::string> invocation_in(std::string_view path, std::string_view what) {
  constexpr std::string_view before = "/2018-06-01/runtime/invocation/";
  if (!path.starts_with(before) || !path.ends_with(what)) return std::nullopt;
  path.remove_prefix(before.size());
  if (path.size() <= what.size() + 1) return std::nullopt;
  path.remove_suffix(what.size());
  if (path.back() != '/') return std::nullopt;
  path.remove_suffix(1);
  if (path.find('/') != std::string_view::npos) return std::nullopt;
  return std::string(path);
}

std::string trailer(const std::string& trailers, std::string_view name) {
  for (std::size_t at = 0; at < trailers.size();) {
    const std::size_t end = std::min(trailers.find('\n', at), trailers.size());
    const std::string_view line = std::string_view(trailers).substr(at, end - at);
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos && net::equal_ignoring_case(line.substr(0, colon), name)) {
      std::string_view value = line.substr(colon + 1);
      while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
      while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
      return std::string(value);
    }
    at = end + 1;
  }
  return "";
}

Worker::Worker(WorkerHost host, WorkerParts parts)
    : host_(host),
      parts_(std::move(parts)),
      lines_(parts_.function->log_format, parts_.function->system_log_level),
      splitter_(host.options.max_log_line_bytes),
      frame_reader_(host.options.max_log_line_bytes),
      log_credit_(kLogBurst),
      log_credit_at_(std::chrono::steady_clock::now()) {}

Worker::~Worker() {
  for (const auto& [pointer, connection] : connections_) connection->close();
  for (Loop::Token* watch : {&listen_watch_, &log_watch_, &frames_watch_, &exit_watch_}) host_.loop.forget(*watch);
  for (Loop::Token* timer : {&deadline_, &log_pause_}) host_.loop.cancel(*timer);
}

void Worker::start() {
  const auto& function = *parts_.function;
  write_line(lines_.init_start(function, parts_.runtime_version,
                               fmt::format("arn:aws:lambda:{}::runtime:{}", host_.options.region,
                                           to_hex(sha256(as_bytes(parts_.runtime_version)))),
                               host_.clock.now()));
  const std::weak_ptr<Worker> weak = weak_from_this();
  const auto calls = [weak](void (Worker::*what)()) {
    return [weak, what](std::uint32_t) {
      if (const auto self = weak.lock()) (self.get()->*what)();
    };
  };
  listen_watch_ = host_.loop.watch(parts_.listener.get(), EPOLLIN, calls(&Worker::accept));
  watch_output();
  exit_watch_ = host_.loop.watch(parts_.process.watch.get(), EPOLLIN, calls(&Worker::on_exit));
  deadline_ = host_.loop.after(parts_.init_timeout, [weak] {
    if (const auto self = weak.lock()) self->on_deadline();
  });
}

void Worker::accept() {
  for (;;) {
    Descriptor socket(::accept4(parts_.listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket) return;
    // The address is nobody else's, but other workers can see that it is there.
    const auto user = user_of_peer(socket.get());
    if (user != host_.sandbox.user(parts_.slot).value_or(::geteuid()) || connections_.size() >= kMaxConnections) {
      if (!std::exchange(refusal_told_, true))
        log::warn("functions: a connection to the runtime API of {} was refused (user {})", parts_.function->name,
                  user ? std::to_string(*user) : "unknown");
      continue;
    }
    const int yes = 1;
    ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    auto connection = std::make_shared<ApiConnection>(host_.loop, std::move(socket), static_cast<ApiOwner&>(*this));
    if (connection->start()) connections_.emplace(connection.get(), connection);
  }
}

void Worker::on_closed(ApiConnection& connection) {
  if (next_ == &connection) next_ = nullptr;
  if (streaming_ == &connection) {
    streaming_ = nullptr;
    if (job_ != nullptr)
      finish({.payload = error_json("Runtime.TruncatedResponse", "The response ended before it was complete."),
              .error_type = "Runtime.TruncatedResponse",
              .report_status = "error"});
  }
  connections_.erase(&connection);
}

bool Worker::is_current(const std::string& id) const {
  return job_ != nullptr && state_ == State::Busy && job_->invocation().request_id == id;
}

ApiOwner::BodyMode Worker::on_head(ApiConnection& connection, const net::Request& request) {
  const auto id = invocation_in(request.path(), "response");
  if (!id || !is_current(*id)) return {.limit = host_.options.max_response_bytes};
  if (!job_->streams() || streaming_ != nullptr ||
      !net::equal_ignoring_case(request.headers.get("Lambda-Runtime-Function-Response-Mode"), "streaming"))
    return {.limit = host_.options.max_response_bytes};
  streaming_ = &connection;
  answering_ = true;
  job_->start(std::string(request.headers.get("Content-Type", "application/octet-stream")));
  return {.limit = host_.options.max_streamed_bytes, .pieces = true};
}

void Worker::on_piece(ApiConnection& connection, std::string_view piece) {
  if (job_ == nullptr || streaming_ != &connection) return;
  const bool room = job_->piece(piece, [weak = connection.weak_from_this(), &loop = host_.loop] {
    loop.post([weak] {
      if (const auto paused = weak.lock()) paused->resume();
    });
  });
  if (!room) connection.pause();
}

void Worker::on_request(ApiConnection& connection, const net::Request& request, std::string body,
                        const std::string& trailers) {
  const std::string_view path = request.path();
  if (request.method == "GET" && path == "/2018-06-01/runtime/invocation/next") return on_next(connection);
  if (request.method == "POST") {
    if (path == "/2018-06-01/runtime/init/error") return on_init_error(connection, request, body);
    if (const auto id = invocation_in(path, "response")) return on_response(connection, *id, std::move(body), trailers);
    if (const auto id = invocation_in(path, "error")) return on_error(connection, *id, request, std::move(body));
  }
  const bool known = path.starts_with(kPrefix) && (path.ends_with("/next") || path.ends_with("/error"));
  connection.answer(known ? 405 : 404, "", "404 page not found\n");
}

void Worker::on_next(ApiConnection& connection) {
  if (state_ == State::Ending) return;  // it will be cut off
  if (state_ == State::Busy)
    return connection.answer(
        403, "",
        error_json("InvalidStateTransition", "Transition from InvocationRequest to Ready is not allowed") + "\n");
  // A client that asks on a new connection has given the other one up.
  next_ = &connection;
  if (state_ == State::Idle) return;
  host_.loop.cancel(deadline_);
  if (state_ == State::Starting) {
    init_ = since(parts_.started);
    if (host_.options.limit_cpu && parts_.place.cgroup != nullptr)
      parts_.place.cgroup->limit_cpu(parts_.function->memory_mb);
    pid_t runtime = parts_.process.pid;
    for (int level = 0; host_.sandbox.shell_like() && level < 2; ++level)
      if (const pid_t child = only_child(runtime); child > 0) runtime = child;
    status_file_ = Descriptor(::open(fmt::format("/proc/{}/status", runtime).c_str(), O_RDONLY | O_CLOEXEC));
  }
  state_ = State::Idle;
  idle_since_ = std::chrono::steady_clock::now();
  host_.owner.on_ready(*this);
}

void Worker::on_init_error(ApiConnection& connection, const net::Request& request, const std::string& body) {
  if (state_ != State::Starting)
    return connection.answer(
        403, "", error_json("InvalidStateTransition", "Transition from Ready to InitError is not allowed") + "\n");
  connection.answer(202, "", kAccepted);
  std::string type(request.headers.get("Lambda-Runtime-Function-Error-Type", "Runtime.Unknown"));
  read_log(true);
  read_frames();
  write_line(lines_.init_report(since(parts_.started), "error", type, host_.clock.now()));
  const auto self = shared_from_this();
  state_ = State::Finishing;
  host_.owner.on_init_failed(*this, {.error_type = std::move(type), .payload = body});
  end(End::Retired);
}

void Worker::on_response(ApiConnection& connection, const std::string& id, std::string body,
                         const std::string& trailers) {
  if (!is_current(id)) return connection.answer(400, "", error_json("InvalidRequestID", "Invalid request ID") + "\n");
  const bool streamed = streaming_ == &connection;
  if (streamed) streaming_ = nullptr;
  Verdict verdict;
  verdict.stream_error_type = trailer(trailers, "Lambda-Runtime-Function-Error-Type");
  if (const auto decoded = from_base64(trailer(trailers, "Lambda-Runtime-Function-Error-Body")))
    verdict.stream_error_body = as_text(*decoded);
  if (!streamed && job_->streams()) {
    answering_ = true;
    job_->start("application/octet-stream");
    job_->piece(body, [] {});
  } else if (!streamed && !verdict.stream_error_type.empty()) {
    // A stream that nobody reads as one: its error is the answer.
    verdict.payload = verdict.stream_error_body;
    verdict.error_type = verdict.stream_error_type;
  } else {
    verdict.payload = std::move(body);
  }
  connection.answer(202, "", kAccepted);
  finish(std::move(verdict));
}

void Worker::on_error(ApiConnection& connection, const std::string& id, const net::Request& request, std::string body) {
  if (!is_current(id)) return connection.answer(400, "", error_json("InvalidRequestID", "Invalid request ID") + "\n");
  connection.answer(202, "", kAccepted);
  // The official client of Python tells it in the body only.
  std::string type(request.headers.get("Lambda-Runtime-Function-Error-Type"));
  if (std::string told = error_type_in(body); type.empty() || type == "Unhandled") type = std::move(told);
  if (type.empty()) type = "Unhandled";
  finish({.payload = std::move(body), .error_type = std::move(type)});
}

void Worker::on_too_large(ApiConnection& connection, const net::Request& request) {
  const std::size_t limit =
      streaming_ == &connection ? host_.options.max_streamed_bytes : host_.options.max_response_bytes;
  const auto id = invocation_in(request.path(), "response");
  if (streaming_ == &connection) streaming_ = nullptr;
  connection.answer(
      413, "",
      error_json("RequestEntityTooLarge", fmt::format("Exceeded maximum allowed payload size ({} bytes).", limit)) +
          "\n");
  if (id && is_current(*id))
    finish({.payload = error_json(
                "Function.ResponseSizeTooLarge",
                fmt::format("Response payload size exceeded maximum allowed payload size ({} bytes).", limit)),
            .error_type = "Function.ResponseSizeTooLarge"});
}

void Worker::run(std::shared_ptr<Job> job) {
  job_ = std::move(job);
  const auto& invocation = job_->invocation();
  const auto& function = *parts_.function;
  state_ = State::Busy;
  answering_ = false;
  const TimePoint now = host_.clock.now();
  const auto deadline =
      std::chrono::duration_cast<std::chrono::milliseconds>((now + function.timeout).time_since_epoch());
  std::string headers = fmt::format(
      "Lambda-Runtime-Aws-Request-Id: {}\r\nLambda-Runtime-Deadline-Ms: {}\r\nLambda-Runtime-Invoked-Function-Arn: "
      "{}\r\n"
      "Lambda-Runtime-Trace-Id: {}\r\n",
      header_value(invocation.request_id), deadline.count(),
      header_value(invocation.invoked_arn.empty() ? function.arn : invocation.invoked_arn),
      invocation.trace_id.empty() ? new_trace_id(now) : header_value(invocation.trace_id));
  if (!invocation.client_context.empty())
    headers += fmt::format("Lambda-Runtime-Client-Context: {}\r\n", header_value(invocation.client_context));
  if (!invocation.cognito_identity.empty())
    headers += fmt::format("Lambda-Runtime-Cognito-Identity: {}\r\n", header_value(invocation.cognito_identity));
  begun_ = std::chrono::steady_clock::now();
  deadline_ = host_.loop.after(function.timeout, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->on_deadline();
  });
  tail_.reset();
  if (invocation.tail) tail_.emplace();
  // Its output cannot overtake this line: it is read by this thread.
  auto& connection = *std::exchange(next_, nullptr);
  connection.answer(200, headers, invocation.payload != nullptr ? std::string_view(*invocation.payload) : "{}");
  write_line(lines_.start(invocation.request_id, function.version, now));
}

void Worker::on_deadline() {
  deadline_ = 0;
  const auto self = shared_from_this();
  const auto& function = *parts_.function;
  switch (state_) {
    case State::Starting:
      read_log(true);
      read_frames();
      write_line(lines_.init_report(since(parts_.started), "timeout", "", host_.clock.now()));
      end(End::InitTimeout);
      host_.owner.on_init_timeout(*this);
      return;
    case State::Busy: {
      const std::string id = job_->invocation().request_id;
      const std::string words = fmt::format("Task timed out after {}.00 seconds", function.timeout.count());
      finish({.payload = error_json("Sandbox.Timedout", fmt::format("RequestId: {} Error: {}", id, words)),
              .error_type = "Sandbox.Timedout",
              .report_status = "timeout",
              .platform_line = fmt::format("{} {} {}\n", iso8601_milliseconds(host_.clock.now()), id, words)});
      end(End::Timeout);
      return;
    }
    case State::Finishing: return end(End::Timeout);
    case State::Idle:
    case State::Ending: return;
  }
}

void Worker::end(End reason) {
  if (state_ == State::Ending && end_ != End::None) return;
  end_ = reason;
  // A job in it is answered when the process has ended, in the words for how.
  if (job_ == nullptr && state_ != State::Starting) state_ = State::Ending;
  if (reason == End::InitTimeout) state_ = State::Ending;
  host_.loop.forget(listen_watch_);
  kill_all(parts_.process.pid, host_.sandbox.user(parts_.slot));
  if (parts_.place.cgroup != nullptr) parts_.place.cgroup->kill();
}

void Worker::on_exit() {
  const auto self = shared_from_this();
  // What it left running goes with it; its number is its own until it is reaped.
  kill_all(parts_.process.pid, host_.sandbox.user(parts_.slot));
  const std::string words = reap(parts_.process.pid, host_.sandbox.shell_like());
  host_.loop.forget(exit_watch_);
  const bool memory = end_ == End::Memory || (parts_.place.cgroup != nullptr && parts_.place.cgroup->out_of_memory());
  const std::string type = memory ? "Runtime.OutOfMemory" : "Runtime.ExitError";
  const std::string reason = end_ == End::Stopped ? "The server is stopping"
                             : memory             ? "Runtime exited with error: signal: killed"
                             : words.empty()      ? "Runtime exited without providing a reason"
                                                  : "Runtime exited with error: " + words;
  if (memory) max_memory_mb_ = std::max(max_memory_mb_, parts_.function->memory_mb);
  if (job_ != nullptr) {
    const std::string message = fmt::format("RequestId: {} Error: {}", job_->invocation().request_id, reason);
    streaming_ = nullptr;
    finish({.payload = error_json(type, message),
            .error_type = type,
            .report_status = "error",
            .platform_line = message + "\n" + type});
  } else if (state_ == State::Starting) {
    read_log(true);
    read_frames();
    write_line(lines_.init_report(since(parts_.started), "error", type, host_.clock.now()));
    host_.owner.on_init_failed(*this, {.error_type = type, .reason = reason});
  } else {
    read_log(true);
    read_frames();
  }
  state_ = State::Ending;
  host_.loop.cancel(deadline_);
  host_.owner.on_gone(*this);
}

void Worker::finish(Verdict verdict) {
  const auto job = std::exchange(job_, nullptr);
  host_.loop.cancel(deadline_);
  const TimePoint now = host_.clock.now();
  auto duration = since(begun_);
  const auto& function = *parts_.function;
  if (verdict.report_status == "timeout") duration = std::min<std::chrono::microseconds>(duration, function.timeout);
  max_memory_mb_ = std::max(max_memory_mb_, std::min(memory_now(), function.memory_mb));
  read_log(true);
  read_frames();
  std::vector<std::string> rest;
  splitter_.flush(rest);
  std::vector<LogLine> lines;
  lines.reserve(rest.size() + 3);
  for (auto& line : rest) lines.push_back({now, std::move(line)});

  const std::string& id = job->invocation().request_id;
  const bool failed = !verdict.error_type.empty();
  Outcome outcome;
  outcome.init = std::exchange(first_job_, false) ? init_ : std::chrono::microseconds(0);
  outcome.duration = duration;
  outcome.billed = billed(duration + outcome.init);
  outcome.max_memory_mb = std::min(max_memory_mb_, function.memory_mb);
  outcome.error_type = verdict.error_type;
  outcome.function_error = failed ? "Unhandled" : "";
  outcome.log_stream = parts_.log_stream;
  outcome.stream_error_type = std::move(verdict.stream_error_type);
  outcome.stream_error_body = std::move(verdict.stream_error_body);
  if (answering_ && failed && outcome.stream_error_type.empty()) {
    outcome.stream_error_type = verdict.error_type;
    outcome.stream_error_body = std::move(verdict.payload);
  } else if (!answering_) {
    outcome.payload = std::move(verdict.payload);
  }
  if (!verdict.platform_line.empty() && function.log_format == LogFormat::Text)
    lines.push_back({now, std::move(verdict.platform_line)});
  for (auto& text : {lines_.end(id, verdict.report_status, now),
                     lines_.report({.request_id = id,
                                    .duration = duration,
                                    .billed = outcome.billed,
                                    .init = outcome.init,
                                    .memory_mb = function.memory_mb,
                                    .max_memory_mb = outcome.max_memory_mb,
                                    .status = verdict.report_status,
                                    .error_type = verdict.report_status == "error" ? verdict.error_type : ""},
                                   now)})
    if (!text.empty()) lines.push_back({now, text});
  write(std::move(lines));
  if (tail_) outcome.log_tail = tail_->text();
  tail_.reset();
  if (end_ == End::Stopped)
    job->finish(server_error("Stopping", "The server is stopping."));
  else
    job->finish(std::move(outcome));

  if (state_ != State::Busy) return;
  state_ = State::Finishing;
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(function.timeout - duration);
  deadline_ = host_.loop.after(std::max(kLeastTail, left), [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->on_deadline();
  });
  host_.owner.on_done(*this);
}

Outcome Worker::fail_unstarted(const Job& job, const InitFailure& failure) {
  const auto& function = *parts_.function;
  const std::string& id = job.invocation().request_id;
  const TimePoint now = host_.clock.now();
  const auto took = since(parts_.started);
  Outcome outcome;
  outcome.error_type = failure.error_type;
  outcome.function_error = "Unhandled";
  outcome.log_stream = parts_.log_stream;
  const std::string message = fmt::format("RequestId: {} Error: {}", id, failure.reason);
  outcome.payload = failure.payload.empty() ? error_json(failure.error_type, message) : failure.payload;
  outcome.duration = took;
  outcome.billed = billed(took);
  outcome.max_memory_mb = max_memory_mb_;
  tail_.reset();
  if (job.invocation().tail) tail_.emplace();
  const bool timed_out = failure.error_type == "Sandbox.Timedout";
  write_line(lines_.start(id, function.version, now));
  if (!failure.reason.empty() && function.log_format == LogFormat::Text)
    write_line(timed_out ? fmt::format("{} {} {}\n", iso8601_milliseconds(now), id, failure.reason)
                         : message + "\n" + failure.error_type);
  write_line(lines_.end(id, timed_out ? "timeout" : "error", now));
  write_line(lines_.report({.request_id = id,
                            .duration = took,
                            .billed = outcome.billed,
                            .init = {},
                            .memory_mb = function.memory_mb,
                            .max_memory_mb = max_memory_mb_,
                            .status = timed_out ? "timeout" : "error",
                            .error_type = timed_out ? "" : failure.error_type},
                           now));
  if (tail_) outcome.log_tail = tail_->text();
  tail_.reset();
  return outcome;
}

void Worker::read_log(bool all) {
  const auto now = std::chrono::steady_clock::now();
  const double rate = static_cast<double>(host_.options.max_log_bytes_per_second);
  log_credit_ = std::min(kLogBurst, log_credit_ + rate * std::chrono::duration<double>(now - log_credit_at_).count());
  log_credit_at_ = now;
  std::array<char, 65536> buffer;
  std::vector<std::string> lines;
  // At the end of an invocation what is in the pipe belongs to it, and no more than that is read.
  for (std::size_t pieces = 0; pieces < 2 && parts_.log; ++pieces) {
    if (!all && log_credit_ <= 0) {
      pause_log();
      break;
    }
    const ssize_t count = ::read(parts_.log.get(), buffer.data(), buffer.size());
    if (count == 0) {
      host_.loop.forget(log_watch_);
      parts_.log.close();
    }
    if (count <= 0) break;
    log_credit_ -= static_cast<double>(count);
    splitter_.feed({buffer.data(), static_cast<std::size_t>(count)}, lines);
    if (static_cast<std::size_t>(count) < buffer.size()) break;
  }
  if (lines.empty()) return;
  const TimePoint time = host_.clock.now();
  std::vector<LogLine> stamped;
  stamped.reserve(lines.size());
  for (auto& line : lines) stamped.push_back({time, std::move(line)});
  write(std::move(stamped));
}

void Worker::pause_log() {
  // Whoever prints more than its share waits for its pipe, not we for it.
  host_.loop.forget(log_watch_);
  host_.loop.forget(frames_watch_);
  if (log_pause_ != 0) return;
  log_pause_ = host_.loop.after(kLogPause, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self == nullptr) return;
    self->log_pause_ = 0;
    self->watch_output();
  });
}

void Worker::watch_output() {
  const std::weak_ptr<Worker> weak = weak_from_this();
  if (parts_.log && log_watch_ == 0)
    log_watch_ = host_.loop.watch(parts_.log.get(), EPOLLIN, [weak](std::uint32_t) {
      if (const auto self = weak.lock()) self->read_log(false);
    });
  if (parts_.frames && frames_watch_ == 0)
    frames_watch_ = host_.loop.watch(parts_.frames.get(), EPOLLIN, [weak](std::uint32_t) {
      const auto self = weak.lock();
      if (self == nullptr) return;
      if (self->log_credit_ > 0)
        self->read_frames();
      else
        self->read_log(false);  // earns credit, or waits for it
    });
}

void Worker::read_frames() {
  std::array<char, 65536> buffer;
  if (!parts_.frames) return;
  const ssize_t count = ::read(parts_.frames.get(), buffer.data(), buffer.size());
  if (count < 0) return;
  log_credit_ -= static_cast<double>(count);
  std::vector<LogLine> lines;
  const bool good = count > 0 && frame_reader_.feed({buffer.data(), static_cast<std::size_t>(count)}, lines);
  if (!good) {
    host_.loop.forget(frames_watch_);
    parts_.frames.close();
  }
  // Its own clock is not trusted with the order of its lines.
  const TimePoint now = host_.clock.now();
  for (auto& line : lines) line.time = std::clamp(line.time, now - std::chrono::seconds(60), now);
  write(std::move(lines));
}

void Worker::write_line(std::string text) {
  if (!text.empty()) write({{host_.clock.now(), std::move(text)}});
}

void Worker::write(std::vector<LogLine> lines) {
  if (lines.empty()) return;
  if (tail_)
    for (const auto& line : lines) tail_->add(line.text);
  host_.runner.log(log_group_of(*parts_.function), parts_.log_stream, std::move(lines));
}

int Worker::memory_now() {
  if (!status_file_) return 0;
  std::array<char, 4096> text{};
  const ssize_t count = ::pread(status_file_.get(), text.data(), text.size() - 1, 0);
  const std::string_view status(text.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  const std::size_t at = status.find("VmHWM:");
  if (at == std::string_view::npos) return 0;
  return static_cast<int>(std::strtol(text.data() + at + 6, nullptr, 10) / 1024) + 1;
}

}  // namespace likeness::functions
