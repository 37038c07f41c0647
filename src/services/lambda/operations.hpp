#pragma once

#include <string>
#include <utility>
#include <vector>

#include "aws/exceptions.hpp"
#include "services/lambda/lambda.hpp"

/// The operations in groups; `make_lambda` calls each once.
namespace likeness::lambda {

void register_functions(aws::Service& service, const Lambda& parts);
void register_invokes(aws::Service& service, const Lambda& parts);
void register_versions(aws::Service& service, const Lambda& parts);
void register_policies(aws::Service& service, const Lambda& parts);
void register_layers(aws::Service& service, const Lambda& parts);
void register_settings(aws::Service& service, const Lambda& parts);
void register_mappings(aws::Service& service, const Lambda& parts);
void register_urls(aws::Service& service, const Lambda& parts);

/// Lambda's errors have a "Type" beside the message: who is to blame.
Error with_type(Error error);

/// Registers an operation: `function(parts, context, in)`.
template <class Op, class Function>
void on(aws::Service& service, const Lambda& parts, Function function, std::string difference = {}) {
  service.on<Op>(
      [parts, function = std::move(function)](const aws::RequestContext& context,
                                              const typename Op::Input& in) -> Result<typename Op::Output> {
        auto out = function(parts, context, in);
        if (!out) return tl::unexpected(with_type(std::move(out.error())));
        return out;
      },
      std::move(difference));
}

/// The right to an action on a function, with what the function's own policy says to it.
policy::Permission function_permission(const Lambda& parts, const aws::RequestContext& context, std::string action,
                                       const std::optional<std::string>& name,
                                       const std::optional<std::string>& qualifier = std::nullopt);

/// States what an operation needs: `action` on the function that its input names.
template <class Op>
void needs_function(aws::Service& service, const Lambda& parts, std::string action) {
  service.permissions<Op>(
      [parts, action = std::move(action)](const aws::RequestContext& context, const typename Op::Input& in) {
        std::optional<std::string> qualifier;
        if constexpr (requires { in.qualifier; }) qualifier = in.qualifier;
        return std::vector{function_permission(parts, context, action, in.function_name, qualifier)};
      });
}

}  // namespace likeness::lambda
