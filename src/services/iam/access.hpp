#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "aws/authorizer.hpp"
#include "aws/credentials.hpp"
#include "domain/identity/directory.hpp"
#include "domain/identity/sessions.hpp"
#include "services/iam/usage.hpp"

namespace likeness::iam {

enum class Enforcement { Enforce, Off };

/// Who calls and what he may, out of the account's identities: the request chain's source of keys and its authorizer.
/// With policies off every signed call is allowed; anonymous ones still need a resource that lets them. Thread-safe.
class Access final : public aws::CredentialSource, public aws::Authorizer {
 public:
  /// Borrows all of them. `root` holds the key of the account's root.
  Access(const aws::CredentialSource& root, const identity::Directory& directory, const identity::Sessions& sessions,
         Usage& usage, Enforcement enforcement)
      : root_(root), directory_(directory), sessions_(sessions), usage_(usage), enforcement_(enforcement) {}

  std::optional<aws::AccessKey> find(std::string_view access_key_id, std::string_view session_token) const override;
  Result<void> authorize(const aws::RequestContext& context, const policy::Permission& permission) const override;

 private:
  const aws::CredentialSource& root_;
  const identity::Directory& directory_;
  const identity::Sessions& sessions_;
  Usage& usage_;
  const Enforcement enforcement_;
};

/// What conditions may know of a request. Views into `context`.
policy::Environment environment_of(const aws::RequestContext& context);

}  // namespace likeness::iam
