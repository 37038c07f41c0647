#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "domain/caller.hpp"
#include "domain/faces/live_collection.hpp"
#include "storage/store.hpp"

namespace likeness::domain {

/// A request that carries a ClientRequestToken: which one, and the digest of all else that it asks.
struct TokenedRequest {
  std::string operation;
  std::string token;
  std::string collection;
  std::string parameters;  // everything else, in one canonical text
};

/// Remembers what was answered to a ClientRequestToken, so that a repeated request (an SDK's retry after a lost answer)
/// is answered again and not done again. Kept with the change that it stands for, in the same commit, for kLifetime.
/// Thread-safe; blocking.
class RequestTokens {
 public:
  static constexpr std::chrono::hours kLifetime{8};

  RequestTokens(storage::Store& store, const Clock& clock) : store_(store), clock_(clock) {}

  /// The answer given before; nullopt if the token is new (or old enough to be forgotten, or was used on an earlier
  /// collection of the same name). Error: IdempotentParameterMismatchException.
  Result<std::optional<std::string>> find(const Caller& caller, const LiveCollection& live,
                                          const TokenedRequest& request) const;
  /// To be committed with the change, under the latch "token/TOKEN" of its scope.
  storage::Write remember(const Caller& caller, const LiveCollection& live, const TokenedRequest& request,
                          const std::string& answer) const;
  /// Removes what is older than kLifetime, and tells how many that were.
  Result<std::size_t> forget_old(const Caller& caller);

 private:
  storage::Store& store_;
  const Clock& clock_;
};

}  // namespace likeness::domain
