#include <fmt/format.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "aws/event_stream.hpp"
#include "aws/json_writer.hpp"
#include "base/bytes.hpp"
#include "base/elastic_pool.hpp"
#include "domain/lambda/errors.hpp"
#include "net/body_pipe.hpp"
#include "services/lambda/async_invokes.hpp"
#include "services/lambda/json_check.hpp"
#include "services/lambda/operations.hpp"

namespace likeness::lambda {
namespace {

using aws::RequestContext;

constexpr std::size_t kMaxPayload = 6 * 1024 * 1024;
constexpr std::size_t kMaxEvent = 1024 * 1024;  // of an asynchronous invoke

Failure too_large(std::size_t size, std::string_view type, std::size_t limit) {
  return client_error(
      "RequestTooLargeException",
      fmt::format("{} byte payload is too large for the {} invocation type (limit {} bytes)", size, type, limit));
}

/// The event, and null for none. Errors: RequestTooLargeException, InvalidRequestContentException.
Result<std::shared_ptr<const std::string>> event_of(std::string_view payload, std::string_view type,
                                                    std::size_t limit) {
  if (payload.size() > limit) return too_large(payload.size(), type, limit);
  if (payload.empty()) return nullptr;
  if (auto problem = json_problem(payload))
    return client_error("InvalidRequestContentException",
                        "Could not parse request body into json: Could not parse payload into json: " + *problem);
  return std::make_shared<const std::string>(payload);
}

Result<std::string> context_of(const std::optional<std::string>& wire) {
  if (!wire || wire->empty()) return std::string();
  const auto bytes = from_base64(*wire);
  if (!bytes || json_problem(as_text(*bytes)))
    return client_error("InvalidRequestContentException", "Client context must be a valid Base64-encoded JSON object.");
  return std::string(as_text(*bytes));
}

/// Leaves the event to the queue of asynchronous invokes.
Result<void> submit(const Lambda& parts, const RequestContext& context, const FunctionName& name,
                    const std::string& function_id, std::shared_ptr<const std::string> event) {
  if (parts.async == nullptr)
    return server_error("ServiceException", "Asynchronous invokes are not available on this server.");
  AsyncEvent waiting;
  waiting.function = name;
  waiting.function_id = function_id;
  waiting.request_id = context.request_id;
  waiting.payload = std::move(event);
  waiting.accepted = context.time;
  return parts.async->submit(std::move(waiting));
}

Result<shapes::InvocationResponse> invoke(const Lambda& parts, const RequestContext& context,
                                          const shapes::InvocationRequest& in) {
  const auto type = in.invocation_type.value_or(shapes::InvocationType::RequestResponse);
  auto name = name_of(context, in.function_name, in.qualifier);
  if (!name) return fail(name);
  auto target = parts.registry.resolve(*name);
  if (!target) return fail(target);
  if (in.durable_execution_name) return invalid("Durable functions do not run here.");
  if (in.tenant_id) return invalid("The function has no tenant isolation: X-Amz-Tenant-Id must be left out.");
  const bool asynchronous = type == shapes::InvocationType::Event;
  const std::string_view payload = in.payload ? as_text(*in.payload) : std::string_view();
  auto event = event_of(payload, shapes::to_text(type), asynchronous ? kMaxEvent : kMaxPayload);
  if (!event) return fail(event);
  auto client = context_of(in.client_context);
  if (!client) return fail(client);

  shapes::InvocationResponse out;
  out.executed_version = target->version->version;
  if (type == shapes::InvocationType::DryRun) {
    out.status_code = 204;
    return out;
  }
  if (asynchronous) {
    if (auto taken = submit(parts, context, *name, target->function->id, std::move(*event)); !taken) return fail(taken);
    out.status_code = 202;
    out.executed_version.reset();
    return out;
  }
  functions::Invocation invocation;
  invocation.request_id = context.request_id;
  invocation.payload = std::move(*event);
  invocation.client_context = std::move(*client);
  invocation.tail = in.log_type == shapes::LogType::Tail;
  auto outcome = parts.invoker.run(*target, std::move(invocation));
  if (!outcome) return fail(outcome);
  out.status_code = 200;
  if (!outcome->function_error.empty()) out.function_error = outcome->function_error;
  if (in.log_type == shapes::LogType::Tail) out.log_result = to_base64(as_bytes(outcome->log_tail));
  const auto answer = as_bytes(outcome->payload);
  out.payload = Bytes(answer.begin(), answer.end());
  return out;
}

Result<shapes::InvokeAsyncResponse> invoke_async(const Lambda& parts, const RequestContext& context,
                                                 const shapes::InvokeAsyncRequest& in) {
  constexpr std::size_t kLimit = 256 * 1024;
  auto name = name_of(context, in.function_name);
  if (!name) return fail(name);
  auto target = parts.registry.resolve(*name);
  if (!target) return fail(target);
  std::string payload;
  if (in.invoke_args && in.invoke_args->reader) {
    Bytes piece(64 * 1024);
    while (true) {
      auto got = in.invoke_args->reader->read(piece);
      if (!got) return client_error("InvalidRequestContentException", got.error().message);
      if (*got == 0) break;
      payload += as_text(BytesView(piece).first(*got));
      if (payload.size() > kLimit) return too_large(payload.size(), "Event", kLimit);
    }
  }
  auto event = event_of(payload, "Event", kLimit);
  if (!event) return fail(event);
  if (auto taken = submit(parts, context, *name, target->function->id, std::move(*event)); !taken) return fail(taken);
  shapes::InvokeAsyncResponse out;
  out.status = 202;
  return out;
}

/// Whether a streamed invoke has begun: known when the function answers anything, or is done.
class Begun {
 public:
  void set(std::optional<Error> error = std::nullopt) {
    const std::lock_guard lock(mutex_);
    if (known_) return;
    known_ = true;
    error_ = std::move(error);
    changed_.notify_all();
  }
  std::optional<Error> wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return known_; });
    return error_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool known_ = false;
  std::optional<Error> error_;
};

