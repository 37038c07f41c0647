#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "aws/authorizer.hpp"
#include "aws/credentials.hpp"
#include "aws/signature_verifier.hpp"
#include "base/clock.hpp"
#include "base/elastic_pool.hpp"
#include "domain/http_events/event.hpp"
#include "domain/lambda/registry.hpp"
#include "functions/runner.hpp"
#include "net/http.hpp"
#include "services/lambda/invoker.hpp"

namespace likeness::lambda {

/// "/_likeness/functions/ID/PATH" reaches a function as "/PATH": for whom names below a domain of the server's do not
/// resolve.
inline constexpr std::string_view kFunctionUrlPath = "/_likeness/functions/";

/// Requests to function URLs: from HTTP to an event, and from what the function answers to HTTP. Thread-safe; `answer`
/// blocks until the function has answered, or has begun to where it streams.
class FunctionUrls {
 public:
  struct Parts {
    const Registry& registry;
    Invoker& invoker;
    const aws::CredentialSource& credentials;
    const aws::Authorizer& authorizer;
    const Clock& clock;
    std::string region;
  };
  /// Borrows.
  explicit FunctionUrls(const Parts& parts);

  /// By host or path. Does not block.
  static bool matches(const net::Request& request);
  net::Response answer(const net::Request& request);

 private:
  struct Call;
  net::Response invoke(Call& call);
  Result<void> allow(Call& call) const;
  http_events::Request event_of(const Call& call) const;
  net::Response whole(Call& call, functions::Invocation invocation);
  net::Response streamed(Call& call, functions::Invocation invocation);

  const Parts parts_;
  const aws::SignatureVerifier verifier_;
  ElasticPool pool_{"lambda-url", 256};
};

}  // namespace likeness::lambda
