#pragma once

#include <memory>

#include "aws/service.hpp"
#include "domain/identity/directory.hpp"
#include "domain/identity/sessions.hpp"
#include "domain/identity/web_identity.hpp"

namespace likeness::sts {

/// The STS service with every operation that we have. Borrows: all of them must outlive the result, which is read-only
/// from then on and safe from any thread.
std::unique_ptr<aws::Service> make_sts(const identity::Directory& directory, const identity::Sessions& sessions,
                                       const identity::WebIdentities& web_identities);

}  // namespace likeness::sts
