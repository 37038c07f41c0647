#pragma once

#include <memory>

#include "aws/service.hpp"
#include "domain/identity/directory.hpp"
#include "services/iam/usage.hpp"

namespace likeness::iam {

/// The IAM service with every operation that we have. Borrows: both must outlive the result, which is read-only from
/// then on and safe from any thread.
std::unique_ptr<aws::Service> make_iam(identity::Directory& directory, const Usage& usage);

}  // namespace likeness::iam
