#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "domain/identity/model.hpp"
#include "policy/permission.hpp"
#include "policy/principal.hpp"

namespace likeness::identity {

/// Where the public keys of OIDC providers come from.
class TokenKeys {
 public:
  virtual ~TokenKeys() = default;
  /// The JSON Web Key Set of an issuer (without "https://"); nullopt where it is not known.
  virtual std::optional<std::string> key_set(std::string_view issuer) const = 0;
};

/// Key sets that lie in a folder: that of "idp.example.org/pool" in "idp.example.org_pool.json". Read anew each time,
/// so that keys can be changed while the server runs.
class TokenKeysInFolder final : public TokenKeys {
 public:
  explicit TokenKeysInFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}
  std::optional<std::string> key_set(std::string_view issuer) const override;

 private:
  const std::filesystem::path folder_;
};

/// Whom a token of an OIDC provider is about.
struct WebIdentity {
  policy::Principal principal;  // kind WebIdentity
  std::string subject;
  std::string audience;
  policy::ContextKeys keys;  // "idp.example.org:sub" ...
};

/// Checks JSON Web Tokens against the providers of the account. Thread-safe.
class WebIdentities {
 public:
  explicit WebIdentities(const TokenKeys& keys) : keys_(keys) {}

  /// Errors: InvalidIdentityToken, ExpiredTokenException, IDPCommunicationError where the issuer's keys are not known.
  Result<WebIdentity> verify(const State& state, std::string_view token, TimePoint now) const;

 private:
  const TokenKeys& keys_;
};

}  // namespace likeness::identity
