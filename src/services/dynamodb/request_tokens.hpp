#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "domain/dynamodb/database.hpp"
#include "domain/key_latches.hpp"

namespace likeness::dynamodb {

/// ClientRequestToken of transactions: within ten minutes the same request under the same token is done once. A token
/// is stored with what it did, in a partition of the store for each ten minutes; old partitions are swept as a whole.
/// Thread-safe.
class RequestTokens {
 public:
  explicit RequestTokens(Database& database) : database_(database) {}

  struct Lookup {
    domain::KeyLatches::Held held;       // to be kept over the commit: two requests with one token come one by one
    bool done = false;                   // it was, with the same fingerprint
    std::vector<storage::Write> writes;  // to be committed with the request where it is not done yet
  };
  /// Error: IdempotentParameterMismatchException.
  Result<Lookup> look_up(const std::string& scope, const std::string& token, const std::string& fingerprint);

 private:
  Result<std::vector<storage::Write>> sweep_old(const std::string& scope, std::int64_t bucket);

  Database& database_;
  domain::KeyLatches latches_;
};

}  // namespace likeness::dynamodb
