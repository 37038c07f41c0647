#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "functions/native.hpp"

namespace likeness::apps {

/// The photo check of a passport office as a function. The event is a bucket's notification; for each photo in it the
/// function asks for its faces, holds the largest against the rules and puts one row into a table:
///
///   FileName          the object's key; the table's partition key
///   ValidationResult  "PASS" or "FAIL"
///   FailureReasons    JSON list of names: the attributes that failed, or NoFace, SeveralFaces, UnreadablePhoto
///   Reasons           list of maps {Rule, Reason, Measured, Threshold, Hint}: the same in words, with the measured
///   value Timestamp         ISO 8601 FileLocation      BUCKET/KEY FaceDetails       JSON of the attributes that were
///   looked at
///
/// Environment: TABLE_NAME ("ValidationRequests"); RULES, the name of a built-in rule set ("passport") or one in YAML
/// (docs: src/domain/checks). Rules about what the API does not tell (pixels, liveness) are an error, "InvalidRules".
///
/// Answers {"Photos": [{"FileName", "ValidationResult", "FailureReasons"}]}. A photo that cannot be judged because a
/// call failed is an Error, so that the event is tried again; rows are written once more then, with the same content.
Result<std::string> photo_check(functions::NativeContext& context, std::string_view event);

}  // namespace likeness::apps
