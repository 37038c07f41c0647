// What a server that we asked answers: the endpoint of a subscriber may be anybody's. Reading ends, says the same in
// whatever pieces the bytes come, and holds no more than it may.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "net/response_reader.hpp"

namespace {

using namespace likeness::net;

constexpr std::size_t kMostBody = 1000;

void check(bool holds) {
  if (!holds) std::abort();
}

struct Outcome {
  bool refused = false, done = false, reusable = false;
  Response response;
};

Outcome read(std::string_view bytes, std::size_t step, bool head_only) {
  ResponseReader reader("host", {.max_body_bytes = kMostBody, .head_only = head_only});
  Outcome out;
  for (std::size_t at = 0; at < bytes.size() && !reader.done(); at += step) {
    if (!reader.feed(bytes.substr(at, step))) {
      out.refused = true;
      return out;
    }
  }
  out.reusable = reader.reusable();
  if (!reader.done() && !reader.end()) {
    out.refused = true;
    return out;
  }
  out.done = reader.done();
  out.response = reader.take();
  check(out.done);
  check(out.response.status >= 100 && out.response.status <= 999);
  check(out.response.status == 101 || out.response.status >= 200);
  check(out.response.body.size() <= kMostBody && (!head_only || out.response.body.empty()));
  for (const Header& field : out.response.headers)
    check((field.name + field.value).find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const bool head_only = data[1] % 4 == 0;
  const Outcome whole = read(bytes, std::max<std::size_t>(bytes.size(), 1), head_only);
  const Outcome cut = read(bytes, data[0] + 1u, head_only);
  check(whole.refused == cut.refused);
  check(whole.response.status == cut.response.status && whole.response.body == cut.response.body);
  check(whole.response.headers.size() == cut.response.headers.size());
  // With pieces, what follows the response may not have been seen.
  check(!whole.reusable || cut.reusable);

  // Its values as they would go out again.
  const auto head = write_request_head("GET / HTTP/1.1", "host", whole.response.headers);
  if (head) check(static_cast<std::size_t>(std::ranges::count(*head, '\n')) <= whole.response.headers.size() + 2);
  const auto line = std::string(bytes.substr(0, bytes.find('\n')));
  const auto hostile = write_request_head("GET / HTTP/1.1", "host", {{"Content-Type", line}});
  check(hostile.has_value() == (line.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos));
  return 0;
}
