#pragma once

#include <string_view>

#include "base/result.hpp"
#include "domain/identity/model.hpp"

namespace likeness::identity {

/// The text of aws_policies.json: AWS's own managed policies of the services that applications here use, in the version
/// that AWS has in force. ReadOnlyAccess is cut to those services.
std::string_view aws_policies_json();

/// Puts them into a state, under "arn:aws:iam::aws:policy/...".
Result<void> add_aws_policies(State& state);

}  // namespace likeness::identity
