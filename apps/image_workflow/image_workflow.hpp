#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "functions/native.hpp"

/// The two functions of the image workflow: a bucket's event on the event bus starts a state machine, which calls
/// `process_image` and gives what it answers to `send_notification`.
namespace likeness::apps {

/// The event is EventBridge's "Object Created". Looks for faces in the object and puts a row into a table: ImageID (the
/// key), FaceDetected, FaceCount, Timestamp and, with faces, FaceDetails (JSON); a photo that cannot be read has
/// Problem instead. Environment: TABLE_NAME ("ImageMetadata").
///
/// Answers {"statusCode": 200, "body": {"s3_bucket", "s3_key", "face_detected", "face_count"[, "problem"]}}, and
/// {"statusCode": 400, "body": TEXT} for an event without an object. A call that fails is an Error.
Result<std::string> process_image(functions::NativeContext& context, std::string_view event);

/// The event is what process_image answered. Publishes "Face detected in image: KEY" or "No face detected in image:
/// KEY" to a topic. Environment: TOPIC_ARN. Answers {"statusCode": 200, "body": {"message_id", "message"}}.
Result<std::string> send_notification(functions::NativeContext& context, std::string_view event);

}  // namespace likeness::apps
