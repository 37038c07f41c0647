#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "functions/native.hpp"

// NOLINTBEGIN(readability-identifier-naming): the library's names, declared so that its headers stay in .cpp files.
namespace boost::json {
class value;
}  // namespace boost::json
// NOLINTEND(readability-identifier-naming)

/// What the applications share: calls with JSON values, and the events they are given.
namespace likeness::apps {

/// Error "InvalidEvent": it is no JSON object.
Result<boost::json::value> parse_event(std::string_view event);

/// A call as the function's role. Errors are those of the operation.
Result<boost::json::value> call(functions::NativeContext& context, std::string_view service, std::string_view operation,
                                const boost::json::value& input);

/// The member at the end of a path of objects ("detail", "bucket", "name"); null where there is none.
const boost::json::value* member(const boost::json::value& from, std::initializer_list<std::string_view> path);
/// The text there; "" where there is none.
std::string text(const boost::json::value& from, std::initializer_list<std::string_view> path);

/// DetectFaces with every attribute on an object of a bucket. `unreadable` is set, and the list empty, if the photo
/// itself is the trouble (no image, too large, too small): that is a finding. All else is an Error.
Result<boost::json::value> detect_faces(functions::NativeContext& context, const std::string& bucket,
                                        const std::string& key, std::string& unreadable);

/// "caf%C3%A9+1.jpg" as it is in S3's own events -> "café 1.jpg".
std::string key_of_event(std::string_view encoded);

}  // namespace likeness::apps
