#include "aws/gateway.hpp"

#include <fmt/format.h>

#include <charconv>
#include <exception>
#include <optional>
#include <span>
#include <utility>

#include "aws/codec.hpp"
#include "aws/constraints.hpp"
#include "aws/exceptions.hpp"
#include "aws/http_binding.hpp"
#include "aws/request_body.hpp"
#include "aws/router.hpp"
#include "aws/signature_verifier.hpp"
#include "base/bytes.hpp"
#include "base/log.hpp"

namespace likeness::aws {

struct Gateway::State {
  GatewayOptions options;
  const Clock& clock;
  SignatureVerifier verifier;
  Router router;
  std::vector<Gate> gates;
  const Authorizer* authorizer = &Authorizer::root_only();
  std::vector<const Service*> services;
  std::function<void(const CallRecord&)> local_call_done;
  std::unique_ptr<LocalCalls> local_calls;
};

namespace {

/// One request on its way through the chain.
struct Call {
  Call(const net::Request& http_request, const Gateway::State& gateway) : request(http_request), state(gateway) {}

  const net::Request& request;
  const Gateway::State& state;

  // Found by the steps, in this order.
  Route route;
  const Service* service = nullptr;
  const Codec* codec = nullptr;
  const Operation* operation = nullptr;
  RequestContext context;
  Verified verified;
  OpenedBody body;
  Object input{nullptr, [](void*) {}};
  std::vector<Violation> violations;
  Object output{nullptr, [](void*) {}};
  net::Response response;

