// The parts of the server that see a stranger's bytes first: the head of a request, and the chunks of a body. Whatever
// comes, parsing ends, is the same however the bytes are cut, and takes no head that two servers could read
// differently.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "net/chunked.hpp"
#include "net/head.hpp"
#include "net/http.hpp"

namespace {

using namespace likeness;
using namespace likeness::net;

void check(bool holds) {
  if (!holds) std::abort();
}

struct Outcome {
  int refused = 0;
  bool done = false;
  std::size_t used = 0;
  Request request;
  Framing framing;
};

Outcome parse(BytesView bytes, std::size_t step) {
  HeadLimits limits;
  limits.bytes = 2048;
  limits.fields = 20;
  HeadParser parser(limits);
  Outcome outcome;
  std::size_t given = 0;
  while (!parser.done()) {
    given = std::min(bytes.size(), given + step);
    const auto used = parser.feed(bytes.subspan(outcome.used, given - outcome.used));
    if (!used) {
      outcome.refused = used.error().status;
      return outcome;
    }
    outcome.used += *used;
    check(outcome.used <= given);
    if (given == bytes.size() && !parser.done()) return outcome;
  }
  outcome.done = true;
  outcome.request = parser.take_request();
  outcome.framing = parser.framing();
  return outcome;
}

void head(BytesView bytes, std::size_t step) {
  const Outcome whole = parse(bytes, bytes.size() + 1);
  const Outcome cut = parse(bytes, step);
  check(whole.done == cut.done);
  if (!whole.done) return;
  check(whole.used == cut.used && whole.request.target == cut.request.target);
  check(whole.request.headers.size() == cut.request.headers.size());
  check(whole.used <= 2048 + 2 && whole.request.headers.size() <= 20);
  check(whole.request.target.starts_with('/') || whole.request.target == "*");
  check(whole.request.headers.all("Content-Length").size() + whole.request.headers.all("Transfer-Encoding").size() <=
        1);
  for (const Header& field : whole.request.headers)
    check((field.name + field.value).find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
  percent_decode(whole.request.query(), true);
}

void chunks(BytesView bytes, std::size_t step) {
  ChunkDecoder decoder;
  Bytes out;
  std::size_t used = 0;
  while (used < bytes.size() && !decoder.done() && !decoder.failed()) {
    const std::size_t before = out.size();
    used += decoder.feed(bytes.subspan(used, std::min(step, bytes.size() - used)), out, step);
    check(out.size() - before <= step);
  }
  check(used <= bytes.size() && out.size() <= bytes.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t step = data[0] + 1u;
  const BytesView rest(data + 2, size - 2);
  if (data[1] % 2 == 0)
    head(rest, step);
  else
    chunks(rest, step);
  return 0;
}
