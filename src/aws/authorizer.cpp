#include "aws/authorizer.hpp"

#include <fmt/format.h>

#include "aws/service.hpp"

namespace likeness::aws {
namespace {

class RootOnly final : public Authorizer {
 public:
  Result<void> authorize(const RequestContext& context, const policy::Permission& permission) const override {
    if (context.principal.kind == policy::Principal::Kind::Root) return {};
    return tl::unexpected(Error{kAccessDenied,
                                fmt::format("User: {} is not authorized to perform: {} on resource: {}",
                                            context.principal.arn, permission.action, permission.resource),
                                Error::Fault::Client, "no policies are known here, so only root is allowed"});
  }
};

}  // namespace

const Authorizer& Authorizer::root_only() {
  static const RootOnly only;
  return only;
}

Result<void> RequestContext::allowed(const policy::Permission& permission) const {
  const Authorizer& judge = authorizer != nullptr ? *authorizer : Authorizer::root_only();
  if (keys.empty()) return judge.authorize(*this, permission);
  policy::Permission with_keys = permission;
  for (const auto& [key, values] : keys) with_keys.context.emplace(key, values);
  return judge.authorize(*this, with_keys);
}

}  // namespace likeness::aws