/// The last message of a stream: what went wrong, and the end of the log.
std::string complete_event(const functions::Outcome& outcome, bool tail) {
  std::string json = "{";
  const auto add = [&](std::string_view name, std::string_view value) {
    if (json.size() > 1) json += ',';
    aws::write_json_string(name, json);
    json += ':';
    aws::write_json_string(value, json);
  };
  if (!outcome.stream_error_type.empty()) {
    add("ErrorCode", outcome.stream_error_type);
    add("ErrorDetails", outcome.stream_error_body);
  } else if (!outcome.function_error.empty()) {
    add("ErrorCode", outcome.error_type.empty() ? outcome.function_error : outcome.error_type);
    add("ErrorDetails", outcome.payload);
  }
  if (tail) add("LogResult", to_base64(as_bytes(outcome.log_tail)));
  return aws::write_event("InvokeComplete", "application/json", json + "}");
}

/// The function runs in a thread of its own while its answer is sent.
Result<shapes::InvokeWithResponseStreamResponse> invoke_with_stream(ElasticPool& pool, const Lambda& parts,
                                                                    const RequestContext& context,
                                                                    const shapes::InvokeWithResponseStreamRequest& in) {
  auto name = name_of(context, in.function_name, in.qualifier);
  if (!name) return fail(name);
  auto target = parts.registry.resolve(*name);
  if (!target) return fail(target);
  auto event = event_of(in.payload ? as_text(*in.payload) : std::string_view(), "RequestResponse", kMaxPayload);
  if (!event) return fail(event);
  auto client = context_of(in.client_context);
  if (!client) return fail(client);
  shapes::InvokeWithResponseStreamResponse out;
  out.executed_version = target->version->version;
  if (in.invocation_type == shapes::ResponseStreamingInvocationType::DryRun) {
    out.status_code = 204;
    return out;
  }
  const bool tail = in.log_type == shapes::LogType::Tail;
  functions::Invocation invocation;
  invocation.request_id = context.request_id;
  invocation.payload = std::move(*event);
  invocation.client_context = std::move(*client);
  invocation.tail = tail;
  const auto pipe = std::make_shared<net::BodyPipe>();
  const auto begun = std::make_shared<Begun>();
  invocation.on_start = [begun](std::string_view) { begun->set(); };
  invocation.on_chunk = [begun, pipe](std::string_view piece) {
    begun->set();
    return pipe->write(aws::write_event("PayloadChunk", "application/octet-stream", piece));
  };
  // Before the thread, so that a job that never reads is noticed by the writer.
  auto reader = std::make_shared<net::BodyPipe::Reader>(pipe);
  const bool runs = pool.submit([&invoker = parts.invoker, target = *target, invocation, pipe, begun, tail] {
    auto outcome = invoker.run(target, invocation);
    if (!outcome) {
      begun->set(outcome.error());
      pipe->close(outcome.error());
      return;
    }
    begun->set();
    pipe->write(complete_event(*outcome, tail));
    pipe->close();
  });
  if (!runs) return throttled("ConcurrentInvocationLimitExceeded");
  if (auto error = begun->wait()) return tl::unexpected(*error);
  out.status_code = 200;
  out.event_stream = aws::Stream{.reader = std::move(reader), .length = std::nullopt};
  return out;
}

}  // namespace

void register_invokes(aws::Service& service, const Lambda& parts) {
  on<shapes::Invoke>(service, parts, invoke);
  on<shapes::InvokeAsync>(service, parts, invoke_async);
  service.waits<shapes::Invoke>();
  const auto pool = std::make_shared<ElasticPool>("lambda-out", 256);
  on<shapes::InvokeWithResponseStream>(
      service, parts,
      [pool](const Lambda& all, const RequestContext& context, const shapes::InvokeWithResponseStreamRequest& in) {
        return invoke_with_stream(*pool, all, context, in);
      });
  service.waits<shapes::InvokeWithResponseStream>();
  needs_function<shapes::InvokeWithResponseStream>(service, parts, "lambda:InvokeFunction");
  needs_function<shapes::Invoke>(service, parts, "lambda:InvokeFunction");
  needs_function<shapes::InvokeAsync>(service, parts, "lambda:InvokeFunction");
}

}  // namespace likeness::lambda
