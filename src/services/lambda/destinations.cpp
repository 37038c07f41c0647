#include "services/lambda/destinations.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <chrono>
#include <utility>
#include <vector>

#include "aws/gen/events.hpp"
#include "aws/gen/lambda.hpp"
#include "aws/gen/sns.hpp"
#include "aws/gen/sqs.hpp"
#include "domain/lambda/errors.hpp"

namespace likeness::lambda {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxErrorMessage = 1024;

std::string time_text(TimePoint time) {
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count() % 1000;
  auto text = iso8601(time);
  text.pop_back();
  return fmt::format("{}.{:03}Z", text, millis);
}

/// A JSON text as part of another; a text that is none becomes a string.
json::value value_of(std::string_view text) {
  if (text.empty()) return json::value();
  json::error_code failed;
  auto parsed = json::parse(json::string_view(text.data(), text.size()), failed);
  if (failed) return json::value(json::string_view(text.data(), text.size()));
  return parsed;
}

template <class T>
Result<void> without_output(Result<T> result) {
  if (!result) return fail(result);
  return {};
}

bool names(std::string_view arn, std::string_view service) {
  return arn.find(fmt::format(":{}:", service)) != std::string_view::npos;
}

}  // namespace

std::string queue_url(std::string_view arn) {
  // arn:aws:sqs:REGION:ACCOUNT:NAME
  std::vector<std::string_view> parts;
  for (std::string_view rest = arn; parts.size() < 5;) {
    const auto at = rest.find(':');
    parts.push_back(rest.substr(0, at));
    if (at == std::string_view::npos) return std::string(arn);
    rest.remove_prefix(at + 1);
    if (parts.size() == 5) parts.push_back(rest);
  }
  return fmt::format("https://sqs.{}.amazonaws.com/{}/{}", parts[3], parts[4], parts[5]);
}

std::string Destinations::record(const Target& target, const std::string& request_id, std::string_view payload,
                                 const AsyncResult& result, TimePoint now) {
  const auto qualifier = target.qualifier.empty() ? std::string(kLatest) : target.qualifier;
  json::object out;
  out["version"] = "1.0";
  out["timestamp"] = time_text(now);
  out["requestContext"] = {{"requestId", request_id},
                           {"functionArn", target.function->arn(qualifier)},
                           {"condition", result.condition},
                           {"approximateInvokeCount", result.invokes}};
  out["requestPayload"] = value_of(payload);
  if (result.outcome != nullptr) {
    json::object context{{"statusCode", 200}, {"executedVersion", target.version->version}};
    if (!result.outcome->function_error.empty()) context["functionError"] = result.outcome->function_error;
    out["responseContext"] = std::move(context);
    out["responsePayload"] = value_of(result.outcome->payload);
  }
  return json::serialize(out);
}

Result<aws::LocalCaller> Destinations::caller_of(const Target& target) const {
  auto session = roles_.assume(target.version->role, target.function->name, target.function->arn());
  if (!session) return fail(session);
  return aws::LocalCaller{.principal = std::move(session->principal)};
}

Result<void> Destinations::send_text(const aws::LocalCaller& caller, const std::string& arn,
                                     const std::string& text) const {
  if (names(arn, "sqs")) {
    aws::sqs::SendMessageRequest in;
    in.queue_url = queue_url(arn);
    in.message_body = text;
    return without_output(calls_.call<aws::sqs::SendMessage>(caller, in));
  }
  if (names(arn, "sns")) {
    aws::sns::PublishInput in;
    in.topic_arn = arn;
    in.message = text;
    return without_output(calls_.call<aws::sns::Publish>(caller, in));
  }
  return invalid("A destination is neither queue nor topic: " + arn);
}

Result<void> Destinations::send(const Target& target, const std::string& destination, const std::string& record,
                                bool success) const {
  auto caller = caller_of(target);
  if (!caller) return fail(caller);
  if (names(destination, "lambda")) {
    aws::lambda::InvocationRequest in;
    in.function_name = destination;
    in.invocation_type = aws::lambda::InvocationType::Event;
    const auto bytes = as_bytes(record);
    in.payload = Bytes(bytes.begin(), bytes.end());
    return without_output(calls_.call<aws::lambda::Invoke>(*caller, in));
  }
  if (names(destination, "events")) {
    aws::events::PutEventsRequestEntry entry;
    entry.source = "lambda";
    entry.detail_type =
        success ? "Lambda Function Invocation Result - Success" : "Lambda Function Invocation Result - Failure";
    entry.detail = record;
    entry.event_bus_name = destination;
    const auto qualifier = target.qualifier.empty() ? std::string(kLatest) : target.qualifier;
    entry.resources = std::vector<std::string>{destination, target.function->arn(qualifier)};
    aws::events::PutEventsRequest in;
    in.entries.emplace().push_back(std::move(entry));
    auto sent = calls_.call<aws::events::PutEvents>(*caller, in);
    if (!sent) return fail(sent);
    if (sent->failed_entry_count.value_or(0) > 0)
      return client_error("EventNotTaken", "The event bus did not take the record.");
    return {};
  }
  return send_text(*caller, destination, record);
}

Result<void> Destinations::send_dead_letter(const Target& target, const std::string& arn, const std::string& request_id,
                                            const std::string& payload, const std::string& error) const {
  auto caller = caller_of(target);
  if (!caller) return fail(caller);
  const auto fill = [&](auto& attributes, auto attribute) {
    attribute.data_type = "String";
    attribute.string_value = request_id;
    attributes["RequestID"] = attribute;
    attribute.string_value = error.substr(0, kMaxErrorMessage);
    if (!error.empty()) attributes["ErrorMessage"] = attribute;
    attribute.data_type = "Number";
    attribute.string_value = "200";
    attributes["ErrorCode"] = attribute;
  };
  if (names(arn, "sqs")) {
    aws::sqs::SendMessageRequest in;
    in.queue_url = queue_url(arn);
    in.message_body = payload;
    fill(in.message_attributes.emplace(), aws::sqs::MessageAttributeValue());
    return without_output(calls_.call<aws::sqs::SendMessage>(*caller, in));
  }
  aws::sns::PublishInput in;
  in.topic_arn = arn;
  in.message = payload;
  fill(in.message_attributes.emplace(), aws::sns::MessageAttributeValue());
  return without_output(calls_.call<aws::sns::Publish>(*caller, in));
}

}  // namespace likeness::lambda
