#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aws/gen/lambda.hpp"
#include "aws/local_calls.hpp"
#include "aws/service.hpp"
#include "domain/lambda/code_store.hpp"
#include "domain/lambda/concurrency.hpp"
#include "domain/lambda/names.hpp"
#include "domain/lambda/registry.hpp"
#include "services/lambda/invoker.hpp"

/// What the operations share.
namespace likeness::lambda {

namespace shapes = aws::lambda;

struct Options {
  std::string account = "000000000000";
  std::string region = "us-east-1";
  /// Under which function URLs are found: "http://127.0.0.1:4600", known once the server listens.
  std::function<std::string()> endpoint = [] { return std::string(); };
  /// Below which function URLs have names of their own: "localhost"; empty: they are paths.
  std::string url_domain{};
};

class AsyncInvokes;
class Downloads;

/// The parts of the service; all borrowed.
struct Lambda {
  Registry& registry;
  CodeStore& code;
  Concurrency& concurrency;
  Invoker& invoker;
  AsyncInvokes* async = nullptr;  // null: no asynchronous invokes
  const RoleSource& roles;
  const functions::NativeRegistry& natives;
  functions::Runner& runner;
  const aws::LocalCalls& calls;
  Options options = {};
  const Downloads* downloads = nullptr;  // null: packages have no addresses
  /// Told after a change of event source mappings.
  std::function<void()> mappings_changed = [] {};
};

inline Place place_of(const aws::RequestContext& context) { return {context.account, context.region}; }

/// "http://127.0.0.1:4600": as the caller reaches this server.
std::string server_of(const Lambda& parts, const aws::RequestContext& context);

template <class Qualifier = std::optional<std::string>>
Result<FunctionName> name_of(const aws::RequestContext& context, const std::optional<std::string>& name,
                             const Qualifier& qualifier = std::nullopt) {
  return parse_function_name(place_of(context), name.value_or(""), qualifier);
}

}  // namespace likeness::lambda
