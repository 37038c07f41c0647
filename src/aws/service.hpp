#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aws/authorizer.hpp"
#include "aws/model.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "net/http.hpp"
#include "policy/permission.hpp"
#include "policy/principal.hpp"

namespace likeness::aws {

/// What a provider may know of the call besides its input.
struct RequestContext {
  std::string request_id;  // UUID, also in the answer's x-amzn-RequestId
  std::string account;     // twelve digits
  std::string region;
  std::string caller_arn;     // "arn:aws:iam::000000000000:root"
  std::string access_key_id;  // empty for unsigned operations
  std::string source_ip;
  TimePoint time;               // when the request came in
  policy::Principal principal;  // who calls; its ARN is `caller_arn`

  /// Condition keys that hold for every permission of this call: aws:SourceArn of one that a service makes.
  policy::ContextKeys keys = {};

  const Authorizer* authorizer = nullptr;  // null: root_only()
  /// For what no model says: headers, host, TLS. Its body may be gone into the input already. Valid during the call;
  /// null where a provider is called without the network.
  const net::Request* request = nullptr;

  /// Asked to stop when the client has gone and nobody will read the answer; never where the call is none that `waits`,
  /// or comes from inside. Callbacks must not block.
  std::stop_token gone() const { return request == nullptr ? std::stop_token() : request->gone; }

  /// May the caller do that too? For what a call touches besides what its permissions name: the source of a copy, the
  /// object behind an Image, the role that is passed. An Error is to be returned as it is.
  Result<void> allowed(const policy::Permission& permission) const;
};

/// What a service's own errors look like in JSON. Those of the framework around it (signatures, constraints, unknown
/// operations) always are {"__type", "message"}.
enum class ErrorForm {
  Standard,       // {"__type", and the message under the name that the model gives it}
  CodeAndLogref,  // Rekognition's: {"__type", "Code", "Logref", "Message"}
};

/// The operations of one service and who answers them. Filled at start-up by the service's provider, read-only and
/// safe from any thread afterwards. A provider function is plain and blocking, runs on the work pool, and may be called
/// from many threads at once:
///
///     Service service(rekognition::model(), ErrorForm::CodeAndLogref);
///     service.on<rekognition::DetectFaces>([&](const RequestContext& context, const rekognition::DetectFacesRequest&
///     in)
///         -> Result<rekognition::DetectFacesResponse> { ... });
///
/// An Error's code is the name of the modelled exception; its message goes to the caller.
class Service {
 public:
  using Handler = std::function<Result<Object>(const RequestContext&, const void* input)>;
  using Permissions = std::function<std::vector<policy::Permission>(const RequestContext&, const void* input)>;

  explicit Service(const ServiceModel& model, ErrorForm form = ErrorForm::Standard)
      : model_(model), error_form_(form), entries_(model.operations.size()) {}

  /// `difference` says for docs/compatibility.md how the answer departs from AWS; empty means that it does not.
  template <class Op, class Function>
  void on(Function function, std::string difference = {}) {
    using Input = typename Op::Input;
    using Output = typename Op::Output;
    entries_[Op::kIndex].handler = [function = std::move(function)](const RequestContext& context,
                                                                    const void* input) -> Result<Object> {
      Result<Output> output = function(context, *static_cast<const Input*>(input));
      if (!output) return fail(output);
      return Object(new Output(std::move(*output)), [](void* object) { delete static_cast<Output*>(object); });
    };
    entries_[Op::kIndex].difference = std::move(difference);
  }

  /// Has `function` look at each call of an operation that has its provider: (context, input, output or null, error or
  /// null, time that the provider took). For measurements; must not block.
  template <class Op, class Function>
  void observe(Function function) {
    auto& handler = entries_[Op::kIndex].handler;
    handler = [provide = std::move(handler), function = std::move(function)](const RequestContext& context,
                                                                             const void* input) -> Result<Object> {
      const auto begin = std::chrono::steady_clock::now();
      auto output = provide(context, input);
      const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
      function(context, *static_cast<const typename Op::Input*>(input),
               output ? static_cast<const typename Op::Output*>(output->get()) : nullptr,
               output ? nullptr : &output.error(), took);
      return output;
    };
  }

  /// What a caller needs for an operation; all of them, asked for in that order, after parsing and before the model's
  /// constraints and the provider: members may be absent and hold anything. None means that everybody may. Where this
  /// is not called the permission is "SIGNING-NAME:OPERATION" on "*".
  ///
  ///     service.permissions<dynamodb::PutItem>([](const RequestContext& context, const dynamodb::PutItemInput& in) {
  ///       return std::vector{policy::Permission{.action = "dynamodb:PutItem", .resource = table_arn(context, in)}};
  ///     });
  template <class Op, class Function>
  void permissions(Function function) {
    entries_[Op::kIndex].permissions = [function = std::move(function)](const RequestContext& context,
                                                                        const void* input) {
      return std::vector<policy::Permission>(function(context, *static_cast<const typename Op::Input*>(input)));
    };
  }

  /// Says that the operation may take long without working (long polls, calls that wait for others). It then runs on a
  /// pool of its own, so that any number of them keeps nobody else from being answered, and is told when its client
  /// has gone (RequestContext::gone).
  template <class Op>
  void waits() {
    entries_[Op::kIndex].waits = true;
    any_waits_ = true;
  }
  bool any_waits() const { return any_waits_; }
  bool waits(const Operation& operation) const { return entries_[index(operation)].waits; }

  /// Lets requests without any signature through to the policies, as principal `anonymous`: S3.
  void allow_anonymous() { anonymous_ = true; }
  bool anonymous_allowed() const { return anonymous_; }

  std::vector<policy::Permission> permissions_of(const Operation& operation, const RequestContext& context,
                                                 const void* input) const {
    const auto& stated = entries_[index(operation)].permissions;
    if (stated) return stated(context, input);
    policy::Permission permission;
    permission.action = std::string(model_.signing_name) + ":" + std::string(operation.name);
    return {std::move(permission)};
  }
  /// Asked for requests that reach this service and match none of its operations (HTML forms, preflights, websites);
  /// nullopt leaves them to the error that they get without it. The signature is not checked.
  using Unmatched = std::function<std::optional<net::Response>(const RequestContext&, const net::Request&)>;
  void on_unmatched(Unmatched function) { unmatched_ = std::move(function); }
  const Unmatched& unmatched() const { return unmatched_; }

  /// Sees every response of this service, errors too, and may add headers to it.
  using ResponseHook = std::function<void(const RequestContext&, const net::Request&, net::Response&)>;
  void on_response(ResponseHook function) { response_hook_ = std::move(function); }
  const ResponseHook& response_hook() const { return response_hook_; }

  const ServiceModel& model() const { return model_; }
  ErrorForm error_form() const { return error_form_; }

  /// Null if nobody answers that operation.
  const Handler* handler(const Operation& operation) const {
    const auto& entry = entries_[index(operation)];
    return entry.handler ? &entry.handler : nullptr;
  }
  std::string_view difference(const Operation& operation) const { return entries_[index(operation)].difference; }

 private:
  struct Entry {
    Handler handler;
    Permissions permissions;
    std::string difference;
    bool waits = false;
  };
  std::size_t index(const Operation& operation) const {
    return static_cast<std::size_t>(&operation - model_.operations.data());
  }

  const ServiceModel& model_;
  const ErrorForm error_form_;
  std::vector<Entry> entries_;  // in the model's order
  bool anonymous_ = false;
  bool any_waits_ = false;
  Unmatched unmatched_;
  ResponseHook response_hook_;
};

}  // namespace likeness::aws
