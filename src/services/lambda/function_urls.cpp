#include "services/lambda/function_urls.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <vector>

#include "aws/json_writer.hpp"
#include "aws/service.hpp"
#include "base/bytes.hpp"
#include "base/log.hpp"
#include "domain/http_events/response.hpp"
#include "domain/lambda/urls.hpp"
#include "net/body_pipe.hpp"

namespace likeness::lambda {
namespace {

constexpr std::size_t kMaxEvent = 6 * 1024 * 1024;

/// An answer of ours instead of the function's. `message` empty: null.
net::Response refusal(int status, std::string_view type, std::string_view message) {
  std::string body = R"({"Message":)";
  if (message.empty())
    body += "null";
  else
    aws::write_json_string(message, body);
  auto out = net::text_response(status, "application/json", body + "}");
  if (!type.empty()) out.headers.add("x-amzn-ErrorType", std::string(type));
  return out;
}

net::Response forbidden() { return refusal(403, "AccessDeniedException", "Forbidden"); }

net::Response too_large() {
  auto out = refusal(413, "RequestEntityTooLargeException",
                     "Request must be smaller than 6291456 bytes for the InvokeFunction operation");
  out.close = true;  // what follows of the body is not read
  return out;
}

/// What the function did wrong is in its log alone.
net::Response function_failed() { return net::text_response(502, "application/json", "Internal Server Error"); }

net::Response not_run(const Error& error) {
  if (error.code == "TooManyRequestsException") return refusal(429, error.code, error.message);
  return refusal(error.fault == Error::Fault::Server ? 502 : 403, error.code, error.message);
}

net::Response to_http(http_events::Response answer) {
  net::Response out;
  out.status = answer.status;
  for (auto& field : answer.headers) out.headers.add(std::move(field.name), std::move(field.value));
  out.body = std::move(answer.body);
  return out;
}

std::string new_trace_id(TimePoint now) {
  return fmt::format("Root=1-{:08x}-{}", std::chrono::system_clock::to_time_t(now), to_hex(random_bytes(12)));
}

std::string_view without_port(std::string_view host) {
  return host.starts_with('[') ? host.substr(0, host.find(']') + 1) : host.substr(0, host.find(':'));
}

std::string_view port_of(const net::Request& request) {
  const auto host = request.headers.get("host");
  const auto colon = host.rfind(':');
  if (colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos) return host.substr(colon + 1);
  return request.secure ? "443" : "80";
}

/// Nullopt: it is longer than an event may be, or broken off.
std::optional<Bytes> read_all(net::BodyReader& reader) {
  Bytes out, piece(64 * 1024);
  while (true) {
    const auto got = reader.read(piece);
    if (!got) return std::nullopt;
    if (*got == 0) return out;
    if (out.size() + *got > kMaxEvent) return std::nullopt;
    out.insert(out.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(*got));
  }
}

/// The beginning of a streamed answer: known when its head is, or when there will be none.
class Opening {
 public:
  // Of the function's thread.
  void starts(std::string_view type) {
    with_head_ = type == http_events::kStreamWithHead;
    if (with_head_) return;
    net::Response head;
    head.headers.add("Content-Type", std::string(type));
    set(std::move(head));
  }
  /// What of the piece belongs to the body; nullopt if the stream is not one.
  std::optional<std::string> take(std::string_view piece) {
    if (!with_head_ || known()) return std::string(piece);
    auto fed = reader_.feed(piece);
    if (!fed) {
      log::debug("a function URL's stream: {}", fed.error().message);
      set(function_failed(), false);
      return std::nullopt;
    }
    if (!*fed) return std::string();
    std::string rest = std::move((*fed)->body);
    (*fed)->body.clear();
    set(to_http(std::move(**fed)));
    return rest;
  }
  /// The function is done.
  void ends(bool failed) {
    if (known()) return;
    if (failed) return set(function_failed(), false);
    if (!with_head_) return set(net::Response{}, false);
    auto head = reader_.end();
    set(head ? to_http(std::move(*head)) : function_failed(), false);
  }
  void refuses(net::Response response) { set(std::move(response), false); }

  // Of the one who answers.
  struct Head {
    net::Response response;
    bool streams = true;
  };
  Head wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return known_; });
    return std::move(head_);
  }

 private:
  bool known() const {
    const std::lock_guard lock(mutex_);
    return known_;
  }
  void set(net::Response response, bool streams = true) {
    const std::lock_guard lock(mutex_);
    if (known_) return;
    head_ = {std::move(response), streams};
    known_ = true;
    changed_.notify_all();
  }

  http_events::HeadReader reader_;
  bool with_head_ = false;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool known_ = false;
  Head head_;
};

}  // namespace

