#include "apps/calls.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <charconv>

namespace likeness::apps {

namespace json = boost::json;

Result<json::value> parse_event(std::string_view event) {
  json::error_code error;
  json::value parsed = json::parse(event, error);
  if (error || !parsed.is_object()) return client_error("InvalidEvent", "The event is not a JSON object.");
  return parsed;
}

Result<json::value> call(functions::NativeContext& context, std::string_view service, std::string_view operation,
                         const json::value& input) {
  auto answer = context.call(service, operation, json::serialize(input));
  if (!answer) return fail(answer);
  json::error_code error;
  json::value parsed = json::parse(answer->empty() ? "{}" : *answer, error);
  if (error) return server_error("InvalidAnswer", fmt::format("The answer to {} is not JSON.", operation));
  return parsed;
}

const json::value* member(const json::value& from, std::initializer_list<std::string_view> path) {
  const json::value* at = &from;
  for (const std::string_view name : path) {
    const json::object* object = at->if_object();
    at = object == nullptr ? nullptr : object->if_contains(name);
    if (at == nullptr) return nullptr;
  }
  return at;
}

std::string text(const json::value& from, std::initializer_list<std::string_view> path) {
  const json::value* found = member(from, path);
  return found == nullptr || !found->is_string() ? std::string() : std::string(found->get_string());
}

Result<json::value> detect_faces(functions::NativeContext& context, const std::string& bucket, const std::string& key,
                                 std::string& unreadable) {
  auto answer = call(context, "rekognition", "DetectFaces",
                     {{"Image", {{"S3Object", {{"Bucket", bucket}, {"Name", key}}}}}, {"Attributes", {"ALL"}}});
  if (answer) {
    const json::value* details = member(*answer, {"FaceDetails"});
    return details != nullptr && details->is_array() ? *details : json::value(json::array());
  }
  const std::string& code = answer.error().code;
  // An object that cannot be had (InvalidS3ObjectException) is no finding about a photo: that may pass.
  if (code != "InvalidImageFormatException" && code != "ImageTooLargeException" && code != "InvalidParameterException")
    return fail(answer);
  unreadable = code + ": " + answer.error().message;
  return json::value(json::array());
}

std::string key_of_event(std::string_view encoded) {
  std::string key;
  key.reserve(encoded.size());
  for (std::size_t i = 0; i < encoded.size(); ++i) {
    unsigned code = 0;
    const char* digits = encoded.data() + i + 1;
    if (encoded[i] == '%' && i + 2 < encoded.size() &&
        std::from_chars(digits, digits + 2, code, 16).ptr == digits + 2) {
      key += static_cast<char>(code);
      i += 2;
    } else {
      key += encoded[i] == '+' ? ' ' : encoded[i];
    }
  }
  return key;
}

}  // namespace likeness::apps
