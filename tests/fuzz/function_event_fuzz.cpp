// Requests on their way to a function: whatever stands in their lines and body becomes an event that is JSON and holds
// the body.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "domain/http_events/event.hpp"
#include "states/value.hpp"

namespace {

std::string_view take_line(std::string_view& text) {
  const auto end = std::min(text.find('\n'), text.size());
  const auto line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

void check(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace likeness;  // NOLINT(google-build-using-namespace)
  if (size < 1) return 0;
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  http_events::Request request;
  request.method = take_line(text);
  request.path = take_line(text);
  request.query = take_line(text);
  while (!text.empty()) {
    const auto line = take_line(text);
    if (line.empty()) break;
    const auto colon = std::min(line.find(':'), line.size());
    request.headers.push_back(
        {std::string(line.substr(0, colon)), std::string(line.substr(std::min(colon + 1, line.size())))});
  }
  request.body = as_bytes(text);
  if (data[0] % 2 == 1) request.path_parameters["proxy"] = request.path;
  if (data[0] % 4 >= 2) request.iam = http_events::IamCaller{"AKIA", "1", "2", request.path, "3"};

  const auto event = states::parse_json(http_events::event_v2(request));
  check(event.has_value() && event->text_of("version") == "2.0");
  const auto* encoded = event->find("isBase64Encoded");
  check(encoded != nullptr && encoded->is_bool());
  if (text.empty()) return 0;
  const auto body = event->text_of("body");
  if (encoded->as_bool())
    check(from_base64(body).value_or(Bytes()) == Bytes(text.begin(), text.end()));
  else
    check(body == text);
  return 0;
}
