#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace likeness::app {

/// An application described as the calls that make it, in order (the form is in docs/deploying.md):
///
///     {"description": "...", "parameters": {"Bucket": "photos"},
///      "calls": [{"service": "s3", "operation": "CreateBucket", "input": {"Bucket": "${Bucket}"},
///                 "unless": ["BucketAlreadyOwnedByYou"]}]}
///
/// "${NAME}" in any text stands for a parameter; Account, Region and Endpoint are there by themselves. A value
/// {"$json": X} becomes the text of X, for members that hold a document (policies, patterns, definitions). An error
/// whose code is in "unless" means that what the call makes is there already; a call may have "otherwise", another call
/// that is made then, to bring what is there up to date.
struct Deployment {
  struct Call {
    std::string service, operation;
    std::string input;  // JSON
    std::vector<std::string> unless;
    std::vector<Call> otherwise;  // at most one
  };
  std::string description;
  std::vector<Call> calls;
};

/// Reads a description and fills in the parameters. Error "InvalidDeployment": the message says which call is wrong.
Result<Deployment> parse_deployment(std::string_view text, const std::map<std::string, std::string>& parameters);

/// Makes one call after the other. `call` answers JSON; `told` hears of each call what became of it ("made", "is
/// there", "updated"). Stops at the first error.
using MakeCall = std::function<Result<std::string>(const std::string& service, const std::string& operation,
                                                   const std::string& input)>;
using Told = std::function<void(const Deployment::Call& call, std::string_view outcome)>;
Result<void> deploy(const Deployment& deployment, const MakeCall& call, const Told& told);

}  // namespace likeness::app
