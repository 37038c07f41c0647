#include "aws/local_calls.hpp"

#include <fmt/format.h>

#include "aws/json_reader.hpp"
#include "aws/json_writer.hpp"
#include "aws/violation.hpp"

namespace likeness::aws {

LocalCaller service_caller(const std::string& service, const std::string& source_arn, const std::string& account) {
  LocalCaller caller;
  caller.principal.kind = policy::Principal::Kind::Service;
  caller.principal.account = account;
  caller.principal.name = service;
  caller.principal.arn = service;
  if (!source_arn.empty()) caller.keys["aws:SourceArn"] = {source_arn};
  caller.keys["aws:SourceAccount"] = {account};
  return caller;
}

Result<std::string> LocalCalls::call_json(const LocalCaller& caller, std::string_view model, std::string_view operation,
                                          std::string_view input) const {
  const Operation* found = find(model, operation);
  if (found == nullptr)
    return client_error("UnknownOperationException",
                        fmt::format("The operation {} of {} is not available in Likeness", operation, model));
  const Object object = found->make_input();
  if (found->input != nullptr) {
    auto violations =
        read_json(input.empty() ? "{}" : input, *found->input, object.get(), {.names = MemberNames::OfSdk});
    if (!violations) return fail(violations);
    if (!violations->empty()) return client_error("ValidationException", validation_message(*violations));
  }
  Result<Object> output = invoke(caller, *found, object.get());
  if (!output) return fail(output);
  std::string text;
  if (found->output == nullptr) return "{}";
  write_json(*found->output, output->get(), text, MemberNames::OfSdk);
  return text;
}

}  // namespace likeness::aws
