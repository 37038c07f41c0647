#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "aws/gen/events.hpp"
#include "aws/gen/lambda.hpp"
#include "aws/gen/logs.hpp"
#include "aws/gen/sns.hpp"
#include "aws/gen/sqs.hpp"
#include "aws/gen/stepfunctions.hpp"
#include "events/json_tokens.hpp"
#include "services/events/dispatcher.hpp"

namespace likeness::eventbridge {

namespace {

constexpr std::array<std::string_view, 5> kServices = {"lambda", "sqs", "sns", "states", "logs"};

template <class Op>
Result<void> done(Result<typename Op::Output> result) {
  if (!result) return fail(result);
  return {};
}

Result<void> call_lambda(const aws::LocalCalls& calls, const aws::LocalCaller& caller, const TargetCall& call) {
  const auto bytes = as_bytes(call.input);
  return done<aws::lambda::Invoke>(
      calls.call<aws::lambda::Invoke>(caller, {.function_name = call.arn,
                                               .invocation_type = aws::lambda::InvocationType::Event,
                                               .payload = Bytes(bytes.begin(), bytes.end())}));
}

Result<void> call_queue(const aws::LocalCalls& calls, const aws::LocalCaller& caller, const TargetCall& call) {
  aws::sqs::SendMessageRequest message{.queue_url = queue_url(call.arn), .message_body = call.input};
  if (!call.message_group.empty()) {
    message.message_group_id = call.message_group;
    if (call.arn.ends_with(".fifo") && !call.event_id.empty()) message.message_deduplication_id = call.event_id;
  }
  return done<aws::sqs::SendMessage>(calls.call<aws::sqs::SendMessage>(caller, message));
}

Result<void> call_topic(const aws::LocalCalls& calls, const aws::LocalCaller& caller, const TargetCall& call) {
  aws::sns::PublishInput message{.topic_arn = call.arn, .message = call.input};
  if (!call.message_group.empty()) {
    message.message_group_id = call.message_group;
    if (!call.event_id.empty()) message.message_deduplication_id = call.event_id;
  }
  return done<aws::sns::Publish>(calls.call<aws::sns::Publish>(caller, message));
}

Result<void> call_state_machine(const aws::LocalCalls& calls, const aws::LocalCaller& caller, const TargetCall& call) {
  return done<aws::stepfunctions::StartExecution>(
      calls.call<aws::stepfunctions::StartExecution>(caller, {.state_machine_arn = call.arn, .input = call.input}));
}

/// The event becomes a line of a stream of its own, as on AWS.
Result<void> call_log_group(const aws::LocalCalls& calls, const aws::LocalCaller& caller, const TargetCall& call,
                            const Clock& clock) {
  std::string group(arn_part(call.arn, 5));
  if (group.starts_with("log-group:")) group.erase(0, 10);
  if (group.ends_with(":*")) group.resize(group.size() - 2);
  const std::string stream = call.event_id.empty() ? uuid_v4() : call.event_id;
  auto created = calls.call<aws::logs::CreateLogStream>(caller, {.log_group_name = group, .log_stream_name = stream});
  // A repetition finds the stream of the attempt before.
  if (!created && created.error().code != "ResourceAlreadyExistsException") return fail(created);
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(clock.now().time_since_epoch()).count();
  return done<aws::logs::PutLogEvents>(calls.call<aws::logs::PutLogEvents>(
      caller, {.log_group_name = group,
               .log_stream_name = stream,
               .log_events = std::vector{aws::logs::InputLogEvent{.timestamp = now, .message = call.input}}}));
}

}  // namespace

std::string_view arn_part(std::string_view arn, std::size_t part) {
  for (std::size_t i = 0; i < part; ++i) {
    const std::size_t colon = arn.find(':');
    if (colon == std::string_view::npos) return {};
    arn.remove_prefix(colon + 1);
  }
  return part < 5 ? arn.substr(0, arn.find(':')) : arn;
}

std::string queue_url(std::string_view arn) {
  return fmt::format("https://sqs.{}.amazonaws.com/{}/{}", arn_part(arn, 3), arn_part(arn, 4), arn_part(arn, 5));
}

bool can_call(std::string_view arn) {
  const std::string_view service = arn_part(arn, 2);
  return std::find(kServices.begin(), kServices.end(), service) != kServices.end() ||
         (service == "events" && arn_part(arn, 5).starts_with("event-bus/"));
}

bool is_permanent(const Error& error) {
  if (error.fault == Error::Fault::Server) return false;
  const std::string& code = error.code;
  for (const auto* passing :
       {"Throttl", "TooManyRequests", "LimitExceeded", "ServiceUnavailable", "Internal", "RequestLimit",
        "ResourceNotReady", "ResourceConflict", "Conflict", "EC2", "ENI", "OverLimit", "SlowDown"})
    if (code.find(passing) != std::string::npos) return false;
  return true;
}

Result<void> call_target(const aws::LocalCalls& calls, const aws::LocalCaller& caller, const TargetCall& call,
                         const Clock& clock) {
  const std::string_view service = arn_part(call.arn, 2);
  if (service == "lambda") return call_lambda(calls, caller, call);
  if (service == "sqs") return call_queue(calls, caller, call);
  if (service == "sns") return call_topic(calls, caller, call);
  if (service == "states") return call_state_machine(calls, caller, call);
  if (service == "logs") return call_log_group(calls, caller, call, clock);
  return client_error("UnsupportedTarget", fmt::format("Targets like {} are not available on this server.", call.arn));
}

}  // namespace likeness::eventbridge