/// One request on its way.
struct FunctionUrls::Call {
  const net::Request* request = nullptr;
  net::Request gathered;  // in its place where the body came as a stream
  std::string id, path;   // as the function sees it
  std::string request_id = uuid_v4();
  std::string trace;
  TimePoint time{};
  UrlConfig url;
  Target target;
  std::optional<aws::Verified> signer;
};

FunctionUrls::FunctionUrls(const Parts& parts)
    : parts_(parts), verifier_(parts.credentials, parts.region, std::chrono::minutes(15)) {}

bool FunctionUrls::matches(const net::Request& request) {
  return request.path().starts_with(kFunctionUrlPath) || !url_id_of_host(request.headers.get("host")).empty();
}

net::Response FunctionUrls::answer(const net::Request& request) {
  Call call;
  call.request = &request;
  call.time = parts_.clock.now();
  call.id = url_id_of_host(request.headers.get("host"));
  call.path = request.path();
  if (call.id.empty()) {
    auto rest = request.path().substr(kFunctionUrlPath.size());
    call.id = rest.substr(0, rest.find('/'));
    rest.remove_prefix(call.id.size());
    call.path = rest.empty() ? "/" : rest;
  }
  const auto [function, qualifier] = parts_.registry.find_url(call.id);
  if (function == nullptr) return refusal(403, "AccessDeniedException", "");
  call.url = function->urls.at(qualifier);
  const auto& headers = request.headers;
  const CorsRequest cors{.origin = headers.get("origin"),
                         .requested_method = headers.get("access-control-request-method"),
                         .requested_headers = headers.get("access-control-request-headers")};
  const bool preflight = request.method == "OPTIONS" && !cors.origin.empty() && !cors.requested_method.empty();
  if (call.url.cors && preflight) {
    net::Response out;
    for (auto& header : preflight_headers(*call.url.cors, cors))
      out.headers.add(std::move(header.name), std::move(header.value));
    out.headers.add("x-amzn-RequestId", call.request_id);
    return out;
  }

  auto target = parts_.registry.resolve(
      {.account = function->account, .region = function->region, .name = function->name, .qualifier = qualifier});
  if (!target) return refusal(404, target.error().code, target.error().message);
  call.target = std::move(*target);
  call.trace = headers.get("x-amzn-trace-id");
  if (!call.trace.starts_with("Root=") || call.trace.size() > 500) call.trace = new_trace_id(call.time);

  auto out = invoke(call);
  if (call.url.cors)
    for (auto& header : cors_headers(*call.url.cors, cors)) out.headers.set(header.name, std::move(header.value));
  out.headers.set("x-amzn-RequestId", call.request_id);
  out.headers.set("X-Amzn-Trace-Id", call.trace);

  const auto record = [&](std::string_view metric, double value, metrics::Unit unit) {
    parts_.invoker.record(call.target, metric, value, unit);
  };
  record("UrlRequestCount", 1, metrics::Unit::Count);
  record("Url4xxCount", out.status >= 400 && out.status < 500 ? 1 : 0, metrics::Unit::Count);
  record("Url5xxCount", out.status >= 500 ? 1 : 0, metrics::Unit::Count);
  record("UrlRequestLatency", std::chrono::duration<double, std::milli>(parts_.clock.now() - call.time).count(),
         metrics::Unit::Milliseconds);
  return out;
}

net::Response FunctionUrls::invoke(Call& call) {
  if (call.request->stream != nullptr) {
    auto body = read_all(*call.request->stream);
    if (!body) return too_large();
    call.gathered = *call.request;
    call.gathered.stream = nullptr;
    call.gathered.body = std::move(*body);
    call.request = &call.gathered;
  }
  if (auto allowed = allow(call); !allowed) {
    // What a signature lacks is told to whoever made it; who may do what is not.
    const auto& error = allowed.error();
    return error.code == aws::kAccessDenied ? forbidden() : refusal(403, error.code, error.message);
  }
  auto event = http_events::event_v2(event_of(call));
  if (event.size() > kMaxEvent) return too_large();
  functions::Invocation invocation;
  invocation.request_id = call.request_id;
  invocation.payload = std::make_shared<const std::string>(std::move(event));
  invocation.trace_id = call.trace;
  return call.url.mode == "RESPONSE_STREAM" ? streamed(call, std::move(invocation))
                                            : whole(call, std::move(invocation));
}