  // Set by the step that fails.
  std::optional<ErrorAnswer> error;
  std::shared_ptr<const void> raised;  // what `error` borrows from
  std::string detail;
};

bool refuse(Call& call, std::string code, std::string message, int status = 400) {
  call.error = ErrorAnswer{.code = std::move(code), .message = std::move(message), .status = status, .request_id = {}};
  return false;
}

/// The exception of that name in the operation's list, else anywhere in the model.
const Shape* find_exception(const Call& call, std::string_view code) {
  if (call.operation != nullptr)
    for (const Shape* shape : call.operation->errors)
      if (shape->name == code || shape->error_code == code) return shape;
  for (const Shape* shape : call.service->model().shapes)
    if (shape->is_exception && (shape->name == code || shape->error_code == code)) return shape;
  return nullptr;
}

/// Under the name that the protocol has for it.
bool deny(Call& call, Error error) {
  call.error = call.codec->auth_error({AuthFailure::AccessDenied, std::move(error.message)});
  call.error->shape = find_exception(call, call.error->code);
  call.error->form = call.service->error_form();
  call.detail = std::move(error.detail);
  return false;
}

/// A provider's or a gate's error. What the model does not know and is our own fault becomes the service's internal
/// error, with the cause in the log alone.
bool refuse(Call& call, Error error) {
  if (error.code == kAccessDenied) return deny(call, std::move(error));
  const Shape* shape = find_exception(call, error.code);
  call.detail = std::move(error.detail);
  if (shape == nullptr && error.fault == Error::Fault::Server && error.exception == nullptr) {
    call.detail = fmt::format("{}: {} {}", error.code, error.message, call.detail);
    shape = find_exception(call, "InternalServerError");
    error.code = shape != nullptr ? "InternalServerError" : "InternalFailure";
    error.message = "The request processing has failed because of an internal error.";
  }
  const Raised* more = raised(error);
  if (more != nullptr && more->shape != nullptr) shape = more->shape;
  const bool is_fault = error.fault == Error::Fault::Server || (shape != nullptr && shape->is_fault);
  int status = is_fault ? 500 : 400;
  if (shape != nullptr && shape->http_status != 0) status = shape->http_status;
  if (more != nullptr && more->http.status != 0) status = more->http.status;
  call.error = ErrorAnswer{.code = std::move(error.code),
                           .message = std::move(error.message),
                           .status = status,
                           .request_id = {},
                           .shape = shape,
                           .form = call.service->error_form()};
  if (more != nullptr) {
    call.error->structure = more->structure.get();
    call.error->elements = more->http.elements;
    call.raised = std::move(error.exception);
  }
  return false;
}

// -- placing a request

/// A request that matches no operation: the service may have an answer all the same.
bool answer_unmatched(Call& call) {
  const auto& model = call.service->model();
  if (call.service->unmatched()) {
    if (auto response = call.service->unmatched()(call.context, call.request)) {
      call.response = std::move(*response);
      return false;
    }
  }
  const auto& called = call.route.called;
  if (model.signs_like_s3)
    return refuse(call, "MethodNotAllowed", "The specified method is not allowed against this resource.", 405);
  if (call.request.method != "POST")
    return refuse(call, "UnknownOperationException", fmt::format("{} takes POST requests only", model.full_name), 405);
  if (call.codec == &query_codec()) {
    if (called.empty())
      return refuse(call, "MissingAction", "The request is missing an action or a required parameter.");
    return refuse(call, "UnknownOperationException",
                  fmt::format("Could not find operation {} for version {}", called.substr(0, 128), model.api_version));
  }
  return refuse(call, "UnknownOperationException",
                fmt::format("{} has no operation {}", model.full_name,
                            called.empty() ? "without an X-Amz-Target header" : called.substr(0, 128)));
}

/// In the protocol that the client is likely to speak.
bool answer_unknown_service(Call& call) {
  std::string message = "The request names no service: it has no X-Amz-Target and no credential scope of one";
  if (const auto target = call.request.headers.find("x-amz-target"))
    message = fmt::format("No service here has the target {}", target->substr(0, target->rfind('.')).substr(0, 128));
  else if (!call.route.wanted.empty())
    message = fmt::format("There is no service {} here", call.route.wanted.substr(0, 128));
  if (call.route.is_query_call) call.codec = &query_codec();
  return refuse(call, "UnknownOperationException", std::move(message), 404);
}

bool route(Call& call) {
  call.route = call.state.router.find(call.request);
  call.service = call.route.service;
  if (call.service == nullptr) return answer_unknown_service(call);
  const auto& model = call.service->model();
  call.codec = codec_for(model, call.request);
  if (call.codec == nullptr)
    return refuse(call, "UnknownOperationException", fmt::format("{} is not served in this protocol", model.full_name),
                  501);
  if (call.route.bad_path) return refuse(call, "InvalidURI", "Couldn't parse the specified URI.");
  call.operation = call.route.operation;
  return call.operation != nullptr || answer_unmatched(call);
}

/// No signature of any kind: neither in the header nor in the query, where one that cannot be read is still one.
bool carries_no_signature(const net::Request& request) {
  const auto query = request.query();
  return !request.headers.contains("authorization") && query.find("X-Amz-Signature=") == std::string_view::npos &&
         query.find("X-Amz-Algorithm=") == std::string_view::npos &&
         query.find("X-Amz-Credential=") == std::string_view::npos &&
         query.find("AWSAccessKeyId=") == std::string_view::npos;
}

bool authenticate(Call& call) {
  if (carries_no_signature(call.request) && (call.operation->is_unsigned || call.service->anonymous_allowed())) {
    call.context.principal = policy::Principal::anonymous();
    call.context.caller_arn = call.context.principal.arn;
    if (call.request.headers.get("x-amz-content-sha256") == "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
      call.verified.payload = PayloadForm::UnsignedTrailer;
    return true;
  }
  const auto& model = call.service->model();
  const SignatureDemands demands{.service = std::string(model.signing_name),
                                 .rules = model.signs_like_s3 ? kS3Rules : SignatureRules{},
                                 .allow_unsigned_payload = model.signs_like_s3,
                                 .global = model.signing_name == "iam" || model.signing_name == "sts"};
  const bool old_url = model.signs_like_s3 && !call.request.headers.contains("authorization") &&
                       call.request.query().find("AWSAccessKeyId=") != std::string_view::npos;
  auto verified = old_url
                      ? call.state.verifier.verify_old_url(call.request, call.state.options.domains, call.context.time)
                      : call.state.verifier.verify(call.request, demands, call.context.time);
  if (!verified) {
    verified.error().presigned = !call.request.headers.contains("authorization");
    call.error = call.codec->auth_error(verified.error());
    return false;
  }
  call.verified = *verified;
  call.context.access_key_id = std::move(verified->access_key_id);
  call.context.caller_arn = verified->principal.arn;
  call.context.principal = std::move(verified->principal);
  return true;
}

bool admit(Call& call) {
  const CallInfo info{*call.service, *call.operation, call.context};
  for (const auto& gate : call.state.gates)
    if (auto admitted = gate(info); !admitted) return refuse(call, std::move(admitted.error()));
  return true;
}

bool find_provider(Call& call) {
  if (call.service->handler(*call.operation) != nullptr) return true;
  return refuse(call, "UnknownOperationException",
                fmt::format("The operation {} of {} is not available in Likeness", call.operation->name,
                            call.service->model().full_name),
                501);
}

bool streams_input(const Operation& operation) {
  if (operation.input == nullptr) return false;
  const Member* payload = payload_member(*operation.input);
  return payload != nullptr && payload->shape->kind == Kind::Stream;
}

bool open_body(Call& call) {
  const BodyRules rules{.streams = streams_input(*call.operation),
                        .is_s3 = call.service->model().signs_like_s3,
                        .limit = call.state.options.max_document_bytes};
  auto opened = open_body(call.request, call.verified, rules);
  if (!opened) return refuse(call, std::move(opened.error()));
  call.body = std::move(*opened);
  // A vector that moves keeps its bytes where they are, so `whole` still points at `owned`.
  return true;
}

bool parse(Call& call) {
  call.input = call.operation->make_input();
  const Routed routed{
      .request = call.request, .labels = call.route.labels, .body = call.body.whole, .stream = call.body.stream};
  auto read = call.codec->read(routed, *call.operation, call.input.get());
  if (!read) return refuse(call, std::move(read.error()));
  call.violations = std::move(*read);
  return true;
}

bool authorize(Call& call) {
  // Operations that the model leaves unsigned are everybody's; their providers see to who may.
  if (call.operation->is_unsigned && call.context.principal.kind == policy::Principal::Kind::Anonymous) return true;
  for (const auto& permission : call.service->permissions_of(*call.operation, call.context, call.input.get()))
    if (auto allowed = call.context.allowed(permission); !allowed) return refuse(call, std::move(allowed.error()));
  return true;
}

/// CloudWatch Logs calls breaches of its model by another name, and shows no text that its pattern refuses.
bool is_logs(const ServiceModel& model) { return model.id == "logs"; }

bool validate(Call& call) {
  if (call.operation->input != nullptr) check_constraints(*call.operation->input, call.input.get(), call.violations);
  if (call.violations.empty()) return true;
  const bool of_logs = is_logs(call.service->model());
  if (of_logs)
    for (auto& violation : call.violations)
      if (violation.requirement.starts_with("Member must satisfy regular expression")) violation.value.clear();
  call.error = call.codec->violation_error(*call.operation, call.violations);
  if (of_logs) call.error->code = "InvalidParameterException";
  return false;
}

bool provide(Call& call) {
  auto output = (*call.service->handler(*call.operation))(call.context, call.input.get());
  if (!output) return refuse(call, std::move(output.error()));
  call.output = std::move(*output);
  return true;
}

bool write(Call& call) {
  call.codec->write(call.service->model(), *call.operation, call.output.get(), call.context.request_id, call.response);
  return true;
}

/// The way of a request. The first step that returns false ends it with the error that it has set.
struct Step {
  std::string_view name;
  bool (*run)(Call&);
};
constexpr Step kChain[] = {
    {"route", route},                // which service and operation
    {"authenticate", authenticate},  // whose signature
    {"admit", admit},                // throttling, quotas
    {"find provider", find_provider},
    {"open body", open_body},  // out of chunks and gzip, checked
    {"parse", parse},          // bytes to input
    {"authorize", authorize},  // may the caller do that to this
    {"validate", validate},    // the constraints of the model
    {"provide", provide},      // input to output
    {"write", write},          // output to bytes
};

/// The way of a call from inside: it has its operation and its input.
constexpr Step kLocalChain[] = {
    {"admit", admit},     {"find provider", find_provider}, {"authorize", authorize}, {"validate", validate},
    {"provide", provide},
};

Call begin(const net::Request& request, const Gateway::State& state) {
  Call call(request, state);
  call.context.request_id = uuid_v4();
  call.context.account = state.options.account;
  call.context.region = state.options.region;
  call.context.source_ip = request.remote_address;
  call.context.time = state.clock.now();
  call.context.authorizer = state.authorizer;
  call.context.request = &request;
  return call;
}

/// The caller learns that we failed, the log learns why.
void crash(Call& call, std::string_view step, std::string_view cause) {
  if (call.service != nullptr)
    refuse(call, Error{"InternalError", "", Error::Fault::Server, {}});
  else
    refuse(call, "InternalFailure", "The request processing has failed because of an internal error.", 500);
  call.detail = fmt::format("{} failed: {}", step, cause);
}

void run_chain(Call& call, std::span<const Step> chain) {
  std::string_view at = "start";
  try {
    for (const auto& step : chain) {
      at = step.name;
      if (!step.run(call)) return;
    }
  } catch (const std::exception& failure) {
    crash(call, at, failure.what());
  } catch (...) {
    crash(call, at, "an exception of unknown type");
  }
}

CallRecord record_of(Call& call) {
  CallRecord record;
  if (call.service != nullptr) record.service = call.service->model().id;
  if (call.operation != nullptr) record.operation = call.operation->name;
  record.status = call.response.status;
  if (call.error) record.error_code = call.error->code;
  record.detail = std::move(call.detail);
  if (call.error && record.detail.empty()) record.detail = call.error->message;
  record.request_id = call.context.request_id;
  record.access_key_id = std::move(call.context.access_key_id);
  record.caller_arn = std::move(call.context.caller_arn);
  record.bytes_in = call.request.body.size();
  record.bytes_out = call.response.stream ? call.response.stream_length.value_or(0) : call.response.body.size();
  // What we do not have (501) is no failure; the access log tells of it.
  if (record.status == 500 && call.error)
    log::error("request {} {} {} failed: {}", record.request_id, record.service, record.operation, record.detail);
  return record;
}

Answer finish(Call& call) {
  if (call.error) {
    call.error->request_id = call.context.request_id;
    call.response = net::Response{};
    const Codec& codec = call.codec != nullptr ? *call.codec : json_codec("1.1");
    if (call.service != nullptr) call.error->model = &call.service->model();
    call.error->resource = call.request.path();
    // What a provider raised with a status of its own is as it should be.
    if (call.error->shape == nullptr && call.raised == nullptr) codec.translate(*call.error);
    codec.write_error(*call.error, call.response);
    if (call.raised)
      for (const auto& header : static_cast<const Raised*>(call.raised.get())->http.headers)
        call.response.headers.add(header.name, header.value);
  }
  if (call.error && call.request.method == "HEAD") call.response.body.clear();
  if (call.service != nullptr && call.service->response_hook())
    call.service->response_hook()(call.context, call.request, call.response);
  Answer answer{.response = {}, .record = record_of(call)};
  answer.response = std::move(call.response);
  return answer;
}

/// The protocol whose names for errors a caller from inside gets.
const Codec& native_codec(const ServiceModel& model) {
  switch (model.protocol) {
    case Protocol::Query: return query_codec();
    case Protocol::RestXml: return rest_xml_codec();
    case Protocol::RestJson: return rest_json_codec();
    default: return json_codec(model.json_version);
  }
}

class GatewayCalls final : public LocalCalls {
 public:
  explicit GatewayCalls(const Gateway::State& state) : state_(state) {}

  Result<Object> invoke(const LocalCaller& caller, const Operation& operation, const void* input) const override {
    static const net::Request no_request;
    Call call = begin(no_request, state_);
    call.service = service_of(operation);
    if (call.service == nullptr)
      return client_error("UnknownOperationException",
                          fmt::format("The operation {} is not available in Likeness", operation.name));
    call.codec = &native_codec(call.service->model());
    call.operation = &operation;
    call.context.request = nullptr;
    call.context.principal = caller.principal;
    call.context.caller_arn = caller.principal.arn;
    call.context.keys = caller.keys;
    // The steps only read it.
    call.input = Object(const_cast<void*>(input), [](void*) {});
    run_chain(call, kLocalChain);
    std::optional<Error> error;
    if (call.error) {
      const bool ours = call.error->status >= 500;
      call.response.status = call.error->status;
      error = Error{call.error->code, call.error->message, ours ? Error::Fault::Server : Error::Fault::Client,
                    call.detail, call.raised};
    }
    if (state_.local_call_done) state_.local_call_done(record_of(call));
    if (error) return Failure(std::move(*error));
    return std::move(call.output);
  }

  const Operation* find(std::string_view model, std::string_view operation) const override {
    for (const Service* service : state_.services)
      if (service->model().id == model) return service->model().find_operation(operation);
    return nullptr;
  }

 private:
  const Service* service_of(const Operation& operation) const {
    for (const Service* service : state_.services) {
      const auto& operations = service->model().operations;
      if (&operation >= operations.data() && &operation < operations.data() + operations.size()) return service;
    }
    return nullptr;
  }

  const Gateway::State& state_;
};

}  // namespace

Gateway::Gateway(const GatewayOptions& options, const CredentialSource& credentials, const Clock& clock)
    : state_(new State{options,
                       clock,
                       SignatureVerifier(credentials, options.region, options.clock_skew),
                       Router(options.domains),
                       {},
                       &Authorizer::root_only(),
                       {},
                       {},
                       {}}) {
  state_->local_calls = std::make_unique<GatewayCalls>(*state_);
}

Gateway::~Gateway() = default;

void Gateway::add(const Service& service) {
  state_->services.push_back(&service);
  state_->router.add(service);
}

const std::vector<const Service*>& Gateway::services() const { return state_->services; }

void Gateway::set_authorizer(const Authorizer& authorizer) { state_->authorizer = &authorizer; }

void Gateway::add_gate(Gate gate) { state_->gates.push_back(std::move(gate)); }

void Gateway::on_local_call(std::function<void(const CallRecord&)> function) {
  state_->local_call_done = std::move(function);
}

const LocalCalls& Gateway::local_calls() const { return *state_->local_calls; }

bool Gateway::waits(const net::Request& request) const {
  const auto route = state_->router.find(request);
  return route.operation != nullptr && route.service->waits(*route.operation);
}

bool Gateway::wants_stream(const net::Request& head) const {
  constexpr std::uint64_t kSmall = 256u << 10;
  if (head.method != "PUT" && head.method != "POST") return false;
  if (head.headers.contains("x-amz-target")) return false;
  const auto route = state_->router.find(head);
  if (route.service == nullptr) return false;
  // Forms of browsers, which upload files of any size.
  const bool is_form = route.operation == nullptr && route.service->unmatched() &&
                       head.headers.get("content-type").starts_with("multipart/form-data");
  if (!is_form && (route.operation == nullptr || !streams_input(*route.operation))) return false;
  if (head.headers.contains("expect")) return true;
  const auto length = head.headers.find("content-length");
  std::uint64_t bytes = 0;
  if (!length || std::from_chars(length->data(), length->data() + length->size(), bytes).ec != std::errc()) return true;
  return bytes > kSmall;
}

Answer Gateway::handle(const net::Request& request) const {
  Call call = begin(request, *state_);
  run_chain(call, kChain);
  return finish(call);
}

Answer Gateway::refuse(const net::Request& request, const Error& error) const {
  Call call = begin(request, *state_);
  if (route(call)) aws::refuse(call, error);
  return finish(call);
}

}  // namespace likeness::aws
