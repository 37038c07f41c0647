#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>
#include <vector>

#include "aws/gen/stepfunctions.hpp"
#include "services/stepfunctions/provider.hpp"

namespace likeness::stepfunctions {

namespace shapes = aws::stepfunctions;

void add_machines(aws::Service& service, const Parts& parts);
void add_versions(aws::Service& service, const Parts& parts);
void add_executions(aws::Service& service, const Parts& parts);
void add_map_runs(aws::Service& service, const Parts& parts);
void add_tasks(aws::Service& service, const Parts& parts);
void add_test_state(aws::Service& service, const Parts& parts);

std::string scope_of(const aws::RequestContext& context);

Failure invalid_arn(std::string_view arn);
Failure machine_missing(std::string_view arn);
Failure execution_missing(std::string_view arn);
Failure activity_missing(std::string_view arn);
/// Errors of states:: in the words of the API.
Failure api_error(Error error);
template <class T>
Failure api_error(Result<T>& result) {
  return api_error(std::move(result.error()));
}

Result<void> check_name(const std::string& name);
/// A key of the account's own has to be named. Error: InvalidEncryptionConfiguration.
Result<void> check_encryption(const std::optional<shapes::EncryptionConfiguration>& wanted);
Result<states::StatesArn> read_arn(const std::string& arn, std::string_view kind);

/// What a machine's ARN with or without version or alias leads to.
struct Target {
  states::Machine machine;  // of the revision that is meant
  std::string version_arn;
  std::string alias_arn;
};
Result<Target> find_target(const Parts& parts, const std::string& arn);

/// Error: ExecutionDoesNotExist, InvalidArn.
Result<states::ExecutionRecord> record_of(const Parts& parts, const std::string& arn);

struct RedriveStatus {
  shapes::ExecutionRedriveStatus status;
  std::optional<std::string> reason;
};
RedriveStatus redrive_status(const Parts& parts, const states::ExecutionRecord& record);

/// An event as the API shows it.
Result<shapes::HistoryEvent> history_event(const states::Event& event, bool data);

shapes::LoggingConfiguration logging_of(const states::Machine& machine);
shapes::TracingConfiguration tracing_of(const states::Machine& machine);
std::optional<shapes::EncryptionConfiguration> encryption_of(const states::Machine& machine);

std::string token_for(const Parts& parts, std::string_view listing, const std::string& from);
Result<std::string> from_token(const Parts& parts, std::string_view listing, const std::optional<std::string>& token);
std::size_t page_size(const std::optional<std::int32_t>& asked);

states::ParseOptions parse_options(const Parts& parts, bool express);

}  // namespace likeness::stepfunctions
