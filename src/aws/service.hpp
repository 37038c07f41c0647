#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aws/model.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"

namespace likeness::aws {

/// What a provider may know of the call besides its input.
struct RequestContext {
  std::string request_id;  // UUID, also in the answer's x-amzn-RequestId
  std::string account;     // twelve digits
  std::string region;
  std::string caller_arn;     // "arn:aws:iam::000000000000:root"
  std::string access_key_id;  // empty for unsigned operations
  std::string source_ip;
  TimePoint time;  // when the request came in
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
    std::string difference;
  };
  std::size_t index(const Operation& operation) const {
    return static_cast<std::size_t>(&operation - model_.operations.data());
  }

  const ServiceModel& model_;
  const ErrorForm error_form_;
  std::vector<Entry> entries_;  // in the model's order
};

}  // namespace likeness::aws
