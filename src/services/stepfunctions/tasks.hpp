#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "aws/local_calls.hpp"
#include "domain/identity/service_roles.hpp"
#include "states/engine.hpp"

namespace likeness::stepfunctions {

/// Does the tasks of state machines: calls of the services of this server as the machine's role. What a service calls
/// itself in an ARN ("aws-sdk:sfn"), which exceptions it has and how Step Functions names them stands here. Borrows
/// both; thread-safe; a call blocks as long as the service does.
class Tasks : public states::TaskRunner {
 public:
  Tasks(const aws::LocalCalls& calls, const identity::ServiceRoles& roles) : calls_(calls), roles_(roles) {}

  states::Outcome<std::string> run(const states::TaskRequest& request) override;
  states::Outcome<std::string> read_object(const states::TaskRequest& request) override;

  /// What is wrong with the Resource of a task; nullopt: nothing.
  std::optional<std::string> check(std::string_view resource, bool express) const;

 private:
  states::Outcome<aws::LocalCaller> caller_of(const states::TaskRequest& request) const;
  states::Outcome<states::Value> call(const states::TaskRequest& request, std::string_view model,
                                      std::string_view operation, const states::Value& input);
  states::Outcome<std::string> invoke_function(const states::TaskRequest& request, const states::Value& input,
                                               bool whole_answer);
  states::Outcome<std::string> optimized(const states::TaskRequest& request, const states::Value& input);
  states::Outcome<std::string> sdk(const states::TaskRequest& request, const states::Value& input);

  const aws::LocalCalls& calls_;
  const identity::ServiceRoles& roles_;
};

}  // namespace likeness::stepfunctions
