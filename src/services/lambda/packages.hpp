#pragma once

#include <optional>
#include <string>

#include "services/lambda/lambda.hpp"

namespace likeness::lambda {

/// Where a package comes from: in the request, or an object that the caller may read.
struct PackageSource {
  const Bytes* zip = nullptr;
  std::optional<std::string> bucket, key, version;
};

/// Takes a package into the code store. Errors: InvalidParameterValueException, with what S3 said.
Result<CodeStore::Pin> take_package(const Lambda& parts, const aws::RequestContext& context,
                                    const PackageSource& source);

}  // namespace likeness::lambda
