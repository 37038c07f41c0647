#pragma once

#include <memory>

#include "services/lambda/lambda.hpp"

namespace likeness::lambda {

/// The Lambda service with every operation that we have. Copies `parts`, whose parts must outlive the result; that is
/// read-only from then on and safe from any thread.
std::unique_ptr<aws::Service> make_lambda(const Lambda& parts);

}  // namespace likeness::lambda
