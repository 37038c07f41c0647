// What a worker sends us: its log, its log frames, the trailers and the paths of its requests. The first byte chooses
// how the rest is cut into pieces.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "functions/log_text.hpp"
#include "functions/peer.hpp"
#include "functions/worker.hpp"
#include "net/chunked.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace likeness::functions;  // NOLINT(google-build-using-namespace)
  if (size < 1) return 0;
  const std::size_t piece = data[0] % 31 + 1;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  constexpr std::size_t kMost = 64;
  LineSplitter splitter(kMost);
  FrameReader frames(kMost);
  likeness::net::ChunkDecoder chunks(1024);
  std::vector<std::string> lines;
  std::vector<LogLine> records;
  likeness::Bytes body;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    const std::string_view part = bytes.substr(at, piece);
    splitter.feed(part, lines);
    frames.feed(part, records);
    chunks.feed(likeness::as_bytes(part), body, 4096);
  }
  splitter.flush(lines);
  for (const auto& line : lines)
    if (line.size() > kMost) std::abort();
  for (const auto& record : records)
    if (record.text.size() > kMost) std::abort();
  if (chunks.trailers().size() > 2048) std::abort();
  const std::string text(bytes);
  trailer(text, "Lambda-Runtime-Function-Error-Type");
  if (const auto id = invocation_in(bytes, "response"); id && id->find('/') != std::string::npos) std::abort();
  error_type_in(bytes);
  user_in_table(text, "0100007F:D431", "05C8537F:9C40");
  own_cgroup(text);
  return 0;
}