Result<void> FunctionUrls::allow(Call& call) const {
  const auto& function = *call.target.function;
  aws::RequestContext context;
  context.request_id = call.request_id;
  context.account = function.account;
  context.region = function.region;
  context.source_ip = call.request->remote_address;
  context.time = call.time;
  context.request = call.request;
  context.authorizer = &parts_.authorizer;
  context.principal = policy::Principal::anonymous();
  if (call.url.auth != "NONE") {
    auto verified = verifier_.verify(*call.request, {.service = "lambda"}, call.time);
    if (!verified) {
      const auto& problem = verified.error();
      if (problem.failure == aws::AuthFailure::Missing) return client_error(aws::kAccessDenied, "Forbidden");
      const bool wrong = problem.failure == aws::AuthFailure::WrongSignature;
      return client_error(wrong ? "InvalidSignatureException" : "AccessDeniedException", problem.message);
    }
    context.access_key_id = verified->access_key_id;
    context.principal = verified->principal;
    call.signer = std::move(*verified);
  }
  context.caller_arn = context.principal.arn;
  policy::Permission permission{.action = "lambda:InvokeFunctionUrl", .resource = call.target.arn()};
  if (const auto at = function.policies.find(call.target.qualifier); at != function.policies.end())
    permission.resource_policy = at->second.document;
  permission.context["lambda:FunctionUrlAuthType"] = {call.url.auth};
  permission.context["lambda:InvokedViaFunctionUrl"] = {"true"};
  for (const auto& [key, value] : function.tags) permission.context["aws:ResourceTag/" + key] = {value};
  return context.allowed(permission);
}

http_events::Request FunctionUrls::event_of(const Call& call) const {
  constexpr std::array<std::string_view, 4> kOurs{"connection", "x-forwarded-proto", "x-forwarded-port",
                                                  "x-amzn-trace-id"};
  const auto& request = *call.request;
  http_events::Request out;
  out.method = request.method;
  out.path = call.path;
  out.query = request.query();
  out.protocol = request.version == 10 ? "HTTP/1.0" : "HTTP/1.1";
  for (const auto& field : request.headers) {
    const bool ours = std::ranges::any_of(kOurs, [&](auto name) { return net::equal_ignoring_case(field.name, name); });
    // A function has no business with a signature that is good for a while.
    const bool signature = call.signer && net::equal_ignoring_case(field.name, "authorization");
    if (!ours && !signature) out.headers.push_back({field.name, field.value});
  }
  out.headers.push_back({"x-amzn-trace-id", call.trace});
  out.headers.push_back({"x-forwarded-for", request.remote_address});
  out.headers.push_back({"x-forwarded-port", std::string(port_of(request))});
  out.headers.push_back({"x-forwarded-proto", request.secure ? "https" : "http"});
  out.body = request.body;
  out.source_ip = request.remote_address;
  out.time = call.time;
  out.request_id = call.request_id;
  out.api_id = out.domain_prefix = call.id;
  out.domain_name = without_port(request.headers.get("host"));
  if (call.signer) {
    const auto& who = call.signer->principal;
    out.account = who.account;
    out.iam = http_events::IamCaller{.access_key = call.signer->access_key_id,
                                     .account = who.account,
                                     .caller_id = who.user_id,
                                     .arn = who.arn,
                                     .user_id = who.user_id};
  }
  return out;
}

net::Response FunctionUrls::whole(Call& call, functions::Invocation invocation) {
  auto outcome = parts_.invoker.run(call.target, std::move(invocation));
  if (!outcome) return not_run(outcome.error());
  if (!outcome->function_error.empty()) return function_failed();
  auto answer = http_events::response_v2(outcome->payload);
  if (answer) return to_http(std::move(*answer));
  log::debug("the answer of {} is none for a URL: {}", call.target.arn(), answer.error().message);
  return function_failed();
}

/// The function runs in a thread of its own while its answer is sent.
net::Response FunctionUrls::streamed(Call& call, functions::Invocation invocation) {
  const auto pipe = std::make_shared<net::BodyPipe>();
  const auto opening = std::make_shared<Opening>();
  invocation.on_start = [opening](std::string_view type) { opening->starts(type); };
  invocation.on_chunk = [opening, pipe](std::string_view piece) {
    const auto body = opening->take(piece);
    return body && pipe->write(*body);
  };
  // Before the thread, so that an answer that nobody reads is noticed by the writer.
  auto reader = std::make_shared<net::BodyPipe::Reader>(pipe);
  const bool runs = pool_.submit([&invoker = parts_.invoker, target = call.target, invocation, pipe, opening] {
    auto outcome = invoker.run(target, invocation);
    if (!outcome) {
      opening->refuses(not_run(outcome.error()));
      pipe->close(outcome.error());
      return;
    }
    const bool failed = !outcome->function_error.empty() || !outcome->stream_error_type.empty();
    opening->ends(failed);
    // The client sees that the answer is not whole.
    if (failed)
      pipe->close(Error{outcome->error_type, "The function failed.", Error::Fault::Client, {}});
    else
      pipe->close();
  });
  if (!runs) return refusal(429, "TooManyRequestsException", "Rate Exceeded.");
  auto head = opening->wait();
  if (head.streams) head.response.stream = std::move(reader);
  return std::move(head.response);
}

}  // namespace likeness::lambda
