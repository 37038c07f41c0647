#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "events/matcher.hpp"
#include "events/pattern.hpp"

/// A pattern and an event, with a zero byte between them: parsing may refuse, both ways of matching must agree.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace likeness::events;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t zero = text.find('\0');
  const std::string_view event = zero == std::string_view::npos ? text : text.substr(zero + 1);
  const auto pattern = Pattern::parse(text.substr(0, zero));
  if (!pattern) return 0;
  const bool alone = pattern->matches(event);
  if (Matcher({std::make_shared<const Pattern>(*pattern)}).any(event) != alone) std::abort();
  return 0;
}
