#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "domain/http_events/response.hpp"

/// What a function answers to a request: no answer may break the HTTP around it, and the head of a stream must be the
/// same in whatever pieces it comes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace likeness::http_events;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto check = [](const Response& answer) {
    if (answer.status < 200 || answer.status > 599) std::abort();
    for (const auto& field : answer.headers)
      if (field.name.empty() || (field.name + field.value).find_first_of("\r\n", 0) != std::string::npos) std::abort();
  };
  const auto whole = response_v2(text);
  if (whole) check(*whole);

  const std::size_t step = size == 0 ? 1 : data[0] % 16 + 1;
  HeadReader reader;
  for (std::size_t at = 0; at < size; at += step) {
    auto fed = reader.feed(text.substr(at, step));
    if (!fed) return 0;
    if (!*fed) continue;
    check(**fed);
    const std::string body = (*fed)->body + std::string(text.substr(std::min(at + step, size)));
    if (!whole || whole->status != (*fed)->status || whole->headers != (*fed)->headers || whole->body != body)
      std::abort();
    return 0;
  }
  if (auto end = reader.end()) check(*end);
  return 0;
}
