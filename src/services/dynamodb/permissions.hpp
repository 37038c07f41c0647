#pragma once

#include <string>

#include "aws/service.hpp"
#include "domain/dynamodb/tables.hpp"
#include "policy/permission.hpp"

namespace likeness::dynamodb {

/// The right to `action` ("PutItem") on a table, by its name or an ARN of it, or on one of its indexes, with the policy
/// that is attached to it.
policy::Permission permission_on(const Tables& tables, const aws::RequestContext& context, const std::string& action,
                                 const std::string& name_or_arn, const std::string& index = {});

}  // namespace likeness::dynamodb
