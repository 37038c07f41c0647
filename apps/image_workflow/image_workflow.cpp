#include "apps/image_workflow/image_workflow.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "apps/calls.hpp"
#include "base/clock.hpp"

namespace likeness::apps {

namespace json = boost::json;

Result<std::string> process_image(functions::NativeContext& context, std::string_view event) {
  auto parsed = parse_event(event);
  if (!parsed) return fail(parsed);
  const std::string bucket = text(*parsed, {"detail", "bucket", "name"});
  const std::string key = text(*parsed, {"detail", "object", "key"});
  if (bucket.empty() || key.empty()) {
    context.log("The event names no object of a bucket in its detail.");
    return json::serialize(
        json::object{{"statusCode", 400},
                     {"body", "Invalid event structure: detail.bucket.name and detail.object.key are needed."}});
  }

  std::string problem;
  const auto details = detect_faces(context, bucket, key, problem);
  if (!details) return Failure(details.error());
  const std::size_t faces = details->get_array().size();

  json::object item = {{"ImageID", {{"S", key}}},
                       {"FaceDetected", {{"BOOL", faces > 0}}},
                       {"FaceCount", {{"N", std::to_string(faces)}}},
                       {"Timestamp", {{"S", iso8601(Clock::system().now())}}}};
  if (faces > 0) item["FaceDetails"] = {{"S", json::serialize(*details)}};
  if (!problem.empty()) item["Problem"] = {{"S", problem}};
  std::string table = context.environment("TABLE_NAME");
  if (table.empty()) table = "ImageMetadata";
  if (auto put = call(context, "dynamodb", "PutItem", {{"TableName", table}, {"Item", std::move(item)}}); !put)
    return fail(put);
  context.log(fmt::format("{}: {}", key, problem.empty() ? fmt::format("{} faces", faces) : problem));

  json::object body = {{"s3_bucket", bucket}, {"s3_key", key}, {"face_detected", faces > 0}, {"face_count", faces}};
  if (!problem.empty()) body["problem"] = problem;
  return json::serialize(json::object{{"statusCode", 200}, {"body", std::move(body)}});
}

Result<std::string> send_notification(functions::NativeContext& context, std::string_view event) {
  auto parsed = parse_event(event);
  if (!parsed) return fail(parsed);
  const std::string topic = context.environment("TOPIC_ARN");
  if (topic.empty()) return client_error("InvalidConfiguration", "The variable TOPIC_ARN is not set.");
  const std::string key = text(*parsed, {"body", "s3_key"});
  if (key.empty()) return client_error("InvalidEvent", "The event has no body.s3_key.");
  const json::value* detected = member(*parsed, {"body", "face_detected"});
  const bool face = detected != nullptr && detected->is_bool() && detected->get_bool();
  const std::string problem = text(*parsed, {"body", "problem"});
  std::string message = fmt::format("{} in image: {}", face ? "Face detected" : "No face detected", key);
  if (!problem.empty()) message = fmt::format("Image {} cannot be read. {}", key, problem);

  auto sent = call(context, "sns", "Publish",
                   {{"TopicArn", topic}, {"Subject", "Image processing result"}, {"Message", message}});
  if (!sent) return fail(sent);
  context.log(message);
  return json::serialize(
      json::object{{"statusCode", 200}, {"body", {{"message_id", text(*sent, {"MessageId"})}, {"message", message}}}});
}

}  // namespace likeness::apps
