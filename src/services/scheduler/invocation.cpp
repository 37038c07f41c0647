#include "services/scheduler/invocation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "aws/gen/events.hpp"
#include "aws/gen/sqs.hpp"
#include "aws/json_reader.hpp"
#include "aws/json_writer.hpp"
#include "base/log.hpp"
#include "domain/record.hpp"
#include "events/json_tokens.hpp"
#include "services/events/dispatcher.hpp"

namespace likeness::scheduler {

namespace {

using std::chrono::seconds;

constexpr std::string_view kService = "scheduler.amazonaws.com";
constexpr std::uint8_t kArn = 1, kGroup = 2, kTarget = 3, kId = 4, kScheduled = 5, kErrorCode = 6, kErrorMessage = 7,
                       kCondition = 8, kAttempts = 9;
constexpr int kDefaultAttempts = 185;
constexpr seconds kDefaultAge{86'400};
constexpr seconds kLongestPause{600};
constexpr std::string_view kUniversal = "arn:aws:scheduler:::aws-sdk:";
/// What the SDKs call services whose model lies in a folder of another name.
constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kModels = {
    {{"sfn", "stepfunctions"}, {"eventbridge", "events"}, {"cloudwatchlogs", "logs"}, {"states", "stepfunctions"}}};

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
}

std::chrono::milliseconds pause_after(int attempts) {
  return std::min<std::chrono::milliseconds>(seconds(1 << std::min(attempts, 12)), kLongestPause);
}

}  // namespace

bool read_universal(std::string_view arn, std::string& model, std::string& operation) {
  if (!arn.starts_with(kUniversal)) return false;
  arn.remove_prefix(kUniversal.size());
  const std::size_t colon = arn.find(':');
  if (colon == std::string_view::npos || colon + 1 == arn.size()) return false;
  model = arn.substr(0, colon);
  operation = arn.substr(colon + 1);
  for (const auto& [name, folder] : kModels)
    if (model == name) model = folder;
  if (operation[0] >= 'a' && operation[0] <= 'z') operation[0] = static_cast<char>(operation[0] - 32);
  return true;
}

const aws::Shape& shape_named(std::string_view name) {
  const auto& all = shapes::model().shapes;
  return **std::lower_bound(all.begin(), all.end(), name,
                            [](const aws::Shape* shape, std::string_view wanted) { return shape->name < wanted; });
}

std::string Schedules::Invocation::write() const {
  domain::RecordWriter writer;
  writer.text(kArn, schedule_arn);
  writer.text(kGroup, group);
  std::string json;
  aws::write_json(shape_named("Target"), &target, json);
  writer.text(kTarget, json);
  writer.text(kId, id);
  writer.number(kScheduled,
                static_cast<std::uint64_t>(std::chrono::duration_cast<seconds>(scheduled.time_since_epoch()).count()));
  if (!error_code.empty()) {
    writer.text(kErrorCode, error_code);
    writer.text(kErrorMessage, error_message);
    writer.text(kCondition, condition);
    writer.number(kAttempts, static_cast<std::uint64_t>(attempts));
  }
  return writer.take();
}

Result<Schedules::Invocation> Schedules::Invocation::read(std::string_view bytes) {
  Invocation invocation;
  domain::RecordReader reader(bytes);
  while (reader.next()) {
    switch (reader.field()) {
      case kArn: invocation.schedule_arn = reader.text(); break;
      case kGroup: invocation.group = reader.text(); break;
      case kTarget:
        if (auto read = aws::read_json(reader.text(), shape_named("Target"), &invocation.target, {.lenient = true});
            !read)
          return fail(read);
        break;
      case kId: invocation.id = reader.text(); break;
      case kScheduled: invocation.scheduled = TimePoint(seconds(static_cast<std::int64_t>(reader.number()))); break;
      case kErrorCode: invocation.error_code = reader.text(); break;
      case kErrorMessage: invocation.error_message = reader.text(); break;
      case kCondition: invocation.condition = reader.text(); break;
      case kAttempts: invocation.attempts = static_cast<int>(reader.number()); break;
      default: break;
    }
  }
  if (!reader.ok()) return server_error("InternalServerException", "Internal error.", "an invocation is damaged");
  return invocation;
}

std::string Schedules::Invocation::input(int attempt, const std::string& account, const std::string& region) const {
  if (!target.input) {
    // What AWS sends where nothing was asked for; the detail is a text.
    return eventbridge::event_json({.id = id,
                                    .detail_type = "Scheduled Event",
                                    .source = "aws.scheduler",
                                    .time = scheduled,
                                    .resources = {schedule_arn}},
                                   account, region, R"("{}")");
  }
  std::string text = *target.input;
  replace_all(text, "<aws.scheduler.schedule-arn>", schedule_arn);
  replace_all(text, "<aws.scheduler.scheduled-time>", iso8601(scheduled));
  replace_all(text, "<aws.scheduler.execution-id>", id);
  replace_all(text, "<aws.scheduler.attempt-number>", std::to_string(attempt));
  return text;
}

void Schedules::count(std::string_view name, const std::string& group) const {
  if (parts_.metrics == nullptr) return;
  parts_.metrics->record("AWS/Scheduler", name, {{"ScheduleGroup", group}}, 1, metrics::Unit::Count);
}

Result<void> Schedules::invoke(const Invocation& invocation, int attempt) const {
  const std::string arn = invocation.target.arn.value_or("");
  auto session = parts_.roles.assume(invocation.target.role_arn.value_or(""), std::string(kService), invocation.id,
                                     invocation.schedule_arn);
  if (!session) return fail(session);
  const aws::LocalCaller caller{.principal = std::move(session->principal)};
  const std::string input = invocation.input(attempt, parts_.account, parts_.region);
  std::string model;
  std::string operation;
  if (read_universal(arn, model, operation)) {
    auto done = parts_.calls.call_json(caller, model, operation, input);
    if (!done) return fail(done);
    return {};
  }
  if (const auto& event = invocation.target.event_bridge_parameters;
      event && eventbridge::arn_part(arn, 2) == "events") {
    auto put = parts_.calls.call<aws::events::PutEvents>(
        caller, {.entries = std::vector{aws::events::PutEventsRequestEntry{
                     .source = event->source,
                     .detail_type = event->detail_type,
                     .detail = input,
                     .event_bus_name = std::string(eventbridge::arn_part(arn, 5).substr(sizeof "event-bus/" - 1))}}});
    if (!put) return fail(put);
    if (put->failed_entry_count.value_or(0) == 0) return {};
    const auto& entry = put->entries->front();
    return client_error(entry.error_code.value_or("InvalidArgument"), entry.error_message.value_or(""));
  }
  eventbridge::TargetCall call{.arn = arn, .input = input, .event_id = invocation.id};
  if (invocation.target.sqs_parameters)
    call.message_group = invocation.target.sqs_parameters->message_group_id.value_or("");
  return eventbridge::call_target(parts_.calls, caller, call, parts_.clock);
}

domain::Verdict Schedules::attempt(const domain::Delivery& delivery) {
  auto invocation = Invocation::read(delivery.body);
  if (!invocation) {
    log::error("scheduler: {}", invocation.error().detail);
    return domain::Verdict::done();
  }
  const TimePoint now = parts_.clock.now();
  const auto bury = [&](bool first) {
    const auto sent = to_dead_letters(*invocation);
    if (sent) return domain::Verdict::done();
    if (!first && (eventbridge::is_permanent(sent.error()) || now - delivery.created > 2 * kDefaultAge)) {
      count("InvocationsFailedToBeSentToDeadLetterCount", invocation->group);
      log::warn("scheduler: no dead letter of {}: {}: {}", invocation->schedule_arn, sent.error().code,
                sent.error().message);
      return domain::Verdict::done();
    }
    auto verdict = domain::Verdict::retry(now + pause_after(first ? 0 : delivery.attempts));
    verdict.body = invocation->write();
    return verdict;
  };
  if (!invocation->error_code.empty()) return bury(false);

  count("InvocationAttemptCount", invocation->group);
  const auto done = invoke(*invocation, delivery.attempts + 1);
  if (done) return domain::Verdict::done();
  const Error& error = done.error();
  count("TargetErrorCount", invocation->group);
  const auto& policy = invocation->target.retry_policy;
  const int most = policy && policy->maximum_retry_attempts ? *policy->maximum_retry_attempts : kDefaultAttempts;
  const seconds oldest =
      policy && policy->maximum_event_age_in_seconds ? seconds(*policy->maximum_event_age_in_seconds) : kDefaultAge;
  const TimePoint due = now + pause_after(delivery.attempts);
  std::string condition;
  if (!eventbridge::is_permanent(error)) {
    if (delivery.attempts >= most) {
      condition = "MaximumRetryAttempts";
    } else if (due - invocation->scheduled > oldest) {
      condition = "MaximumEventAgeInSeconds";
    } else {
      return domain::Verdict::retry(due);
    }
  }
  count("InvocationDroppedCount", invocation->group);
  log::info("scheduler: {} could not reach {}: {}: {}", invocation->schedule_arn, invocation->target.arn.value_or(""),
            error.code, error.message);
  if (!invocation->target.dead_letter_config || !invocation->target.dead_letter_config->arn)
    return domain::Verdict::done();
  invocation->error_code = error.code;
  invocation->error_message = error.message;
  invocation->condition = condition;
  invocation->attempts = delivery.attempts;
  return bury(true);
}

Result<void> Schedules::to_dead_letters(const Invocation& invocation) const {
  auto session = parts_.roles.assume(invocation.target.role_arn.value_or(""), std::string(kService), invocation.id,
                                     invocation.schedule_arn);
  if (!session) return fail(session);
  aws::sqs::SendMessageRequest message{
      .queue_url = eventbridge::queue_url(*invocation.target.dead_letter_config->arn),
      .message_body = invocation.input(invocation.attempts + 1, parts_.account, parts_.region)};
  auto& attributes = message.message_attributes.emplace();
  const auto add = [&attributes](const char* name, const std::string& value) {
    if (!value.empty()) attributes[name] = {.string_value = value, .data_type = "String"};
  };
  add("ERROR_CODE", invocation.error_code);
  add("ERROR_MESSAGE", invocation.error_message);
  add("EXECUTION_ID", invocation.id);
  add("EXHAUSTED_RETRY_CONDITION", invocation.condition);
  add("RETRY_ATTEMPTS", std::to_string(invocation.attempts));
  add("SCHEDULED_TIME", iso8601(invocation.scheduled));
  add("SCHEDULE_ARN", invocation.schedule_arn);
  add("TARGET_ARN", invocation.target.arn.value_or(""));
  auto sent = parts_.calls.call<aws::sqs::SendMessage>({.principal = std::move(session->principal)}, message);
  if (!sent) return fail(sent);
  count("InvocationsSentToDeadLetterCount", invocation.group);
  return {};
}

}  // namespace likeness::scheduler
