#pragma once

#include <string>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "domain/lambda/code_store.hpp"
#include "net/http.hpp"

namespace likeness::lambda {

/// Packages as files: whoever may read a function or layer is told where its package is, and for ten minutes whoever
/// knows that may fetch it. Places are signed with a key of this process, so they end with it. Thread-safe.
class Downloads {
 public:
  /// Borrows.
  Downloads(const CodeStore& code, const Clock& clock) : code_(code), clock_(clock), key_(random_bytes(32)) {}

  /// `server`: "http://127.0.0.1:4600".
  std::string location(const std::string& server, const CodeRef& code) const;

  /// Does not block.
  static bool matches(const net::Request& request);
  /// Blocks.
  net::Response answer(const net::Request& request) const;

 private:
  std::string signature(const std::string& digest, const std::string& size, const std::string& expires) const;

  const CodeStore& code_;
  const Clock& clock_;
  const Bytes key_;
};

}  // namespace likeness::lambda
