#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "aws/model.hpp"
#include "base/result.hpp"
#include "policy/permission.hpp"
#include "policy/principal.hpp"

namespace likeness::aws {

/// On whose behalf a call is made from inside: a role's session, or a service itself.
struct LocalCaller {
  policy::Principal principal;
  policy::ContextKeys keys = {};  // aws:SourceArn, aws:SourceAccount: why a service calls
};

/// The service ("events.amazonaws.com") as caller because of `source_arn`, a resource of `account`: what it calls has
/// to allow it in a policy of its own.
LocalCaller service_caller(const std::string& service, const std::string& source_arn, const std::string& account);

/// Calls of operations from inside the server: how one service reaches another. They pass the same gates, permissions,
/// constraints and providers as requests from the network. Thread-safe; every call blocks as long as its provider does.
///
/// An Error has the code that a client would see: a modelled exception's name, "AccessDeniedException",
/// "ValidationException"; `exception` may hold the exception's members (aws/exceptions.hpp). An operation that is not
/// there is "UnknownOperationException".
class LocalCalls {
 public:
  virtual ~LocalCalls() = default;

  ///     auto sent = calls.call<aws::sqs::SendMessage>(caller, {.queue_url = url, .message_body = body});
  template <class Op>
  Result<typename Op::Output> call(const LocalCaller& caller, const typename Op::Input& input) const {
    Result<Object> output = invoke(caller, Op::operation(), &input);
    if (!output) return fail(output);
    return std::move(*static_cast<typename Op::Output*>(output->get()));
  }

  /// By name: `model` is the folder of the model ("stepfunctions"). Input and output are JSON objects whose members
  /// have the SDKs' names, in upper camel case, whatever the service's own protocol calls them ("FunctionName",
  /// "Bucket"); blobs are base64, streams text.
  Result<std::string> call_json(const LocalCaller& caller, std::string_view model, std::string_view operation,
                                std::string_view input) const;

  /// `input` is of the operation's input type, the object of its output type.
  virtual Result<Object> invoke(const LocalCaller& caller, const Operation& operation, const void* input) const = 0;

  /// Null where there is no such service or operation.
  virtual const Operation* find(std::string_view model, std::string_view operation) const = 0;
};

}  // namespace likeness::aws
