#pragma once

#include "base/result.hpp"
#include "policy/permission.hpp"

namespace likeness::aws {

struct RequestContext;

/// Error code of a refused permission: the gateway turns it into what the protocol calls it ("AccessDeniedException").
/// The message is AWS's ("User: ... is not authorized to perform: ..."), the detail names the statement that decided.
inline constexpr const char* kAccessDenied = "AccessDenied";

/// Decides whether the caller of a request may do something. Thread-safe.
class Authorizer {
 public:
  virtual ~Authorizer() = default;
  virtual Result<void> authorize(const RequestContext& context, const policy::Permission& permission) const = 0;

  /// Where no policies are known: the root of the account may everything, nobody else anything.
  static const Authorizer& root_only();
};

}  // namespace likeness::aws
