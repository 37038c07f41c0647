#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "domain/http_events/event.hpp"

namespace likeness::http_events {

/// What a client gets of a function's answer. Header values hold no line ends.
struct Response {
  int status = 200;
  std::vector<Field> headers;  // with a Content-Type; one Set-Cookie for each cookie
  std::string body;
};

/// A function's answer in payload format 2.0, or any JSON. Errors: MalformedResponse, with what is wrong in its
/// message.
Result<Response> response_v2(std::string_view payload);

/// The content type by which a streamed answer says that it begins with a head.
inline constexpr std::string_view kStreamWithHead = "application/vnd.awslambda.http-integration-response";

/// Takes the head off a streamed answer. One use.
class HeadReader {
 public:
  static constexpr std::size_t kMaxHead = 1024 * 1024;

  /// Nullopt: more is needed. A response's body is what of the stream has come beyond the head. Errors:
  /// MalformedResponse.
  Result<std::optional<Response>> feed(std::string_view piece);
  /// The stream has ended: without the zero bytes all of it was a head.
  Result<Response> end() const;

 private:
  std::string text_;
};

}  // namespace likeness::http_events
