// Filter patterns of CloudWatch Logs: any text is a pattern (the first line) and a message (the rest). Parsing,
// matching and taking values out must end, and say the same each time.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "domain/logs/filter_pattern.hpp"

namespace logs = likeness::logs;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 8192) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto end = text.find('\n');
  const auto message = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  const auto pattern = logs::FilterPattern::parse(text.substr(0, end));
  if (!pattern) return 0;
  const bool matches = pattern->matches(message);
  const auto values = pattern->extract(message);
  for (const auto& [selector, value] : values) {
    const auto one = pattern->value(message, selector);
    // A selector without a value of its own ("$.a" of null) may show in one and not in the other.
    if (one && one->size() > size * 8 + 64) std::abort();
  }
  if (pattern->matches(message) != matches) std::abort();
  return 0;
}
