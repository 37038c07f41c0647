#include "app/service_metrics.hpp"

#include <array>
#include <string_view>

namespace likeness::app {
namespace {

using metrics::Dimension;
using metrics::Unit;

enum class Outcome { Fine, Throttled, UserError, ServerError };

Outcome outcome_of(const aws::CallRecord& call) {
  if (call.status < 400) return Outcome::Fine;
  if (call.error_code == "ThrottlingException" || call.error_code == "ProvisionedThroughputExceededException" ||
      call.error_code == "SlowDown")
    return Outcome::Throttled;
  return call.status >= 500 ? Outcome::ServerError : Outcome::UserError;
}

void record_rekognition(metrics::Recorder& recorder, const aws::CallRecord& call, double milliseconds) {
  constexpr std::string_view kSpace = "AWS/Rekognition";
  const std::array dimensions = {Dimension{"Operation", call.operation}};
  switch (outcome_of(call)) {
    case Outcome::Fine:
      recorder.record(kSpace, "SuccessfulRequestCount", dimensions, 1, Unit::Count);
      recorder.record(kSpace, "ResponseTime", dimensions, milliseconds, Unit::Milliseconds);
      return;
    case Outcome::Throttled: return recorder.record(kSpace, "ThrottledCount", dimensions, 1, Unit::Count);
    case Outcome::UserError: return recorder.record(kSpace, "UserErrorCount", dimensions, 1, Unit::Count);
    case Outcome::ServerError: return recorder.record(kSpace, "ServerErrorCount", dimensions, 1, Unit::Count);
  }
}

void record_s3(metrics::Recorder& recorder, const aws::CallRecord& call, double milliseconds) {
  constexpr std::string_view kSpace = "AWS/S3";
  const auto count = [&](std::string_view name, double value, Unit unit) {
    recorder.record(kSpace, name, {}, value, unit);
  };
  const std::string_view operation = call.operation;
  count("AllRequests", 1, Unit::Count);
  if (operation.starts_with("GetObject")) count("GetRequests", 1, Unit::Count);
  if (operation.starts_with("PutObject") || operation.starts_with("UploadPart")) count("PutRequests", 1, Unit::Count);
  if (operation.starts_with("DeleteObject")) count("DeleteRequests", 1, Unit::Count);
  if (operation.starts_with("Head")) count("HeadRequests", 1, Unit::Count);
  if (operation.starts_with("ListObject")) count("ListRequests", 1, Unit::Count);
  if (call.status >= 400) count(call.status < 500 ? "4xxErrors" : "5xxErrors", 1, Unit::Count);
  if (call.bytes_in > 0) count("BytesUploaded", static_cast<double>(call.bytes_in), Unit::Bytes);
  if (call.bytes_out > 0) count("BytesDownloaded", static_cast<double>(call.bytes_out), Unit::Bytes);
  count("TotalRequestLatency", milliseconds, Unit::Milliseconds);
}

void record_dynamodb(metrics::Recorder& recorder, const aws::CallRecord& call) {
  constexpr std::string_view kSpace = "AWS/DynamoDB";
  const std::array dimensions = {Dimension{"Operation", call.operation}};
  switch (outcome_of(call)) {
    case Outcome::Fine: return;  // the provider knows the table
    case Outcome::Throttled: return recorder.record(kSpace, "ThrottledRequests", dimensions, 1, Unit::Count);
    case Outcome::UserError: return recorder.record(kSpace, "UserErrors", {}, 1, Unit::Count);
    case Outcome::ServerError: return recorder.record(kSpace, "SystemErrors", dimensions, 1, Unit::Count);
  }
}

}  // namespace

void record_call(metrics::Recorder& recorder, const aws::CallRecord& call, double milliseconds) {
  if (call.operation.empty()) return;
  if (call.service == "rekognition") return record_rekognition(recorder, call, milliseconds);
  if (call.service == "s3") return record_s3(recorder, call, milliseconds);
  if (call.service == "dynamodb") record_dynamodb(recorder, call);
}

}  // namespace likeness::app
