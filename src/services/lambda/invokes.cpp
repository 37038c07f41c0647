#include <fmt/format.h>

#include <utility>

#include "base/bytes.hpp"
#include "domain/lambda/errors.hpp"
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
    if (parts.async == nullptr)
      return server_error("ServiceException", "Asynchronous invokes are not available on this server.");
    AsyncEvent waiting;
    waiting.function = *name;
    waiting.function_id = target->function->id;
    waiting.request_id = context.request_id;
    waiting.payload = std::move(*event);
    waiting.accepted = context.time;
    if (auto taken = parts.async->submit(std::move(waiting)); !taken) return fail(taken);
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
  if (parts.async == nullptr)
    return server_error("ServiceException", "Asynchronous invokes are not available on this server.");
  AsyncEvent waiting;
  waiting.function = *name;
  waiting.function_id = target->function->id;
  waiting.request_id = context.request_id;
  waiting.payload = std::move(*event);
  waiting.accepted = context.time;
  if (auto taken = parts.async->submit(std::move(waiting)); !taken) return fail(taken);
  shapes::InvokeAsyncResponse out;
  out.status = 202;
  return out;
}

}  // namespace

void register_invokes(aws::Service& service, const Lambda& parts) {
  on<shapes::Invoke>(service, parts, invoke);
  on<shapes::InvokeAsync>(service, parts, invoke_async);
  service.waits<shapes::Invoke>();
  needs_function<shapes::Invoke>(service, parts, "lambda:InvokeFunction");
  needs_function<shapes::InvokeAsync>(service, parts, "lambda:InvokeFunction");
}

}  // namespace likeness::lambda
